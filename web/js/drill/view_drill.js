/**
 * The drill's page. Built once per drill and updated in place, so that nothing moves from item to item:
 * every part keeps its room, also while it is not shown.
 */

import { el } from '../dom.js';
import { askStage } from './view_ask.js';
import { filmFrame } from './view_film.js';
import { toldStage } from './view_told.js';
import { texts } from '../texts.js';

const t = texts.drill;

/**
 * @param {object} props
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {?import('../api/api_models.js').Model} props.model null if the server no longer lists it
 * @param {boolean} props.shortcuts whether key hints are shown
 * @param {(choiceId: string, event: Event) => void} props.onChoose
 * @param {(confidence: number) => void} props.onRate
 * @param {() => void} props.onNext
 * @param {() => void} props.onLeave
 * @param {() => void} props.onKeys
 * @returns {{root: HTMLElement, update: (state: import('./state.js').DrillState) => void, showImage: (image: ?HTMLImageElement) => void,
 *   showSeconds: (left: number) => void, setShortcuts: (on: boolean) => void, focusQuestion: () => void, focusNext: () => void}}
 */
export function drillView(props) {
  const { deck, model } = props;
  const bar = progressBar(props);
  const film = filmFrame(model);
  const ask = askStage(props);
  const told = toldStage(props);
  const root = el('main', { class: 'drill', 'data-screen': 'drill' }, bar.root,
    el('div', { class: 'reading' }, film.root,
      el('section', { class: 'panel', 'aria-label': deck.title }, ask.root, told.root)));

  const update = (state) => {
    root.dataset.phase = state.phase;
    root.dataset.item = String(state.n);
    bar.update(state);
    film.update(state);
    ask.update(state);
    told.update(state);
  };
  const setShortcuts = (on) => root.classList.toggle('without-shortcuts', !on);
  setShortcuts(props.shortcuts);
  return { root, update, setShortcuts, showImage: film.show, showSeconds: ask.showSeconds, focusQuestion: ask.focus, focusNext: told.focus };
}

function progressBar({ deck, onLeave, onKeys }) {
  const count = el('p', { class: 'bar-count' });
  const ticks = Array.from({ length: deck.items }, () => el('i', {}));
  const root = el('header', { class: 'bar' },
    el('button', { type: 'button', class: 'bar-button', title: t.leaveHint, id: 'leave', on: { click: onLeave } }, t.leave),
    el('div', { class: 'bar-progress' }, count, el('div', { class: 'bar-ticks', 'aria-hidden': 'true' }, ...ticks)),
    el('button', { type: 'button', class: 'bar-button', id: 'keys', 'aria-haspopup': 'dialog', on: { click: onKeys } }, t.keys));

  const update = ({ n, answered }) => {
    count.textContent = t.progress(n, deck.items);
    ticks.forEach((tick, i) => {
      tick.classList.toggle('is-done', answered.includes(i + 1));
      tick.classList.toggle('is-here', i + 1 === n);
    });
  };
  return { root, update };
}
