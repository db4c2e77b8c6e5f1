/**
 * Images, decoded before they are shown so that showing one costs no time.
 */

import { readItem } from '../api/api_sessions.js';
import { readImage } from '../api/transport.js';
import { withRetry } from '../retry.js';
import { readGreyPng } from '../viewer/grey_png.js';
import { openDrill } from './state.js';

/** An image that came but is none, or one that an <img> failed to load for a reason it does not tell. */
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
 * @param {AbortSignal} leaving
 * @returns {Promise<import('../viewer/grey_png.js').GreyImage>} ready for its first frame; rejects with the server's
 *   error, or a transient one
 */
export async function decodedImage(url, leaving) {
  const file = await readImage(url, leaving);
  try {
    return await readGreyPng(file);
  } catch {
    throw new ImageError();
  }
}

/** An item's image, once the server has opened the item. */
export async function itemImage(session, n, leaving) {
  const item = await readItem(session.id, session.secret, n);
  return decodedImage(item.image, leaving);
}

/**
 * The image that a drill begins with, asked for before the drill's page is there: while somebody reads how it goes, and
 * while the page is built.
 * @returns {{image: Promise<import('../viewer/grey_png.js').GreyImage>, ending: AbortController}} as createDrill takes
 *   it; who waits for a failed one is told
 */
export function firstImage(session, deck, answered) {
  const ending = new AbortController();
  const image = itemImage(session, openDrill(deck, answered).n, ending.signal);
  image.catch(() => {});
  return { image, ending };
}

/**
 * Lets an <img> that loads by itself come later if the server was busy, until it is there, is gone for good, or the
 * page is left.
 * @param {HTMLImageElement} image
 * @param {AbortSignal} leaving
 */
export function keepTrying(image, leaving) {
  const url = image.getAttribute('src');
  image.addEventListener('error', () => {
    let failure = new ImageError(); // what just happened is the first failure: wait before the second try
    withRetry(async () => {
      if (failure) {
        const first = failure;
        failure = null;
        throw first;
      }
      await fill(image, url, leaving);
    }, { signal: leaving }).catch(() => {}); // its words say what it is; the page is whole without it
  }, { once: true });
}

async function fill(image, url, leaving) {
  const file = URL.createObjectURL(await readImage(url, leaving));
  image.src = file;
  try {
    await image.decode();
  } catch {
    throw new ImageError();
  } finally {
    URL.revokeObjectURL(file);
  }
}
