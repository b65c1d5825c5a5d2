import { describe, expect, it } from "vitest";
import { comparedOf, placeOf, scaleOf, sliceName, slicesOf, titleOf, verdictOf } from "./gates";

const FIGURES = { candidate: 0.75, active: 0.73, difference: 0.02, low: -0.004, high: 0.044 };

describe("what a gate shows", () => {
  it("knows a comparison by its five numbers, and which way is good", () => {
    expect(comparedOf({ name: "miou@1", figures: FIGURES })).toEqual({ ...FIGURES, lessIsBetter: false });
    expect(comparedOf({ name: "noc@85", figures: FIGURES })?.lessIsBetter).toBe(true);
    expect(comparedOf({ name: "miou@1", figures: { ...FIGURES, low: null } })).toBeUndefined();
    expect(comparedOf({ name: "files", figures: {} })).toBeUndefined();
  });

  it("lists the kinds of objects that failed first, then the largest", () => {
    const slice = (name: string, masks: number, passed: boolean) => ({ kind: "size", name, masks, passed });
    const figures = { slices: [slice("small", 10, true), slice("large", 90, true), slice("medium", 40, false)] };
    expect(slicesOf({ figures }).map(({ name }) => name)).toEqual(["medium", "large", "small"]);
    expect(slicesOf({ figures: {} })).toEqual([]);
    expect(["size", "source", "category"].map((kind) => sliceName({ kind, name: "car" }))).toEqual([
      "car objects",
      "masks made by car",
      "“car”",
    ]);
  });

  it("names every gate of the rules, and an unknown one by its own name", () => {
    expect(titleOf({ name: "miou@3" })).toBe("Masks after 3 clicks");
    expect(titleOf({ name: "something new" })).toBe("something new");
  });
});

it("offers a promotion, an override or nothing", () => {
  expect(verdictOf({ decision: "promote", overridable: true })).toBe("promote");
  expect(verdictOf({ decision: "reject", overridable: true })).toBe("override");
  expect(verdictOf({ decision: "insufficient_evidence", overridable: true })).toBe("override");
  expect(verdictOf({ decision: "reject", overridable: false })).toBe("none");
});

it("draws an interval on a scale that holds zero", () => {
  for (const [low, high] of [
    [0.01, 0.02],
    [-0.3, -0.1],
    [-0.1, 0.2],
    [0, 0],
  ] as const) {
    const [from, to] = scaleOf({ low, high, lessIsBetter: false });
    const places = [0, low, high].map((value) => placeOf(value, from, to));
    expect(places.every((place) => place > 0 && place < 1)).toBe(true);
    expect(places[1]).toBeLessThanOrEqual(places[2] as number);
  }
  const [from, to] = scaleOf({ low: -0.0001, high: 0.0001, lessIsBetter: false });
  expect(placeOf(0.0001, from, to) - placeOf(-0.0001, from, to)).toBeLessThan(0.05);
  expect([placeOf(-5, 0, 1), placeOf(5, 0, 1), placeOf(1, 1, 1)]).toEqual([0, 1, 0.5]);
});
