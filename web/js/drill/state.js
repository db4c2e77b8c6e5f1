/**
 * The drill as one plain object and the pure functions that change it. No DOM, no clock, no network:
 * a function that does not apply in the current phase returns the state unchanged, so a double click
 * or a held key cannot do anything twice.
 *
 * Phases of one item:
 *   waiting   the image is being made, fetched or decoded
 *   viewing   the image is on screen, nothing chosen
 *   rating    a choice is made and may still be changed; confidence is asked, unless the deck has two buttons
 *   saving    the answer is on its way; it is kept in the tab until the server confirms it
 *   feedback  whether it was right is shown, and the truth if the deck tells it
 *   finished  no item is left
 *
 * @typedef {object} DrillState
 * @property {import('../api/api_decks.js').Deck} deck
 * @property {number[]} answered item numbers the server has answers for, ascending
 * @property {number} n the current item, from 1
 * @property {'waiting'|'viewing'|'rating'|'saving'|'feedback'|'finished'} phase
 * @property {?string} choice id of the chosen answer
 * @property {?number} confidence 1 guess, 2 fairly sure, 3 certain
 * @property {?number} responseMs from the image's first frame to the choice
 * @property {boolean} expired the time for looking is over: the image is covered until it is answered
 * @property {?{truth: ?string, correct: boolean}} feedback
 * @property {?Error} trouble why the page is waiting and trying again; null while all is well
 */

/** @returns {DrillState} at the first item without an answer */
export function openDrill(deck, answered) {
  const sorted = [...answered].sort((a, b) => a - b);
  return atItem({ deck, answered: sorted, trouble: null }, firstUnanswered(deck.items, sorted));
}

/** The smallest item number without an answer, or null when none is left. */
export function firstUnanswered(items, answered) {
  for (let n = 1; n <= items; n++) {
    if (!answered.includes(n)) {
      return n;
    }
  }
  return null;
}

export function imageShown(state) {
  return state.phase === 'waiting' ? { ...state, phase: 'viewing', trouble: null } : state;
}

/**
 * @returns {DrillState} a later choice replaces an earlier one until confidence is given; with two buttons the first
 *   one counts
 */
export function choose(state, choiceId, responseMs) {
  const open = state.phase === 'viewing' || state.phase === 'rating';
  const known = state.deck.choices.some((choice) => choice.id === choiceId);
  const phase = hasTwoButtons(state.deck) ? 'saving' : 'rating';
  return open && known ? { ...state, phase, choice: choiceId, responseMs } : state;
}

export function rate(state, confidence) {
  return state.phase === 'rating' && [1, 2, 3].includes(confidence)
    ? { ...state, phase: 'saving', confidence }
    : state;
}

/** The time for looking is over. What was seen can still be answered. */
export function timeUp(state) {
  return state.phase === 'viewing' || state.phase === 'rating' ? { ...state, expired: true } : state;
}

/** The server has the answer. A deck without feedback goes straight on. */
export function answerSaved(state, feedback) {
  if (state.phase !== 'saving') {
    return state;
  }
  const saved = {
    ...state,
    answered: [...state.answered, state.n].sort((a, b) => a - b),
    trouble: null,
  };
  return feedback ? { ...saved, phase: 'feedback', feedback } : advance(saved);
}

export function nextItem(state) {
  return state.phase === 'feedback' ? advance(state) : state;
}

export function troubled(state, error) {
  return { ...state, trouble: error };
}

/** True when the item on screen is the last one without an answer. */
export function isLast(state) {
  const done = state.answered.includes(state.n) ? state.answered.length : state.answered.length + 1;
  return done >= state.deck.items;
}

export function hasTwoButtons(deck) {
  return deck.rating === 'two_buttons';
}

export function choiceLabel(deck, choiceId) {
  return deck.choices.find((choice) => choice.id === choiceId)?.label ?? choiceId;
}

function advance(state) {
  return atItem(state, firstUnanswered(state.deck.items, state.answered));
}

function atItem(state, n) {
  return {
    ...state,
    n: n ?? state.deck.items,
    phase: n ? 'waiting' : 'finished',
    choice: null,
    confidence: null,
    responseMs: null,
    expired: false,
    feedback: null,
  };
}
