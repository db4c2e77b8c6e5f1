/**
 * The researchers' first page: all studies, each with what comes next; and how a study goes, for who has none yet.
 */

import { listStudies } from '../api/api_studies.js';
import { dateOnly, timeElement } from '../dates.js';
import { el } from '../dom.js';
import { openStaffPage } from '../staff/frame.js';
import { researchTexts } from '../texts/research_texts.js';
import { deskOf } from './desk_link.js';
import { loadDraft } from './kept_draft.js';

const t = researchTexts.list;

await openStaffPage('/studies.html', async ({ main, account }) => {
  const studies = await listStudies();
  const kept = loadDraft(account.id, null);
  main.append(
    el('p', { class: 'staff-lead' }, t.lead),
    el('p', {}, el('a', { class: 'button', id: 'new-study', href: '/study-editor.html' }, kept ? t.goOnNew : t.plan)),
    kept ? el('p', { class: 'note' }, t.unsaved(kept.study.title), ' ', timeElement(kept.kept_at), '.') : '',
    studies.length > 0
      ? el('section', { 'aria-labelledby': 'all-studies' }, el('h2', { id: 'all-studies' }, t.all), el('ul', { class: 'rows', id: 'studies' }, ...studies.map((study) => row(study, loadDraft(account.id, study.id) !== null))))
      : el('p', { class: 'quiet' }, t.none),
    howItGoes(studies.length === 0));
});

/** @param {boolean} unsaved this browser has changes of it */
function row(study, unsaved) {
  const { id, title, state, participants } = study;
  const draft = state === 'draft';
  const since = { open: study.opened_at, closed: study.closed_at, frozen: study.frozen_at }[state];
  return el('li', { class: 'row' },
    el('div', { class: 'row-words' },
      el('a', { class: 'row-link', href: deskOf(id) }, el('strong', {}, title)),
      el('span', {}, draft ? t.draftWords(id) : t.words(id, participants, researchTexts.sinceWords[state](dateOnly(since))))),
    draft && unsaved ? el('span', { class: 'badge' }, t.unsavedBadge) : null,
    el('span', { class: `state-badge is-${state}` }, researchTexts.states[state]));
}

function howItGoes(open) {
  return el('details', { class: 'teach', open },
    el('summary', {}, t.howTitle),
    el('ol', { class: 'steps' }, ...t.how.map(([what, words]) => el('li', {}, el('strong', {}, what), ' ', words))));
}
