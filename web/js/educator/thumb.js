/**
 * Small labelled images: a drawn hip or an image of a collection, with what it is in words.
 */

import { sampleUrl } from '../api/api_models.js';
import { el } from '../dom.js';
import { createThumbnailLoader, decodedThumbnail } from '../thumbnails.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { teachTexts } from '../texts/teach_texts.js';

const PIXELS = 128;
const load = createThumbnailLoader();

/**
 * @param {{class: string, seed?: ?string, model?: string, strength?: ?number, truncation?: ?number, collection?: ?string, image?: string}} image
 *   image: the address of an image of a collection
 * @param {import('../api/api_models.js').Model[]} models
 * @returns {{root: HTMLElement, leave: () => void}} the frame, which fills as soon as the image is there
 */
export function thumbOf(image, models) {
  const leaving = new AbortController();
  const root = el('span', { class: 'thumb' });
  const url = addressOf(image, models);
  if (url) {
    load(url, leaving.signal)
      .then(async (file) => root.replaceChildren(await decodedThumbnail(file, PIXELS)))
      .catch((error) => {
        if (!leaving.signal.aborted) {
          root.replaceChildren(el('span', { class: 'thumb-trouble' }, atlasTexts.thumbTrouble(error)));
        }
      });
  } else {
    root.append(el('span', { class: 'thumb-trouble' }, teachTexts.noThumb));
  }
  return { root, leave: () => leaving.abort() };
}

function addressOf(image, models) {
  if (image.collection) return image.image ?? null;
  const sizes = models.find(({ id }) => id === image.model)?.sizes;
  return sizes ? sampleUrl(image.model, image.class, image.seed, sizes.find((size) => size >= PIXELS) ?? sizes.at(-1), { strength: image.strength ?? 1, truncation: image.truncation ?? 1 }) : null;
}

/** @returns {string} what an image is called: its hip, or its file */
export function nameOfImage(image) {
  return image.collection ? image.file.replace(/^.*\//, '') : atlasTexts.hip(image.seed);
}
