/**
 * The first questions: what the deck is called, how many images it has, and how many of them show the finding.
 */

import { el } from '../dom.js';
import { dialField, switchField } from '../staff/choice_fields.js';
import { areaField, textField } from '../staff/form_fields.js';
import { teachTexts } from '../texts/teach_texts.js';
import { followsAnswers } from './definition.js';

const t = teachTexts.editor;

/** @param {import('./editor.js').Editor} editor */
export function titleView(editor) {
  const { deck, fixedId } = editor;
  const title = textField({
    label: t.title, hint: t.titleHint, path: 'title', value: deck.title, required: true, maxlength: '240', id: 'deck-title',
    onInput: (value) => editor.change(() => { deck.title = value; }),
  });
  const description = areaField({
    label: t.description, hint: t.descriptionHint, path: 'description', value: deck.description, rows: '2', maxlength: '2000',
    onInput: (value) => editor.change(() => { deck.description = value; }),
  });
  const id = textField({
    label: t.id, hint: fixedId ? t.idFixed : t.idHint, path: 'id', value: deck.id, readonly: fixedId, maxlength: '48', id: 'deck-id', spellcheck: 'false',
    onInput: (value) => editor.change(() => {
      deck.id = value.trim();
      editor.ownId = true;
    }),
  });
  const more = el('details', { class: 'more' }, el('summary', {}, t.titleMore), el('div', { class: 'form' }, description.root, id.root));
  editor.onUpdate(() => {
    if (document.activeElement !== id.control) {
      id.control.value = deck.id;
    }
  });
  return el('section', { class: 'form', 'aria-label': t.title }, title.root, more);
}

/** @param {import('./editor.js').Editor} editor */
export function amountView(editor) {
  const { deck } = editor;
  const items = textField({
    label: t.items, path: 'items', type: 'number', min: '1', max: '200', step: '1', value: deck.items, id: 'deck-items',
    onInput: (value) => editor.change(() => { deck.items = Number(value); }),
  });
  const words = el('p', { class: 'quiet', role: 'status' });
  const prevalence = dialField({
    label: t.prevalence, path: 'prevalence', value: deck.prevalence, write: t.share, hint: t.prevalenceHint, id: 'deck-prevalence',
    onInput: (value) => editor.change(() => { deck.prevalence = value; }),
  });
  const pairs = switchField({
    label: t.pairs, hint: t.pairsHint, path: 'pairs', checked: deck.pairs,
    onChange: (on) => editor.change(() => {
      deck.pairs = on;
      deck.items = on ? deck.items + (deck.items % 2) : deck.items;
    }),
  });
  const listed = el('p', { class: 'quiet' }, t.amountListed);
  const root = el('section', { class: 'form', 'aria-labelledby': 'amount' },
    el('h2', { id: 'amount' }, t.amountTitle), listed, items.root, prevalence.root, words, pairs.root);
  editor.onUpdate(() => {
    const list = deck.shows === 'list';
    listed.hidden = !list;
    items.root.hidden = list && deck.order.rule !== 'adaptive';
    prevalence.root.hidden = list;
    pairs.root.hidden = list || deck.sources.some(({ kind }) => kind === 'library');
    prevalence.control.disabled = deck.pairs;
    if (deck.pairs) {
      prevalence.set(0.5);
    }
    if (document.activeElement !== items.control) {
      items.control.value = String(deck.items);
    }
    words.hidden = list;
    words.textContent = t.amountWords(Math.round(deck.items * (deck.pairs ? 0.5 : deck.prevalence)), deck.items, deck.choices[1].label, followsAnswers(deck));
  });
  return root;
}
