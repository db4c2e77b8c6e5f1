/**
 * Decks, as the server offers them.
 */

import { request, staffRequest } from './transport.js';

/**
 * @typedef {object} Deck
 * @property {string} id
 * @property {string} title
 * @property {string} description for the start page, may be empty
 * @property {string} question asked of every item
 * @property {number} items how many a drill has, at most where mastery ends it
 * @property {?{rule: 'adaptive'|'staircase'}} order with the rule's numbers, where each item follows from the answer before
 * @property {?{correct: number, of: number, within_s: number}} mastery what of the last answers ends a drill early
 * @property {{id: string, label: string}[]} choices ratings 1..3 stand for the first, 4..6 for the second
 * @property {'location'|'truth'|'correct'|'none'} feedback what follows an answer: the truth and where the finding is,
 *   the truth, whether it was right, nothing
 * @property {'confidence'|'two_buttons'} rating whether each choice is graded by confidence
 * @property {number} time_limit_s for looking at each image; 0 is none
 * @property {string[]} models ids of the models that make the images
 * @property {?('drawn'|'collection'|'both')} images what the deck as a whole shows; null in a study, which does not tell
 */

/** @returns {Promise<Deck[]>} */
export async function listDecks() {
  return (await request('GET', '/api/v1/decks')).decks;
}

/**
 * All of them, for the staff: also those that are archived or cannot be started now.
 * @returns {Promise<{id: string, title: string, version: number, saved_at: string, saved_by: ?string, used: boolean, built_in: boolean,
 *   archived: boolean, unavailable: ?string}[]>} saved_by: null is the configuration or the operator; used: sessions ran under it
 */
export async function listCatalogue() {
  return (await staffRequest('GET', '/api/v1/catalogue')).decks;
}

/** @returns {Promise<object>} the definition, server/decks/deck.schema.json, of the newest version */
export async function readDeck(id) {
  return staffRequest('GET', `/api/v1/decks/${encodeURIComponent(id)}`);
}
