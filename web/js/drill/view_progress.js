/**
 * Where one is in the drill, and the ways out of it.
 */

import { el } from '../dom.js';
import { drillTexts } from '../texts/drill_texts.js';

const t = drillTexts;
const TICKS_MAX = 30; // more would be thinner than they are apart

/**
 * @param {object} props
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {() => void} props.onLeave
 * @param {() => void} props.onKeys
 */
export function progressBar({ deck, onLeave, onKeys }) {
  const count = el('p', { class: 'bar-count' });
  const towards = deck.mastery ? el('p', { class: 'bar-towards' }) : null;
  const line = deck.mastery ? plainLine(({ masteryHits }) => (masteryHits ?? 0) / deck.mastery.correct) : lineOfItems(deck.items);
  const root = el('header', { class: 'bar' },
    el('button', { type: 'button', class: 'bar-button', title: t.leaveHint, id: 'leave', on: { click: onLeave } }, t.leave),
    el('div', { class: 'bar-progress' }, count, towards, line.root),
    el('button', { type: 'button', class: 'bar-button', id: 'keys', 'aria-haspopup': 'dialog', on: { click: onKeys } }, t.keys));

  const update = (state) => {
    const place = deck.mastery ? t.progressOpen(state.n) : t.progress(state.n, state.of);
    towards?.replaceChildren(state.masteryHits === null ? t.masteryUnknown(deck.mastery) : t.mastery(state.masteryHits, deck.mastery));
    count.textContent = [place, state.unsent.length ? t.unsent(state.unsent.length) : null].filter(Boolean).join(' · ');
    line.update(state);
  };
  return { root, update };
}

function lineOfItems(items) {
  return items > TICKS_MAX ? plainLine(({ answered, of }) => answered.length / of) : tickedLine(items);
}

function tickedLine(items) {
  const ticks = Array.from({ length: items }, () => el('i', {}));
  const update = ({ n, answered }) => ticks.forEach((tick, i) => {
    tick.classList.toggle('is-done', answered.includes(i + 1));
    tick.classList.toggle('is-here', i + 1 === n);
  });
  return { root: el('div', { class: 'bar-ticks', 'aria-hidden': 'true' }, ...ticks), update };
}

/** @param {(state: import('./state.js').DrillState) => number} shareOf 0 to 1 */
function plainLine(shareOf) {
  const root = el('div', { class: 'bar-line', 'aria-hidden': 'true' });
  const update = (state) => root.style.setProperty('--done', String(shareOf(state)));
  return { root, update };
}
