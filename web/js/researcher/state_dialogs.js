/**
 * What changes a study's state, or the text of consent of one that runs: what it means in plain words, then the study's
 * name to be typed.
 */

import { changeConsent, closeStudy, freezeStudy, openStudy, readWarnings } from '../api/api_studies.js';
import { el } from '../dom.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { confirmDialog } from '../staff/confirm_dialog.js';
import { fieldError } from '../staff/field_errors.js';
import { areaField } from '../staff/form_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { staffTexts } from '../texts/staff_texts.js';

const t = researchTexts.desk;

/** @typedef {import('./study_desk.js').Desk} Desk */

const listOf = (items) => el('ul', {}, ...items.map((text) => el('li', {}, text)));
const sentences = (warnings) => [...new Set(warnings.map((text) => fieldError(text, 'study').text))];

/** @param {Desk} desk @returns {Promise<HTMLDialogElement>} */
export async function openingDialog({ entry, version, changed }) {
  const warnings = sentences(await readWarnings(entry.id));
  return confirmDialog({
    title: t.openTitle(entry.title), name: entry.id, action: t.openSure,
    words: [listOf(t.openWords), ...(warnings.length > 0 ? [t.openWarnings, listOf(warnings)] : [t.openNoWarnings])],
    onConfirm: async () => {
      const reply = await openStudy(entry.id, version);
      await changed(reply.warnings.length > 0 ? t.openedWarnings : t.opened, sentences(reply.warnings));
    },
  });
}

/** @param {Desk} desk */
export function closeDialog({ entry, changed }) {
  return confirmDialog({
    title: t.closeTitle(entry.title), words: t.closeWords, name: entry.id, action: t.closeSure,
    onConfirm: async () => {
      await closeStudy(entry.id);
      await changed(t.closed);
    },
  });
}

/** @param {Desk} desk */
export function freezeDialog({ entry, changed }) {
  return confirmDialog({
    title: t.freezeTitle(entry.title), words: [listOf(t.freezeWords)], name: entry.id, action: t.freezeSure,
    onConfirm: async () => {
      await freezeStudy(entry.id);
      await changed(t.frozen);
    },
  });
}

/** It can be done again, so nothing is typed but the text. @param {Desk} desk */
export function consentDialog({ entry, study, version, changed }) {
  const text = areaField({ label: researchTexts.editor.consent, value: study.consent.text, rows: '14', maxlength: '20000' });
  const trouble = troublePlace();
  const button = el('button', { type: 'submit', class: 'button button-grave' }, t.consentSave);
  const send = async (event) => {
    event.preventDefault();
    if (text.control.value.trim() === study.consent.text) {
      trouble.replaceChildren(t.consentSame);
    } else if (await attempt(button, trouble, () => changeConsent(entry.id, text.control.value.trim(), version))) {
      dialog.close();
      await changed(t.consentDone);
    }
  };
  text.root.classList.add('is-wide');
  const dialog = el('dialog', { class: 'dialog', 'aria-label': t.consentTitle },
    el('form', { class: 'dialog-body', on: { submit: send } },
      el('h2', {}, t.consentTitle), el('p', {}, t.consentWords), text.root, trouble,
      el('div', { class: 'buttons' }, button, el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, staffTexts.confirm.cancel))));
  return dialog;
}
