/** Short messages at the foot of the page; the place where an act can be undone. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { detailOf } from "../data/http";
import { Button, IconButton } from "./button";
import { Icon } from "./icon";

export interface ToastOptions {
  kind?: "plain" | "positive" | "negative";
  action?: { label: string; run: () => void };
  seconds?: number;
}

interface Toast extends ToastOptions {
  key: number;
  text: string;
}

const shown = signal<readonly Toast[]>([]);
let lastKey = 0;

/** Shows a message for a few seconds, longer if it offers something to do. */
export function toast(text: string, options: ToastOptions = {}): void {
  const key = ++lastKey;
  shown.value = [...shown.value.slice(-2), { key, text, ...options }];
  const seconds = options.seconds ?? (options.action || options.kind === "negative" ? 8 : 4);
  setTimeout(() => dismiss(key), seconds * 1000);
}

/** Says why something that was asked for did not happen. */
export function toastFailure(cause: unknown): void {
  toast(detailOf(cause), { kind: "negative" });
}

function dismiss(key: number): void {
  shown.value = shown.value.filter((entry) => entry.key !== key);
}

/** Those who can draw the messages, the newest last: the page and every open dialog. */
const hosts = signal<readonly number[]>([]);
let lastHost = 0;

/**
 * Drawn once by the page and once by every dialog; only the newest shows the messages,
 * because an open modal dialog makes everything outside itself deaf to clicks.
 */
export function Toasts() {
  const host = useRef(0);
  useEffect(() => {
    const mine = ++lastHost;
    host.current = mine;
    hosts.value = [...hosts.value, mine];
    return () => {
      hosts.value = hosts.value.filter((other) => other !== mine);
    };
  }, []);
  const newest = hosts.value.at(-1);
  const toasts = newest !== undefined && newest === host.current ? shown.value : [];
  return (
    <div class="toasts" role="status">
      {toasts.map(({ key, text, kind = "plain", action }) => (
        <div class={`toast ${kind}`} key={key} data-testid="toast">
          {kind === "negative" && <Icon name="alert" />}
          {kind === "positive" && <Icon name="check" />}
          <span class="text">{text}</span>
          {action && (
            <Button
              small
              onClick={() => {
                dismiss(key);
                action.run();
              }}
            >
              {action.label}
            </Button>
          )}
          <IconButton icon="close" label="Dismiss" small onClick={() => dismiss(key)} />
        </div>
      ))}
    </div>
  );
}
