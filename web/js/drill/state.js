/**
 * The drill as one plain object and the pure functions that change it. No DOM, no clock, no network:
 * a function that does not apply in the current phase returns the state unchanged, so a double click
 * or a held key cannot do anything twice.
 *
 * Phases of one item:
 *   waiting   the image is being made, fetched or decoded
 *   viewing   the image is on screen, nothing chosen
 *   rating    a choice is made and may still be changed; confidence is asked, unless the deck has two buttons
 *   saving    the answer is on its way
 *   kept      the server does not answer: the answer is kept in the browser, one may go on, feedback comes later
 *   feedback  whether it was right is shown, and the truth if the deck tells it
 *   finished  no item is left, and the server has all answers
 *
 * @typedef {object} DrillState
 * @property {import('../api/api_decks.js').Deck} deck
 * @property {number} of how many items the drill has at most; fewer once it is known to end early
 * @property {?number} masteryHits how many of the last answers count towards the deck's mastery; null while not known
 * @property {number[]} answered item numbers that have answers, ascending
 * @property {number[]} unsent those of them that wait in the browser
 * @property {number} n the current item, from 1
 * @property {'waiting'|'viewing'|'rating'|'saving'|'kept'|'feedback'|'finished'} phase
 * @property {?string} choice id of the chosen answer
 * @property {?number} confidence 1 guess, 2 fairly sure, 3 certain
 * @property {?number} responseMs from the image's first frame to the choice
 * @property {boolean} expired the time for looking is over: the image is covered until it is answered
 * @property {?Feedback} feedback
 * @property {{item: number, feedback: Feedback}[]} late feedback that came after one went on, to be told at the next stop
 * @property {number} streak right answers in a row, as far as they were told
 * @property {?Error} trouble why the page is waiting and trying again; null while all is well
 *
 * @typedef {{truth: ?string, correct: boolean, location: ?{image: string, basis: 'mask'|'difference'},
 *   sample: ?{model: string, class: string, other_class: string, seed: string, strength: number, truncation: number}}} Feedback
 *   sample: what drew the image, for the pair
 */

/**
 * @param {number[]} answered items whose answers the server has
 * @param {number[]} [unsent] items whose answers are on their way
 * @returns {DrillState} at the first item without an answer
 */
export function openDrill(deck, answered, unsent = []) {
  const sorted = [...new Set([...answered, ...unsent])].sort((a, b) => a - b);
  const state = { deck, of: deck.items, masteryHits: answered.length ? null : 0, answered: sorted, unsent, late: [], streak: 0, trouble: null };
  return atItem(state, firstUnanswered(deck.items, sorted));
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
  return state.phase === 'waiting' ? { ...state, phase: 'viewing', trouble: state.unsent.length ? state.trouble : null } : state;
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

/** The server does not answer for now. A deck without feedback goes straight on, but not past its last item. */
export function answerKept(state) {
  if (state.phase !== 'saving') {
    return state;
  }
  const kept = { ...state, phase: 'kept', answered: withItem(state.answered, state.n), unsent: [...state.unsent, state.n] };
  return state.deck.feedback === 'none' ? nextItem(kept) : kept;
}

/**
 * The server has the answer to an item, the current one or an earlier one that was kept.
 * @param {?Feedback} feedback null when the deck gives none: then it goes straight on
 * @param {{answered: number, finished: boolean, mastery_hits: ?number}} [progress] as the server tells it
 */
export function answerSaved(state, item, feedback, progress = null) {
  const current = item === state.n && (state.phase === 'saving' || state.phase === 'kept');
  if (!current && !state.unsent.includes(item)) {
    return state;
  }
  const saved = {
    ...state,
    of: progress?.finished ? progress.answered : state.of,
    masteryHits: progress?.mastery_hits ?? state.masteryHits,
    answered: withItem(state.answered, item),
    unsent: state.unsent.filter((n) => n !== item),
    streak: feedback?.correct ? state.streak + 1 : 0,
    trouble: null,
  };
  if (!current) {
    return feedback ? { ...saved, late: [...state.late, { item, feedback }] } : saved;
  }
  return feedback ? { ...saved, phase: 'feedback', feedback } : advance(saved);
}

/** From the feedback, or from an answer that is kept; its last answers a drill waits for. */
export function nextItem(state) {
  const free = state.phase === 'feedback' || (state.phase === 'kept' && !isLast(state));
  return free ? advance(state) : state;
}

export function troubled(state, error) {
  return { ...state, trouble: error };
}

/** True when the item on screen is the last one without an answer. */
export function isLast(state) {
  return withItem(state.answered, state.n).length >= state.of;
}

/** Each item is decided after the answer before: none can be read ahead. */
export function isStepwise(deck) {
  return Boolean(deck.order || deck.mastery);
}

export function hasTwoButtons(deck) {
  return deck.rating === 'two_buttons';
}

/** @returns {string} the id of the choice that the given one is not */
export function otherChoice(deck, choiceId) {
  return deck.choices.find(({ id }) => id !== choiceId).id;
}

export function choiceLabel(deck, choiceId) {
  return deck.choices.find((choice) => choice.id === choiceId)?.label ?? choiceId;
}

function withItem(items, n) {
  return items.includes(n) ? items : [...items, n].sort((a, b) => a - b);
}

/** What was told at a stop is not told again. */
function advance(state) {
  return atItem({ ...state, late: [] }, firstUnanswered(state.of, state.answered));
}

function atItem(state, n) {
  return {
    ...state,
    n: n ?? state.of,
    phase: n ? 'waiting' : 'finished',
    choice: null,
    confidence: null,
    responseMs: null,
    expired: false,
    feedback: null,
  };
}
