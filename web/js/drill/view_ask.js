/**
 * The question: the answers, how sure one is, and the time that is left to look.
 */

import { el, setInPlace } from '../dom.js';
import { hint } from './view_hint.js';
import { choiceLetters } from './keys.js';
import { hasTwoButtons } from './state.js';
import { drillTexts } from '../texts/drill_texts.js';
import { keysTexts } from '../texts/viewer_texts.js';

const t = drillTexts;

export function askStage({ deck, onChoose, onRate }) {
  const letters = choiceLetters(deck.choices);
  const arrows = deck.choices.length === 2 ? Object.keys(keysTexts.arrows) : [];
  const question = el('h1', { class: 'question', tabindex: '-1' }, deck.question);
  const answers = deck.choices.map((choice, i) => el('button', {
    type: 'button',
    class: 'answer',
    'data-choice': choice.id,
    'aria-pressed': 'false',
    'aria-keyshortcuts': [letters[i], arrows[i]].filter(Boolean).join(' ') || null,
    on: { click: (event) => onChoose(choice.id, event) },
  }, el('span', {}, choice.label), hint([letters[i].toUpperCase(), keysTexts.arrows[arrows[i]]])));
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
    setInPlace(root, !['feedback', 'kept', 'finished'].includes(phase));
    root.classList.toggle('is-rating', phase === 'rating' || phase === 'saving');
    answers.forEach((button) => {
      const chosen = button.dataset.choice === choice; // and may have the focus, which a disabled button loses
      button.disabled = phase !== 'viewing' && phase !== 'rating' && !chosen;
      button.setAttribute('aria-pressed', String(chosen));
    });
    levels.forEach((button, i) => {
      const chosen = i + 1 === confidence;
      button.disabled = phase !== 'rating' && !chosen;
      button.classList.toggle('is-chosen', chosen);
    });
  };
  return { root, update, showSeconds, focus: () => question.focus({ preventScroll: true }) };
}
