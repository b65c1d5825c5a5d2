/** The picture on the canvas; the thumbnail stands in until the pixels are there. */
import type { Size } from "../../core/geometry";

export interface Picture {
  readonly imageId: string;
  readonly source: CanvasImageSource;
  readonly size: Size;
  readonly sharp: boolean;
}
