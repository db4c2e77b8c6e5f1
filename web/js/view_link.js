/**
 * A link to give to others: a field that shows it and a button that copies it.
 */

import { el } from './dom.js';
import { linkTexts } from './texts/site_texts.js';

/** Whether nobody else's device gets there. */
const isLocal = (url) => /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/.test(url);

/**
 * @param {string} id of the field
 * @param {string} label
 * @param {string} url whole
 * @returns {{root: HTMLElement, set: (url: string) => void}}
 */
export function linkField(id, label, url) {
  const t = linkTexts;
  const address = el('input', { type: 'text', id, readonly: true, value: url, on: { focus: () => address.select() } });
  const onlyHere = el('p', { class: 'quiet', hidden: !isLocal(url) }, t.onlyHere);
  const told = el('span', { class: 'quiet', role: 'status' });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address.value);
      told.textContent = t.copied;
    } catch { // pages that do not come by HTTPS may not write there
      address.focus();
      told.textContent = t.copyByHand;
    }
  };
  return {
    root: el('div', { class: 'field link-field' },
      el('label', { for: id }, label),
      el('div', { class: 'go' }, address, el('button', { type: 'button', class: 'button', on: { click: copy } }, t.copy)),
      told, onlyHere),
    set(next) {
      address.value = next;
      onlyHere.hidden = !isLocal(next);
      told.textContent = '';
    },
  };
}
