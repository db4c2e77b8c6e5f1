/**
 * Images, decoded before they are shown so that showing one costs no time.
 */

/** An image that did not arrive. Whether it is offline, overload or gone cannot be told from here. */
class ImageError extends Error {
  constructor() {
    super('The image did not arrive.');
    this.name = 'ImageError';
    this.status = 0;
    this.retryAfterMs = null;
    this.transient = true;
  }
}

/**
 * @param {string} url
 * @param {string} alt says what it is, never what it shows
 * @returns {Promise<HTMLImageElement>} decoded and ready for its first frame; rejects with a transient error
 */
export async function decodedImage(url, alt) {
  const image = new Image(1024, 1024);
  image.alt = alt;
  image.draggable = false;
  image.decoding = 'sync';
  image.src = url;
  try {
    await image.decode();
  } catch {
    throw new ImageError();
  }
  return image;
}
