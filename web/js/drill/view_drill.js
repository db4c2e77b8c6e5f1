/**
 * The drill's page. Built once per drill and updated in place, so that nothing moves from item to item:
 * every part keeps its room, also while it is not shown.
 */

import { el, svg, setInPlace } from '../dom.js';
import { choiceLabel, hasTwoButtons, isLast } from './state.js';
import { choiceLetters } from './keys.js';
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

function filmFrame(model) {
  const coming = el('p', { class: 'film-coming' }, t.imageComing);
  const over = el('p', { class: 'film-coming', id: 'time-up' }, t.timeUp);
  const place = el('div', { class: 'film-place' });
  const notice = el('p', { class: 'film-notice', id: 'trouble' });
  const root = el('figure', { class: 'film' },
    el('div', { class: 'film-frame' }, coming, place, over, notice),
    el('figcaption', {}, texts.provenance.short(model)));

  const update = ({ phase, trouble, expired }) => {
    const covered = expired && phase !== 'feedback'; // what was answered may be looked at again
    setInPlace(coming, phase === 'waiting');
    setInPlace(over, covered);
    setInPlace(place, !covered);
    notice.textContent = trouble ? troubleText(phase, trouble) : '';
    setInPlace(notice, Boolean(trouble));
  };
  return { root, update, show: (image) => place.replaceChildren(...(image ? [image] : [])) };
}

/** What to tell somebody who waits. */
export function troubleText(phase, error) {
  if (error.status === 503 || error.status === 429) {
    return texts.trouble.busy;
  }
  if (error.status >= 500) {
    return texts.trouble.failing;
  }
  return phase === 'saving' ? texts.trouble.offlineAnswer : texts.trouble.offlineImage;
}

function askStage({ deck, onChoose, onRate }) {
  const letters = choiceLetters(deck.choices);
  const arrows = deck.choices.length === 2 ? Object.keys(texts.keys.arrows) : [];
  const question = el('h1', { class: 'question', tabindex: '-1' }, deck.question);
  const answers = deck.choices.map((choice, i) => el('button', {
    type: 'button',
    class: 'answer',
    'data-choice': choice.id,
    'aria-pressed': 'false',
    'aria-keyshortcuts': [letters[i], arrows[i]].filter(Boolean).join(' ') || null,
    on: { click: (event) => onChoose(choice.id, event) },
  }, el('span', {}, choice.label), hint([letters[i].toUpperCase(), texts.keys.arrows[arrows[i]]])));
  const left = el('p', { class: 'time-left', role: 'timer' });
  const line = el('i', { class: 'time-line', 'aria-hidden': 'true' });
  const clock = deck.time_limit_s > 0 ? el('div', { class: 'time' }, left, line) : null;
  const levels = hasTwoButtons(deck) ? [] : t.confidenceLevels.map((label, i) => el('button', {
    type: 'button',
    class: 'level',
    'data-confidence': String(i + 1),
    'aria-keyshortcuts': String(i + 1),
    on: { click: () => onRate(i + 1) },
  }, el('span', {}, label), hint([String(i + 1)])));
  const root = el('div', { class: 'stage stage-ask' }, question, clock,
    el('div', { class: 'answers', role: 'group', 'aria-label': t.answers }, ...answers),
    levels.length === 0 ? null : el('div', { class: 'confidence', role: 'group', 'aria-labelledby': 'confidence-label' },
      el('p', { class: 'confidence-label', id: 'confidence-label' }, t.confidence),
      el('div', { class: 'levels' }, ...levels)));

  const showSeconds = (seconds) => {
    left.textContent = seconds > 0 ? t.timeLeft(seconds) : t.timeOver;
    line.style.setProperty('--left', String(seconds / deck.time_limit_s));
  };
  const update = ({ phase, choice, confidence }) => {
    if (phase === 'waiting') {
      showSeconds(deck.time_limit_s);
    }
    setInPlace(root, phase !== 'feedback' && phase !== 'finished');
    root.classList.toggle('is-rating', phase === 'rating' || phase === 'saving');
    answers.forEach((button) => {
      button.disabled = phase !== 'viewing' && phase !== 'rating';
      button.setAttribute('aria-pressed', String(button.dataset.choice === choice));
    });
    levels.forEach((button, i) => {
      button.disabled = phase !== 'rating';
      button.classList.toggle('is-chosen', i + 1 === confidence);
    });
  };
  return { root, update, showSeconds, focus: () => question.focus({ preventScroll: true }) };
}

function toldStage({ deck, onNext }) {
  const verdict = el('h1', { class: 'verdict' });
  const truth = el('p', { class: 'told-truth' });
  const mine = el('p', { class: 'told-mine' });
  const label = el('span', {});
  const next = el('button', { type: 'button', class: 'button button-main button-next', id: 'next', on: { click: onNext, keydown: ignoreRepeat } },
    label, hint([texts.keys.space]));
  const root = el('div', { class: 'stage stage-told' },
    el('div', { class: 'told' }, verdict, truth, mine), next);

  const update = (state) => {
    const { feedback } = state;
    setInPlace(root, Boolean(feedback));
    next.disabled = !feedback;
    if (!feedback) {
      return;
    }
    verdict.className = feedback.correct ? 'verdict is-right' : 'verdict is-wrong';
    verdict.replaceChildren(mark(feedback.correct), feedback.correct ? t.correct : t.incorrect);
    if (feedback.truth) {
      const [before, name, after] = t.truth(choiceLabel(deck, feedback.truth));
      truth.replaceChildren(before, el('strong', {}, name), after);
    }
    mine.textContent = t.yourAnswer(choiceLabel(deck, state.choice), t.confidenceLevels[state.confidence - 1]);
    label.textContent = isLast(state) ? t.toSummary : t.next;
  };
  return { root, update, focus: () => next.focus({ preventScroll: true }) };
}

/** A key still held from the confidence must not skip the feedback. */
function ignoreRepeat(event) {
  if (event.repeat) {
    event.preventDefault();
  }
}

/** Right and wrong differ in shape as well as in colour. */
export function mark(correct) {
  return svg('svg', { class: correct ? 'mark is-right' : 'mark is-wrong', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    svg('circle', { cx: '12', cy: '12', r: '10.5' }),
    svg('path', { d: correct ? 'M7 12.5l3.4 3.4L17 9' : 'M8 8l8 8M16 8l-8 8' }));
}

function hint(keys) {
  return el('span', { class: 'hint', 'aria-hidden': 'true' }, ...keys.filter(Boolean).map((key) => el('kbd', {}, key)));
}
