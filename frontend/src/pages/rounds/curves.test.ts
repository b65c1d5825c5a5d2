import { describe, expect, it } from "vitest";
import { heldOut, lossLines, series } from "./curves";

describe("the curve of a training", () => {
  it("passes over what was not measured or is no number", () => {
    const curve = [{ step: 1, loss: 2 }, { step: 2 }, { step: 3, loss: Number.NaN }, { step: 4, loss: 1 }];
    expect(series(curve, "loss")).toEqual([
      { x: 1, y: 2 },
      { x: 4, y: 1 },
    ]);
    expect(series(curve, "iou")).toEqual([]);
  });

  it("thins a long one, keeps its ends, and calms it", () => {
    const curve = Array.from({ length: 2000 }, (_, step) => ({
      step,
      loss: 2 - step / 2000 + (step % 2 ? 0.3 : -0.3),
    }));
    const [raw, calm] = lossLines(curve);
    expect([raw.length, raw[0]?.x, raw.at(-1)?.x]).toEqual([160, 0, 1999]);
    const jumps = (points: readonly { y: number }[]) =>
      Math.max(...points.slice(1).map(({ y }, index) => Math.abs(y - (points[index]?.y ?? y))));
    expect(jumps(calm.slice(20))).toBeLessThan(jumps(raw.slice(20)) / 2);
  });
});

it("shows held-out overlap by round, in order, with the interval where there is one", () => {
  const rounds = [
    { number: 2, figures: { held_out: { candidate: { "miou@1": 0.6, "miou@1_ci": [0.55, 0.64] } } } },
    { number: 3, figures: {} },
    { number: 1, figures: { held_out: { candidate: { "miou@1": 0.5 } } } },
  ];
  expect(heldOut(rounds, 1)).toEqual([
    { x: 1, y: 0.5 },
    { x: 2, y: 0.6, low: 0.55, high: 0.64 },
  ]);
  expect(heldOut(rounds, 5)).toEqual([]);
});
