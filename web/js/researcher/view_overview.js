/**
 * The overview of a study: where it stands, the link for participants, the plan, and how to rehearse it.
 */

import { listStudyVersions, studyVersionUrl } from '../api/api_studies.js';
import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { loadQrCodes } from '../libraries.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { openDialog } from '../staff/confirm_dialog.js';
import { researchTexts } from '../texts/research_texts.js';
import { linkTexts } from '../texts/site_texts.js';
import { linkField } from '../view_link.js';
import { loadDraft } from './kept_draft.js';
import { closeDialog, consentDialog, freezeDialog, openingDialog } from './state_dialogs.js';

const t = researchTexts.desk;
const STATES = ['draft', 'open', 'closed', 'frozen'];

/** @param {import('./study_desk.js').Desk} desk @returns {Promise<HTMLElement[]>} */
export async function overviewView(desk) {
  const [versions, qr] = await Promise.all([listStudyVersions(desk.entry.id), loadQrCodes()]);
  const { state } = desk.entry;
  return [
    standing(desk),
    ...(state === 'open' ? [invite(desk.entry.id, qr)] : []),
    ...(state === 'frozen' ? [onRecord(desk.entry)] : []),
    ...(state === 'frozen' ? [] : [rehearse(desk.entry)]),
    plan(desk.study),
    versionList(desk.entry.id, versions),
  ];
}

const block = (id, title, ...content) => el('section', { 'aria-labelledby': id }, el('h2', { id }, title), ...content);

function standing(desk) {
  const { entry } = desk;
  const { id, state } = entry;
  const at = { open: entry.opened_at, closed: entry.closed_at, frozen: entry.frozen_at };
  const steps = STATES.map((step) => el('li', { 'aria-current': step === state ? 'step' : null, class: STATES.indexOf(step) <= STATES.indexOf(state) ? 'is-past' : null },
    el('strong', {}, researchTexts.states[step]), at[step] ? timeElement(at[step]) : null));
  const trouble = troublePlace();
  const act = (name, label, make) => {
    const ask = async () => openDialog(await make(desk), () => document.getElementById(name));
    const button = el('button', { type: 'button', class: 'button', id: name, on: { click: () => attempt(button, trouble, ask) } }, label);
    return button;
  };
  const copy = el('a', { class: 'button', id: 'copy', href: `/study-editor.html?from=${encodeURIComponent(id)}` }, t.copy);
  const actions = {
    draft: [el('a', { class: 'button', id: 'edit', href: `/study-editor.html?study=${encodeURIComponent(id)}` }, t.edit), act('open', t.openAction, openingDialog)],
    open: [act('consent-change', t.consentAction, consentDialog), act('close', t.closeAction, closeDialog)],
    closed: [act('consent-change', t.consentAction, consentDialog), act('freeze', t.freezeAction, freezeDialog)],
    frozen: [],
  }[state];
  return block('standing', t.stateTitle,
    el('ol', { class: 'state-steps' }, ...steps),
    el('p', {}, t.stateWords[state], state === 'open' ? ` ${t.openDecks}` : ''),
    state === 'draft' && loadDraft(desk.account, id) ? el('p', { class: 'note' }, t.unsaved) : null,
    el('div', { class: 'buttons' }, ...actions, copy), trouble);
}

function invite(id, generate) {
  const url = new URL(`/study.html?study=${encodeURIComponent(id)}`, location.origin).href;
  const canvas = el('canvas', { class: 'qr', role: 'img', 'aria-label': t.qr });
  generate?.(url).toCanvas(canvas);
  return block('invite', t.inviteTitle, linkField('participant-link', t.inviteLink, url).root, el('p', { class: 'quiet' }, t.inviteWords), generate ? canvas : null);
}

function onRecord({ seed, export_sha256: hash }) {
  return el('dl', { class: 'facts' },
    el('div', {}, el('dt', {}, t.hash), el('dd', { class: 'hash', id: 'recorded' }, hash ?? t.hashMissing)),
    el('div', {}, el('dt', {}, t.seed), el('dd', {}, el('span', { class: 'hash' }, seed), el('p', { class: 'quiet' }, t.seedWords))));
}

function rehearse({ id, state }) {
  const command = `build/roentgym simulate --server ${location.origin} --study ${id} --learners 60 --leave 0.1 --withdraw 0.05`;
  const box = el('code', {}, command);
  const said = el('span', { class: 'quiet', role: 'status' });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      said.textContent = linkTexts.copied;
    } catch { // pages that do not come by HTTPS may not write there
      getSelection().selectAllChildren(box);
      said.textContent = linkTexts.copyByHand;
    }
  };
  return block('rehearse', t.rehearseTitle,
    el('p', {}, t.rehearse),
    el('pre', { class: 'command', tabindex: '0' }, box),
    el('div', { class: 'buttons' }, el('button', { type: 'button', class: 'button', on: { click: copy } }, t.copyCommand), said),
    el('p', { class: 'quiet' }, state === 'draft' ? t.rehearseDraft : t.rehearseAfter));
}

function plan(study) {
  const { plan: words } = t;
  const { strata = [], questions = [] } = study;
  const entries = (list, each) => (list.length > 0 ? el('ul', {}, ...list.map((item, i) => el('li', {}, each(item, i)))) : words.none);
  const window = ({ opens_after_days: opens, closes_after_days: closes }, i) => researchTexts.editor.window(opens ?? 0, closes, i === 0);
  const rows = [
    [words.arms, entries(study.arms, words.arm)],
    [words.phases, entries(study.phases, (phase, i) => words.phase(phase, window(phase, i)))],
    [words.strata, entries(strata, ({ label, choices }) => words.choices(label, choices))],
    [words.questions, entries(questions, ({ text, choices }) => words.choices(text, choices))],
    [words.blocks, study.blocks.join(', ')],
    [words.contact, study.contact],
    [words.consent, el('details', {}, el('summary', {}, words.consent), ...consentParagraphs(study))],
  ];
  return block('plan', t.planTitle, el('dl', { class: 'facts' }, ...rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))));
}

const consentParagraphs = ({ consent }) => consent.text.split(/\n{2,}/).map((text) => el('p', { class: 'consent-paragraph' }, text));

/** Each is the file that it was. */
function versionList(id, versions) {
  return el('details', { class: 'teach' },
    el('summary', {}, t.versionsTitle),
    el('ul', { class: 'rows' }, ...versions.map(({ version, saved_at: at, saved_by: by }) => el('li', { class: 'row' },
      el('a', { class: 'row-link', href: studyVersionUrl(id, version), target: '_blank' }, t.version(version)), el('span', {}, t.savedBy(by)), timeElement(at)))));
}
