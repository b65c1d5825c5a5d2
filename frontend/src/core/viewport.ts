/** Where the picture lies in the canvas. Canvas lengths are CSS pixels; `scale` is canvas pixels per picture pixel. */
import { type Box, clamp, insideImage, type Point, type Size } from "./geometry";

export interface Viewport {
  readonly scale: number;
  /** Canvas position of the picture's top left corner. */
  readonly left: number;
  readonly top: number;
}

/** Free space around a fitted picture; the line of hints below it needs more. */
const MARGIN = 16;
const FOOT = 44;
const LARGEST_SCALE = 32;
/** How much of the picture must stay in sight, so that nobody loses it. */
const KEEP = 48;

/** The whole picture in the middle of the free space; small pictures are enlarged at most fourfold. */
export function fitted([height, width]: Size, [canvasHeight, canvasWidth]: Size): Viewport {
  const [roomHigh, roomWide] = [Math.max(canvasHeight - MARGIN - FOOT, 1), Math.max(canvasWidth - 2 * MARGIN, 1)];
  const scale = Math.min(roomWide / width, roomHigh / height, 4);
  return { scale, left: (canvasWidth - width * scale) / 2, top: MARGIN + (roomHigh - height * scale) / 2 };
}

export function toImage(view: Viewport, point: Point): Point {
  return { x: (point.x - view.left) / view.scale, y: (point.y - view.top) / view.scale };
}

export function toCanvas(view: Viewport, point: Point): Point {
  return { x: point.x * view.scale + view.left, y: point.y * view.scale + view.top };
}

/** Zooms by a factor; the picture point under `pointer` stays under it. */
export function zoomAt(view: Viewport, pointer: Point, factor: number, image: Size, canvas: Size): Viewport {
  const smallest = Math.min(fitted(image, canvas).scale / 2, 1);
  const scale = clamp(view.scale * factor, smallest, LARGEST_SCALE);
  const under = toImage(view, pointer);
  return keepInSight({ scale, left: pointer.x - under.x * scale, top: pointer.y - under.y * scale }, image, canvas);
}

export function panBy(view: Viewport, dx: number, dy: number, image: Size, canvas: Size): Viewport {
  return keepInSight({ ...view, left: view.left + dx, top: view.top + dy }, image, canvas);
}

/** Moves the picture so that the middle of a box of it is in the middle of the canvas, unless it is in sight already. */
export function reveal(view: Viewport, [x, y, width, height]: Box, image: Size, canvas: Size): Viewport {
  const middle = toCanvas(view, { x: x + width / 2, y: y + height / 2 });
  if (insideImage(middle, canvas)) return view;
  return panBy(view, canvas[1] / 2 - middle.x, canvas[0] / 2 - middle.y, image, canvas);
}

function keepInSight(view: Viewport, [height, width]: Size, [canvasHeight, canvasWidth]: Size): Viewport {
  return {
    scale: view.scale,
    left: clamp(view.left, KEEP - width * view.scale, canvasWidth - KEEP),
    top: clamp(view.top, KEEP - height * view.scale, canvasHeight - KEEP),
  };
}
