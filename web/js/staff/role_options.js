/**
 * The three roles to choose from, each with what it may do.
 */

import { el } from '../dom.js';
import { texts } from '../texts.js';

/**
 * @param {string} legend
 * @param {string} role chosen at first
 * @returns {{root: HTMLElement, chosen: () => string}}
 */
export function roleOptions(legend, role) {
  const inputs = Object.keys(texts.account.roles).map((value) => el('input', {
    type: 'radio', name: `role-${legend}`, value, checked: value === role,
  }));
  const root = el('fieldset', { class: 'options' },
    el('legend', {}, legend),
    ...inputs.map((input) => el('label', { class: 'option' }, input,
      el('span', { class: 'option-words' },
        el('strong', {}, texts.staff.roleNames[input.value]),
        el('span', {}, texts.staff.roleDuties[input.value])))));
  return { root, chosen: () => inputs.find(({ checked }) => checked).value };
}
