/**
 * A slider between two buttons: what a drag does, without dragging (WCAG 2.5.7).
 */

import { el } from '../dom.js';

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.less what the left button does
 * @param {string} props.more what the right button does
 * @param {number} props.min
 * @param {number} props.max
 * @param {number} props.step of the buttons; the slider moves in the same steps by keys and in single ones by pointer
 * @param {(value: number) => string} props.text of a value, as it is shown and read
 * @param {(value: number) => void} props.onValue
 * @returns {{root: HTMLElement, set: (value: number, enabled?: boolean) => void}}
 */
export function stepper({ label, less, more, min, max, step, text, onValue }) {
  const shown = el('output', { class: 'stepper-value' });
  const slider = el('input', {
    type: 'range', min: String(min), max: String(max), step: '1', 'aria-label': label, on: { input: () => onValue(Number(slider.value)) },
  });
  const go = (by) => () => onValue(Math.min(max, Math.max(min, Number(slider.value) + by)));
  const button = (name, sign, by) => el('button', { type: 'button', class: 'stepper-button', 'aria-label': name, on: { click: go(by) } }, sign);
  const buttons = [button(less, '\u2212', -step), button(more, '+', step)];
  const root = el('div', { class: 'stepper' },
    buttons[0],
    el('div', { class: 'stepper-middle' }, el('p', { class: 'stepper-label', 'aria-hidden': 'true' }, el('span', {}, label), shown), slider),
    buttons[1]);

  return {
    root,
    set(value, enabled = true) {
      slider.value = String(Math.round(value));
      slider.setAttribute('aria-valuetext', text(value));
      shown.textContent = text(value);
      [slider, ...buttons].forEach((control) => {
        control.disabled = !enabled;
      });
    },
  };
}
