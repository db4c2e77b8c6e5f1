/**
 * What follows an answer: whether it was right, and what the image was made as.
 */

import { el, svg, setInPlace } from '../dom.js';
import { hint } from './view_hint.js';
import { choiceLabel, isLast } from './state.js';
import { texts } from '../texts.js';

const t = texts.drill;

export function toldStage({ deck, onNext }) {
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
