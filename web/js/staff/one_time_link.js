/**
 * A one-time link, shown once to whoever made it.
 */

import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { staffTexts } from '../texts/staff_texts.js';
import { linkField } from '../view_link.js';

/**
 * @param {{link: string, expires_at: string}} invitation
 * @param {string} lead for whom it is and what it does
 * @returns {HTMLElement}
 */
export function oneTimeLink({ link, expires_at: expiresAt }, lead) {
  const t = staffTexts.link;
  return el('div', { class: 'form' },
    el('p', {}, lead),
    linkField('one-time-link', t.label, new URL(link, location.origin).href).root,
    el('p', { class: 'quiet' }, t.goodUntil, ' ', timeElement(expiresAt), '. ', t.onlyNow));
}
