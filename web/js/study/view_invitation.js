/**
 * The invitation: the text of consent to be read or printed, and taking part; the same text again when it changed.
 */

import { whileBusy } from '../busy.js';
import { el } from '../dom.js';
import { studyTexts } from '../texts/study_texts.js';
import { codeForm } from '../view_code.js';
import { radioGroup, studyPage } from './view_study.js';

const t = studyTexts;

/**
 * @param {object} props
 * @param {import('../api/api_participants.js').Invitation} props.invitation
 * @param {?string} props.notice said first: the text has changed while it was read
 * @param {(strata: Object<string, string>) => Promise<?string>} props.onAgree resolves with what is wrong
 * @param {(code: string) => Promise<?string>} props.onUseCode
 * @returns {HTMLElement}
 */
export function invitationView({ invitation, notice, onAgree, onUseCode }) {
  const { study: { title, state, contact }, consent, practice_deck: practice, strata } = invitation;
  return studyPage('invitation', title, t.invitation,
    notice ? el('p', { class: 'study-notice', role: 'alert' }, notice) : null,
    consentText(consent, contact),
    state === 'open'
      ? agreeForm(strata, t.takePart, onAgree)
      : el('p', { class: 'study-closed' }, t.closed),
    practice ? el('section', { class: 'study-other' }, el('h2', {}, t.practiceTitle), el('p', {}, t.practice),
      el('a', { class: 'button', id: 'practise', href: `/?deck=${encodeURIComponent(practice)}` }, t.practise)) : null,
    el('section', { class: 'study-other' }, el('h2', {}, t.returnTitle), el('p', {}, t.returnWords), codeForm(onUseCode)));
}

/**
 * The text has changed since it was agreed to.
 * @param {object} props
 * @param {import('../api/api_participants.js').Participant} props.participant
 * @param {() => Promise<?string>} props.onAgree
 * @param {() => void} props.onWithdraw
 */
export function consentAgainView({ participant: { study, consent }, onAgree, onWithdraw }) {
  return studyPage('consent', study.title, t.consentChanged,
    consentText(consent, study.contact),
    agreeForm([], t.goOn, onAgree),
    el('button', { type: 'button', class: 'link-button', id: 'withdraw', on: { click: onWithdraw } }, t.withdrawLink));
}

/**
 * What was or will be agreed to, as it is printed.
 * @param {import('../api/api_participants.js').Consent} consent
 * @param {string} contact
 */
export function consentText(consent, contact) {
  return el('section', { class: 'consent', 'aria-label': t.consentTitle },
    el('h2', {}, t.consentTitle),
    el('div', { class: 'consent-text' }, ...consent.text.split(/\n{2,}/).map((paragraph) => el('p', {}, paragraph))),
    el('p', { class: 'consent-facts' }, t.contact(contact)),
    el('p', { class: 'consent-facts' }, t.version(consent.version, consent.sha256.slice(0, 12))),
    el('button', { type: 'button', class: 'button', id: 'print', on: { click: () => window.print() } }, t.print));
}

function agreeForm(strata, action, onAgree) {
  const groups = strata.map((stratum) => radioGroup({ ...stratum, name: `stratum-${stratum.id}`, required: true }));
  const agreed = el('input', { type: 'checkbox', id: 'agreed', required: true });
  const trouble = el('p', { class: 'study-trouble', role: 'alert' });
  const button = el('button', { type: 'submit', class: 'button button-main', id: 'agree' }, action);
  const send = (event) => {
    event.preventDefault();
    whileBusy(button, async () => {
      trouble.textContent = '';
      trouble.textContent = await onAgree(Object.fromEntries(strata.map(({ id }, i) => [id, groups[i].value()]))) ?? '';
    });
  };
  return el('form', { class: 'study-form', on: { submit: send } },
    ...groups.map(({ root }) => root),
    el('label', { class: 'switch agree' }, agreed, el('span', {}, t.agree)),
    trouble,
    button);
}
