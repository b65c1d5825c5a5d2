import { describe, expect, it } from "vitest";
import { rangeOf } from "./window";

const SHAPE = { columns: 6, rowHeight: 200 };

describe("rangeOf", () => {
  it("covers the view at every scroll position and keeps the height of the whole grid", () => {
    const count = 1003;
    const rows = Math.ceil(count / SHAPE.columns);
    for (let top = 500; top > -rows * SHAPE.rowHeight; top -= 137) {
      const { first, end, above, below } = rangeOf(SHAPE, count, top, 720, 720);
      const drawn = Math.ceil((end - first) / SHAPE.columns) * SHAPE.rowHeight;
      expect(above + drawn + below).toBe(rows * SHAPE.rowHeight);
      expect(first % SHAPE.columns).toBe(0);
      expect(above).toBeLessThanOrEqual(Math.max(0, -top));
      expect(top + above + drawn).toBeGreaterThanOrEqual(Math.min(720, top + rows * SHAPE.rowHeight));
      expect(end - first).toBeLessThanOrEqual(13 * SHAPE.columns);
    }
  });

  it("draws everything that is little, something before anything was measured, and nothing of nothing", () => {
    expect(rangeOf(SHAPE, 10, 300, 720, 720)).toEqual({ first: 0, end: 10, above: 0, below: 0 });
    expect(rangeOf(undefined, 1000, 0, 720, 720).end).toBe(48);
    expect(rangeOf(SHAPE, 0, 0, 720, 720)).toEqual({ first: 0, end: 0, above: 0, below: 0 });
  });

  it("still draws the last row when the view was scrolled past the end", () => {
    const { first, end } = rangeOf(SHAPE, 60, -100_000, 720, 720);
    expect([first, end]).toEqual([54, 60]);
  });
});
