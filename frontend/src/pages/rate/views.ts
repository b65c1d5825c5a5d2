/** The pictures that a rater sees beside each other: parts of the image, with or without the mask and the prompt. */
import type { Box, Point, Size } from "../../core/geometry";
import { decode, type Runs } from "../../core/rle";

export type MaskStyle = "none" | "red_overlay" | "yellow_on_purple";

/** What is drawn: `crop` is the part of the image, in its pixels. */
export interface View {
  name: string;
  picture: boolean;
  mask: MaskStyle;
  prompt: boolean;
  crop: Box;
}

export interface Mark {
  kind: "point" | "box";
  from: Point;
  to: Point;
}

const RED = [235, 40, 40, 128] as const;
const YELLOW = [253, 231, 37, 255] as const;
const PURPLE = "#440154";
const BLUE = "#1f5bff";

/** RGBA pixels of the part of a mask: `colour` where it is set, transparent elsewhere. */
export function stampOf(runs: Runs, size: Size, crop: Box, colour: readonly number[]): Uint8ClampedArray<ArrayBuffer> {
  const inside = decode(runs, size, crop);
  const pixels = new Uint8ClampedArray(inside.length * 4);
  for (let index = 0; index < inside.length; index += 1) if (inside[index]) pixels.set(colour, index * 4);
  return pixels;
}

/** The largest size of a part that fits into `room`, in the room's units. */
export function fitInto([, , width, height]: Box, room: Size): Size {
  const scale = Math.min(room[1] / width, room[0] / height);
  return [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
}

/** The marks of the prompts that a rater is shown. */
export function marksOf(prompts: readonly Record<string, unknown>[]): Mark[] {
  return prompts.flatMap((prompt): Mark[] => {
    const [x, y, x0, y0, x1, y1] = ["x", "y", "x0", "y0", "x1", "y1"].map((name) => Number(prompt[name])) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    if (prompt.kind === "point") return [{ kind: "point", from: { x, y }, to: { x, y } }];
    if (prompt.kind === "box") return [{ kind: "box", from: { x: x0, y: y0 }, to: { x: x1, y: y1 } }];
    return [];
  });
}

interface Drawn {
  picture: CanvasImageSource;
  runs: Runs;
  size: Size;
  marks: readonly Mark[];
}

/** Draws one view over the whole canvas, whose sides have the part's proportions. */
export function drawView(canvas: HTMLCanvasElement, view: View, { picture, runs, size, marks }: Drawn): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  const [left, top, wide, high] = view.crop;
  const scale = width / wide;
  context.fillStyle = PURPLE;
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = scale < 3;
  context.imageSmoothingQuality = "high";
  if (view.picture) context.drawImage(picture, left, top, wide, high, 0, 0, width, height);
  if (view.mask !== "none") {
    const stamp = new OffscreenCanvas(wide, high);
    const colour = view.mask === "red_overlay" ? RED : YELLOW;
    stamp.getContext("2d")?.putImageData(new ImageData(stampOf(runs, size, view.crop, colour), wide, high), 0, 0);
    context.drawImage(stamp, 0, 0, width, height);
  }
  if (!view.prompt) return;
  for (const { kind, from, to } of marks) {
    const [x, y] = [(from.x - left) * scale, (from.y - top) * scale];
    context.beginPath();
    if (kind === "point") context.arc(x, y, 5, 0, 2 * Math.PI);
    else context.rect(x, y, (to.x - from.x) * scale, (to.y - from.y) * scale);
    context.lineWidth = kind === "point" ? 2 : 4;
    context.strokeStyle = "#ffffff";
    context.stroke();
    if (kind === "point") {
      context.fillStyle = BLUE;
      context.fill();
    } else {
      context.lineWidth = 2;
      context.strokeStyle = BLUE;
      context.stroke();
    }
  }
}
