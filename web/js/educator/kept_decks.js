/**
 * Decks while they are edited, kept in this browser at every change until the server has them: a closed tab, a crash or
 * a lost connection takes nothing. One draft a deck that the server knows, any number of new ones; those of one account
 * are not shown to another.
 */

const PREFIX = 'roentgym.deck_draft.';

/**
 * @typedef {object} KeptDeck
 * @property {import('./definition.js').Deck} deck
 * @property {?string} tag of the version that was edited; null: the server does not have the deck
 * @property {string} kept_at
 */

/** @returns {string} a key for a new deck */
export const newDraftKey = () => `new-${crypto.getRandomValues(new Uint32Array(2)).join('')}`;

/** @param {string} id of a deck that the server has */
export const draftKeyOf = (id) => `deck-${id}`;

/** @param {number} account id */
export function deckDrafts(account) {
  const nameOf = (key) => `${PREFIX}${account}.${key}`;
  const load = (key) => {
    try {
      const kept = JSON.parse(localStorage.getItem(nameOf(key)));
      return kept?.deck?.sources ? kept : null;
    } catch {
      return null;
    }
  };
  return {
    /** @param {string} key @returns {?KeptDeck} */
    load,

    /** @returns {boolean} whether it is kept now: a browser may refuse */
    keep(key, deck, tag) {
      try {
        localStorage.setItem(nameOf(key), JSON.stringify({ deck, tag, kept_at: new Date().toISOString() }));
        return true;
      } catch {
        return false;
      }
    },

    drop(key) {
      try {
        localStorage.removeItem(nameOf(key));
      } catch {
        /* Nothing was kept. */
      }
    },

    /** @returns {(KeptDeck & {key: string})[]} of decks that the server does not have, the newest first */
    listNew() {
      try {
        return Object.keys(localStorage)
          .filter((name) => name.startsWith(nameOf('new-')))
          .map((name) => name.slice(nameOf('').length))
          .map((key) => ({ key, ...load(key) }))
          .filter(({ deck }) => deck)
          .sort((a, b) => b.kept_at.localeCompare(a.kept_at));
      } catch {
        return [];
      }
    },

    /** @param {() => ?string} keyNow @param {() => void} onChange another tab has kept another draft of the same deck */
    watch(keyNow, onChange) {
      window.addEventListener('storage', ({ key, newValue }) => {
        if (key === nameOf(keyNow()) && newValue !== null) {
          onChange();
        }
      });
    },
  };
}
