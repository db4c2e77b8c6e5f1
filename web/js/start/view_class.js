/**
 * The page behind a class's link: what it is, and the start.
 */

import { el } from '../dom.js';
import { product } from '../texts/site_texts.js';
import { classTexts, startTexts } from '../texts/start_texts.js';

const t = classTexts;

/**
 * @param {object} props
 * @param {{title: string, closed: boolean}} props.seen the class
 * @param {?import('../api/api_decks.js').Deck} props.deck null when learners cannot start it
 * @param {boolean} props.resumable a started drill waits in this browser
 * @param {() => void} props.onStart
 * @param {() => void} props.onResume
 * @param {() => void} props.onStartPage
 * @returns {HTMLElement}
 */
export function classView({ seen, deck, resumable, onStart, onResume, onStartPage }) {
  const open = !seen.closed && deck !== null;
  return el('main', { class: 'class', 'data-screen': 'class' },
    el('p', { class: 'wordmark' }, product),
    el('h1', { tabindex: '-1' }, seen.title),
    deck ? el('p', { class: 'start-deck' }, el('strong', {}, deck.title),
      ...[deck.description, startTexts.deckFacts(deck)].filter(Boolean).map((words) => el('span', {}, words))) : null,
    open ? el('p', { class: 'class-words' }, t.words) : el('p', { class: 'class-words' }, seen.closed ? t.closed : t.noDeck),
    el('div', { class: 'start-actions' },
      resumable ? el('button', { type: 'button', class: 'button button-main', id: 'resume', on: { click: onResume } }, startTexts.resume) : null,
      open ? el('button', { type: 'button', class: resumable ? 'button' : 'button button-main', id: 'start', on: { click: onStart } }, t.start) : null,
      el('button', { type: 'button', class: 'button button-quiet', id: 'to-start', on: { click: onStartPage } }, t.otherDecks)));
}
