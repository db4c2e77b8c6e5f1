/**
 * Where am I: the parts of the study with their windows, and what can be done now. And the last page.
 */

import { exactTime } from '../dates.js';
import { el } from '../dom.js';
import { studyTexts } from '../texts/study_texts.js';
import { codeBox } from '../view_code.js';
import { openPhase, phaseNames } from './phases.js';
import { consentText } from './view_invitation.js';
import { studyPage } from './view_study.js';

const t = studyTexts;

/**
 * The code, before anything else is done.
 * @param {{title: string, code: string, onGo: () => void}} props title: of the study
 */
export function codeView({ title, code, onGo }) {
  return studyPage('code', t.codeTitle, t.codeLead(title),
    codeBox(code, t.codeWords),
    el('button', { type: 'button', class: 'button button-main', id: 'go', on: { click: onGo } }, t.codeKept));
}

/**
 * @param {object} props
 * @param {import('../api/api_participants.js').Consent} props.consent that was agreed to
 * @param {import('../api/api_participants.js').Participant} props.participant
 * @param {string} props.code the learner's
 * @param {() => void} props.onStart
 * @param {() => void} props.onForget the code, in this browser
 * @param {() => void} props.onWithdraw
 */
export function whereView({ consent, participant, code, onStart, onForget, onWithdraw }) {
  const { phases } = participant;
  const names = phaseNames(phases, t.kinds);
  const open = openPhase(participant);
  return studyPage('where', participant.study.title, open ? t.openLead(names[phases.indexOf(open)]) : t.waitLead,
    el('ol', { class: 'phases' }, ...phases.map((phase, i) => phaseRow(phase, names[i]))),
    open ? el('p', { class: 'study-words' }, t.kindWords[open.kind]) : null,
    open ? el('button', { type: 'button', class: 'button button-main', id: 'start-phase', on: { click: onStart } },
      open.of !== null ? t.goOnWith(names[phases.indexOf(open)]) : t.start(names[phases.indexOf(open)])) : null,
    keeping({ consent, participant, code, onForget, onWithdraw }));
}

/** @param {{consent: object, participant: object, code: string, onForget: () => void, onWithdraw: () => void}} props */
export function endView(props) {
  const over = props.participant.state === 'over';
  return studyPage('end', over ? t.overTitle : t.endTitle, over ? t.overLead : t.endLead, keeping(props));
}

/** Under what the answers are stored, how to come back, what was agreed to, and the way out. */
function keeping({ consent, participant, code, onForget, onWithdraw }) {
  return el('section', { class: 'study-keeping', 'aria-label': t.keeping },
    el('div', { class: 'study-code' },
      el('h2', {}, t.studyCode),
      el('p', {}, t.studyCodeWords(participant.study.contact)),
      el('output', { class: 'code', id: 'study-code' }, participant.code)),
    el('details', {}, el('summary', {}, t.otherDevice), codeBox(code, t.codeWords),
      el('button', { type: 'button', class: 'link-button', id: 'forget-code', on: { click: onForget } }, t.forget)),
    el('details', {}, el('summary', {}, t.agreedText), consentText(consent, participant.study.contact)),
    el('button', { type: 'button', class: 'link-button', id: 'withdraw', on: { click: onWithdraw } }, t.withdrawLink));
}

function phaseRow({ state, opens_at: opens, closes_at: closes }, name) {
  return el('li', { class: 'phase', 'data-state': state },
    el('strong', {}, name),
    el('span', {}, t.states[state]({ opens: opens && exactTime(opens), closes: closes && exactTime(closes) })));
}
