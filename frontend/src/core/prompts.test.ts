import { describe, expect, it } from "vitest";
import { golden } from "./golden";
import { chooseCandidate, type Prompt, promptCount, promptTensors } from "./prompts";

interface Choice {
  name: string;
  points: number;
  boxes: number;
  mask: boolean;
  iou: number[];
  chosen: number;
}
const { cases } = golden<{ cases: Choice[] }>("choice");
const { points } = golden<{
  points: { size: [number, number]; frame: number; points: [number, number][]; model_points: [number, number][] }[];
}>("transforms");

const click = (x: number, y: number, label: 0 | 1 = 1): Prompt => ({ kind: "point", x, y, label });
const box: Prompt = { kind: "box", x0: 10, y0: 20, x1: 50, y1: 60 };

describe("candidate that is shown first", () => {
  it.each(cases)("$name", ({ points: clicks, boxes, mask, iou, chosen }) => {
    const prompts: Prompt[] = [
      ...Array.from({ length: clicks }, () => click(1, 1)),
      ...Array.from({ length: boxes }, () => box),
      ...(mask ? [{ kind: "mask" } as const] : []),
    ];
    expect(chooseCandidate(iou, promptCount(prompts))).toBe(chosen);
  });
});

describe("points in the frame", () => {
  it.each(points)("$size in $frame", ({ size, frame, points: given, model_points }) => {
    const { coords } = promptTensors(
      given.map(([x, y]) => click(x, y)),
      size,
      frame,
    );
    model_points.flat().forEach((value, index) => {
      expect(coords[index]).toBe(Math.fround(value));
    });
  });
});

describe("prompts as tensors", () => {
  it("pads points without a box", () => {
    const { coords, labels } = promptTensors([click(5, 6), click(7, 8, 0)], [64, 64], 64);
    expect(Array.from(labels)).toEqual([1, 0, -1]);
    expect(Array.from(coords)).toEqual([5, 6, 7, 8, 0, 0]);
  });

  it("puts the corners of the box last and pads nothing", () => {
    const { coords, labels } = promptTensors([box, click(5, 6)], [64, 64], 64);
    expect(Array.from(labels)).toEqual([1, 2, 3]);
    expect(Array.from(coords)).toEqual([5, 6, 10, 20, 50, 60]);
  });

  it("hears the last of several boxes, and counts it once", () => {
    const later: Prompt = { kind: "box", x0: 1, y0: 2, x1: 3, y1: 4 };
    const { coords, labels } = promptTensors([box, later], [64, 64], 64);
    expect(Array.from(labels)).toEqual([2, 3]);
    expect(Array.from(coords)).toEqual([1, 2, 3, 4]);
    expect(promptCount([box, later])).toBe(1);
  });
});
