/** The picture on the canvas and how it is looked at: scale, place, the size of the canvas. */
import { signal } from "@preact/signals";
import type { Box, Point, Size } from "../../core/geometry";
import { fitted, panBy, reveal, type Viewport, zoomAt } from "../../core/viewport";
import { type Image, imageUrl } from "../../data/api";
import { loadPicture } from "../../data/pictures";

/** The thumbnail stands in until the pixels are there. */
export interface Picture {
  readonly imageId: string;
  readonly source: CanvasImageSource;
  readonly size: Size;
  readonly sharp: boolean;
}

export class Sight {
  readonly picture = signal<Picture | null>(null);
  readonly view = signal<Viewport>({ scale: 1, left: 0, top: 0 });
  readonly canvas = signal<Size>([1, 1]);
  private untouched = true;
  private showing: string | null = null;

  /** Of the picture, in its own pixels. */
  get size(): Size {
    return this.picture.peek()?.size ?? [1, 1];
  }

  /** Shows an image unless another one is shown meanwhile; throws in words when its pixels cannot be had. */
  async show(image: Image): Promise<void> {
    const { height, width } = image;
    this.showing = image.id;
    if (!height || !width) return;
    const size: Size = [height, width];
    const put = (source: CanvasImageSource, sharp: boolean) => {
      if (image.id !== this.showing || this.picture.peek()?.sharp) return;
      const first = this.picture.peek() === null;
      this.picture.value = { imageId: image.id, source, size, sharp };
      if (first) this.fit();
    };
    void loadPicture(imageUrl(image, "thumbnail")).then(
      (source) => put(source, false),
      () => undefined,
    );
    put(await loadPicture(imageUrl(image, "pixels")), true);
  }

  close(): void {
    this.showing = null;
    this.picture.value = null;
  }

  resize(canvas: Size): void {
    this.canvas.value = canvas;
    if (this.untouched) this.fit();
  }

  fit(): void {
    this.untouched = true;
    this.view.value = fitted(this.size, this.canvas.peek());
  }

  pan(dx: number, dy: number): void {
    this.untouched = false;
    this.view.value = panBy(this.view.peek(), dx, dy, this.size, this.canvas.peek());
  }

  /** Moves the picture when the middle of a box of it is out of sight. */
  reveal(box: Box): void {
    this.view.value = reveal(this.view.peek(), box, this.size, this.canvas.peek());
  }

  zoom(pointer: Point, factor: number): void {
    this.untouched = false;
    this.view.value = zoomAt(this.view.peek(), pointer, factor, this.size, this.canvas.peek());
  }

  /** Zooms about the middle of the canvas. */
  zoomBy(factor: number): void {
    const [height, width] = this.canvas.peek();
    this.zoom({ x: width / 2, y: height / 2 }, factor);
  }
}
