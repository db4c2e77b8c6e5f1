/**
 * A learner's code: shown, to be written down or copied; and entered.
 */

import { el } from './dom.js';
import { codeTexts } from './texts/site_texts.js';

const t = codeTexts;

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

/**
 * As the server writes it, whatever the case, spaces and hyphens of what was typed.
 * @param {string} typed
 * @returns {?string} null when it cannot be a code
 */
export function canonicalCode(typed) {
  const letters = typed.toUpperCase().replace(/[\s\-\u2010-\u2015]/g, '');
  return /^[B-DF-HJ-NP-TV-XZ]{16}$/.test(letters) ? letters.match(/.{4}/g).join('-') : null;
}

/** @param {(code: string) => Promise<?string>} onUseCode resolves with what is wrong with it */
export function codeForm(onUseCode) {
  const input = el('input', { id: 'code', name: 'code', autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', maxlength: '40', required: true, 'aria-describedby': 'code-trouble' });
  const trouble = el('p', { class: 'code-trouble', id: 'code-trouble', role: 'alert' });
  const send = async (event) => {
    event.preventDefault();
    trouble.textContent = '';
    const code = canonicalCode(input.value);
    trouble.textContent = code ? await onUseCode(code) ?? '' : t.noCode;
  };
  return el('form', { class: 'code-form', on: { submit: send } },
    el('label', { for: 'code' }, t.enter),
    el('div', { class: 'code-line' }, input, el('button', { type: 'submit', class: 'button' }, t.use)),
    trouble);
}
