/** What the canvas and the panel show of the editor's state. Reads signals, so computed values follow by themselves. */
import type { Size } from "../../core/geometry";
import { promptCount, READINGS, SINGLE } from "../../core/prompts";
import { bbox } from "../../core/rle";
import { type Upsampling, upsampling } from "../../core/upsample";
import { candidateOf } from "../../infer/protocol";
import type { Colour, Draft, ShownMask } from "../../render/layers";
import { categoryColour, ownColour } from "./colours";
import type { Editor } from "./editor";
import type { PaintedMask } from "./painting";

/** All visible masks, large ones first, so that parts lie over the wholes that they belong to. */
export function masksToShow(editor: Editor): ShownMask[] {
  const { hidden, selectedId, pointedId } = editor.editing;
  const painted = editor.painting.mask.value;
  const replaced = [editor.prompting.replacedId.value, painted?.base?.id];
  const shown: ShownMask[] = [];
  for (const record of editor.review.listed.value) {
    if (hidden.value.has(record.id) || replaced.includes(record.id)) continue;
    shown.push({
      id: record.id,
      runs: record.runs,
      box: record.box,
      colour: colourOf(editor, record),
      proposed: record.state === "proposed",
      selected: selectedId.value === record.id,
      pointed: pointedId.value === record.id,
    });
  }
  if (painted) shown.push(paintedToShow(editor, painted));
  return shown.sort((one, other) => other.box[2] * other.box[3] - one.box[2] * one.box[3]);
}

function paintedToShow(editor: Editor, { id, base, runs, size }: PaintedMask): ShownMask {
  const colour = colourOf(editor, base ?? { id, categoryId: editor.categoryId.value });
  return { id, runs, box: bbox(runs, size), colour, proposed: false, selected: true, pointed: false };
}

/** The mask being made, or the preview under the pointer. */
export function draftToShow(editor: Editor): Draft | null {
  const { prompting, workspace } = editor;
  const draft = prompting.draft.value;
  const asked = prompting.shown.value;
  const shown = asked ?? prompting.preview.value;
  const size = editor.picture.value?.size;
  const version = workspace.version.value;
  if (!shown || !size || !version) return null;
  const categoryId = draft?.base ? draft.base.categoryId : editor.categoryId.value;
  return {
    logits: candidateOf(shown.decoded.logits, shown.candidate),
    plan: planFor(size, version.manifest),
    frame: version.manifest.frame,
    colour: colourOf(editor, { id: draft?.base?.id ?? draft?.id ?? prompting.nextId.value, categoryId }),
    preview: asked === null,
  };
}

/** The three readings, the largest first; before them the single mask when more than one prompt speaks for it. */
export function candidatesToShow(editor: Editor): number[] {
  const draft = editor.prompting.draft.value;
  const shown = editor.prompting.shown.value;
  if (!draft || !shown) return [];
  const sizes = READINGS.map((reading) => [reading, sizeOf(candidateOf(shown.decoded.logits, reading))] as const);
  const readings = sizes.sort(([, one], [, other]) => other - one).map(([reading]) => reading);
  const many = shown.candidate === SINGLE || promptCount(draft.steps.at(-1)?.prompts ?? []) > 1;
  return many ? [SINGLE, ...readings] : readings;
}

function sizeOf(logits: Float32Array): number {
  let size = 0;
  for (const logit of logits) if (logit > 0) size += 1;
  return size;
}

function colourOf({ workspace }: Editor, record: { id: string; categoryId: string | null }): Colour {
  const category = workspace.categoryOf(record.categoryId);
  return category ? categoryColour(category) : ownColour(record.id);
}

let last: { key: string; plan: Upsampling } | null = null;

/** The taps of one picture are made once: the painter uploads them again only when they are others. */
function planFor(size: Size, { frame, logits }: { frame: number; logits: number }): Upsampling {
  const key = [...size, frame, logits].join(" ");
  if (last?.key !== key) last = { key, plan: upsampling(size, { side: frame, logits }) };
  return last.plan;
}
