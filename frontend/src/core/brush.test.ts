import { describe, expect, it } from "vitest";
import { brushCentre, emptyRuns, fittingBrush, paint, resizedBrush, strokeSpans } from "./brush";
import type { Point, Size } from "./geometry";
import { golden, numbers } from "./golden";
import { compress, decode, encode, parse, type Runs } from "./rle";

interface Stroke {
  places: [x: number, y: number][];
  diameter: number;
  value: boolean;
}

const { cases } = golden<{
  cases: { name: string; size: [number, number]; before: string; strokes: Stroke[]; after: string }[];
}>("brush");

function brushed(runs: Runs, strokes: readonly Stroke[], size: Size): Runs {
  let now = runs;
  for (const { places, diameter, value } of strokes) {
    const points: Point[] = places.map(([x, y]) => ({ x, y }));
    points.forEach((to, index) => {
      now = paint(now, strokeSpans(points[Math.max(index - 1, 0)] ?? to, to, diameter, size), value);
    });
  }
  return now;
}

describe("strokes as numpy and pycocotools have them", () => {
  it.each(cases)("$name", ({ size, before, strokes, after }) => {
    expect(compress(brushed(parse(before, size), strokes, size))).toBe(after);
  });
});

describe("painting", () => {
  const size: Size = [6, 5];

  it("is what painting the pixels one by one gives", () => {
    const draw = numbers(3);
    for (let turn = 0; turn < 50; turn += 1) {
      const pixels = Uint8Array.from({ length: 30 }, () => (draw() < 0.5 ? 255 : 0));
      const runs = encode(pixels, size);
      const place = { x: Math.floor(draw() * 5) + 0.5, y: Math.floor(draw() * 6) + 0.5 };
      const value = draw() < 0.5;
      const spans = strokeSpans(place, place, 3, size);
      for (const [start, end] of spans) {
        for (let at = start; at < end; at += 1) pixels[(at % 6) * 5 + Math.floor(at / 6)] = value ? 255 : 0;
      }
      expect(decode(paint(runs, spans, value), size, [0, 0, 5, 6])).toEqual(pixels);
    }
  });

  it("gives the same mask back when nothing changes", () => {
    const empty = emptyRuns(size);
    const spans = strokeSpans({ x: 2, y: 2 }, { x: 2, y: 2 }, 2, size);
    expect(paint(empty, spans, false)).toBe(empty);
    const set = paint(empty, spans, true);
    expect(paint(set, spans, true)).toBe(set);
    expect(Array.from(paint(set, spans, false))).toEqual(Array.from(empty));
  });
});

describe("the brush", () => {
  it("always paints the pixel under the pointer", () => {
    for (const x of [1, 1.01, 1.5, 1.99]) {
      const centre = brushCentre({ x, y: 2.3 }, 1);
      expect(strokeSpans(centre, centre, 1, [6, 5])).toEqual([[8, 9]]);
    }
    expect(brushCentre({ x: 1.4, y: 1.6 }, 2)).toEqual({ x: 1, y: 2 });
  });

  it("grows and shrinks by steps that undo each other at the ends", () => {
    expect(resizedBrush(1, -1)).toBe(1);
    expect(resizedBrush(1, 1)).toBe(2);
    expect(resizedBrush(512, 1)).toBe(512);
    expect(resizedBrush(20, 1)).toBe(25);
    expect(resizedBrush(25, -1)).toBe(20);
    expect(fittingBrush([480, 640])).toBe(13);
    expect(fittingBrush([4, 4])).toBe(3);
  });
});
