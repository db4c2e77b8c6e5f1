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

/**
 * URL of a labelled sample, for pages where the class is no secret.
 * @param {string|number} seed
 * @param {number} size one of the model's
 * @param {{strength?: number, truncation?: number}} [how] each 0..1; 1 when left out
 */
export function sampleUrl(modelId, className, seed, size, { strength = 1, truncation = 1 } = {}) {
  const path = [modelId, className, `${seed}.png`].map(encodeURIComponent).join('/');
  const query = new URLSearchParams({ size, ...(strength === 1 ? {} : { strength }), ...(truncation === 1 ? {} : { truncation }) });
  return `/api/v1/samples/${path}?${query}`;
}
