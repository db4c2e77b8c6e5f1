/**
 * A drill's session: its items, answers and summary.
 */

import { request } from './transport.js';

/**
 * @typedef {import('./api_decks.js').Deck} Deck
 *
 * @typedef {{id: string, deck: Deck, study: ?string, created_at: string, answered: number[], finished: boolean}} SessionState
 *
 * @typedef {object} Summary
 * @property {number} of items in the deck; fewer are answered where mastery ended it
 * @property {?number} correct
 * @property {?Score} score null while nothing may be told
 * @property {SummaryItem[]} items in the order of answering
 * @property {?{value: number, low: number, high: number, trials: number}} threshold of a staircase that is finished
 *
 * @typedef {object} Score the parts that the pages use; openapi.json has all and says how they are computed
 * @property {number} trials
 * @property {{hits: number, misses: number, false_alarms: number, correct_rejections: number}} counts
 * @property {Estimate} accuracy
 * @property {Estimate} sensitivity
 * @property {Estimate} specificity
 * @property {Estimate} auc
 * @property {Estimate} d_prime
 * @property {Estimate} criterion
 * @property {{rating: ?number, false_alarms: number, hits: number}[]} roc from (0, 0) to (1, 1), or empty
 * @property {{all: ?Quartiles, right: ?Quartiles, wrong: ?Quartiles}} response_ms
 * @property {{trials_needed: number, window: number, average: {n: number, accuracy: number}[], fit: ?{start: number,
 *   asymptote: number, rate: number, last: number}, gap: ?string}} learning_curve
 *
 * @typedef {{value: ?number, low: ?number, high: ?number, gap: ?string}} Estimate with its 95 % interval; gap says
 *   why something is null
 * @typedef {{count: number, lower: number, median: number, upper: number}} Quartiles
 *
 * @typedef {object} SummaryItem
 * @property {number} n
 * @property {string} choice
 * @property {?string} truth
 * @property {?boolean} correct
 * @property {number} rating 1..6
 * @property {number} response_ms
 * @property {string} image URL
 * @property {boolean} counts false of an image that was answered before
 */

/**
 * @param {{deck: string}|{class: string}} what is drilled
 * @param {?string} learner the code of whom it belongs to; a class wants one
 * @returns {Promise<{id: string, secret: string, deck: Deck}>}
 */
export async function createSession(what, learner) {
  return (await request('POST', '/api/v1/sessions', { body: { ...what, ...(learner ? { learner } : {}) } })).session;
}

/** @returns {Promise<SessionState>} */
export async function readSession(id, secret) {
  return (await request('GET', `/api/v1/sessions/${encodeURIComponent(id)}`, { secret })).session;
}

/**
 * @returns {Promise<{n: number, of: number, image: string, feedback: ?import('../drill/state.js').Feedback}>} the
 *   image's URL tells nothing about it; feedback: null before the answer
 */
export async function readItem(id, secret, n) {
  return (await request('GET', `/api/v1/sessions/${encodeURIComponent(id)}/items/${n}`, { secret })).item;
}

/**
 * Safe to repeat with the same answer: the server keeps one row per key.
 * @param {{key: string, item: number, choice: string, confidence?: number, response_ms: number}} answer
 *   and what context.js adds
 * @returns {Promise<{feedback: ?{truth: ?string, correct: boolean}, progress: {answered: number, of: number,
 *   finished: boolean, mastery_hits: ?number}}>}
 */
export async function sendAnswer(id, secret, answer) {
  return request('POST', `/api/v1/sessions/${encodeURIComponent(id)}/answers`, { secret, body: answer });
}

/** @returns {Promise<Summary>} */
export async function readSummary(id, secret) {
  return (await request('GET', `/api/v1/sessions/${encodeURIComponent(id)}/summary`, { secret })).summary;
}
