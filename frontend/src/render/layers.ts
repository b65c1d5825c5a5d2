/** What the mask layer is told to show; how it does so is the business of its two painters. */
import type { Box, Size } from "../core/geometry";
import type { Runs } from "../core/rle";
import type { Upsampling } from "../core/upsample";
import type { Viewport } from "../core/viewport";

/** Red, green, blue, 0 to 1. */
export type Colour = readonly [red: number, green: number, blue: number];

/** A saved mask. The same `runs` object means the same geometry. */
export interface ShownMask {
  readonly id: string;
  readonly runs: Runs;
  readonly box: Box;
  readonly colour: Colour;
  readonly proposed: boolean;
  readonly selected: boolean;
  /** Under the pointer, in the picture or in the list. */
  readonly pointed: boolean;
}

/** A mask that is not saved yet: low-resolution logits of one candidate. */
export interface Draft {
  readonly logits: Float32Array;
  readonly plan: Upsampling;
  /** Side of the frame that the logits cover. */
  readonly frame: number;
  readonly colour: Colour;
  /** A preview under the pointer is fainter than a mask that was asked for. */
  readonly preview: boolean;
}

/** Canvas size in CSS pixels and how many device pixels make one. */
export interface Screen {
  readonly size: Size;
  readonly ratio: number;
}

export interface MaskPainter {
  /** "webgl" paints exactly what is saved; "plain" is a preview at limited resolution. */
  readonly kind: "webgl" | "plain";
  setPicture(size: Size): void;
  setMasks(masks: readonly ShownMask[]): void;
  setDraft(draft: Draft | null): void;
  /** `march` in turns moves the selected contour; null keeps it still. */
  draw(view: Viewport, screen: Screen, march: number | null): void;
  dispose(): void;
}

export const FILL = { accepted: 0.35, proposed: 0.2, pointed: 0.5, preview: 0.28, draft: 0.42 } as const;

export function fillOf(mask: ShownMask): number {
  if (mask.pointed) return FILL.pointed;
  return mask.proposed && !mask.selected ? FILL.proposed : FILL.accepted;
}

/** Picture box that surely holds every pixel of a draft, from the cells above zero; null when there are none. */
export function draftBox({ logits, plan }: Pick<Draft, "logits" | "plan">): Box | null {
  const { cells, size } = plan;
  let [left, top, right, bottom] = [cells, cells, -1, -1];
  for (let index = 0; index < cells * cells; index += 1) {
    if (!((logits[index] as number) > 0)) continue;
    const [x, y] = [index % cells, Math.floor(index / cells)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  if (right < 0) return null;
  const perCell = Math.max(size[0], size[1]) / cells;
  const from = (cell: number) => Math.max(0, Math.floor((cell - 2) * perCell));
  const to = (cell: number, length: number) => Math.min(length, Math.ceil((cell + 3) * perCell));
  return [from(left), from(top), to(right, size[1]) - from(left), to(bottom, size[0]) - from(top)];
}
