/** Which of the twelve colours a mask has: its category's, else one of its own. */
import type { Category } from "../../data/api";
import type { Colour } from "../../render/layers";
import { MASK_COLOURS, maskColour } from "../../ui/palette";

export function categoryColour({ colour }: Category): Colour {
  return maskColour(colour);
}

/** Masks without a category differ from each other; the same id always has the same colour. */
export function ownColour(id: string): Colour {
  return maskColour(ownIndex(id));
}

export function ownIndex(id: string): number {
  let hash = 7;
  for (let index = 0; index < id.length; index += 1) hash = (hash * 31 + id.charCodeAt(index)) >>> 0;
  return hash % MASK_COLOURS.length;
}
