/**
 * Whether everybody sees the same images, in which order they come, and when a session ends.
 */

import { el } from '../dom.js';
import { optionsField, switchField } from '../staff/choice_fields.js';
import { selectField, textField } from '../staff/form_fields.js';
import { teachTexts } from '../texts/teach_texts.js';
import { ordersFor } from './definition.js';

const t = teachTexts.editor;
/** The rules' own numbers, with what holds when they are left out. */
const NUMBERS = {
  adaptive: { D: 2, a: 0.1, b: 1.1, r: 1.7, W: 20, new: 1 },
  staircase: { strengths: 20, thresholds: 39, guess: 0.5, slopes: [1, 2, 3.5, 6, 10], lapses: [0.02, 0.06] },
};
const MASTERY = { correct: 9, of: 10, within_s: 0 };

/** @param {import('./editor.js').Editor} editor */
export function sameOrFresh(editor) {
  const { deck } = editor;
  const now = () => (deck.shows === 'list' ? 'list' : deck.draw.mode);
  const field = optionsField({
    legend: t.shows, path: 'draw', value: now(),
    options: ['fresh', 'fixed', 'list'].map((value) => ({ value, label: t.showsOptions[value][0], words: t.showsOptions[value][1] })),
    onChange: (value) => editor.change(() => {
      deck.shows = value === 'list' ? 'list' : 'drawn';
      if (value === 'fixed') {
        deck.draw = { mode: 'fixed', seed: editor.seed };
      } else if (value === 'fresh') {
        deck.draw = { mode: 'fresh' };
      }
    }),
  });
  editor.onUpdate(() => field.set(now()));
  return field.root;
}

/** @param {import('./editor.js').Editor} editor @returns {HTMLElement[]} */
export function orderFields(editor) {
  const { deck } = editor;
  const place = el('div', { class: 'form', 'data-path': 'order' });
  let drawnFor = null;

  function draw() {
    const rules = ordersFor(deck);
    const rule = rules.includes(deck.order.rule) ? deck.order.rule : rules[0];
    const wanted = `${rules} ${rule}`;
    if (wanted === drawnFor) {
      return;
    }
    drawnFor = wanted;
    const hadFocus = place.contains(document.activeElement);
    const field = selectField({
      label: t.order, hint: t.orderHints[rule], path: 'order.rule', value: rule, id: 'deck-order',
      options: rules.map((value) => ({ value, text: t.orders[value] })),
      onInput: (value) => editor.change(() => { deck.order = { rule: value }; }),
    });
    place.replaceChildren(field.root, ...(NUMBERS[rule] ? [numbersOf(editor, rule)] : []));
    if (hadFocus) {
      field.control.focus();
    }
  }

  editor.onUpdate(draw);
  return [place, masteryField(editor)];
}

/** What most people never touch. */
function numbersOf(editor, rule) {
  const { deck } = editor;
  return el('details', { class: 'more' },
    el('summary', {}, t.orderNumbers),
    el('p', { class: 'quiet' }, t.orderNumbersLead),
    el('div', { class: 'numbers' }, ...Object.entries(NUMBERS[rule]).map(([name, usual]) => textField({
      label: t.orderNames[name], hint: t.usually([usual].flat().join(', ')), path: `order.${name}`, inputmode: 'decimal',
      value: deck.order[name] === undefined ? '' : [deck.order[name]].flat().join(', '),
      onInput: (value) => editor.change(() => {
        const numbers = value.split(/[\s,;]+/).filter(Boolean).map(Number);
        deck.order = { ...deck.order, [name]: Array.isArray(usual) ? numbers : numbers[0] };
        if (numbers.length === 0) {
          delete deck.order[name];
        }
      }),
    }).root)));
}

function masteryField(editor) {
  const { deck } = editor;
  const number = (name, props) => textField({
    label: t.mastery[name], path: `mastery.${name}`, type: 'number', value: (deck.mastery ?? MASTERY)[name], ...props,
    onInput: (value) => editor.change(() => { deck.mastery = { ...MASTERY, ...deck.mastery, [name]: Number(value) }; }),
  });
  const numbers = el('div', { class: 'numbers' },
    number('correct', { min: '1', max: '200', step: '1' }).root,
    number('of', { min: '1', max: '200', step: '1' }).root,
    number('within_s', { min: '0', max: '600', step: 'any', hint: t.masteryWithinHint }).root);
  const on = switchField({
    label: t.masteryOn, hint: t.masteryHint, checked: deck.mastery !== null,
    onChange: (checked) => editor.change(() => { deck.mastery = checked ? { ...MASTERY } : null; }),
  });
  const root = el('div', { class: 'form', 'data-path': 'mastery' }, on.root, numbers);
  editor.onUpdate(() => {
    root.hidden = deck.order.rule === 'staircase' && deck.shows === 'drawn';
    on.control.checked = deck.mastery !== null;
    numbers.hidden = deck.mastery === null;
  });
  return root;
}
