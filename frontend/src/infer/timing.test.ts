import { expect, it } from "vitest";
import { measure, measureDecode } from "./timing";

const MAKER = { versionId: "v", decoderDigest: "d", encoderDigest: "e" };

it("a decode says how long it took and which version answered by which files", () => {
  const decoded = { decode: 1, logits: new Float32Array(4), predictedIou: [], milliseconds: 5, maker: MAKER };
  expect(measureDecode("preview", decoded)).toBe(decoded);
  const [entry] = performance.getEntriesByName("maskmill:preview");
  expect(entry).toMatchObject({ detail: MAKER });
  expect(entry?.duration).toBeCloseTo(5);
});

it("measures are forgotten before they take memory", () => {
  for (let round = 0; round < 2500; round += 1) measure("maskmill:test", 0, round);
  expect(performance.getEntriesByName("maskmill:test").length).toBe(500);
});
