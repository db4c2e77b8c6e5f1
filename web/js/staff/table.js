/**
 * A table that scrolls by itself where the page is narrower.
 */

import { el } from '../dom.js';

/**
 * @param {string} name for screen readers
 * @param {string[]} heads
 * @param {(Node|string)[][]} rows the first cell of each is its heading
 * @returns {HTMLElement}
 */
export function scrollingTable(name, heads, rows) {
  return el('div', { class: 'table-room', role: 'region', 'aria-label': name, tabindex: '0' },
    el('table', { class: 'figures' },
      el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
      el('tbody', {}, ...rows.map(([first, ...cells]) => el('tr', {}, el('th', { scope: 'row' }, first), ...cells.map((cell) => el('td', {}, cell)))))));
}
