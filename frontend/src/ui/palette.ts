/**
 * The twelve mask colours. Found by a greedy search in OKLCH (lightness 0.66–0.78) for the largest smallest distance
 * under normal sight and simulated protanopia, deuteranopia and tritanopia (Machado 2009): the first few are the most distinct.
 * The same values stand in styles/tokens.css as --mask-0 … --mask-11; a test holds them together.
 */
export interface MaskColour {
  name: string;
  hex: string;
}

export const MASK_COLOURS: readonly MaskColour[] = [
  { name: "blue", hex: "#659dfb" },
  { name: "orange", hex: "#fe860f" },
  { name: "mint", hex: "#4ad496" },
  { name: "magenta", hex: "#cd63c6" },
  { name: "pink", hex: "#dfa1ca" },
  { name: "moss", hex: "#809d62" },
  { name: "straw", hex: "#c3bc5a" },
  { name: "coral", hex: "#fa676e" },
  { name: "ochre", hex: "#c18434" },
  { name: "sky", hex: "#86beee" },
  { name: "teal", hex: "#42a3a8" },
  { name: "violet", hex: "#9c76f3" },
];

/** The colour of a category or mask as red, green, blue in 0..1; indices wrap round. */
export function maskColour(index: number): [red: number, green: number, blue: number] {
  const value = Number.parseInt(maskHex(index).slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

export function maskHex(index: number): string {
  const count = MASK_COLOURS.length;
  return MASK_COLOURS[((Math.trunc(index) % count) + count) % count]?.hex ?? "#659dfb";
}
