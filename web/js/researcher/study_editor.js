/**
 * Planning a study: a new one, or a draft. What is typed is kept in the browser at every change, and saved on the
 * server by the button.
 */

import { listCatalogue, readDeck } from '../api/api_decks.js';
import { listStudies, readStudy } from '../api/api_studies.js';
import { timeOnly } from '../dates.js';
import { el } from '../dom.js';
import { troublePlace } from '../staff/attempt.js';
import { openDialog } from '../staff/confirm_dialog.js';
import { openStaffPage } from '../staff/frame.js';
import { researchTexts } from '../texts/research_texts.js';
import { deskOf } from './desk_link.js';
import { draftKeeper, dropDraft, loadDraft } from './kept_draft.js';
import { savePlan } from './save_plan.js';
import { emptyStudy, toDefinition } from './study_plan.js';
import { fileSection } from './view_file.js';
import { keptNotice } from './view_kept.js';
import { planSections } from './view_plan.js';
import { previewDialog } from './view_preview.js';

const t = researchTexts.editor;

/**
 * @typedef {object} PlanPage what the page consists of
 * @property {{name: ?string, study: import('../api/api_studies.js').Study, version: ?string}} plan changed in place. name: of the
 *   study on the server, null while there is none; version: that of it which is edited
 * @property {ReturnType<typeof draftKeeper>} keeper
 * @property {HTMLFormElement} form
 * @property {HTMLElement} top for what concerns the whole
 * @property {HTMLElement} warnings
 * @property {HTMLElement} status whether all is saved
 * @property {HTMLElement} trouble
 * @property {HTMLButtonElement} button
 * @property {number} account
 * @property {() => void} drawTitle
 */

await openStaffPage('/study-editor.html', async ({ main, account, announce }) => {
  const wish = new URLSearchParams(location.search);
  const [start, decks] = await Promise.all([begin(account.id, wish.get('study'), wish.get('from')), offeredDecks()]);
  openEditor(main, announce, account.id, start, decks);
});

/**
 * What the page begins with.
 * @returns {Promise<{name: ?string, study: object, version: ?string, state: string, kept: ?object, from: ?string}>} kept: a draft of
 *   this browser, which study is
 */
async function begin(account, name, from) {
  const kept = loadDraft(account, name);
  if (name === null) {
    const copied = from && !kept ? { ...(await readStudy(from)).study, id: '' } : null;
    return { name, study: kept?.study ?? copied ?? emptyStudy(), version: null, state: 'draft', kept, from };
  }
  const [{ study, version }, studies] = await Promise.all([readStudy(name), listStudies()]);
  const { state } = studies.find(({ id }) => id === name);
  if (kept && JSON.stringify(toDefinition(kept.study)) === JSON.stringify(toDefinition(study))) {
    dropDraft(account, name);
    return { name, study, version, state, kept: null, from: null };
  }
  return { name, study: kept?.study ?? study, version: kept?.version ?? version, state, kept, from: null };
}

/** With their definitions, by which one sees which of them can be tests. */
async function offeredDecks() {
  const decks = (await listCatalogue()).filter(({ archived }) => !archived);
  return Promise.all(decks.map(async ({ id, title }) => ({ id, title: title || id, definition: await readDeck(id).catch(() => null) })));
}

function openEditor(main, announce, account, start, decks) {
  const page = {
    account,
    plan: { name: start.name, study: start.study, version: start.version },
    form: el('form', { class: 'plan', novalidate: true, on: { submit: (event) => { event.preventDefault(); savePlan(page); } } }),
    top: el('div', { class: 'plan-top' }),
    warnings: el('div', { class: 'plan-warnings', tabindex: '-1' }),
    status: el('p', { class: 'plan-status' }, start.kept ? t.state.kept(timeOnly(start.kept.kept_at)) : start.name === null ? t.state.fresh : t.state.clean),
    trouble: troublePlace(),
    button: el('button', { type: 'submit', class: 'button button-save', id: 'save' }, t.save),
    drawTitle: () => {
      main.querySelector('h1').textContent = page.plan.name === null ? t.newTitle : t.editTitle(page.plan.study.title);
    },
  };
  page.keeper = draftKeeper(account, page.plan, {
    onKept: (kept) => { page.status.textContent = kept ? t.state.kept(timeOnly(new Date().toISOString())) : t.state.unkept; },
    onOtherTab: () => page.top.replaceChildren(el('p', { class: 'note', role: 'alert' }, t.otherTab)),
  });
  draw(page, decks, announce);
  main.append(
    el('p', { class: 'crumb' }, start.name === null ? el('a', { href: '/studies.html' }, t.back) : el('a', { href: deskOf(start.name) }, t.toDesk)),
    el('p', { class: 'staff-lead' }, start.state === 'draft' ? t.lead : t.notDraft(researchTexts.states[start.state].toLowerCase())),
    page.top, page.form, page.warnings);
  if (start.kept) {
    page.top.append(keptNotice(start, () => discard(page)));
  }
}

/** @param {PlanPage} page */
function discard({ keeper }) {
  keeper.done();
  location.reload();
}

/** @param {PlanPage} page */
function draw(page, decks, announce) {
  const { plan, form, keeper, status, button, trouble } = page;
  const take = (study) => {
    plan.study = plan.name === null ? study : { ...study, id: plan.name };
    draw(page, decks, announce);
    keeper.changed();
    announce(t.uploaded);
  };
  page.drawTitle();
  form.replaceChildren(
    ...planSections({ study: plan.study, isNew: plan.name === null, decks, onChange: keeper.changed, onPreview: () => preview(plan.study) }),
    fileSection({ study: () => plan.study, onTake: take }),
    el('div', { class: 'plan-foot' }, status, button, trouble));
}

async function preview(study) {
  openDialog(await previewDialog(toDefinition(study)), () => document.getElementById('preview'));
}
