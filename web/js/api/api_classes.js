/**
 * Classes: links by which learners start a deck, and what came of them. What learners see is in api_learners.js.
 */

import { staffRequest } from './transport.js';

/**
 * @typedef {{code: string, title: string, deck: string, owner: ?string, created_at: string, closed: boolean}} Class
 * @typedef {object} ClassResults of all learners together; null: of too few to be told
 * @property {?number} learners
 * @property {?number} answered_by
 * @property {?number} answers
 * @property {?number} accuracy
 * @property {number} fewest_shown
 */

/** @returns {Promise<Class[]>} newest first */
export async function listClasses() {
  return (await staffRequest('GET', '/api/v1/classes')).classes;
}

/** @returns {Promise<Class>} */
export async function createClass(title, deck) {
  return (await staffRequest('POST', '/api/v1/classes', { title, deck })).class;
}

export async function closeClass(code) {
  await staffRequest('POST', `/api/v1/classes/${code}/close`);
}

/** @returns {Promise<ClassResults>} */
export async function readClassResults(code) {
  return (await staffRequest('GET', `/api/v1/classes/${code}/results`)).results;
}
