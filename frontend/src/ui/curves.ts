/** From numbers to lines: ranges, round ticks and SVG paths of small charts. Pure. */

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  /** Ends of an interval around y. */
  readonly low?: number;
  readonly high?: number;
}

/** Closed; `from` < `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Where values are drawn, in SVG units: x grows to the right, y downwards. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest range with round ends that holds all finite values; [0, 1] when there is none. */
export function rangeOf(values: readonly number[], ticks = 4): Range {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return { from: 0, to: 1 };
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  const step = stepOf(most - least || Math.abs(most) / 10 || 1, ticks);
  const from = Math.floor(least / step) * step;
  const to = Math.ceil(most / step) * step;
  return from < to ? { from, to } : { from: from - step, to: to + step };
}

/** About `count` steps of 1, 2 or 5 times a power of ten over a span. */
export function stepOf(span: number, count: number): number {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** Round values inside a range, both ends included where they are round. */
export function ticksOf({ from, to }: Range, count = 4): number[] {
  const step = stepOf(to - from, count);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => clean((first + index) * step));
}

/** 0.30000000000000004 as 0.3; no negative zero. */
function clean(value: number): number {
  return Number(value.toPrecision(12)) + 0;
}

export function across(value: number, range: Range, frame: Frame): number {
  return frame.left + ((value - range.from) / (range.to - range.from)) * frame.width;
}

export function down(value: number, range: Range, frame: Frame): number {
  return frame.top + (1 - (value - range.from) / (range.to - range.from)) * frame.height;
}

/** The line through the points in the order given; a value that is no number interrupts it. */
export function linePath(points: readonly CurvePoint[], xs: Range, ys: Range, frame: Frame): string {
  let pen = "M";
  let path = "";
  for (const { x, y } of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      pen = "M";
      continue;
    }
    path += `${pen}${short(across(x, xs, frame))} ${short(down(y, ys, frame))}`;
    pen = "L";
  }
  return path;
}

/** The area between `low` and `high` of those points that have both; empty when fewer than two have. */
export function bandPath(points: readonly CurvePoint[], xs: Range, ys: Range, frame: Frame): string {
  const whole = points.filter((point) => Number.isFinite(point.low) && Number.isFinite(point.high));
  if (whole.length < 2) return "";
  const at = (x: number, y: number) => `${short(across(x, xs, frame))} ${short(down(y, ys, frame))}`;
  const upper = whole.map((point) => at(point.x, point.high as number));
  const lower = whole.map((point) => at(point.x, point.low as number)).reverse();
  return `M${[...upper, ...lower].join("L")}Z`;
}

function short(length: number): string {
  return String(Math.round(length * 10) / 10);
}

/**
 * A running mean that shows where a noisy line goes: exponential with the given span, corrected for its start
 * so that the first value is itself.
 */
export function smoothed(points: readonly CurvePoint[], span: number): CurvePoint[] {
  const keep = 1 - 2 / (Math.max(1, span) + 1);
  let sum = 0;
  let weight = 0;
  return points
    .filter(({ y }) => Number.isFinite(y))
    .map(({ x, y }) => {
      sum = sum * keep + y;
      weight = weight * keep + 1;
      return { x, y: sum / weight };
    });
}

/** At most `most` points, evenly chosen, the first and the last among them. */
export function thinned<T>(points: readonly T[], most: number): readonly T[] {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => points[Math.round(index * step)] as T);
}
