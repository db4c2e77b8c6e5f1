/**
 * Decks as those who teach work on them: versions, saving, what a session would show, the archive. All of them are
 * listed in api_decks.js.
 */

import { staffExchange, staffFile, staffRequest } from './transport.js';

/**
 * @typedef {{version: number, saved_at: string, saved_by: ?string, used: boolean}} DeckVersion saved_by: null is the
 *   configuration or the operator; used: sessions ran under it
 * @typedef {object} Definition server/decks/deck.schema.json
 * @typedef {object} PreviewItem
 * @property {number} n
 * @property {string} choice that is right
 * @property {string} class
 * @property {'gan'|'library'} source
 * @property {string} model
 * @property {?string} seed null for an image of the library, as are strength and truncation
 * @property {?number} strength
 * @property {?number} truncation
 * @property {?string} collection null for a drawn image, as is file
 * @property {?string} file
 * @property {string} image its address, labelled
 * @property {?number} pair
 */

const path = (id, rest = '') => `/api/v1/decks/${encodeURIComponent(id)}${rest}`;
const saved = ({ reply, version }) => ({ ...reply.deck, tag: version });

/** @param {?number} [version] the newest when absent @returns {Promise<{definition: Definition, tag: string}>} tag: what a change of it names */
export async function readDeckVersion(id, version = null) {
  const { reply, version: tag } = await staffExchange('GET', path(id, version ? `?version=${version}` : ''));
  return { definition: reply, tag };
}

/** @returns {Promise<DeckVersion[]>} newest first */
export async function listDeckVersions(id) {
  return (await staffRequest('GET', path(id, '/versions'))).versions;
}

/** @param {Definition} definition @returns {Promise<{id: string, version: number, tag: string}>} */
export async function createDeck(definition) {
  return saved(await staffExchange('POST', '/api/v1/decks', { body: definition }));
}

/** @param {Definition} definition @param {string} tag of the version that was edited @returns {Promise<{id: string, version: number, tag: string}>} */
export async function saveDeck(definition, tag) {
  return saved(await staffExchange('POST', path(definition.id), { body: definition, version: tag }));
}

/** @param {Definition} definition @returns {Promise<PreviewItem[]>} */
export async function previewDeck(definition) {
  return (await staffRequest('POST', '/api/v1/preview', definition)).items;
}

export async function archiveDeck(id) {
  await staffRequest('POST', path(id, '/archive'));
}

export async function restoreDeck(id) {
  await staffRequest('POST', path(id, '/restore'));
}

/** @returns {Promise<{version: number, versions: number[], fewest_shown: number, score: object}>} as openapi.json has it */
export async function readDeckStatistics(id, version = null) {
  return (await staffRequest('GET', path(id, `/statistics${version ? `?version=${version}` : ''}`))).statistics;
}

/** @param {number} size side of the images in pixels @returns {Promise<Blob>} for Moodle's question bank */
export async function readMoodleFile(id, size) {
  return (await staffFile(path(id, `/moodle.xml?size=${size}`))).blob;
}
