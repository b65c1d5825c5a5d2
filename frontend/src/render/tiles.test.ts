import { describe, expect, it } from "vitest";
import type { Size } from "../core/geometry";
import { numbers } from "../core/golden";
import { upsample, upsampling } from "../core/upsample";
import { draftTiles, maskTiles, type Tiles } from "./tiles";

function lies(rectangles: Float32Array, x: number, y: number): boolean {
  for (let at = 0; at < rectangles.length; at += 4) {
    const [x0, y0, x1, y1] = rectangles.subarray(at, at + 4) as unknown as [number, number, number, number];
    if (x >= x0 && x < x1 && y >= y0 && y < y1) return true;
  }
  return false;
}

/** Every edge and what lies within `reach` pixels of it is an edge tile; inside tiles hold only the mask. */
function check({ inside, edges }: Tiles, mask: Uint8Array, [height, width]: Size, reach: number): void {
  const set = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const here = set(x, y);
      const [plain, edge] = [lies(inside, x, y), lies(edges, x, y)];
      if (plain && edge) throw new Error(`${x}, ${y} is painted twice`);
      if (plain !== here && !edge) throw new Error(`${x}, ${y} is ${here ? "left out" : "filled"} wrongly`);
      const other = [-reach, 0, reach].some((dy) => [-reach, 0, reach].some((dx) => set(x + dx, y + dy) !== here));
      if (other && !edge) throw new Error(`${x}, ${y} is ${reach} pixels from an edge, but no edge tile`);
    }
  }
}

function blobs(seed: number, side: number, bias: number): Float32Array {
  const random = numbers(seed);
  const waves = Array.from({ length: 3 }, () => [random() * 0.5, random() * 0.5, random() * 6] as const);
  return Float32Array.from({ length: side * side }, (_, index) => {
    const [x, y] = [index % side, Math.floor(index / side)];
    return waves.reduce((sum, [a, b, c]) => sum + Math.sin(a * x + b * y + c), bias);
  });
}

describe("tiles of a draft", () => {
  it.each([[[90, 130]], [[130, 60]], [[20, 300]]] as [Size][])("hold every edge, size %j", (size) => {
    for (let seed = 0; seed < 6; seed += 1) {
      const plan = upsampling(size, { side: 64, logits: 32 });
      const logits = blobs(seed, 32, seed % 3 === 0 ? 1.2 : -0.6);
      const mask = Uint8Array.from(upsample(logits, plan), (logit) => (logit > 0 ? 255 : 0));
      check(draftTiles(logits, plan), mask, size, 1);
    }
  });

  it("are none for an empty mask", () => {
    const plan = upsampling([90, 130], { side: 64, logits: 32 });
    const { inside, edges } = draftTiles(new Float32Array(32 * 32).fill(-1), plan);
    expect([inside.length, edges.length]).toEqual([0, 0]);
  });
});

describe("tiles of a saved mask", () => {
  it.each([1, 2, 3, 4])("hold every edge (%i)", (seed) => {
    const size: Size = [70, 110];
    const plan = upsampling(size, { side: 64, logits: 32 });
    const mask = Uint8Array.from(upsample(blobs(seed, 32, 0.4), plan), (logit) => (logit > 0 ? 255 : 0));
    check(maskTiles(mask, [0, 0, 110, 70], 110), mask, size, 4);
  });

  it("lie where its box lies", () => {
    const { edges } = maskTiles(new Uint8Array(100).fill(255), [40, 50, 10, 10], 200);
    expect(lies(edges, 40, 50) && lies(edges, 49, 59)).toBe(true);
    expect(lies(edges, 20, 50)).toBe(false);
  });
});
