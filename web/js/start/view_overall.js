/**
 * What all of a learner's drills on one deck say together.
 */

import { el } from '../dom.js';
import { product } from '../texts/site_texts.js';
import { overallTexts } from '../texts/start_texts.js';
import { answers, learning, measures } from '../summary/view_summary.js';

const t = overallTexts;

/**
 * @param {object} props
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {import('../api/api_sessions.js').Score} props.score
 * @param {() => void} props.onBack
 * @returns {HTMLElement}
 */
export function overallView({ deck, score, onBack }) {
  const some = score.trials > 0;
  return el('main', { class: 'summary', 'data-screen': 'overall' },
    el('p', { class: 'wordmark' }, product),
    el('h1', { tabindex: '-1' }, deck.title),
    el('p', { class: 'summary-lead' }, some ? t.lead(score.trials) : t.none),
    el('div', { class: 'summary-actions' }, el('button', { type: 'button', class: 'button', id: 'back', on: { click: onBack } }, t.back)),
    score.learning_curve.average.length > 1 ? learning(score) : null,
    some ? measures(deck, { score, threshold: null }) : null,
    some ? answers(deck, score) : null);
}
