/**
 * Pieces of the staff's forms beside form_fields.js: one of several explained options, on or off, and a dial.
 */

import { el } from '../dom.js';

let made = 0;

/**
 * @param {{legend: string, value: string, options: {value: string, label: string, words?: string}[], path?: ?string,
 *   onChange?: (value: string) => void}} props
 * @returns {{root: HTMLElement, chosen: () => string, set: (value: string) => void}}
 */
export function optionsField({ legend, value, options, path = null, onChange = () => {} }) {
  const name = `options-${made += 1}`;
  const inputs = options.map((option) => el('input', {
    type: 'radio', name, value: option.value, checked: option.value === value, on: { change: () => onChange(option.value) },
  }));
  const root = el('fieldset', { class: 'options', 'data-path': path },
    el('legend', {}, legend),
    ...options.map(({ label, words = null }, i) => el('label', { class: 'option' }, inputs[i],
      el('span', { class: 'option-words' }, el('strong', {}, label), words ? el('span', {}, words) : null))));
  return {
    root,
    chosen: () => inputs.find(({ checked }) => checked).value,
    set(next) {
      inputs.forEach((input) => { input.checked = input.value === next; });
    },
  };
}

/**
 * @param {{label: string, checked: boolean, hint?: ?string, path?: ?string, onChange: (checked: boolean) => void}} props
 * @returns {{root: HTMLElement, control: HTMLInputElement}}
 */
export function switchField({ label, checked, hint = null, path = null, onChange }) {
  const hintId = hint ? `switch-${made += 1}-hint` : null;
  const control = el('input', { type: 'checkbox', checked, 'aria-describedby': hintId, on: { change: () => onChange(control.checked) } });
  const root = el('div', { class: 'switch-field', 'data-path': path },
    el('label', { class: 'switch' }, control, label),
    hint ? el('span', { class: 'field-hint', id: hintId }, hint) : null);
  return { root, control };
}

/**
 * A share from 0 to 1 to be dialled.
 * @param {{label: string, value: number, write: (value: number) => string, step?: number, hint?: ?string, path?: ?string, id?: string,
 *   onInput?: (value: number) => void, onChange?: (value: number) => void}} props onInput: while it moves; onChange: where it comes to rest
 * @returns {{root: HTMLElement, control: HTMLInputElement, set: (value: number) => void}}
 */
export function dialField({ label, value, write, step = 0.05, hint = null, path = null, id = `dial-${made += 1}`, onInput = () => {}, onChange = () => {} }) {
  const shown = el('output', { for: id }, write(value));
  const control = el('input', {
    type: 'range', id, min: '0', max: '1', step: String(step), value: String(value), 'aria-valuetext': write(value), 'aria-describedby': hint ? `${id}-hint` : null,
    on: {
      input: () => {
        tell(Number(control.value));
        onInput(Number(control.value));
      },
      change: () => onChange(Number(control.value)),
    },
  });
  const tell = (now) => {
    shown.textContent = write(now);
    control.setAttribute('aria-valuetext', write(now));
  };
  return {
    root: el('div', { class: 'field slider', 'data-path': path },
      el('div', { class: 'slider-words' }, el('label', { for: id }, label), shown),
      control,
      hint ? el('span', { class: 'field-hint', id: `${id}-hint` }, hint) : null),
    control,
    set(next) {
      control.value = String(next);
      tell(next);
    },
  };
}
