import { describe, expect, it } from "vitest";
import type { Size } from "./geometry";
import { golden, numbers } from "./golden";
import { area, compress, encode } from "./rle";
import { axisTaps, encodeLogits, resizedSize, upsample, upsampling } from "./upsample";

interface Golden {
  axes: { logits: number; frame: number; cropped: number; out: number; taps: [number, number][][] }[];
  masks: {
    name: string;
    logits_side: number;
    frame: number;
    size: [number, number];
    logits: number[];
    samples: [number, number, number][];
    exact: [number, number, number][];
    area: number;
    counts: string;
  }[];
}

const { axes, masks } = golden<Golden>("upsampling");
const { sizes } = golden<{ sizes: { size: [number, number]; frame: number; resized: [number, number] }[] }>(
  "transforms",
);

describe("size in the frame", () => {
  it.each(sizes)("$size in $frame", ({ size, frame, resized }) => expect(resizedSize(size, frame)).toEqual(resized));
});

describe("taps", () => {
  it.each(axes)("$logits of $frame, $cropped to $out", ({ logits, frame, cropped, out, taps }) => {
    const { index, weight } = axisTaps(logits, frame, cropped, out);
    taps.forEach((expected, position) => {
      const cells = new Map<number, number>();
      for (let tap = position * 4; tap < position * 4 + 4; tap += 1) {
        const cell = index[tap] as number;
        const sum = (cells.get(cell) ?? 0) + (weight[tap] as number);
        if (sum > 0) cells.set(cell, sum);
      }
      expect([...cells.keys()].sort((a, b) => a - b)).toEqual(expected.map(([cell]) => cell));
      for (const [cell, share] of expected) expect(cells.get(cell)).toBeCloseTo(share, 6);
    });
  });
});

describe("masks of the reference", () => {
  it.each(masks)("$name", ({ logits_side, frame, size, logits, samples, exact, area: pixels, counts }) => {
    const plan = upsampling(size, { side: frame, logits: logits_side });
    const cells = Float32Array.from(logits);
    const full = upsample(cells, plan);
    for (const [y, x, value] of samples) expect(full[y * size[1] + x]).toBeCloseTo(value, 4);
    for (const [y, x, value] of exact) expect(full[y * size[1] + x]).toBe(Math.fround(value));
    const runs = encodeLogits(cells, plan);
    expect(compress(runs)).toBe(counts);
    expect(area(runs)).toBe(pixels);
  });
});

describe("runs straight from logits", () => {
  const cases: [Size, number, number][] = [
    [[60, 90], 32, 8],
    [[7, 200], 64, 16],
    [[200, 7], 64, 16],
    [[1, 1], 32, 8],
    [[300, 211], 256, 128],
  ];
  it.each(cases)("equal those of the full mask, size %j, frame %i", (size, frame, side) => {
    const random = numbers(size[0] * 1000 + size[1]);
    for (let round = 0; round < 5; round += 1) {
      const bias = (round - 2) / 2;
      const logits = Float32Array.from({ length: side * side }, () => random() * 2 - 1 + bias);
      const plan = upsampling(size, { side: frame, logits: side });
      const mask = Uint8Array.from(upsample(logits, plan), (logit) => (logit > 0 ? 1 : 0));
      expect(compress(encodeLogits(logits, plan))).toBe(compress(encode(mask, size)));
    }
  });

  it("do not count a logit of exactly zero", () => {
    const plan = upsampling([20, 30], { side: 32, logits: 8 });
    expect(area(encodeLogits(new Float32Array(64), plan))).toBe(0);
  });
});
