import { describe, expect, it } from "vitest";
import { direction, lasting, percent, points, pointsBetween, signed, towards } from "./comparison";

describe("shares and differences", () => {
  it("says shares in percent and differences in points, with a sign that is not a hyphen", () => {
    expect(percent(0.7312)).toBe("73.1 %");
    expect(points(0.013)).toBe("+1.3 points");
    expect(points(-0.004)).toBe("−0.4 points");
    expect(points(0.01)).toBe("+1.0 point");
    expect(pointsBetween([-0.002, 0.024])).toBe("−0.2 to +2.4 points");
  });

  it("gives a zero no sign, also one that only rounding made", () => {
    expect([signed(0), signed(-0.04), signed(0.04)]).toEqual(["0.0", "0.0", "0.0"]);
    expect(percent(-0.0001)).toBe("0.0 %");
  });

  it("calls a rise good unless less is better, and what is not to be seen neither", () => {
    expect(direction(0.01)).toBe("positive");
    expect(direction(0.01, true)).toBe("negative");
    expect(direction(-0.3, true)).toBe("positive");
    expect([direction(0.0001), direction(Number.NaN)]).toEqual(["plain", "plain"]);
  });
});

describe("durations", () => {
  it("says them as people do", () => {
    expect([2.34, 40, 59.4, 59.6, 61, 250, 600, 3569, 3600, 4800].map(lasting)).toEqual([
      "2.3 s",
      "40 s",
      "59 s",
      "1 min",
      "1 min 1 s",
      "4 min 10 s",
      "10 min",
      "59 min",
      "1 h",
      "1 h 20 min",
    ]);
  });
});

it("names the goal only where there is one", () => {
  expect(towards(120, 300, "mask")).toBe("120 of 300 masks");
  expect(towards(1, null, "mask")).toBe("1 mask");
});
