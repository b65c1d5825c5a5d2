/** The picture itself, on a plain canvas. */
import type { Size } from "../core/geometry";
import type { Viewport } from "../core/viewport";
import type { Screen } from "./layers";

/** From this scale on, single pixels are shown as squares. */
const SQUARES = 6;

export class ImageLayer {
  private readonly context: CanvasRenderingContext2D | null;
  private picture: CanvasImageSource | null = null;
  private size: Size = [1, 1];
  /** The picture at a half, a quarter ... of its size, each made when it is first needed. */
  private readonly smaller: OffscreenCanvas[] = [];

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d");
  }

  setPicture(picture: CanvasImageSource | null, size: Size): void {
    this.picture = picture;
    this.size = size;
    this.smaller.length = 0;
  }

  draw(view: Viewport, { ratio }: Screen): void {
    const { context, canvas, picture } = this;
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!picture) return;
    const scale = view.scale * ratio;
    context.imageSmoothingEnabled = view.scale < SQUARES;
    const [height, width] = this.size;
    const source = this.sourceFor(picture, scale);
    context.drawImage(source, view.left * ratio, view.top * ratio, width * scale, height * scale);
  }

  /** The smallest version that is not enlarged: shrinking a large picture for every frame would be slow and rough. */
  private sourceFor(picture: CanvasImageSource, scale: number): CanvasImageSource {
    const level = Math.floor(Math.log2(1 / scale));
    for (let made = this.smaller.length; made < level; made += 1) {
      this.smaller.push(half(this.smaller[made - 1] ?? picture, this.size, 2 ** (made + 1)));
    }
    return level > 0 ? (this.smaller[level - 1] ?? picture) : picture;
  }
}

function half(source: CanvasImageSource, [height, width]: Size, divisor: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(Math.ceil(width / divisor), Math.ceil(height / divisor));
  const context = canvas.getContext("2d");
  if (context) context.imageSmoothingQuality = "medium";
  context?.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}
