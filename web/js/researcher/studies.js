/**
 * The researchers' first page: all studies, each with what comes next; and how a study goes, for who has none yet.
 */

import { listStudies } from '../api/api_studies.js';
import { dateOnly, timeElement } from '../dates.js';
import { el } from '../dom.js';
import { openStaffPage } from '../staff/frame.js';
import { texts } from '../texts.js';
import { loadDraft } from './kept_draft.js';

const t = texts.research.list;

await openStaffPage('/studies.html', async ({ main }) => {
  const studies = await listStudies();
  main.append(
    el('p', { class: 'staff-lead' }, t.lead),
    el('p', {}, el('a', { class: 'button', id: 'new-study', href: '/study-editor.html' }, loadDraft(null) ? t.goOnNew : t.plan)),
    unsaved() ?? '',
    studies.length > 0
      ? el('section', { 'aria-labelledby': 'all-studies' }, el('h2', { id: 'all-studies' }, t.all), el('ul', { class: 'rows', id: 'studies' }, ...studies.map(row)))
      : el('p', { class: 'quiet' }, t.none),
    howItGoes(studies.length === 0));
});

/** A study that only this browser knows. */
function unsaved() {
  const draft = loadDraft(null);
  return draft && el('p', { class: 'note' }, t.unsaved(draft.study.title), ' ', timeElement(draft.kept_at), '.');
}

function row(study) {
  const { id, title, state, participants } = study;
  const draft = state === 'draft';
  const since = { open: study.opened_at, closed: study.closed_at, frozen: study.frozen_at }[state];
  return el('li', { class: 'row' },
    el('div', { class: 'row-words' },
      el('a', { class: 'row-link', href: `/study-desk.html?study=${encodeURIComponent(id)}` }, el('strong', {}, title)),
      el('span', {}, draft ? t.draftWords(id) : t.words(id, participants, texts.research.sinceWords[state](dateOnly(since))))),
    draft && loadDraft(id) ? el('span', { class: 'badge' }, t.unsavedBadge) : null,
    el('span', { class: `state-badge is-${state}` }, texts.research.states[state]));
}

function howItGoes(open) {
  return el('details', { class: 'teach', open },
    el('summary', {}, t.howTitle),
    el('ol', { class: 'steps' }, ...t.how.map(([what, words]) => el('li', {}, el('strong', {}, what), ' ', words))));
}
