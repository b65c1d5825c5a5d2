/**
 * A round brush over run lengths, exact: a pixel is painted when its middle is no farther than half the diameter from the line
 * that the brush went along. Places are multiples of half a pixel, so that no rounding decides. Golden file: brush.json.
 */
import { clamp, type Point, type Size } from "./geometry";
import { type Runs, RunWriter } from "./rle";

/** Pixels, as [start, end) positions counted column by column; rising, never touching each other. */
export type Spans = readonly (readonly [start: number, end: number])[];

export const SMALLEST_BRUSH = 1;
export const LARGEST_BRUSH = 512;
/** One press of a key makes the brush so much larger or smaller, and at least by one pixel. */
const SIZE_STEP = 1.25;

/** Where a brush of a whole diameter stands: on the middle of a pixel when odd, on a corner of pixels when even. */
export function brushCentre({ x, y }: Point, diameter: number): Point {
  if (diameter % 2 === 1) return { x: Math.floor(x) + 0.5, y: Math.floor(y) + 0.5 };
  return { x: Math.round(x), y: Math.round(y) };
}

/** The next diameter up or down. */
export function resizedBrush(diameter: number, by: 1 | -1): number {
  const next = by > 0 ? Math.max(diameter + 1, diameter * SIZE_STEP) : Math.min(diameter - 1, diameter / SIZE_STEP);
  return clamp(Math.round(next), SMALLEST_BRUSH, LARGEST_BRUSH);
}

/** A brush as wide as a fiftieth of the picture's longer side: neither a hair nor a broom. */
export function fittingBrush([height, width]: Size): number {
  return clamp(Math.round(Math.max(height, width) / 50), 3, LARGEST_BRUSH);
}

/** The pixels that a brush of this diameter covers on the straight way between two places; both already on `brushCentre`. */
export function strokeSpans(from: Point, to: Point, diameter: number, size: Size): Spans {
  const [height, width] = size;
  const radius = diameter / 2;
  const first = clamp(Math.floor(Math.min(from.x, to.x) - radius), 0, width);
  const last = clamp(Math.ceil(Math.max(from.x, to.x) + radius), 0, width);
  const top = clamp(Math.floor(Math.min(from.y, to.y) - radius), 0, height);
  const bottom = clamp(Math.ceil(Math.max(from.y, to.y) + radius), 0, height);
  const spans: [number, number][] = [];
  for (let x = first; x < last; x += 1) {
    let [start, end] = [top, bottom];
    // What a brush covers of one column has no gaps: only its two ends are looked for.
    while (start < end && !covers(x + 0.5, start + 0.5, from, to, radius)) start += 1;
    while (end > start && !covers(x + 0.5, end - 0.5, from, to, radius)) end -= 1;
    if (end > start) append(spans, x * height + start, x * height + end);
  }
  return spans;
}

/** Whether a point lies within `radius` of the line between two places. */
function covers(x: number, y: number, from: Point, to: Point, radius: number): boolean {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const [px, py] = [x - from.x, y - from.y];
  const length = dx * dx + dy * dy;
  const along = px * dx + py * dy;
  if (along <= 0) return px * px + py * py <= radius * radius;
  if (along >= length) return (x - to.x) ** 2 + (y - to.y) ** 2 <= radius * radius;
  return (px * dy - py * dx) ** 2 <= radius * radius * length;
}

function append(spans: [number, number][], start: number, end: number): void {
  const last = spans.at(-1);
  if (last && last[1] === start) last[1] = end;
  else spans.push([start, end]);
}

/** The mask with these pixels set, or cleared; the same object when that changes nothing. */
export function paint(runs: Runs, spans: Spans, value: boolean): Runs {
  const writer = new RunWriter();
  let [position, index, used, next] = [0, 0, 0, 0];
  const total = runs.reduce((sum, run) => sum + run, 0);
  while (position < total) {
    while (used === (runs[index] as number)) {
      index += 1;
      used = 0;
    }
    while (next < spans.length && (spans[next] as Spans[number])[1] <= position) next += 1;
    const [start, end] = spans[next] ?? [total, total];
    const inside = start <= position;
    const length = Math.min((runs[index] as number) - used, (inside ? end : start) - position);
    writer.add(inside ? value : index % 2 === 1, length);
    position += length;
    used += length;
  }
  const painted = writer.finish();
  return same(painted, runs) ? runs : painted;
}

function same(one: Runs, other: Runs): boolean {
  return one.length === other.length && one.every((run, index) => run === other[index]);
}

/** The mask of a picture on which nothing is marked. */
export function emptyRuns([height, width]: Size): Runs {
  return Uint32Array.of(height * width);
}
