/** Keys of the editor: one table for what they do and for the help overlay. */
import type { ToolName } from "../../tools/tool";
import type { ShortcutGroup } from "../../ui/help";

export type Command =
  | { readonly kind: "tool"; readonly tool: ToolName }
  | { readonly kind: "category"; readonly position: number }
  | {
      readonly kind:
        | "accept"
        | "discard"
        | "undo"
        | "redo"
        | "delete"
        | "next-candidate"
        | "previous-candidate"
        | "complete-next"
        | "skip"
        | "next-image"
        | "previous-image"
        | "fit"
        | "zoom-in"
        | "zoom-out"
        | "no-category"
        | "find-category"
        | "hide"
        | "accept-proposal"
        | "reject-proposal"
        | "flag"
        | "next-proposal"
        | "previous-proposal"
        | "larger-brush"
        | "smaller-brush";
    };

export interface KeyPress {
  readonly key: string;
  readonly ctrl: boolean;
  readonly shift: boolean;
  readonly alt: boolean;
}

const PLAIN: Readonly<Record<string, Command>> = {
  v: { kind: "tool", tool: "select" },
  c: { kind: "tool", tool: "click" },
  r: { kind: "tool", tool: "box" },
  b: { kind: "tool", tool: "brush" },
  e: { kind: "tool", tool: "eraser" },
  "[": { kind: "smaller-brush" },
  "]": { kind: "larger-brush" },
  enter: { kind: "accept" },
  escape: { kind: "discard" },
  delete: { kind: "delete" },
  backspace: { kind: "delete" },
  tab: { kind: "next-candidate" },
  arrowright: { kind: "next-image" },
  arrowleft: { kind: "previous-image" },
  pagedown: { kind: "next-image" },
  pageup: { kind: "previous-image" },
  f: { kind: "fit" },
  "+": { kind: "zoom-in" },
  "=": { kind: "zoom-in" },
  "-": { kind: "zoom-out" },
  "0": { kind: "no-category" },
  "/": { kind: "find-category" },
  h: { kind: "hide" },
  a: { kind: "accept-proposal" },
  x: { kind: "reject-proposal" },
  g: { kind: "flag" },
  n: { kind: "next-proposal" },
  s: { kind: "skip" },
};

const WITH_CTRL: Readonly<Record<string, Command>> = {
  z: { kind: "undo" },
  y: { kind: "redo" },
  enter: { kind: "complete-next" },
};

/** What a key press means; null when it is none of ours. Cmd counts as Ctrl. */
export function commandOf({ key, ctrl, shift, alt }: KeyPress): Command | null {
  const name = key.toLowerCase();
  if (alt) return null;
  if (ctrl) return shift && name === "z" ? { kind: "redo" } : shift ? null : (WITH_CTRL[name] ?? null);
  if (shift && name === "tab") return { kind: "previous-candidate" };
  if (shift && name === "n") return { kind: "previous-proposal" };
  if (/^[1-9]$/.test(name)) return { kind: "category", position: Number(name) };
  return PLAIN[name] ?? null;
}

export const HELP: readonly ShortcutGroup[] = [
  {
    title: "Prompts",
    keys: [
      [["left click"], "Add what is under the pointer"],
      [["right click"], "Take it away (or Shift and click)"],
      [["drag"], "Draw a box around it"],
      [["Tab"], "Next candidate (Shift + Tab: the one before)"],
      [["Enter"], "Accept the mask"],
      [["Esc"], "Discard it"],
    ],
  },
  {
    title: "Masks",
    keys: [
      [["V"], "Select; then click to refine"],
      [["1 – 9"], "Category"],
      [["0"], "No category"],
      [["/"], "Find a category"],
      [["Delete"], "Delete the selected mask"],
      [["H"], "Hide or show the selected mask"],
      [["Ctrl", "Z"], "Undo: clicks and strokes, then masks"],
      [["Ctrl", "Shift", "Z"], "Redo"],
    ],
  },
  {
    title: "Proposals",
    keys: [
      [["N"], "Next proposal (Shift + N: the one before)"],
      [["A"], "Accept it, go to the next (or Enter)"],
      [["X"], "Reject it, go to the next"],
      [["G"], "Flag the selected mask: something is wrong with it"],
    ],
  },
  {
    title: "Images",
    keys: [
      [["Ctrl", "Enter"], "Image complete, open the next"],
      [["S"], "Skip: leave the image to others, open the next"],
      [["→"], "Next image (or Page Down)"],
      [["←"], "Previous image (or Page Up)"],
    ],
  },
  {
    title: "Tools and view",
    keys: [
      [["C"], "Click"],
      [["R"], "Box"],
      [["B"], "Brush: paint on the selected mask, or a new one"],
      [["E"], "Eraser (the right button swaps the two)"],
      [["["], "Smaller brush"],
      [["]"], "Larger brush"],
      [["V"], "Select"],
      [["wheel"], "Zoom to the pointer"],
      [["Space", "drag"], "Move the image (or the middle button)"],
      [["F"], "Fit the image (or double-click)"],
    ],
  },
];
