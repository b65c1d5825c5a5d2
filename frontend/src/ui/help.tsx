/** The overlay that lists the keys of the page that shows. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Dialog } from "./dialog";
import { useKeys } from "./keys";

export interface ShortcutGroup {
  title: string;
  /** Several keys are pressed together: ["Ctrl", "Z"]. */
  keys: readonly (readonly [keys: readonly string[], text: string])[];
}

const open = signal(false);
const groups = signal<readonly ShortcutGroup[]>([]);

export function openHelp(): void {
  open.value = true;
}

/** Tells the overlay what the page that shows understands. */
export function useShortcutHelp(shown: readonly ShortcutGroup[]): void {
  useEffect(() => {
    groups.value = shown;
    return () => {
      groups.value = [];
    };
  }, [shown]);
}

const EVERYWHERE: ShortcutGroup = {
  title: "Everywhere",
  keys: [
    [["?"], "This list"],
    [["Esc"], "Close, discard"],
  ],
};

/** Drawn once by the page. */
export function HelpOverlay() {
  useKeys({ "?": openHelp });
  if (!open.value) return null;
  return (
    <Dialog title="Keys" wide onClose={() => (open.value = false)} testId="help">
      <div class="shortcuts">
        {[...groups.value, EVERYWHERE].map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([chord, text]) => (
                <div key={text}>
                  <dt>{text}</dt>
                  <dd>
                    {chord.map((key, index) => (
                      <>
                        {index > 0 && " + "}
                        <kbd>{key}</kbd>
                      </>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
