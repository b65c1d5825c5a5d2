/** Masks between logits and run lengths, inside the worker. */
import type { Size } from "../core/geometry";
import { area, bbox, compress, decode, parse } from "../core/rle";
import { encodeLogits, resizedSize, type Upsampling, upsampling } from "../core/upsample";
import type { Encoded, Release } from "./protocol";

/** Logits given to the decoder for a saved mask: sure, but not surer than its own (sam.md, mask_input rules). */
const SURE = 10;

let lastPlan: { key: string; plan: Upsampling } | undefined;

function planFor(size: Size, release: Release): Upsampling {
  const key = [size, release.frame, release.logits].join(" ");
  if (lastPlan?.key !== key) {
    lastPlan = { key, plan: upsampling(size, { side: release.frame, logits: release.logits }) };
  }
  return lastPlan.plan;
}

/** The mask of one candidate at the size of its picture, as it is saved. */
export function encodeCandidate(logits: Float32Array, size: Size, release: Release): Encoded {
  const runs = encodeLogits(logits, planFor(size, release));
  return { size, counts: compress(runs), area: area(runs), box: bbox(runs, size), stability: stability(logits) };
}

/** Pixels above +1 as a share of those above -1. */
function stability(logits: Float32Array): number {
  let [sure, possible] = [0, 0];
  for (const logit of logits) {
    if (logit > 1) sure += 1;
    if (logit > -1) possible += 1;
  }
  return possible === 0 ? 0 : sure / possible;
}

/** A saved mask as the decoder's mask input: shrunk into the frame by area, cut at one half, then plus or minus SURE. */
export function maskInput(counts: string, size: Size, release: Release): Float32Array<ArrayBuffer> {
  const [height, width] = size;
  const pixels = decode(parse(counts, size), size, [0, 0, width, height]);
  const side = release.logits;
  const [rows, columns] = resizedSize(size, side);
  const logits = new Float32Array(side * side).fill(-SURE);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [top, bottom] = cell(row, rows, height);
      const [left, right] = cell(column, columns, width);
      let covered = 0;
      for (let y = top; y < bottom; y += 1)
        for (let x = left; x < right; x += 1) covered += pixels[y * width + x] as number;
      if (covered * 2 > 255 * (bottom - top) * (right - left)) logits[row * side + column] = SURE;
    }
  }
  return logits;
}

/** The whole picture pixels under one cell; at least one. */
function cell(index: number, cells: number, length: number): [from: number, to: number] {
  const from = Math.min(Math.floor((index * length) / cells), length - 1);
  return [from, Math.max(from + 1, Math.floor(((index + 1) * length) / cells))];
}
