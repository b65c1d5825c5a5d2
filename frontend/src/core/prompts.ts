/** Prompts: what the person said about one object, and how the decoder wants to hear it. Rules: docs of segmenter/prompts.py. */
import type { Corners, Point, Size } from "./geometry";
import { resizedSize } from "./upsample";

/** A click; label 1 says "this belongs to it", 0 "this does not". */
export interface PointPrompt extends Point {
  readonly kind: "point";
  readonly label: 0 | 1;
}

export interface BoxPrompt extends Corners {
  readonly kind: "box";
}

/** The mask of the annotation that is being replaced. */
export interface MaskPrompt {
  readonly kind: "mask";
}

export type Prompt = PointPrompt | BoxPrompt | MaskPrompt;

/** Input of the decoder in frame pixels: (x, y) pairs flattened, and one label for each. */
export interface PromptTensors {
  readonly coords: Float32Array<ArrayBuffer>;
  readonly labels: Float32Array<ArrayBuffer>;
}

const PADDING = -1;
const BOX_CORNERS = [2, 3] as const;

/**
 * Points in the order given, then the corners of the last box; without a box one padding point. Coordinates scale by the
 * ratio of the rounded sizes on each axis, as the reference's Python does.
 */
export function promptTensors(prompts: readonly Prompt[], size: Size, frame: number): PromptTensors {
  const [height, width] = size;
  const [rows, columns] = resizedSize(size, frame);
  const coords: number[] = [];
  const labels: number[] = [];
  const add = (x: number, y: number, label: number) => {
    coords.push(x * (columns / width), y * (rows / height));
    labels.push(label);
  };
  for (const prompt of prompts) if (prompt.kind === "point") add(prompt.x, prompt.y, prompt.label);
  const box = boxOf(prompts);
  if (box) {
    add(box.x0, box.y0, BOX_CORNERS[0]);
    add(box.x1, box.y1, BOX_CORNERS[1]);
  } else {
    add(0, 0, PADDING);
  }
  return { coords: Float32Array.from(coords), labels: Float32Array.from(labels) };
}

/** The decoder hears one box: the last one drawn. */
function boxOf(prompts: readonly Prompt[]): BoxPrompt | null {
  return prompts.findLast((prompt): prompt is BoxPrompt => prompt.kind === "box") ?? null;
}

/** Number of prompts the decoder hears: each point, one box, one mask. */
export function promptCount(prompts: readonly Prompt[]): number {
  const points = prompts.filter((prompt) => prompt.kind === "point").length;
  const masks = prompts.some((prompt) => prompt.kind === "mask") ? 1 : 0;
  return points + masks + (boxOf(prompts) ? 1 : 0);
}

/** Index of the single-mask token; the others are the three readings of an ambiguous prompt. */
export const SINGLE = 0;
export const READINGS = [1, 2, 3] as const;

/** One prompt is ambiguous: the best of the three by predicted IoU. More prompts: the single mask. */
export function chooseCandidate(predictedIou: ArrayLike<number>, prompts: number): number {
  if (prompts > 1) return SINGLE;
  let best: number = READINGS[0];
  for (const index of READINGS) {
    if ((predictedIou[index] as number) > (predictedIou[best] as number)) best = index;
  }
  return best;
}
