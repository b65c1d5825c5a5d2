/** The page's one outbox, wired to the browser: other tabs, sign-in, connection, and pages that are going away. */
import { effect } from "@preact/signals";
import { reachable, signedIn } from "../http";
import { deliver } from "./delivery";
import { Outbox } from "./outbox";
import { EntryStore } from "./store";

export type { Reply } from "./delivery";
export { annotationOf, type Entry, type Operation } from "./entry";
export { NotSaved, type SaveStatus } from "./outbox";

const NAME = "maskmill-outbox";
const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(NAME);

export const outbox = new Outbox({
  store: new EntryStore(NAME),
  deliver: (entry) => deliver(entry, globalThis.document?.visibilityState === "hidden"),
  // Web Locks exist only on https and loopback; elsewhere two tabs may send the same edit, which the server answers alike.
  alone: async (work) => (navigator.locks ? navigator.locks.request(NAME, work) : work()),
  tell: () => channel?.postMessage("changed"),
});

/** Connects the outbox to the browser's life; called once by the page. */
export function watchOutbox(): void {
  channel?.addEventListener("message", () => void outbox.reload());
  effect(() => {
    if (reachable.value && signedIn.value) void outbox.flush();
  });
  document.addEventListener("visibilitychange", () => void outbox.flush());
  window.addEventListener("pagehide", () => void outbox.flush());
  // Asks the browser not to clear this storage under pressure; without the right to it, the server stays the safe place.
  void navigator.storage?.persist?.();
}
