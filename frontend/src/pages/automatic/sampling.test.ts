import { describe, expect, it } from "vitest";
import type { Size } from "../../core/geometry";
import { contains, encode } from "../../core/rle";
import { overlay, sampled, stays } from "./sampling";

const SIZE: Size = [37, 53];

function blob(): Uint8Array {
  const pixels = new Uint8Array(SIZE[0] * SIZE[1]);
  for (let y = 0; y < SIZE[0]; y += 1) {
    for (let x = 0; x < SIZE[1]; x += 1) pixels[y * SIZE[1] + x] = Number((x - 20) ** 2 + 2 * (y - 15) ** 2 < 200);
  }
  return pixels;
}

describe("sampled", () => {
  it("is the mask itself at its own size", () => {
    const pixels = blob();
    expect([...sampled(encode(pixels, SIZE), SIZE, SIZE)]).toEqual([...pixels]);
  });

  it("takes the pixel in the middle of each cell", () => {
    const runs = encode(blob(), SIZE);
    for (const small of [
      [7, 11],
      [1, 1],
      [30, 9],
    ] as const) {
      const cells = sampled(runs, SIZE, small);
      for (let row = 0; row < small[0]; row += 1) {
        for (let column = 0; column < small[1]; column += 1) {
          const middle = { x: ((column + 0.5) * SIZE[1]) / small[1], y: ((row + 0.5) * SIZE[0]) / small[0] };
          expect(cells[row * small[1] + column]).toBe(Number(contains(runs, SIZE, middle)));
        }
      }
    }
  });

  it("knows empty and full masks", () => {
    expect([...sampled(Uint32Array.of(12), [3, 4], [2, 2])]).toEqual([0, 0, 0, 0]);
    expect([...sampled(Uint32Array.of(0, 12), [3, 4], [2, 2])]).toEqual([1, 1, 1, 1]);
  });
});

it("keeps what reaches both limits, and what has no score only where nothing is asked", () => {
  const limits = { min_predicted_iou: 0.8, min_stability: 0.9 };
  const proposal = (predicted_iou: number | null, stability: number | null) => ({ predicted_iou, stability, area: 1 });
  expect(stays(proposal(0.8, 0.9), limits)).toBe(true);
  expect(stays(proposal(0.79, 0.99), limits)).toBe(false);
  expect(stays(proposal(0.99, 0.89), limits)).toBe(false);
  expect(stays(proposal(null, null), limits)).toBe(false);
  expect(stays(proposal(null, null), { min_predicted_iou: 0, min_stability: 0 })).toBe(true);
});

it("lays masks over each other, edges stronger than insides", () => {
  const full = new Uint8Array(25).fill(1);
  const dot = new Uint8Array(25);
  dot[12] = 1;
  const pixels = overlay(
    [
      { cells: full, colour: [1, 2, 3] },
      { cells: dot, colour: [9, 9, 9] },
    ],
    [5, 5],
  );
  expect([...pixels.slice(0, 4)]).toEqual([1, 2, 3, 255]);
  expect([...pixels.slice(4 * 6, 4 * 6 + 4)]).toEqual([1, 2, 3, 110]);
  expect([...pixels.slice(4 * 12, 4 * 12 + 4)]).toEqual([9, 9, 9, 255]);
});
