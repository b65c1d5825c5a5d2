/** Masks at the size of a thumbnail, and which of them stay at chosen limits. Pure. */
import type { Size } from "../../core/geometry";
import type { Runs } from "../../core/rle";

/** Row-major 0 or 1 of a mask seen at a smaller size: of each cell the pixel in its middle. */
export function sampled(runs: Runs, [height, width]: Size, [rows, columns]: Size): Uint8Array<ArrayBuffer> {
  const cells = new Uint8Array(rows * columns);
  let index = 0;
  let end = runs[0] ?? 0;
  for (let column = 0; column < columns; column += 1) {
    const x = Math.floor(((column + 0.5) * width) / columns);
    for (let row = 0; row < rows; row += 1) {
      const position = x * height + Math.floor(((row + 0.5) * height) / rows);
      while (position >= end && index < runs.length - 1) end += runs[++index] ?? 0;
      cells[row * columns + column] = index % 2;
    }
  }
  return cells;
}

export interface Scored {
  predicted_iou: number | null;
  stability: number | null;
  area: number;
}

export interface Limits {
  min_predicted_iou: number;
  min_stability: number;
}

/** Whether a proposal reaches both limits; one without a score reaches only a limit of nothing. */
export function stays({ predicted_iou, stability }: Scored, limits: Limits): boolean {
  return (predicted_iou ?? 0) >= limits.min_predicted_iou && (stability ?? 0) >= limits.min_stability;
}

/** RGBA of masks laid over each other, large ones first: `colours` are 0 to 255, edges opaque, insides clear enough. */
export function overlay(
  masks: readonly { cells: Uint8Array; colour: readonly [number, number, number] }[],
  [rows, columns]: Size,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(rows * columns * 4);
  for (const { cells, colour } of masks) {
    for (let at = 0; at < cells.length; at += 1) {
      if (!cells[at]) continue;
      const x = at % columns;
      const edge =
        x === 0 ||
        x === columns - 1 ||
        !cells[at - 1] ||
        !cells[at + 1] ||
        !cells[at - columns] ||
        !cells[at + columns];
      pixels.set([...colour, edge ? 255 : 110], at * 4);
    }
  }
  return pixels;
}
