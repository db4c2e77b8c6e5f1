/**
 * Pieces of the staff's forms: a labelled control with a hint, and beside it what is wrong with it, until it is changed.
 *
 * A control, or a group of them, may carry a path (data-path), by which tellAt() finds it.
 */

import { el } from '../dom.js';
import { enclosing } from './field_errors.js';

let made = 0;

/**
 * @typedef {{label: string, hint?: ?string, path?: ?string, value?: string|number|null, onInput?: (value: string) => void,
 *   [attribute: string]: *}} FieldProps everything else becomes an attribute of the control
 * @typedef {{root: HTMLElement, control: HTMLInputElement|HTMLTextAreaElement|HTMLSelectElement}} Field
 */

/** @param {FieldProps} props @returns {Field} one line of text, or with `type` a number */
export function textField(props) {
  return field(props, (attributes) => el('input', { type: 'text', autocomplete: 'off', ...attributes }));
}

/** @param {FieldProps} props `rows` among them @returns {Field} */
export function areaField(props) {
  return field(props, ({ value, ...attributes }) => el('textarea', attributes, value ?? ''));
}

/**
 * @param {FieldProps & {options: {value: string, text: string, disabled?: boolean}[]}} props
 * @returns {Field}
 */
export function selectField({ options, ...props }) {
  return field(props, ({ value, ...attributes }) => el('select', attributes,
    ...options.map((option) => el('option', { value: option.value, selected: option.value === (value ?? ''), disabled: option.disabled ?? false }, option.text))));
}

function field({ label, hint = null, path = null, onInput = () => {}, id = `field-${made += 1}`, ...attributes }, make) {
  const hintId = hint ? `${id}-hint` : null;
  const control = make({ id, 'aria-describedby': hintId, ...attributes, on: { input: () => { untell(root); onInput(control.value); } } });
  const root = el('div', { class: 'field', 'data-path': path },
    el('label', { for: id }, label),
    control,
    hint ? el('span', { class: 'field-hint', id: hintId }, hint) : null);
  return { root, control };
}

/**
 * Says beside a field, or beside what it is in, what is wrong with it or should be known.
 * @param {HTMLElement} form
 * @param {string} path
 * @param {string} text
 * @param {'trouble'|'warning'} [kind]
 * @returns {?HTMLElement} the control to go to, or the group; null: there is no such place in the form
 */
export function tellAt(form, path, text, kind = 'trouble') {
  const place = enclosing(path).map((part) => form.querySelector(`[data-path="${CSS.escape(part)}"]`)).find((found) => found);
  if (!place) {
    return null;
  }
  const id = `told-${made += 1}`;
  const control = place.classList.contains('field') ? place.querySelector('input, textarea, select') : null;
  place.append(el('span', { class: `told is-${kind}`, id, 'data-for': control?.id ?? null }, text));
  if (!control) {
    place.hasAttribute('tabindex') || place.setAttribute('tabindex', '-1');
    return place;
  }
  if (kind === 'trouble') {
    control.setAttribute('aria-invalid', 'true');
  }
  control.setAttribute('aria-describedby', [control.getAttribute('aria-describedby'), id].filter(Boolean).join(' '));
  return control;
}

/** Takes back all that tellAt() said within an element. @param {HTMLElement} within */
export function untell(within) {
  for (const told of within.querySelectorAll('.told')) {
    const control = document.getElementById(told.dataset.for ?? '');
    const described = (control?.getAttribute('aria-describedby') ?? '').split(' ').filter((id) => id && id !== told.id).join(' ');
    control?.removeAttribute('aria-invalid');
    described ? control?.setAttribute('aria-describedby', described) : control?.removeAttribute('aria-describedby');
    told.remove();
  }
}
