/** Masks without WebGL2: fills only, at limited resolution. A preview; what is saved is still made from the logits. */
import type { Box, Size } from "../core/geometry";
import { decode } from "../core/rle";
import { upsample, upsampling } from "../core/upsample";
import type { Viewport } from "../core/viewport";
import { type Colour, type Draft, FILL, fillOf, type MaskPainter, type Screen, type ShownMask } from "./layers";

/** Longest side of a preview of a draft. */
const LONGEST = 512;

interface Stamp {
  readonly runs: ShownMask["runs"];
  readonly key: string;
  readonly canvas: OffscreenCanvas;
}

export class PlainMasks implements MaskPainter {
  readonly kind = "plain";
  private readonly context: CanvasRenderingContext2D | null;
  private size: Size = [1, 1];
  private masks: readonly ShownMask[] = [];
  private draft: OffscreenCanvas | null = null;
  private readonly stamps = new Map<string, Stamp>();

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d");
  }

  setPicture(size: Size): void {
    this.size = size;
    this.masks = [];
    this.draft = null;
    this.stamps.clear();
  }

  setMasks(masks: readonly ShownMask[]): void {
    this.masks = masks;
    const wanted = new Set(masks.map((mask) => mask.id));
    for (const id of this.stamps.keys()) if (!wanted.has(id)) this.stamps.delete(id);
  }

  setDraft(draft: Draft | null): void {
    this.draft = draft && stampDraft(draft);
  }

  draw(view: Viewport, { ratio }: Screen): void {
    const { context, canvas } = this;
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(view.scale * ratio, 0, 0, view.scale * ratio, view.left * ratio, view.top * ratio);
    for (const mask of this.masks) {
      const [x, y] = mask.box;
      context.drawImage(this.stamp(mask).canvas, x, y);
    }
    const [height, width] = this.size;
    if (this.draft) context.drawImage(this.draft, 0, 0, width, height);
  }

  dispose(): void {
    this.stamps.clear();
  }

  private stamp(mask: ShownMask): Stamp {
    const fill = mask.selected ? FILL.pointed : fillOf(mask);
    const key = [...mask.colour, fill].join(" ");
    const kept = this.stamps.get(mask.id);
    if (kept?.runs === mask.runs && kept.key === key) return kept;
    const box: Box = [mask.box[0], mask.box[1], Math.max(1, mask.box[2]), Math.max(1, mask.box[3])];
    const pixels = decode(mask.runs, this.size, box);
    const made = { runs: mask.runs, key, canvas: tint(pixels, box[2], box[3], mask.colour, fill) };
    this.stamps.set(mask.id, made);
    return made;
  }
}

function stampDraft({ logits, plan, frame, colour, preview }: Draft): OffscreenCanvas {
  const pixels = thumbnailMask(logits, plan.size, { side: frame, logits: plan.cells }, LONGEST);
  return tint(pixels.values, pixels.width, pixels.height, colour, preview ? FILL.preview : FILL.draft);
}

/** A mask of the whole picture at most `longest` pixels long, row-major, 255 where set. */
export function thumbnailMask(
  logits: Float32Array,
  [height, width]: Size,
  frame: { side: number; logits: number },
  longest: number,
): { values: Uint8Array; width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(height, width));
  const small: Size = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
  const values = Uint8Array.from(upsample(logits, upsampling(small, frame)), (logit) => (logit > 0 ? 255 : 0));
  return { values, width: small[1], height: small[0] };
}

/** A canvas with one colour where the pixels are set. */
export function tint(
  pixels: Uint8Array,
  width: number,
  height: number,
  colour: Colour,
  alpha: number,
): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  const pixel = [...colour, alpha].map((part) => Math.round(part * 255));
  for (let index = 0; index < pixels.length; index += 1) {
    if (pixels[index]) image.data.set(pixel, index * 4);
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}
