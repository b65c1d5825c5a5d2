import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { MASK_COLOURS, maskColour, maskHex } from "./palette";

it("has the same mask colours as the style sheet", () => {
  const sheet = readFileSync(new URL("../styles/tokens.css", import.meta.url), "utf8");
  const inSheet = [...sheet.matchAll(/--mask-(\d+): (#[0-9a-f]{6});/g)].map((match) => match[2]);
  expect(inSheet).toEqual(MASK_COLOURS.map(({ hex }) => hex));
});

it("gives colours as fractions and wraps round", () => {
  expect(maskColour(0)).toEqual([0x65 / 255, 0x9d / 255, 0xfb / 255]);
  expect(maskHex(12)).toBe(maskHex(0));
  expect(maskHex(-1)).toBe(maskHex(11));
});
