/** The keyboard of the editor page: which press is a command now, and what it does. */
import { isTyping } from "../../ui/keys";
import type { Editor } from "./editor";
import { type Command, commandOf } from "./shortcuts";

/** Handlers of the page that are not the editor's own. */
export interface Page {
  /** Space is held: the pointer moves the picture. */
  readonly hand: { value: boolean };
  /** Puts the cursor into the category search. */
  find(): void;
}

export function listenToKeys(editor: Editor, page: Page): () => void {
  const down = (event: KeyboardEvent) => {
    if (isTyping(event)) return;
    if (event.key === " " && !onControl(event)) {
      page.hand.value = true;
      event.preventDefault();
      return;
    }
    if (event.target instanceof HTMLInputElement && event.key.startsWith("Arrow")) return;
    const { key, shiftKey: shift, altKey: alt } = event;
    const command = commandOf({ key, shift, alt, ctrl: event.ctrlKey || event.metaKey });
    if (!command || !applies(command, editor)) return;
    event.preventDefault();
    run(editor, command, page);
  };
  const up = (event: KeyboardEvent) => {
    if (event.key === " ") page.hand.value = false;
  };
  const blur = () => {
    page.hand.value = false;
  };
  window.addEventListener("keydown", down);
  window.addEventListener("keyup", up);
  window.addEventListener("blur", blur);
  return () => {
    window.removeEventListener("keydown", down);
    window.removeEventListener("keyup", up);
    window.removeEventListener("blur", blur);
  };
}

/** A control that the keyboard went to keeps its Space; one that was only clicked does not. */
function onControl({ target }: KeyboardEvent): boolean {
  return (
    target instanceof Element && target.matches("button:focus-visible, a:focus-visible, input, select, [role=option]")
  );
}

/** Tab and Enter are the browser's unless there is something to choose and accept. */
function applies({ kind }: Command, editor: Editor): boolean {
  if (kind === "accept") return editor.unfinished.peek() || editor.review.current.peek() !== null;
  return !(kind === "next-candidate" || kind === "previous-candidate") || editor.hasDraft.peek();
}

/** Zoom of one key press. */
const ZOOM = 1.25;

/** A decision is about the mask as it is, not about clicks or strokes that are not saved yet. */
function decided(editor: Editor, how: () => void): void {
  if (!editor.unfinished.peek()) how();
}

type Runs = { readonly [Kind in Command["kind"]]: (editor: Editor, page: Page) => void };

const RUNS: Omit<Runs, "tool" | "category"> = {
  "no-category": (editor) => editor.categorise(null),
  "find-category": (_, page) => page.find(),
  accept: (editor) => (editor.unfinished.peek() ? void editor.accept() : editor.review.accept()),
  "accept-proposal": (editor) => decided(editor, () => editor.review.accept()),
  "reject-proposal": (editor) => decided(editor, () => editor.review.reject()),
  flag: (editor) => decided(editor, () => editor.review.toggleFlag()),
  "next-proposal": (editor) => editor.stepProposal(1),
  "previous-proposal": (editor) => editor.stepProposal(-1),
  discard: (editor) => editor.discard(),
  undo: (editor) => editor.undo(),
  redo: (editor) => editor.redo(),
  delete: (editor) => editor.remove(editor.editing.selectedId.peek()),
  hide: (editor) => editor.toggleSelected(),
  "next-candidate": (editor) => editor.cycle(1),
  "previous-candidate": (editor) => editor.cycle(-1),
  "complete-next": (editor) => void editor.completeAndNext(),
  skip: (editor) => void editor.skip(),
  "next-image": (editor) => editor.go(1),
  "previous-image": (editor) => editor.go(-1),
  "larger-brush": (editor) => editor.resizeBrush(1),
  "smaller-brush": (editor) => editor.resizeBrush(-1),
  fit: (editor) => editor.sight.fit(),
  "zoom-in": (editor) => editor.sight.zoomBy(ZOOM),
  "zoom-out": (editor) => editor.sight.zoomBy(1 / ZOOM),
};

function run(editor: Editor, command: Command, page: Page): void {
  if (command.kind === "tool") editor.useTool(command.tool);
  else if (command.kind === "category") {
    const category = editor.workspace.categories.peek()[command.position - 1];
    if (category) editor.categorise(category.id);
  } else RUNS[command.kind](editor, page);
}
