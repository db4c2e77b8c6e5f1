/**
 * Models, and their labelled samples.
 */

import { request } from './transport.js';

/**
 * @typedef {object} Model
 * @property {string} id
 * @property {string} name
 * @property {number[]} sizes pixels a side that images are offered in
 * @property {string[]} classes
 * @property {'simulated'|'real'} training_data
 */

/** @returns {Promise<Model[]>} without those whose file is broken, of which nothing is known */
export async function listModels() {
  return (await request('GET', '/api/v1/models')).models.filter(({ state }) => state !== 'broken');
}

/** URL of a labelled sample, for pages where the class is no secret. */
export function sampleUrl(modelId, className, seed, size) {
  const path = [modelId, className, `${seed}.png`].map(encodeURIComponent).join('/');
  return `/api/v1/samples/${path}?size=${size}`;
}
