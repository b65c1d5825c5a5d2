import { describe, expect, it } from "vitest";
import type { Size } from "../core/geometry";
import { numbers } from "../core/golden";
import { area, compress, decode, encode, parse } from "../core/rle";
import { upsample, upsampling } from "../core/upsample";
import { draftBox } from "../render/layers";
import { encodeCandidate, maskInput } from "./masks";
import type { Release } from "./protocol";

const RELEASE: Release = {
  versionId: "v",
  digest: "d",
  encoderDigest: "e",
  decoderUrl: "",
  decoderDigest: "",
  frame: 256,
  logits: 128,
  embedding: {},
};

/** A smooth field: a sum of a few waves over the cells. */
function field(seed: number, side: number): Float32Array {
  const random = numbers(seed);
  const waves = Array.from({ length: 4 }, () => [random() * 0.2, random() * 0.2, random() * 6] as const);
  return Float32Array.from({ length: side * side }, (_, index) => {
    const [x, y] = [index % side, Math.floor(index / side)];
    return waves.reduce((sum, [a, b, c]) => sum + Math.sin(a * x + b * y + c), -0.5);
  });
}

describe("a candidate as it is saved", () => {
  it("measures what the run lengths hold", () => {
    const size: Size = [240, 330];
    const encoded = encodeCandidate(field(1, 128), size, RELEASE);
    const runs = parse(encoded.counts, size);
    expect(encoded.area).toBe(area(runs));
    expect(encoded.size).toEqual(size);
    expect(encoded.stability).toBeGreaterThan(0);
    expect(encoded.stability).toBeLessThan(1);
  });

  it("is stable when its logits are far from zero, and not when it is empty", () => {
    const sure = Float32Array.from({ length: 128 * 128 }, (_, index) => (index % 128 < 40 ? 9 : -9));
    expect(encodeCandidate(sure, [100, 100], RELEASE).stability).toBe(1);
    const empty = encodeCandidate(new Float32Array(128 * 128).fill(-9), [100, 100], RELEASE);
    expect(empty).toMatchObject({ area: 0, box: [0, 0, 0, 0], stability: 0 });
  });
});

describe("a saved mask as the decoder's input", () => {
  it.each([[[240, 330]], [[700, 200]], [[60, 60]]] as [Size][])(
    "comes back as nearly the same mask, size %j",
    (size) => {
      const [height, width] = size;
      const disc = Uint8Array.from({ length: height * width }, (_, index) => {
        const [x, y] = [(index % width) / width - 0.4, Math.floor(index / width) / height - 0.5];
        return x * x + y * y < 0.07 ? 1 : 0;
      });
      const runs = encode(disc, size);
      const logits = maskInput(compress(runs), size, RELEASE);
      expect(new Set(logits)).toEqual(new Set([-10, 10]));
      const back = encodeCandidate(logits, size, RELEASE);
      const [one, other] = [disc, decode(parse(back.counts, size), size, [0, 0, width, height])];
      let [both, either] = [0, 0];
      for (let index = 0; index < one.length; index += 1) {
        if (one[index] && other[index]) both += 1;
        if (one[index] || other[index]) either += 1;
      }
      expect(both / either).toBeGreaterThan(0.93);
    },
  );
});

describe("box of a draft", () => {
  it.each([[[240, 330]], [[700, 200]], [[31, 1000]]] as [Size][])("holds every pixel of it, size %j", (size) => {
    for (let seed = 0; seed < 6; seed += 1) {
      const plan = upsampling(size, { side: 64, logits: 16 });
      const logits = field(seed, 16).map((value) => value - 1);
      const box = draftBox({ logits, plan });
      upsample(logits, plan).forEach((logit, index) => {
        if (logit <= 0) return;
        const [x, y] = [index % size[1], Math.floor(index / size[1])];
        const [left, top, width, height] = box ?? [0, 0, 0, 0];
        const inside = x >= left && y >= top && x < left + width && y < top + height;
        if (!inside) throw new Error(`pixel ${x}, ${y} lies outside the box ${box}`);
      });
      expect(box === null).toBe(logits.every((logit) => logit <= 0));
    }
  });
});
