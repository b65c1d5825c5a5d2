/** Plain geometry. Words as in the API: a size is (height, width), a point (x, y), a box of a mask (x, y, width, height). */

/** (height, width) in pixels. */
export type Size = readonly [height: number, width: number];

/** A place in the picture, in picture pixels from its top left corner (fractions allowed). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A box by two corners, x0 < x1 and y0 < y1, in picture pixels. */
export interface Corners {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** COCO box: left, top, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Whether a point lies in [0, width) x [0, height). */
export function insideImage(point: Point, [height, width]: Size): boolean {
  return point.x >= 0 && point.y >= 0 && point.x < width && point.y < height;
}

/** Rounded to hundredths of a pixel: what is recorded is exactly what the decoder was told. */
export function rounded(length: number): number {
  return Math.round(length * 100) / 100;
}

/** The nearest point that the API accepts: inside [0, width) x [0, height). */
export function intoImage(point: Point, [height, width]: Size): Point {
  const edge = 1 / 64;
  return { x: clamp(point.x, 0, width - edge), y: clamp(point.y, 0, height - edge) };
}

/** The box between two corners, cut to the picture; null when nothing of at least one pixel each way is left. */
export function cornersBetween(a: Point, b: Point, [height, width]: Size): Corners | null {
  const corners = {
    x0: rounded(clamp(Math.min(a.x, b.x), 0, width)),
    y0: rounded(clamp(Math.min(a.y, b.y), 0, height)),
    x1: rounded(clamp(Math.max(a.x, b.x), 0, width)),
    y1: rounded(clamp(Math.max(a.y, b.y), 0, height)),
  };
  return corners.x1 - corners.x0 >= 1 && corners.y1 - corners.y0 >= 1 ? corners : null;
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
