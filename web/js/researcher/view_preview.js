/**
 * The invitation as a participant will see it, to look at and not to use.
 */

import { el } from '../dom.js';
import { invitationView } from '../study/view_invitation.js';
import { researchTexts } from '../texts/research_texts.js';

const t = researchTexts.editor;

/** @param {import('../api/api_studies.js').Study} study @returns {Promise<HTMLDialogElement>} for showModal() */
export async function previewDialog({ title, contact, consent, strata, practice_deck: practice }) {
  const view = invitationView({
    invitation: {
      study: { title: title || '…', state: 'open', contact: contact || '…' }, strata, practice_deck: practice,
      consent: { version: 1, sha256: await hashOf(consent.text), text: consent.text },
    },
    notice: null, onAgree: async () => null, onUseCode: async () => null,
  });
  const close = () => el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, t.previewClose);
  const dialog = el('dialog', { class: 'dialog preview-dialog', 'aria-label': t.previewTitle },
    el('div', { class: 'dialog-body' }, close(), el('div', { class: 'preview study', inert: true }, ...view.childNodes), close()));
  return dialog;
}

/** Pages that do not come by HTTPS cannot work it out. */
async function hashOf(text) {
  const digest = await globalThis.crypto?.subtle?.digest('SHA-256', new TextEncoder().encode(text));
  return digest ? Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('') : '…';
}
