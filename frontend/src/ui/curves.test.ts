import { describe, expect, it } from "vitest";
import { across, bandPath, down, linePath, rangeOf, smoothed, stepOf, thinned, ticksOf } from "./curves";

const FRAME = { left: 10, top: 5, width: 100, height: 50 };
const UNIT = { from: 0, to: 1 };

describe("ranges and ticks", () => {
  it("holds every value between round ends, whatever the scale", () => {
    for (const scale of [1e-4, 0.03, 1, 700, 2e6]) {
      const values = [0.31, 0.744, 0.52].map((value) => value * scale);
      const range = rangeOf(values);
      expect(range.from).toBeLessThanOrEqual(Math.min(...values));
      expect(range.to).toBeGreaterThanOrEqual(Math.max(...values));
      const ticks = ticksOf(range);
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(8);
      expect(ticks[0]).toBeCloseTo(range.from, 9);
      expect(ticks.at(-1)).toBeCloseTo(range.to, 9);
    }
  });

  it("makes room around a single value, a constant and nothing", () => {
    for (const values of [[0.7], [0, 0, 0], [-3, -3]]) {
      const { from, to } = rangeOf(values);
      expect(from).toBeLessThan(to);
      expect(from).toBeLessThanOrEqual(values[0] as number);
      expect(to).toBeGreaterThanOrEqual(values[0] as number);
    }
    expect(rangeOf([Number.NaN])).toEqual(UNIT);
  });

  it("steps by 1, 2 or 5 times a power of ten and writes them without dust", () => {
    expect(stepOf(1, 4)).toBe(0.5);
    expect(stepOf(0.08, 4)).toBeCloseTo(0.02, 12);
    expect(stepOf(300, 3)).toBe(100);
    expect(ticksOf({ from: 0.1, to: 0.5 }, 4)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
  });
});

describe("paths", () => {
  it("puts the lower left value at the lower left corner", () => {
    expect([across(0, UNIT, FRAME), down(0, UNIT, FRAME)]).toEqual([10, 55]);
    expect([across(1, UNIT, FRAME), down(1, UNIT, FRAME)]).toEqual([110, 5]);
  });

  it("breaks the line where a value is missing", () => {
    const points = [0, 0.5, Number.NaN, 1].map((y, index) => ({ x: index / 3, y }));
    expect(linePath(points, UNIT, UNIT, FRAME)).toBe("M10 55L43.3 30M110 5");
  });

  it("closes a band round the intervals and draws none for a single one", () => {
    const points = [
      { x: 0, y: 0.5, low: 0.4, high: 0.6 },
      { x: 1, y: 0.5, low: 0.4, high: 0.6 },
    ];
    expect(bandPath(points, UNIT, UNIT, FRAME)).toBe("M10 25L110 25L110 35L10 35Z");
    expect(bandPath(points.slice(0, 1), UNIT, UNIT, FRAME)).toBe("");
    expect(bandPath([{ x: 0, y: 1 }, ...points.slice(0, 1)], UNIT, UNIT, FRAME)).toBe("");
  });
});

describe("smoothed and thinned", () => {
  it("starts at the first value, keeps a constant, and ends nearer the last values", () => {
    const step = Array.from({ length: 40 }, (_, x) => ({ x, y: x < 20 ? 1 : 0 }));
    const calm = smoothed(step, 8);
    expect(calm[0]?.y).toBe(1);
    expect(calm[19]?.y).toBeCloseTo(1, 12);
    expect(calm[39]?.y).toBeLessThan(0.02);
    expect(smoothed([{ x: 0, y: Number.NaN }], 8)).toEqual([]);
  });

  it("keeps both ends", () => {
    const many = Array.from({ length: 1001 }, (_, index) => index);
    const few = thinned(many, 50);
    expect(few).toHaveLength(50);
    expect([few[0], few.at(-1)]).toEqual([0, 1000]);
    expect(thinned(few, 50)).toBe(few);
  });
});
