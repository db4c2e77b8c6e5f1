/**
 * How a drill goes, on one screen, before the first image.
 */

import { el } from '../dom.js';
import { codeBox } from '../view_code.js';
import { hasTwoButtons } from './state.js';
import { introTexts } from '../texts/drill_texts.js';
import { product } from '../texts/site_texts.js';

const t = introTexts;

/**
 * @param {object} props
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {string} props.caption what the images are
 * @param {?string} props.code that was made just now, to be kept
 * @param {() => void} props.onGo
 * @returns {HTMLElement}
 */
export function introView({ deck, caption, code, onGo }) {
  const steps = [
    [t.look, deck.time_limit_s > 0 ? t.lookLimited(deck.time_limit_s) : t.lookWords],
    [t.commit, t.commitWords(deck)],
    hasTwoButtons(deck) ? null : [t.sure, t.sureWords],
    [t.told[deck.feedback], t.toldWords[deck.feedback]],
  ].filter(Boolean);
  return el('main', { class: 'intro', 'data-screen': 'intro' },
    el('p', { class: 'wordmark' }, product),
    el('h1', { tabindex: '-1' }, t.title),
    el('ol', { class: 'steps' }, ...steps.map(([title, words]) => el('li', {}, el('strong', {}, title), el('span', {}, words)))),
    el('p', { class: 'intro-facts' }, deck.mastery ? t.factsMastery(deck) : t.facts(deck)),
    deck.order ? orderWords(deck.order) : null,
    code ? codeBox(code, t.codeWords) : null,
    el('button', { type: 'button', class: 'button button-main', id: 'go', on: { click: onGo } }, t.go),
    el('p', { class: 'intro-provenance' }, caption));
}

function orderWords({ rule, ...numbers }) {
  return el('details', { class: 'intro-order' }, el('summary', {}, t.order), el('p', {}, `${t.orderWords[rule]} ${t.orderNumbers(numbers)}`));
}
