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

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d");
  }

  setPicture(picture: CanvasImageSource | null, size: Size): void {
    this.picture = picture;
    this.size = size;
  }

  draw(view: Viewport, { ratio }: Screen): void {
    const { context, canvas, picture } = this;
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!picture) return;
    context.imageSmoothingEnabled = view.scale < SQUARES;
    context.imageSmoothingQuality = "high";
    const [height, width] = this.size;
    const scale = view.scale * ratio;
    context.drawImage(picture, view.left * ratio, view.top * ratio, width * scale, height * scale);
  }
}
