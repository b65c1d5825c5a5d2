/** The candidates of the draft as thumbnails, with the decoder's own opinion of each. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Box, clamp, type Size } from "../../core/geometry";
import { SINGLE } from "../../core/prompts";
import type { Upsampling } from "../../core/upsample";
import { CANDIDATES, candidateOf, type Decoded } from "../../infer/protocol";
import { draftBox } from "../../render/layers";
import { thumbnailMask, tint } from "../../render/masks2d";
import { Decide } from "./decide";
import type { Editor } from "./editor";
import { FlagWords } from "./flag-words";
import type { Picture } from "./picture";

const SIDE = 160;

export function Candidates({ editor }: { editor: Editor }) {
  const shown = editor.prompting.shown.value;
  const picture = editor.picture.value;
  const ready = editor.hasDraft.value && shown !== null && picture !== null;
  return (
    <section class="editor-section editor-candidates" aria-label="Candidates">
      <h2>Candidates</h2>
      {ready ? (
        <Choices editor={editor} decoded={shown.decoded} chosen={shown.candidate} picture={picture} />
      ) : (
        <p class="quiet-text">Click on something in the image, or draw a box around it.</p>
      )}
      {!editor.hasDraft.value && <FlagWords editor={editor} />}
      {editor.hasDraft.value && <Decide editor={editor} accept="Accept" />}
    </section>
  );
}

interface ChoicesProps {
  editor: Editor;
  decoded: Decoded;
  chosen: number;
  picture: Picture;
}

function Choices({ editor, decoded, chosen, picture }: ChoicesProps) {
  const order = editor.candidates.value;
  const plan = editor.shownDraft.value?.plan;
  const frame = editor.shownDraft.value?.frame ?? 0;
  // Once for each answer, not for each choice between its candidates.
  const view = useMemo(() => plan && viewOf(decoded, plan, picture), [decoded, plan, picture]);
  return (
    <div class="editor-choices" data-count={order.length}>
      {order.map((candidate) => (
        <button
          key={candidate}
          type="button"
          class="editor-choice"
          aria-pressed={candidate === chosen}
          data-testid="candidate"
          data-index={candidate}
          data-selected={candidate === chosen}
          data-version={decoded.maker.versionId}
          data-iou={(decoded.predictedIou[candidate] ?? 0).toFixed(4)}
          title={
            candidate === SINGLE
              ? "The one mask that fits all prompts"
              : "Another reading of the prompt; the largest comes first"
          }
          onClick={() => editor.prompting.pick(candidate)}
        >
          {view && <Thumbnail candidate={candidate} view={view} frame={frame} />}
          <span>
            {candidate === SINGLE && <small>all prompts </small>}
            {percent(decoded.predictedIou[candidate] ?? 0)}
          </span>
        </button>
      ))}
    </div>
  );
}

/** What all thumbnails of one answer share: a square of the picture, and the picture in it. */
interface View {
  readonly decoded: Decoded;
  readonly plan: Upsampling;
  readonly crop: Box;
  readonly backdrop: OffscreenCanvas;
}

function viewOf(decoded: Decoded, plan: Upsampling, { source, size }: Picture): View {
  const crop = cropOf(decoded, plan, size);
  const [x, y, side] = crop;
  const backdrop = new OffscreenCanvas(SIDE, SIDE);
  const context = backdrop.getContext("2d");
  context?.drawImage(source, x, y, side, side, 0, 0, SIDE, SIDE);
  return { decoded, plan, crop, backdrop };
}

/** A square around all candidates, so that they can be compared. */
function cropOf({ logits }: Decoded, plan: Upsampling, [height, width]: Size): Box {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let candidate = 0; candidate < CANDIDATES; candidate += 1) {
    const box = draftBox({ logits: candidateOf(logits, candidate), plan });
    if (!box) continue;
    left = Math.min(left, box[0]);
    top = Math.min(top, box[1]);
    right = Math.max(right, box[0] + box[2]);
    bottom = Math.max(bottom, box[1] + box[3]);
  }
  if (right <= left) [left, top, right, bottom] = [0, 0, width, height];
  const side = Math.max(right - left, bottom - top) * 1.12;
  return [within((left + right - side) / 2, side, width), within((top + bottom - side) / 2, side, height), side, side];
}

/** Moves a stretch into 0..length; one that is longer stays in the middle. */
function within(start: number, side: number, length: number): number {
  return side >= length ? (length - side) / 2 : clamp(start, 0, length - side);
}

function Thumbnail({ candidate, view, frame }: { candidate: number; view: View; frame: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, SIDE, SIDE);
    context.drawImage(view.backdrop, 0, 0);
    context.globalCompositeOperation = "source-atop";
    context.fillStyle = "rgb(0 0 0 / 60%)";
    context.fillRect(0, 0, SIDE, SIDE);
    context.globalCompositeOperation = "source-over";
    context.drawImage(litPart(candidateOf(view.decoded.logits, candidate), view, frame), 0, 0);
  }, [view, frame, candidate]);
  return <canvas ref={canvas} width={SIDE} height={SIDE} />;
}

/** The backdrop where the mask is set; nothing elsewhere. */
function litPart(logits: Float32Array, { plan, crop, backdrop }: View, frame: number): OffscreenCanvas {
  const [height, width] = plan.size;
  const {
    values,
    width: wide,
    height: high,
  } = thumbnailMask(logits, plan.size, { side: frame, logits: plan.cells }, 2 * SIDE);
  const mask = tint(values, wide, high, [0, 0, 0], 1);
  const lit = new OffscreenCanvas(SIDE, SIDE);
  const context = lit.getContext("2d");
  if (!context) return lit;
  const scale = SIDE / crop[2];
  context.drawImage(mask, -crop[0] * scale, -crop[1] * scale, width * scale, height * scale);
  context.globalCompositeOperation = "source-in";
  context.drawImage(backdrop, 0, 0);
  return lit;
}

/** A score as people read it; the decoder's own figure may leave 0..1. */
export function percent(score: number): string {
  return `${Math.round(Math.min(1, Math.max(0, score)) * 100)} %`;
}
