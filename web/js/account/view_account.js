/**
 * The forms for names and passwords, and what stands there afterwards.
 */

import { whileBusy } from '../busy.js';
import { el } from '../dom.js';
import { provenanceFoot } from '../provenance.js';
import { product } from '../texts/site_texts.js';
import { accountTexts } from '../texts/staff_texts.js';

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.lead
 * @param {?string} props.name a name that is fixed; null asks for one
 * @param {boolean} props.choosing a new password is chosen, rather than an old one asked for
 * @param {string} props.action the button's words
 * @param {(name: string, password: string) => Promise<?string>} props.onSend resolves with what went wrong, or null
 * @returns {HTMLElement}
 */
export function accountForm({ title, lead, name, choosing, action, onSend }) {
  const t = accountTexts;
  const nameInput = el('input', {
    id: 'name', name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', maxlength: '80', required: true,
    value: name, readonly: name !== null,
  });
  const password = el('input', {
    id: 'password', name: 'password', type: 'password', autocomplete: choosing ? 'new-password' : 'current-password',
    minlength: choosing ? '8' : null, maxlength: '1024', required: true, 'aria-describedby': choosing ? 'password-hint' : null,
  });
  const shown = el('input', { type: 'checkbox', on: { change: () => { password.type = shown.checked ? 'text' : 'password'; } } });
  const trouble = el('p', { class: 'account-trouble', role: 'alert' });
  const button = el('button', { type: 'submit', class: 'button button-main' }, action);

  const send = (event) => {
    event.preventDefault();
    whileBusy(button, async () => {
      trouble.textContent = '';
      trouble.textContent = await onSend(nameInput.value.trim(), password.value) ?? '';
    });
  };
  return accountPage(title, lead,
    el('form', { class: 'account-form', on: { submit: send } },
      field('name', t.name, nameInput),
      field('password', t.password, password, choosing ? el('p', { class: 'account-hint', id: 'password-hint' }, t.passwordHint) : null),
      el('label', { class: 'switch' }, shown, t.showPassword),
      trouble,
      button));
}

/** A page of one column with a heading. */
export function accountPage(title, lead, ...children) {
  return el('div', { class: 'account-page' },
    el('main', { class: 'account', 'data-screen': 'account' },
      el('p', { class: 'wordmark' }, el('a', { href: '/' }, product)),
      el('h1', { tabindex: '-1' }, title),
      el('p', { class: 'account-lead' }, lead),
      ...children),
    provenanceFoot());
}

function field(id, label, input, hint = null) {
  return el('div', { class: 'account-field' }, el('label', { for: id }, label), input, hint);
}
