/** Decks while they are edited: one draft of each that the server knows, any number of new ones. */

import { keptDrafts } from '../staff/kept_drafts.js';

/**
 * @typedef {object} KeptDeck
 * @property {import('./definition.js').Deck} deck
 * @property {?string} tag of the version that was edited; null: the server does not have the deck
 */

const NEW = 'new-';

/** @returns {string} a key for a new deck */
export const newDraftKey = () => `${NEW}${crypto.getRandomValues(new Uint32Array(2)).join('')}`;

/** @param {string} id of a deck that the server has */
export const draftKeyOf = (id) => `deck-${id}`;

/** @param {number} account id */
export function deckDrafts(account) {
  const drafts = keptDrafts('deck', account, ({ deck }) => deck?.sources);
  return { ...drafts, listNew: () => drafts.list(NEW) };
}
