/** Between the brush and the editor: which mask a stroke goes to, and when strokes become an annotation. */
import type { Act } from "../../tools/tool";
import { toast } from "../../ui/toasts";
import type { Editor } from "./editor";

/** A stroke goes to the selected mask; an eraser without one takes the mask under it, a brush begins a new one. */
export function paint(editor: Editor, { from, to, value, begins }: Act & { kind: "paint" }): void {
  const { painting } = editor;
  if (begins) {
    const base = editor.editing.selected.peek() ?? (value ? null : editor.maskAt(from));
    const something = value || base !== null || painting.mask.peek() !== null;
    if (!something || editor.hasDraft.peek() || !editor.picture.peek()) return;
    painting.begin(base, editor.sight.size);
  }
  painting.stroke(from, to, value);
}

/** Saves the painted mask, if there is one; false, after saying why, when it cannot be. */
export function savePainting(editor: Editor, keepSelected = false): boolean {
  try {
    const finished = editor.painting.finish();
    if (!finished) return true;
    const { brushEdits, base, ...geometry } = finished;
    const made = { prompts: [], chosenCandidate: null, predictedIou: null, source: "brush" } as const;
    // The pixels that stayed are still that model's.
    editor.save({ ...geometry, ...made, base, modelVersionId: base?.modelVersionId ?? null }, { brushEdits });
    if (keepSelected) editor.editing.selectedId.value = geometry.id;
    return true;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    toast(`The painted mask could not be saved: ${words}.`, { kind: "negative" });
    return false;
  }
}

/** Forgets the strokes, with a way back; false when there are none. */
export function discardPainting(editor: Editor): boolean {
  const painted = editor.painting.discard();
  if (!painted) return false;
  const imageId = editor.image.peek()?.id;
  const back = () => {
    if (editor.image.peek()?.id === imageId && !editor.unfinished.peek()) editor.painting.resume(painted);
  };
  toast("Strokes discarded", { action: { label: "Undo", run: back } });
  return true;
}
