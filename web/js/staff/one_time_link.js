/**
 * A one-time link, shown once to whoever made it.
 */

import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { texts } from '../texts.js';

/**
 * @param {{link: string, expires_at: string}} invitation
 * @param {string} lead for whom it is and what it does
 * @returns {HTMLElement}
 */
export function oneTimeLink({ link, expires_at: expiresAt }, lead) {
  const t = texts.staff.link;
  const address = el('input', {
    type: 'text', id: 'one-time-link', readonly: true, value: new URL(link, location.origin).href, on: { focus: () => address.select() },
  });
  const told = el('span', { class: 'quiet', role: 'status' });
  const copy = el('button', {
    type: 'button', class: 'button',
    on: {
      click: async () => {
        try {
          await navigator.clipboard.writeText(address.value);
          told.textContent = t.copied;
        } catch { // pages that do not come by HTTPS may not write there
          address.focus();
          told.textContent = t.copyByHand;
        }
      },
    },
  }, t.copy);
  return el('div', { class: 'form one-time-link' },
    el('p', {}, lead),
    el('div', { class: 'field' }, el('label', { for: 'one-time-link' }, t.label), address),
    el('div', { class: 'buttons' }, copy, told),
    el('p', { class: 'quiet' }, t.goodUntil, ' ', timeElement(expiresAt), '. ', t.onlyNow));
}
