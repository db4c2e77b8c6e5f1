/**
 * The drill's page. Built once per drill and updated in place, so that nothing moves from item to item:
 * every part keeps its room, also while it is not shown.
 */

import { el } from '../dom.js';
import { createExplanation } from './explanation.js';
import { askStage } from './view_ask.js';
import { filmFrame } from './view_film.js';
import { progressBar } from './view_progress.js';
import { toldStage } from './view_told.js';

/**
 * @param {object} props
 * @param {{id: string, secret: string}} props.session
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {string} props.caption what the images are
 * @param {boolean} props.shortcuts whether key hints are shown
 * @param {(choiceId: string, event: Event) => void} props.onChoose
 * @param {(confidence: number) => void} props.onRate
 * @param {() => void} props.onNext
 * @param {() => void} props.onLeave
 * @param {() => void} props.onKeys
 * @returns {{root: HTMLElement, update: (state: import('./state.js').DrillState) => void, showImage: (image: ?import('../viewer/grey_png.js').GreyImage, alt: string) => void,
 *   explain: ReturnType<typeof createExplanation>['show'], looked: (since: number) => object, close: () => void,
 *   showSeconds: (left: number) => void, setShortcuts: (on: boolean) => void, focusQuestion: () => void, focusNext: () => void}}
 */
export function drillView(props) {
  const { session, deck, caption } = props;
  const bar = progressBar(props);
  const film = filmFrame(caption);
  const ask = askStage(props);
  const explanation = createExplanation({ session, deck, viewer: film.viewer });
  const told = toldStage({ ...props, explanation });
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
  const { setImage: showImage, report: looked } = film.viewer;
  const close = () => {
    explanation.show(null);
    film.viewer.close();
  };
  return { root, update, setShortcuts, showImage, explain: explanation.show, looked, close, showSeconds: ask.showSeconds, focusQuestion: ask.focus, focusNext: told.focus };
}
