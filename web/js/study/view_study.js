/**
 * What the pages of a study have in common: one column with a heading, groups of choices.
 */

import { el } from '../dom.js';
import { product } from '../texts/site_texts.js';

/**
 * @param {string} screen its name for tests and styles
 * @param {string} title
 * @param {?string} lead
 * @param {...(Node|null)} children
 */
export function studyPage(screen, title, lead, ...children) {
  return el('main', { class: 'study', 'data-screen': screen },
    el('p', { class: 'wordmark' }, product),
    el('h1', { tabindex: '-1' }, title),
    lead ? el('p', { class: 'study-lead' }, lead) : null,
    ...children);
}

/**
 * @param {object} props
 * @param {string} props.name
 * @param {string} props.label
 * @param {{id: string, label: string}[]} props.choices none is chosen at first
 * @param {boolean} props.required
 * @param {boolean} [props.inRow] the steps of a scale, beside each other where there is room
 * @returns {{root: HTMLElement, value: () => ?string}}
 */
export function radioGroup({ name, label, choices, required, inRow = false }) {
  const inputs = choices.map(({ id }) => el('input', { type: 'radio', name, value: id, required }));
  const root = el('fieldset', { class: inRow ? 'choices is-scale' : 'choices' },
    el('legend', {}, label),
    ...choices.map((choice, i) => el('label', { class: 'choice' }, inputs[i], el('span', {}, choice.label))));
  return { root, value: () => inputs.find(({ checked }) => checked)?.value ?? null };
}
