/**
 * Masks as COCO run lengths: column by column, starting with a run of background.
 * The grammar and the limits are those of segmenter/masks.py; both read tests/golden/rle.json.
 */
import type { Box, Point, Size } from "./geometry";

/** Thrown for anything that is not a well-formed mask of the expected size. */
export class InvalidMask extends Error {
  override name = "InvalidMask";
}

/** Run lengths, background first; only the first may be zero. */
export type Runs = Uint32Array;

const MAX_GROUP = 6;
const MAX_COUNTS = 16 * 1024 * 1024;
const MAX_VALUE = 2 ** 31;

/** Reads the compressed string into run lengths that fill exactly `size`; throws InvalidMask with the reason. */
export function parse(counts: string, size: Size): Runs {
  const area = areaOf(size);
  if (counts.length > Math.min(MAX_COUNTS, 8 * area + 8)) throw new InvalidMask("counts are too long");
  const runs: number[] = [];
  let total = 0;
  let at = 0;
  while (at < counts.length) {
    const [delta, next] = group(counts, at);
    at = next;
    const value = runs.length > 2 ? delta + (runs[runs.length - 2] as number) : delta;
    if (value < 0 || value > MAX_VALUE) throw new InvalidMask("a run is out of range");
    if (value === 0 && runs.length > 0) throw new InvalidMask("only the first run may be empty");
    total += value;
    if (total > area) throw new InvalidMask("the runs are longer than the picture");
    runs.push(value);
  }
  if (total !== area) throw new InvalidMask("the runs do not fill the picture");
  const parsed = Uint32Array.from(runs);
  if (compress(parsed) !== counts) throw new InvalidMask("counts are not in their shortest form");
  return parsed;
}

function areaOf([height, width]: Size): number {
  if (!(Number.isSafeInteger(height) && Number.isSafeInteger(width) && height > 0 && width > 0)) {
    throw new InvalidMask("size must be two positive integers");
  }
  return height * width;
}

/** One value of 5-bit digits, least significant first; bit 6 says that more follow, bit 5 of the last is the sign. */
function group(counts: string, start: number): [value: number, next: number] {
  let value = 0;
  let factor = 1;
  for (let digit = 0; digit < MAX_GROUP; digit += 1) {
    if (start + digit >= counts.length) throw new InvalidMask("counts end in the middle of a value");
    const code = counts.charCodeAt(start + digit) - 48;
    if (!(code >= 0 && code < 64)) throw new InvalidMask("counts hold a character that is not allowed");
    value += (code & 31) * factor;
    factor *= 32;
    if ((code & 32) === 0) return [code & 16 ? value - factor : value, start + digit + 1];
  }
  throw new InvalidMask("a value is too long");
}

/** The compressed COCO string of run lengths, byte for byte as pycocotools writes it. */
export function compress(runs: Runs): string {
  const codes: number[] = [];
  for (let index = 0; index < runs.length; index += 1) {
    let value = (runs[index] as number) - (index > 2 ? (runs[index - 2] as number) : 0);
    for (;;) {
      const digit = value & 31;
      value >>= 5;
      const more = digit & 16 ? value !== -1 : value !== 0;
      codes.push(digit + (more ? 80 : 48));
      if (!more) break;
    }
  }
  return ascii(codes);
}

function ascii(codes: readonly number[]): string {
  let text = "";
  for (let start = 0; start < codes.length; start += 8192)
    text += String.fromCharCode(...codes.slice(start, start + 8192));
  return text;
}

/** Pixels in the mask. */
export function area(runs: Runs): number {
  let sum = 0;
  for (let index = 1; index < runs.length; index += 2) sum += runs[index] as number;
  return sum;
}

/** COCO box of the mask; all zeros when it is empty. */
export function bbox(runs: Runs, [height]: Size): Box {
  let [left, top, right, bottom] = [Infinity, height, -1, -1];
  let start = 0;
  for (let index = 0; index < runs.length; index += 1) {
    const end = start + (runs[index] as number);
    if (index % 2 === 1) {
      const [first, last] = [Math.floor(start / height), Math.floor((end - 1) / height)];
      left = Math.min(left, first);
      right = Math.max(right, last);
      top = Math.min(top, first === last ? start % height : 0);
      bottom = Math.max(bottom, first === last ? (end - 1) % height : height - 1);
    }
    start = end;
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/** Whether the pixel under a point belongs to the mask. */
export function contains(runs: Runs, [height, width]: Size, point: Point): boolean {
  const [x, y] = [Math.floor(point.x), Math.floor(point.y)];
  if (x < 0 || y < 0 || x >= width || y >= height) return false;
  const position = x * height + y;
  let end = 0;
  for (let index = 0; index < runs.length; index += 1) {
    end += runs[index] as number;
    if (position < end) return index % 2 === 1;
  }
  return false;
}

/** Row-major pixels of the part of the mask inside `box`: 255 where it is set, else 0. */
export function decode(runs: Runs, [height]: Size, [left, top, width, rows]: Box): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(width * rows);
  let start = 0;
  for (let index = 0; index < runs.length; index += 1) {
    const end = start + (runs[index] as number);
    if (index % 2 === 1) fill(pixels, start, end);
    start = end;
  }
  return pixels;

  function fill(target: Uint8Array, from: number, to: number): void {
    for (let x = Math.floor(from / height); x * height < to; x += 1) {
      if (x < left || x >= left + width) continue;
      const first = Math.max(from - x * height, top, 0);
      const last = Math.min(to - x * height, height, top + rows);
      for (let y = first; y < last; y += 1) target[(y - top) * width + (x - left)] = 255;
    }
  }
}

/** Run lengths of row-major pixels, any non-zero value being set. */
export function encode(pixels: ArrayLike<number>, [height, width]: Size): Runs {
  const writer = new RunWriter();
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) writer.add((pixels[y * width + x] as number) !== 0, 1);
  }
  return writer.finish();
}

/** Collects alternating runs; adding to the same value lengthens the last run. */
export class RunWriter {
  private runs = new Uint32Array(1024);
  private count = 0;
  private value = false;
  private length = 0;

  add(value: boolean, length: number): void {
    if (value !== this.value) {
      this.push();
      this.value = value;
    }
    this.length += length;
  }

  finish(): Runs {
    this.push();
    return this.runs.slice(0, this.count);
  }

  private push(): void {
    if (this.count === this.runs.length) {
      const longer = new Uint32Array(this.runs.length * 2);
      longer.set(this.runs);
      this.runs = longer;
    }
    this.runs[this.count] = this.length;
    this.count += 1;
    this.length = 0;
  }
}
