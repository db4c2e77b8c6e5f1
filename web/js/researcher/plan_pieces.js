/**
 * Pieces of the form of a plan.
 */

import { el } from '../dom.js';
import { textField } from '../staff/form_fields.js';
import { repeatedFields } from '../staff/repeated_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { nameField } from './view_name.js';

const t = researchTexts.editor;
const words = { up: t.up, down: t.down, remove: t.remove, removed: t.removed, upShort: t.upShort, downShort: t.downShort, removeShort: t.removeShort, undo: t.undo };

export function section(id, title, lead, ...content) {
  return el('section', { class: 'plan-section', 'aria-labelledby': id }, el('h2', { id }, title), lead ? el('p', { class: 'quiet' }, lead) : null, ...content);
}

/** Groups of the plan, with its words. */
export const planList = (props) => repeatedFields({ words, ...props }).root;

/** What the server offers, and what the study names although it does not. */
export function deckOptions(decks, chosen, describe = ({ title }) => ({ text: title })) {
  const offered = decks.map((deck) => ({ value: deck.id, ...describe(deck) }));
  const gone = chosen && !decks.some(({ id }) => id === chosen) ? [{ value: chosen, text: t.deckGone(chosen) }] : [];
  return [{ value: '', text: t.chooseDeck }, ...offered, ...gone];
}

/** A label and the name in the data that follows it. */
export function labelled(item, path, key, label, all, onChange, attributes) {
  const name = nameField({ item, path, label: t.name, hint: t.nameHint, onChange });
  const field = textField({
    label, path: `${path}.${key}`, value: item[key], ...attributes,
    onInput: (value) => {
      name.follow(item[key], value, all.filter((other) => other !== item).map(({ id }) => id));
      item[key] = value;
      onChange();
    },
  });
  return [field.root, name.root];
}
