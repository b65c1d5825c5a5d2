import { describe, expect, it } from "vitest";
import type { Size } from "./geometry";
import { golden, numbers } from "./golden";
import { area, bbox, compress, contains, decode, encode, InvalidMask, parse } from "./rle";

interface Golden {
  masks: { name: string; size: [number, number]; runs: number[]; counts: string; area: number; bbox: number[] }[];
  rejected: { name: string; size: unknown; counts: unknown; expected: [number, number] }[];
}

const { masks, rejected } = golden<Golden>("rle");
const whole = ([height, width]: Size) => [0, 0, width, height] as const;

describe("masks of pycocotools", () => {
  it.each(masks)("$name", ({ size, runs, counts, area: pixels, bbox: box }) => {
    const parsed = parse(counts, size);
    expect(Array.from(parsed)).toEqual(runs);
    expect(compress(parsed)).toBe(counts);
    expect(area(parsed)).toBe(pixels);
    expect(bbox(parsed, size)).toEqual(box);
    expect(compress(encode(decode(parsed, size, whole(size)), size))).toBe(counts);
  });
});

/** Cases about the type or the size of JSON values are the API's; here counts are text and the size is the picture's. */
const textual = rejected.filter(
  ({ size, counts, expected }) => typeof counts === "string" && JSON.stringify(size) === JSON.stringify(expected),
);

describe("counts that are no mask", () => {
  it.each(textual)("$name", ({ counts, expected }) => {
    expect(() => parse(counts as string, expected)).toThrow(InvalidMask);
  });

  it("covers the golden file's textual cases", () => expect(textual.length).toBeGreaterThan(15));

  it("refuses a mask of another size", () => {
    expect(() => parse("34=", [4, 6])).toThrow("do not fill");
    expect(() => parse("34=", [4.5, 5])).toThrow(InvalidMask);
  });

  it("never throws anything else, whatever the text", () => {
    const random = numbers(7);
    for (let round = 0; round < 3000; round += 1) {
      const text = Array.from({ length: Math.floor(random() * 12) }, () =>
        String.fromCharCode(46 + Math.floor(random() * 68)),
      ).join("");
      try {
        const runs = parse(text, [4, 5]);
        expect(runs.reduce((sum, run) => sum + run, 0)).toBe(20);
        expect(compress(runs)).toBe(text);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidMask);
      }
    }
  });
});

describe("pixels", () => {
  const size: Size = [13, 17];
  const random = numbers(3);
  const pixels = Uint8Array.from({ length: 13 * 17 }, () => (random() < 0.4 ? 1 : 0));
  const runs = encode(pixels, size);

  it("finds each pixel in the runs", () => {
    for (let y = 0; y < 13; y += 1) {
      for (let x = 0; x < 17; x += 1) {
        expect(contains(runs, size, { x: x + 0.7, y: y + 0.2 })).toBe(pixels[y * 17 + x] === 1);
      }
    }
  });

  it("knows nothing outside the picture", () => {
    expect(contains(Uint32Array.of(0, 221), size, { x: 3, y: -0.1 })).toBe(false);
    expect(contains(Uint32Array.of(0, 221), size, { x: 3, y: 13 })).toBe(false);
    expect(contains(Uint32Array.of(0, 221), size, { x: 17, y: 3 })).toBe(false);
  });

  it("decodes any part, also one that reaches over the edge", () => {
    const part = decode(runs, size, [-2, 9, 9, 7]);
    for (let y = 0; y < 7; y += 1) {
      for (let x = 0; x < 9; x += 1) {
        const inside = y + 9 < 13 && x - 2 >= 0 && pixels[(y + 9) * 17 + x - 2] === 1;
        expect(part[y * 9 + x]).toBe(inside ? 255 : 0);
      }
    }
  });
});
