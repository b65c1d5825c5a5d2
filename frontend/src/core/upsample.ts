/**
 * From low-resolution logits to picture pixels: the reference's two bilinear steps (L -> frame S -> crop -> picture),
 * composed into one separable pass with four taps an axis. Same numbers as segmenter/transforms.py
 * (tests/golden/upsampling.json): columns first, then rows, taps added in order, every step rounded to float32.
 */
import type { Size } from "./geometry";
import { type Runs, RunWriter } from "./rle";

/** Where the low-resolution logits live: an L x L grid over a square frame of side S. */
export interface Frame {
  readonly side: number;
  readonly logits: number;
}

/** Four source cells and weights for each output position, flattened: position * 4 + tap. */
export interface Taps {
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** Size of the picture inside the frame: long side = frame, rounded half up, at least one pixel. */
export function resizedSize([height, width]: Size, frame: number): Size {
  const scale = frame / Math.max(height, width);
  const side = (length: number) => Math.max(1, Math.floor(length * scale + 0.5));
  return [side(height), side(width)];
}

/** Taps of one axis: `cells` logits over `frame` pixels, of which the first `cropped` are stretched to `out`. */
export function axisTaps(cells: number, frame: number, cropped: number, out: number): Taps {
  const { fround } = Math;
  const index = new Int32Array(out * 4);
  const weight = new Float32Array(out * 4);
  for (let position = 0; position < out; position += 1) {
    const [near, far, m] = neighbours(position, cropped, out);
    const [a0, a1, p] = neighbours(near, cells, frame);
    const [b0, b1, q] = neighbours(far, cells, frame);
    const rest = fround(1 - m);
    index.set([a0, a1, b0, b1], position * 4);
    weight.set([rest * fround(1 - p), rest * p, m * fround(1 - q), m * q], position * 4);
  }
  return { index, weight };
}

/**
 * The two inputs of an output position (half-pixel centres, clamped at the edge) and the weight of the second. Rounded to
 * float32 where torch rounds: once the ratio, once the fused `ratio * (i + 0.5) - 0.5`.
 */
function neighbours(position: number, inputs: number, outputs: number): [near: number, far: number, part: number] {
  const { fround, max, min } = Math;
  const source = max(fround(fround(inputs / outputs) * (position + 0.5) - 0.5), 0);
  const near = min(Math.floor(source), inputs - 1);
  return [near, min(near + 1, inputs - 1), min(fround(source - near), 1)];
}

/** Everything needed to bring logits of one picture to its pixels. */
export interface Upsampling {
  readonly size: Size;
  readonly cells: number;
  readonly rows: Taps;
  readonly columns: Taps;
}

export function upsampling(size: Size, frame: Frame): Upsampling {
  const [height, width] = resizedSize(size, frame.side);
  return {
    size,
    cells: frame.logits,
    rows: axisTaps(frame.logits, frame.side, height, size[0]),
    columns: axisTaps(frame.logits, frame.side, width, size[1]),
  };
}

/** First half of the pass: every logit row stretched to the picture's width. Stored column by column (x * cells + row). */
export function stretchColumns(logits: Float32Array, { size, cells, columns }: Upsampling): Float32Array<ArrayBuffer> {
  const width = size[1];
  const out = new Float32Array(width * cells);
  const { index, weight } = columns;
  for (let x = 0; x < width; x += 1) {
    const [i0, i1, i2, i3] = [index[x * 4], index[x * 4 + 1], index[x * 4 + 2], index[x * 4 + 3]] as Four;
    const [w0, w1, w2, w3] = [weight[x * 4], weight[x * 4 + 1], weight[x * 4 + 2], weight[x * 4 + 3]] as Four;
    for (let row = 0; row < cells; row += 1) {
      const at = row * cells;
      out[x * cells + row] = sum4(
        w0 * (logits[at + i0] as number),
        w1 * (logits[at + i1] as number),
        w2 * (logits[at + i2] as number),
        w3 * (logits[at + i3] as number),
      );
    }
  }
  return out;
}

type Four = [number, number, number, number];

function sum4(a: number, b: number, c: number, d: number): number {
  const { fround } = Math;
  return fround(fround(fround(fround(a) + fround(b)) + fround(c)) + fround(d));
}

/** Logit of one picture pixel; `column` is where its column starts in the stretched logits. */
function pixel(stretched: Float32Array, column: number, { index, weight }: Taps, y: number): number {
  return sum4(
    (weight[y * 4] as number) * (stretched[column + (index[y * 4] as number)] as number),
    (weight[y * 4 + 1] as number) * (stretched[column + (index[y * 4 + 1] as number)] as number),
    (weight[y * 4 + 2] as number) * (stretched[column + (index[y * 4 + 2] as number)] as number),
    (weight[y * 4 + 3] as number) * (stretched[column + (index[y * 4 + 3] as number)] as number),
  );
}

/** Logits of every picture pixel, row-major. For thumbnails and tests; a saved mask never needs them all at once. */
export function upsample(logits: Float32Array, plan: Upsampling): Float32Array {
  const [height, width] = plan.size;
  const stretched = stretchColumns(logits, plan);
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) out[y * width + x] = pixel(stretched, x * plan.cells, plan.rows, y);
  }
  return out;
}

/**
 * Run lengths of `upsampled > 0` without making the mask: weights are never negative, so a pixel whose four
 * cells lie on one side of zero needs no arithmetic, and rows between the same cells share that answer.
 */
export function encodeLogits(logits: Float32Array, plan: Upsampling): Runs {
  const [height, width] = plan.size;
  const stretched = stretchColumns(logits, plan);
  const spans = rowSpans(plan.rows, height);
  const writer = new RunWriter();
  for (let x = 0; x < width; x += 1) {
    const column = x * plan.cells;
    for (const span of spans) {
      const side = sideOf(stretched, column, span);
      if (side !== null) {
        writer.add(side, span.end - span.start);
        continue;
      }
      for (let y = span.start; y < span.end; y += 1) writer.add(pixel(stretched, column, plan.rows, y) > 0, 1);
    }
  }
  return writer.finish();
}

/** Neighbouring picture rows that read the same range of cells. */
interface RowSpan {
  readonly start: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
}

function rowSpans({ index, weight }: Taps, height: number): RowSpan[] {
  const spans: { start: number; end: number; low: number; high: number }[] = [];
  for (let y = 0; y < height; y += 1) {
    let [low, high] = [Infinity, -Infinity];
    for (let tap = y * 4; tap < y * 4 + 4; tap += 1) {
      if (weight[tap] === 0) continue;
      low = Math.min(low, index[tap] as number);
      high = Math.max(high, index[tap] as number);
    }
    const last = spans.at(-1);
    if (last && last.low === low && last.high === high) last.end = y + 1;
    else spans.push({ start: y, end: y + 1, low, high });
  }
  return spans;
}

/** True or false when all cells of the span are above, or none is; null when the pixels must be computed. */
function sideOf(stretched: Float32Array, column: number, span: RowSpan): boolean | null {
  const first = (stretched[column + span.low] as number) > 0;
  for (let row = span.low + 1; row <= span.high; row += 1) {
    if ((stretched[column + row] as number) > 0 !== first) return null;
  }
  return first;
}
