import { describe, expect, it } from "vitest";
import { halvesToFloats, readEmbedding } from "./safetensors";

const FACTS = { format: "maskmill-embedding/1", encoder_digest: "e", pixel_digest: "p", size: "[3,4]" };

function file(header: unknown, body: Uint16Array, pad = 0): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(header) + " ".repeat(pad));
  const bytes = new Uint8Array(8 + text.length + body.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(new Uint8Array(body.buffer), 8 + text.length);
  return bytes.buffer;
}

const tensor = (shape: number[], from: number, to: number, dtype = "F16") => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

describe("float16", () => {
  it("knows the special values of the format", () => {
    const bits = [0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555];
    const values = halvesToFloats(Uint16Array.from(bits).buffer, 0, bits.length);
    const [zero, minusZero, one, minusTwo, smallest, subnormal, normal, largest, inf, minusInf, nan, third] = values;
    expect([zero, one, minusTwo, largest]).toEqual([0, 1, -2, 65504]);
    expect(Object.is(minusZero, -0)).toBe(true);
    expect([smallest, subnormal, normal]).toEqual([2 ** -24, 1023 * 2 ** -24, 2 ** -14]);
    expect([inf, minusInf]).toEqual([Infinity, -Infinity]);
    expect(nan).toBeNaN();
    expect(third).toBeCloseTo(1 / 3, 3);
  });
});

describe("embedding files", () => {
  const header = { __metadata__: FACTS, level_4: tensor([2, 2], 0, 8), level_2: tensor([1, 3], 8, 14) };
  const body = Uint16Array.from([0x3c00, 0x4000, 0x4200, 0x4400, 0xbc00, 0, 0x3800]);

  it.each([0, 1])("give their tensors by name, also at odd offsets (padding %i)", (pad) => {
    const read = readEmbedding(file(header, body, pad));
    expect(read).toMatchObject({ encoderDigest: "e", pixelDigest: "p", size: [3, 4] });
    expect(Array.from(read.tensors.get("level_4")?.values ?? [])).toEqual([1, 2, 3, 4]);
    expect(Array.from(read.tensors.get("level_2")?.values ?? [])).toEqual([-1, 0, 0.5]);
    expect(read.tensors.get("level_2")?.shape).toEqual([1, 3]);
  });

  it.each([
    ["another format", { ...header, __metadata__: { ...FACTS, format: "other" } }, "not an embedding"],
    ["no metadata", { level_4: tensor([2, 2], 0, 8) }, "not an embedding"],
    ["another type", { ...header, level_4: tensor([2, 2], 0, 8, "F32") }, "is F32"],
    ["a length that does not fit the shape", { ...header, level_4: tensor([2, 3], 0, 8) }, "wrong length"],
    ["an end beyond the file", { ...header, level_2: tensor([1, 4], 8, 16) }, "wrong length"],
  ])("are refused with %s", (_, broken, reason) => {
    expect(() => readEmbedding(file(broken, body))).toThrow(reason);
  });

  it.each([0, 7, 30])("are refused when cut to %i bytes", (length) => {
    expect(() => readEmbedding(file(header, body).slice(0, length))).toThrow("damaged");
  });
});
