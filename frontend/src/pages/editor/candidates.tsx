/** The candidates of the draft as thumbnails, with the decoder's own opinion of each. */
import { useEffect, useRef } from "preact/hooks";
import { type Box, clamp, type Size } from "../../core/geometry";
import { SINGLE } from "../../core/prompts";
import { upsample, upsampling } from "../../core/upsample";
import { candidateOf, type Decoded } from "../../infer/protocol";
import { draftBox } from "../../render/layers";
import { Button } from "../../ui/button";
import type { Editor, Picture } from "./editor";

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
      {editor.hasDraft.value && (
        <div class="editor-decide">
          <Button
            kind="primary"
            small
            icon="check"
            testId="accept-mask"
            onClick={() => void editor.accept()}
            title="Enter"
          >
            Accept
          </Button>
          <Button kind="quiet" small icon="close" testId="discard-mask" onClick={() => editor.discard()} title="Esc">
            Discard
          </Button>
        </div>
      )}
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
  const crop = cropOf(editor, decoded, order, picture.size);
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
          data-iou={(decoded.predictedIou[candidate] ?? 0).toFixed(4)}
          title={
            candidate === SINGLE
              ? "The one mask that fits all prompts"
              : "Another reading of the prompt; the largest comes first"
          }
          onClick={() => editor.prompting.pick(candidate)}
        >
          <Thumbnail editor={editor} decoded={decoded} candidate={candidate} picture={picture} crop={crop} />
          <span>
            {candidate === SINGLE && <small>all prompts </small>}
            {percent(decoded.predictedIou[candidate] ?? 0)}
          </span>
        </button>
      ))}
    </div>
  );
}

/** A square around all candidates, so that their thumbnails can be compared. */
function cropOf(editor: Editor, decoded: Decoded, order: readonly number[], [height, width]: Size): Box {
  const plan = editor.shownDraft.value?.plan;
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (const candidate of plan ? order : []) {
    const box = plan && draftBox({ logits: candidateOf(decoded.logits, candidate), plan });
    if (!box) continue;
    left = Math.min(left, box[0]);
    top = Math.min(top, box[1]);
    right = Math.max(right, box[0] + box[2]);
    bottom = Math.max(bottom, box[1] + box[3]);
  }
  if (right <= left) return [0, 0, width, height];
  const side = Math.max(right - left, bottom - top) * 1.12;
  return [within((left + right - side) / 2, side, width), within((top + bottom - side) / 2, side, height), side, side];
}

/** Moves a stretch into 0..length; one that is longer stays in the middle. */
function within(start: number, side: number, length: number): number {
  return side >= length ? (length - side) / 2 : clamp(start, 0, length - side);
}

interface ThumbnailProps {
  editor: Editor;
  decoded: Decoded;
  candidate: number;
  picture: Picture;
  crop: Box;
}

function Thumbnail({ editor, decoded, candidate, picture, crop }: ThumbnailProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const draft = editor.shownDraft.value;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !draft) return;
    const [x, y, side] = crop;
    const scale = SIDE / side;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
    const [height, width] = picture.size;
    context.drawImage(picture.source, 0, 0, width, height);
    context.fillStyle = "rgb(0 0 0 / 60%)";
    context.fillRect(0, 0, width, height);
    const cut = cutOut(candidateOf(decoded.logits, candidate), picture, draft.frame, draft.plan.cells);
    context.drawImage(cut, 0, 0, width, height);
  }, [decoded, candidate, picture, crop, draft]);
  return <canvas ref={canvas} width={SIDE} height={SIDE} />;
}

/** The picture where the mask is set, small; nothing elsewhere. */
function cutOut(logits: Float32Array, { source, size }: Picture, side: number, cells: number): OffscreenCanvas {
  const scale = Math.min(1, (2 * SIDE) / Math.max(...size));
  const small: Size = [Math.max(1, Math.round(size[0] * scale)), Math.max(1, Math.round(size[1] * scale))];
  const canvas = new OffscreenCanvas(small[1], small[0]);
  const context = canvas.getContext("2d");
  const mask = new ImageData(small[1], small[0]);
  upsample(logits, upsampling(small, { side, logits: cells })).forEach((logit, index) => {
    if (logit > 0) mask.data[index * 4 + 3] = 255;
  });
  context?.putImageData(mask, 0, 0);
  if (context) context.globalCompositeOperation = "source-in";
  context?.drawImage(source, 0, 0, small[1], small[0]);
  return canvas;
}

/** A score as people read it; the decoder's own figure may leave 0..1. */
export function percent(score: number): string {
  return `${Math.round(Math.min(1, Math.max(0, score)) * 100)} %`;
}
