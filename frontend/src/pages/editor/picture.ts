/** The picture on the canvas; the thumbnail stands in until the pixels are there. */
import type { Size } from "../../core/geometry";

export interface Picture {
  readonly imageId: string;
  readonly source: CanvasImageSource;
  readonly size: Size;
  readonly sharp: boolean;
}

/** The decoded picture at an address of ours; throws in words. */
export async function loadPicture(url: string): Promise<ImageBitmap> {
  const element = new globalThis.Image();
  element.src = url;
  try {
    await element.decode();
  } catch {
    throw new Error("The image's pixels could not be loaded.");
  }
  return createImageBitmap(element);
}
