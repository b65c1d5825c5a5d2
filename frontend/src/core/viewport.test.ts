import { describe, expect, it } from "vitest";
import type { Size } from "./geometry";
import { numbers } from "./golden";
import { fitted, panBy, reveal, toCanvas, toImage, zoomAt } from "./viewport";

const image: Size = [1500, 2250];
const canvas: Size = [700, 1000];

describe("viewport", () => {
  it("fits the whole picture into the middle", () => {
    const view = fitted(image, canvas);
    const corner = toCanvas(view, { x: 2250, y: 1500 });
    expect(view.left).toBeGreaterThan(0);
    expect(view.left).toBeCloseTo(1000 - corner.x);
    expect(view.top).toBeGreaterThan(0);
    expect(corner.y).toBeLessThan(700 - 40);
  });

  it("does not blow a tiny picture up beyond fourfold", () => expect(fitted([10, 10], canvas).scale).toBe(4));

  it("takes canvas points to the picture and back", () => {
    const view = { scale: 0.37, left: 12.5, top: -80 };
    const there = toImage(view, { x: 300, y: 200 });
    expect(toCanvas(view, there).x).toBeCloseTo(300);
    expect(toCanvas(view, there).y).toBeCloseTo(200);
  });

  it("keeps the point under the pointer while zooming", () => {
    const pointer = { x: 620, y: 130 };
    const view = fitted(image, canvas);
    const before = toImage(view, pointer);
    const after = toImage(zoomAt(view, pointer, 3, image, canvas), pointer);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it("moves to what is out of sight, and not to what is in sight", () => {
    const close = zoomAt(fitted(image, canvas), { x: 0, y: 0 }, 8, image, canvas);
    const shown = reveal(close, [1800, 1000, 100, 60], image, canvas);
    const middle = toCanvas(shown, { x: 1850, y: 1030 });
    expect(middle.x).toBeCloseTo(500);
    expect(middle.y).toBeCloseTo(350);
    expect(reveal(shown, [1840, 1020, 20, 20], image, canvas)).toBe(shown);
  });

  it("never loses the picture or leaves the range of scales, whatever one does", () => {
    const random = numbers(11);
    let view = fitted(image, canvas);
    for (let round = 0; round < 500; round += 1) {
      const pointer = { x: random() * 1000, y: random() * 700 };
      view =
        random() < 0.5
          ? zoomAt(view, pointer, 0.3 + random() * 3, image, canvas)
          : panBy(view, (random() - 0.5) * 9000, (random() - 0.5) * 9000, image, canvas);
      expect(view.scale).toBeGreaterThan(0.1);
      expect(view.scale).toBeLessThanOrEqual(32);
      const [start, end] = [toCanvas(view, { x: 0, y: 0 }), toCanvas(view, { x: 2250, y: 1500 })];
      expect(start.x).toBeLessThan(1000);
      expect(start.y).toBeLessThan(700);
      expect(end.x).toBeGreaterThan(0);
      expect(end.y).toBeGreaterThan(0);
    }
  });
});
