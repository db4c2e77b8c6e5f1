/**
 * Loads many small images a few at a time, and only those that are still wanted.
 */

import { readImage } from './api/transport.js';
import { withRetry } from './retry.js';
import { atlasTexts } from './texts/atlas_texts.js';

/** As many as a browser asks one server at a time, less two for what the user opens meanwhile. */
const AT_ONCE = 4;

/**
 * @returns {(url: string, leaving: AbortSignal) => Promise<Blob>} first come, first served; waits out a busy server;
 *   rejects with the server's error, or once `leaving` is aborted
 */
export function createThumbnailLoader() {
  const waiting = [];
  let running = 0;

  const next = () => {
    while (running < AT_ONCE && waiting.length > 0) {
      const { url, leaving, resolve, reject } = waiting.shift();
      if (leaving.aborted) {
        reject(leaving.reason);
        continue;
      }
      running++;
      withRetry(() => readImage(url, leaving), { signal: leaving }).then(resolve, reject).finally(() => {
        running--;
        next();
      });
    }
  };

  return (url, leaving) => new Promise((resolve, reject) => {
    waiting.push({ url, leaving, resolve, reject });
    next();
  });
}

/**
 * @param {Blob} file
 * @param {number} pixels a side that are reserved for it
 * @returns {Promise<HTMLImageElement>} which one it is, the words beside it have to say
 */
export async function decodedThumbnail(file, pixels) {
  const url = URL.createObjectURL(file);
  const image = new Image(pixels, pixels);
  image.alt = atlasTexts.thumbAlt;
  image.src = url;
  try {
    await image.decode();
  } finally {
    URL.revokeObjectURL(url);
  }
  return image;
}
