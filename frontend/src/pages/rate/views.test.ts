import { expect, it } from "vitest";
import type { Size } from "../../core/geometry";
import { encode } from "../../core/rle";
import { fitInto, marksOf, stampOf } from "./views";

const SIZE: Size = [3, 4];
const ROWS = [
  [0, 1, 0, 0],
  [0, 1, 1, 0],
  [0, 0, 0, 1],
];

it("colours the pixels of a part of the mask and leaves the others clear", () => {
  const runs = encode(ROWS.flat(), SIZE);
  const whole = stampOf(runs, SIZE, [0, 0, 4, 3], [9, 8, 7, 255]);
  ROWS.flat().forEach((value, index) => {
    expect([...whole.slice(4 * index, 4 * index + 4)]).toEqual(value ? [9, 8, 7, 255] : [0, 0, 0, 0]);
  });
  const part = stampOf(runs, SIZE, [1, 1, 2, 2], [1, 1, 1, 1]);
  expect([...part].filter((_, index) => index % 4 === 3)).toEqual([1, 1, 0, 0]);
});

it("fits a part into a room without stretching it", () => {
  expect(fitInto([0, 0, 200, 100], [300, 300])).toEqual([150, 300]);
  expect(fitInto([5, 5, 10, 40], [300, 300])).toEqual([300, 75]);
});

it("marks points and boxes, and nothing else", () => {
  const prompts = [
    { kind: "point", x: 3, y: 4, label: 1 },
    { kind: "box", x0: 1, y0: 2, x1: 5, y1: 6 },
    { kind: "mask" },
  ];
  expect(marksOf(prompts)).toEqual([
    { kind: "point", from: { x: 3, y: 4 }, to: { x: 3, y: 4 } },
    { kind: "box", from: { x: 1, y: 2 }, to: { x: 5, y: 6 } },
  ]);
});
