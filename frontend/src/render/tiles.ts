/**
 * Where a mask needs work: tiles that hold an edge, or lie beside one, get the contour shader; tiles deep inside are filled
 * plainly; all others are left out. Rectangles are x0, y0, x1, y1 in picture pixels, four numbers each.
 */
import type { Box } from "../core/geometry";
import type { Upsampling } from "../core/upsample";

export interface Tiles {
  readonly inside: Float32Array;
  readonly edges: Float32Array;
}

/** Tiles along the longer side of a picture: one must be wider than a contour at the smallest zoom. */
const ALONG = 96;
const SMALLEST = 8;
/** Logit cells that a pixel's taps may reach beyond its own. */
const REACH = 2;

/** What one tile holds: nothing of the mask, some, or nothing else. */
const NONE = 0;
const SOME = 1;
const FULL = 2;

/** Tiles of saved pixels (row-major, 255 where set) of the part `box` of a picture whose longer side is `longest`. */
export function maskTiles(pixels: Uint8Array, [left, top, width, height]: Box, longest: number): Tiles {
  const step = Math.max(SMALLEST, Math.ceil(longest / ALONG));
  const [columns, rows] = [Math.ceil(width / step) + 2, Math.ceil(height / step) + 2];
  const held = new Uint8Array(columns * rows);
  for (let row = 1; row < rows - 1; row += 1) {
    for (let column = 1; column < columns - 1; column += 1) {
      held[row * columns + column] = holds(pixels, width, height, (column - 1) * step, (row - 1) * step, step);
    }
  }
  return sort(held, columns, rows, left - step, top - step, step);
}

function holds(pixels: Uint8Array, width: number, height: number, x0: number, y0: number, step: number): number {
  const [x1, y1] = [Math.min(x0 + step, width), Math.min(y0 + step, height)];
  const first = pixels[y0 * width + x0];
  for (let y = y0; y < y1; y += 1) {
    for (let x = x0; x < x1; x += 1) if (pixels[y * width + x] !== first) return SOME;
  }
  return first ? FULL : NONE;
}

/** Tiles of a draft, each over one or more logit cells a side. */
export function draftTiles(logits: Float32Array, { cells, size }: Upsampling): Tiles {
  const each = Math.max(1, Math.round(cells / ALONG));
  const step = (each * Math.max(size[0], size[1])) / cells;
  const columns = Math.ceil(size[1] / step) + 2;
  const rows = Math.ceil(size[0] / step) + 2;
  const held = new Uint8Array(columns * rows);
  for (let row = 1; row < rows - 1; row += 1) {
    for (let column = 1; column < columns - 1; column += 1) {
      const what = cellsHold(logits, cells, (column - 1) * each, (row - 1) * each, each);
      // A tile that reaches over the picture's edge is not full, however sure its cells are.
      const over = column * step > size[1] || row * step > size[0];
      held[row * columns + column] = over ? Math.min(what, SOME) : what;
    }
  }
  return sort(held, columns, rows, -step, -step, step);
}

function cellsHold(logits: Float32Array, cells: number, column: number, row: number, each: number): number {
  const [left, right] = [Math.max(0, column - REACH), Math.min(cells - 1, column + each - 1 + REACH)];
  const [top, bottom] = [Math.max(0, row - REACH), Math.min(cells - 1, row + each - 1 + REACH)];
  let set = 0;
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) if ((logits[y * cells + x] as number) > 0) set += 1;
  }
  if (set === 0) return NONE;
  return set === (right - left + 1) * (bottom - top + 1) ? FULL : SOME;
}

/** Sorts tiles by what they and their eight neighbours hold; neighbours of one kind in a row become one rectangle. */
function sort(held: Uint8Array, columns: number, rows: number, left: number, top: number, step: number): Tiles {
  const inside: number[] = [];
  const edges: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    let [kind, from] = [NONE, 0];
    for (let column = 0; column <= columns; column += 1) {
      const next = column === columns ? NONE : around(held, columns, rows, column, row);
      if (next === kind && column < columns) continue;
      const rectangles = kind === FULL ? inside : edges;
      if (kind !== NONE) {
        rectangles.push(left + from * step, top + row * step, left + column * step, top + (row + 1) * step);
      }
      [kind, from] = [next, column];
    }
  }
  return { inside: Float32Array.from(inside), edges: Float32Array.from(edges) };
}

function around(held: Uint8Array, columns: number, rows: number, column: number, row: number): number {
  let [empty, full] = [true, true];
  for (let y = row - 1; y <= row + 1; y += 1) {
    for (let x = column - 1; x <= column + 1; x += 1) {
      const known = x >= 0 && y >= 0 && x < columns && y < rows;
      const what = known ? held[y * columns + x] : NONE;
      if (what !== NONE) empty = false;
      if (what !== FULL) full = false;
    }
  }
  return empty ? NONE : full ? FULL : SOME;
}
