/**
 * What follows an answer: whether it was right, and what the image was made as.
 */

import { el, svg, setInPlace } from '../dom.js';
import { hint } from './view_hint.js';
import { choiceLabel, isLast } from './state.js';
import { troubleText } from './view_film.js';
import { drillTexts } from '../texts/drill_texts.js';
import { keysTexts } from '../texts/viewer_texts.js';

const t = drillTexts;
const STREAK_TOLD = 3; // right answers in a row that are worth a word

/**
 * @param {object} props
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {{root: HTMLElement, compare: HTMLButtonElement}} props.explanation what can be seen of the image now
 * @param {() => void} props.onNext
 */
export function toldStage({ deck, explanation, onNext }) {
  const verdict = el('h1', { class: 'verdict', tabindex: '-1' });
  const truth = el('p', { class: 'told-truth' });
  const mine = el('p', { class: 'told-mine' });
  const late = el('p', { class: 'told-late' });
  const label = el('span', {});
  const next = el('button', { type: 'button', class: 'button button-main button-next', id: 'next', on: { click: onNext, keydown: ignoreRepeat } },
    label, hint([keysTexts.space]));
  const root = el('div', { class: 'stage stage-told' },
    el('div', { class: 'told' }, verdict, truth, mine, late), explanation.root,
    el('div', { class: 'told-actions' }, explanation.compare, next));

  const tellKept = ({ trouble }) => {
    verdict.className = 'verdict is-kept';
    verdict.replaceChildren(t.kept);
    truth.replaceChildren(`${troubleText('kept', trouble)} ${deck.feedback === 'none' ? '' : t.keptFeedback}`);
  };
  const tellFeedback = ({ feedback, streak }) => {
    verdict.className = feedback.correct ? 'verdict is-right' : 'verdict is-wrong';
    verdict.replaceChildren(mark(feedback.correct), feedback.correct ? t.correct : t.incorrect,
      ...(streak >= STREAK_TOLD ? [el('span', { class: 'verdict-streak' }, t.streak(streak))] : []));
    const [before, name, after] = feedback.truth ? t.truth(choiceLabel(deck, feedback.truth)) : ['', '', ''];
    truth.replaceChildren(before, el('strong', {}, name), after);
  };
  const update = (state) => {
    const stopped = state.phase === 'feedback' || state.phase === 'kept';
    const waits = state.phase === 'kept' && isLast(state);
    setInPlace(root, stopped);
    setInPlace(next, stopped && !waits);
    next.disabled = !stopped || waits;
    if (!stopped) {
      return;
    }
    (state.phase === 'kept' ? tellKept : tellFeedback)(state);
    mine.textContent = t.yourAnswer(choiceLabel(deck, state.choice), t.confidenceLevels[state.confidence - 1]);
    late.textContent = state.late.length === 0 ? '' : t.late(state.late.map(({ item, feedback: { correct, truth: made } }) => (
      { item, correct, label: made && choiceLabel(deck, made) })));
    label.textContent = isLast(state) ? t.toSummary : t.next;
  };
  return { root, update, focus: () => (next.disabled ? verdict : next).focus({ preventScroll: true }) };
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
