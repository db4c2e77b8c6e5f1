/**
 * The three roles to choose from, each with what it may do.
 */

import { texts } from '../texts.js';
import { optionsField } from './choice_fields.js';

/**
 * @param {string} legend
 * @param {string} role chosen at first
 * @returns {{root: HTMLElement, chosen: () => string}}
 */
export function roleOptions(legend, role) {
  const options = Object.keys(texts.account.roles)
    .map((value) => ({ value, label: texts.staff.roleNames[value], words: texts.staff.roleDuties[value] }));
  return optionsField({ legend, value: role, options });
}
