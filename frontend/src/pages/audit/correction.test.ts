import { describe, expect, it } from "vitest";
import type { Size } from "../../core/geometry";
import { area, compress, decode, encode, type Runs } from "../../core/rle";
import { agreement, Correction } from "./correction";

const SIZE: Size = [24, 32];

function square(left: number, top: number, side: number): Runs {
  const pixels = new Uint8Array(SIZE[0] * SIZE[1]);
  for (let y = top; y < top + side; y += 1) for (let x = left; x < left + side; x += 1) pixels[y * SIZE[1] + x] = 1;
  return encode(pixels, SIZE);
}

/** By pixels, the slow and plain way. */
function slowly(one: Runs, other: Runs): number {
  const [a, b] = [one, other].map((runs) => decode(runs, SIZE, [0, 0, SIZE[1], SIZE[0]]));
  let [inside, either] = [0, 0];
  a?.forEach((value, index) => {
    if (value && b?.[index]) inside += 1;
    if (value || b?.[index]) either += 1;
  });
  return either ? inside / either : 1;
}

describe("Correction", () => {
  it("adds with the brush, takes away with the eraser, and undoes stroke by stroke", () => {
    const work = new Correction(square(4, 4, 8), SIZE);
    work.choose(3);
    work.draw({ x: 20, y: 10 });
    work.draw({ x: 26, y: 10 });
    work.lift();
    const painted = area(work.runs.value);
    expect(painted).toBeGreaterThan(64 + 18);
    work.tool.value = "eraser";
    work.draw({ x: 5, y: 5 });
    work.lift();
    expect(area(work.runs.value)).toBeLessThan(painted);
    expect(work.strokes.value).toBe(2);
    work.undo();
    expect(area(work.runs.value)).toBe(painted);
    work.undo();
    expect(compress(work.runs.value)).toBe(compress(work.original));
    expect(work.counts).toBe(compress(work.original));
    work.redo();
    expect(area(work.runs.value)).toBe(painted);
    expect(work.counts).toBe(compress(work.runs.value));
  });

  it("remembers no stroke that changed nothing; the other button does the other tool's work", () => {
    const work = new Correction(square(4, 4, 8), SIZE);
    work.choose(3);
    work.draw({ x: 8, y: 8 });
    work.lift();
    expect(work.strokes.value).toBe(0);
    work.draw({ x: 8, y: 8 }, true);
    work.lift();
    expect([work.strokes.value, area(work.runs.value) < 64]).toEqual([1, true]);
    work.undo();
    expect([work.strokes.value, area(work.runs.value)]).toEqual([0, 64]);
  });

  it("calls a mask without a pixel no object", () => {
    const work = new Correction(square(4, 4, 2), SIZE);
    expect(work.counts).toBe(compress(work.original));
    work.choose(9);
    work.draw({ x: 5, y: 5 }, true);
    work.lift();
    expect(work.counts).toBeNull();
  });
});

it("agreement is the IoU, as pixel by pixel", () => {
  const masks = [
    square(4, 4, 8),
    square(8, 4, 8),
    square(0, 0, 24),
    square(20, 10, 2),
    encode(new Uint8Array(768), SIZE),
  ];
  for (const one of masks) {
    for (const other of masks) expect(agreement(one, other)).toBeCloseTo(slowly(one, other), 12);
    expect(agreement(one, one)).toBe(1);
  }
});
