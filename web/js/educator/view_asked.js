/**
 * What is asked of every image, how it is answered, and what is told afterwards.
 */

import { el } from '../dom.js';
import { optionsField } from '../staff/choice_fields.js';
import { textField } from '../staff/form_fields.js';
import { teachTexts } from '../texts/teach_texts.js';

const t = teachTexts.editor;

/** @param {import('./editor.js').Editor} editor @returns {HTMLElement[]} */
export function askedFields(editor) {
  const { deck } = editor;
  const question = textField({
    label: t.question, path: 'question', value: deck.question, maxlength: '240', id: 'deck-question',
    onInput: (value) => editor.change(() => { deck.question = value; }),
  });
  const labels = [0, 1].map((i) => textField({
    label: t.choiceLabels[i], path: `choices[${i}].label`, value: deck.choices[i].label, maxlength: '80', id: `deck-choice-${i}`,
    onInput: (value) => editor.change(() => { deck.choices[i].label = value; }),
  }));
  const options = (name) => optionsField({
    legend: t[name], path: name, value: deck[name],
    options: Object.entries(t.options[name]).map(([value, [label, words]]) => ({ value, label, words })),
    onChange: (value) => editor.change(() => { deck[name] = value; }),
  });
  const limit = textField({
    label: t.timeLimit, hint: t.timeLimitHint, path: 'time_limit_s', type: 'number', min: '0', max: '600', step: '1', value: deck.time_limit_s, id: 'deck-time',
    onInput: (value) => editor.change(() => { deck.time_limit_s = Number(value); }),
  });
  return [
    question.root,
    el('div', { class: 'side-by-side', 'data-path': 'choices' }, ...labels.map(({ root }) => root)),
    options('feedback').root,
    options('rating').root,
    limit.root,
  ];
}
