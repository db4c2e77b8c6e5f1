/**
 * Asks before something that cannot be undone: what will happen in plain words, and the name of it to be typed.
 */

import { el } from '../dom.js';
import { staffTexts } from '../texts/staff_texts.js';
import { attempt, troublePlace } from './attempt.js';
import { textField } from './form_fields.js';

/**
 * @param {object} props
 * @param {string} props.title
 * @param {(Node|string)[]} props.words paragraphs, or other content
 * @param {string} props.name to be typed
 * @param {string} props.action on the button
 * @param {() => Promise<void>} props.onConfirm what it rejects with is told in the dialog, which stays
 * @returns {HTMLDialogElement} for openDialog()
 */
export function confirmDialog({ title, words, name, action, onConfirm }) {
  const t = staffTexts.confirm;
  const trouble = troublePlace();
  const typed = textField({ label: t.type(name), spellcheck: 'false', autocapitalize: 'off' });
  const button = el('button', { type: 'submit', class: 'button button-grave' }, action);
  const send = async (event) => {
    event.preventDefault();
    if (typed.control.value.trim() !== name) {
      trouble.replaceChildren(t.wrong(name));
      typed.control.focus();
    } else if (await attempt(button, trouble, onConfirm)) {
      dialog.close();
    }
  };
  const dialog = el('dialog', { class: 'dialog', 'aria-label': title },
    el('form', { class: 'dialog-body', on: { submit: send } },
      el('h2', {}, title),
      ...words.map((part) => (typeof part === 'string' ? el('p', {}, part) : part)),
      typed.root,
      trouble,
      el('div', { class: 'buttons' }, button, el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, t.cancel))));
  return dialog;
}

/**
 * Shows a dialog over the page until it is closed; then the focus goes back to where it was.
 * @param {HTMLDialogElement} dialog
 * @param {?() => ?HTMLElement} [back] finds what has the focus afterwards, where that was drawn anew
 */
export function openDialog(dialog, back = null) {
  const before = document.activeElement;
  document.getElementById('main').append(dialog);
  dialog.addEventListener('close', () => {
    dialog.remove();
    (back?.() ?? (before.isConnected ? before : document.querySelector('h1'))).focus();
  });
  dialog.showModal();
}
