/** An image's pixels, decoded by the browser and ready to draw. */

/** Rejects when the address gives no picture. */
export async function loadPicture(url: string): Promise<ImageBitmap> {
  const element = new Image();
  element.src = url;
  try {
    await element.decode();
  } catch {
    throw new Error("The picture could not be loaded.");
  }
  return createImageBitmap(element);
}
