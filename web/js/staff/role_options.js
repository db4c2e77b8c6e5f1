/**
 * The three roles to choose from, each with what it may do.
 */

import { accountTexts, staffTexts } from '../texts/staff_texts.js';
import { optionsField } from './choice_fields.js';

/**
 * @param {string} legend
 * @param {string} role chosen at first
 * @returns {{root: HTMLElement, chosen: () => string}}
 */
export function roleOptions(legend, role) {
  const options = Object.keys(accountTexts.roles)
    .map((value) => ({ value, label: staffTexts.roleNames[value], words: staffTexts.roleDuties[value] }));
  return optionsField({ legend, value: role, options });
}
