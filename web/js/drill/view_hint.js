/**
 * The keys that a control answers to, shown on it where a keyboard is likely.
 */

import { el } from '../dom.js';

/** @param {(?string)[]} keys */
export function hint(keys) {
  return el('span', { class: 'hint', 'aria-hidden': 'true' }, ...keys.filter(Boolean).map((key) => el('kbd', {}, key)));
}
