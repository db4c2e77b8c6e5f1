/**
 * A learner's code, to be written down or copied.
 */

import { el } from '../dom.js';
import { texts } from '../texts.js';

const t = texts.code;

/**
 * @param {string} code
 * @param {string} words what it is good for
 * @returns {HTMLElement}
 */
export function codeBox(code, words) {
  const said = el('span', { class: 'code-said', role: 'status' });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code);
      said.textContent = t.copied;
    } catch {
      said.textContent = t.notCopied; // pages without TLS have no clipboard
    }
  };
  return el('section', { class: 'code-box', 'aria-label': t.label },
    el('h2', {}, t.label),
    el('p', {}, words),
    el('p', { class: 'code-line' },
      el('output', { class: 'code' }, code),
      el('button', { type: 'button', class: 'button', id: 'copy-code', on: { click: copy } }, t.copy), said));
}
