/**
 * Collections of real or phantom images, for those who teach.
 */

import { staffRequest } from './transport.js';

/**
 * @typedef {{name: string, training_data: 'simulated'|'real', images: number, classes: Object<string, {train: number, test: number}>}} Collection
 * @typedef {{id: number, file: string, class: string, split: 'train'|'test', image: string}} LibraryImage
 */

/** @returns {Promise<Collection[]>} */
export async function listCollections() {
  return (await staffRequest('GET', '/api/v1/library')).collections;
}

/**
 * @param {string} collection
 * @param {{class?: string, split?: string, page?: number}} which
 * @returns {Promise<{images: LibraryImage[], page: number, pages: number, total: number}>}
 */
export async function listCollectionImages(collection, which) {
  return staffRequest('GET', `/api/v1/library/${encodeURIComponent(collection)}/images?${new URLSearchParams(which)}`);
}
