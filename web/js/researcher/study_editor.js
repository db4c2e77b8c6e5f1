/**
 * Planning a study: a new one, or a draft. What is typed is kept in the browser at every change, and saved on the
 * server by the button.
 */

import { listCatalogue, readDeck } from '../api/api_decks.js';
import { createStudy, listStudies, readStudy, saveStudy } from '../api/api_studies.js';
import { timeOnly } from '../dates.js';
import { el } from '../dom.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { openDialog } from '../staff/confirm_dialog.js';
import { fieldError } from '../staff/field_errors.js';
import { tellAt, untell } from '../staff/form_fields.js';
import { openStaffPage } from '../staff/frame.js';
import { texts } from '../texts.js';
import { emptyStudy, gapsOf, toDefinition } from './study_plan.js';
import { dropDraft, keepDraft, loadDraft, watchDraft } from './kept_draft.js';
import { conflictBox } from './view_conflict.js';
import { fileSection } from './view_file.js';
import { keptNotice } from './view_kept.js';
import { planSections } from './view_plan.js';
import { previewDialog } from './view_preview.js';

const t = texts.research.editor;
const KEEP_AFTER_MS = 300;

await openStaffPage('/study-editor.html', async (place) => {
  const wish = new URLSearchParams(location.search);
  const [start, decks] = await Promise.all([begin(wish.get('study'), wish.get('from')), offeredDecks()]);
  editor(place, start, decks);
});

/**
 * What the page begins with.
 * @returns {Promise<{name: ?string, study: object, version: ?string, state: string, kept: ?object, from: ?string}>} name: of the
 *   study on the server; version: that of it which is edited; kept: a draft of this browser, which study is
 */
async function begin(name, from) {
  const kept = loadDraft(name);
  if (name === null) {
    const copied = from && !kept ? { ...(await readStudy(from)).study, id: '' } : null;
    return { name, study: kept?.study ?? copied ?? emptyStudy(), version: null, state: 'draft', kept, from };
  }
  const [{ study, version }, studies] = await Promise.all([readStudy(name), listStudies()]);
  const { state } = studies.find(({ id }) => id === name);
  if (kept && JSON.stringify(toDefinition(kept.study)) === JSON.stringify(toDefinition(study))) {
    dropDraft(name);
    return { name, study, version, state, kept: null, from: null };
  }
  return { name, study: kept?.study ?? study, version: kept?.version ?? version, state, kept, from: null };
}

/** With the definitions of those that might be tests, to say which can be. */
async function offeredDecks() {
  const decks = (await listCatalogue()).filter(({ archived }) => !archived);
  return Promise.all(decks.map(async ({ id, title }) => ({ id, title: title || id, definition: await readDeck(id).catch(() => null) })));
}

function editor({ main, announce }, start, decks) {
  let { name, study, version } = start;
  let timer = null;
  let changes = start.kept !== null;
  const form = el('form', { class: 'plan', novalidate: true, on: { submit: (event) => { event.preventDefault(); save(); } } });
  const top = el('div', { class: 'plan-top' });
  const warnings = el('div', { class: 'plan-warnings', tabindex: '-1' });
  const status = el('p', { class: 'plan-status' });
  const trouble = troublePlace();
  const button = el('button', { type: 'submit', class: 'button button-save', id: 'save' }, t.save);

  const keep = () => {
    clearTimeout(timer);
    timer = null;
    const kept = keepDraft(name, study, version);
    status.textContent = kept ? t.state.kept(timeOnly(new Date().toISOString())) : t.state.unkept;
  };
  const changed = () => {
    changes = true;
    clearTimeout(timer);
    timer = setTimeout(keep, KEEP_AFTER_MS);
  };
  const isNew = () => name === null;
  const title = () => {
    main.querySelector('h1').textContent = isNew() ? t.newTitle : t.editTitle(study.title);
  };

  function draw() {
    title();
    form.replaceChildren(...planSections({
      study, isNew: isNew(), decks, onChange: changed,
      onPreview: () => showPreview(study),
    }), fileSection({ study: () => study, onTake: (taken) => { replace(isNew() ? taken : { ...taken, id: name }); announce(t.uploaded); } }), foot);
  }
  function replace(next) {
    study = next;
    draw();
    changed();
  }

  async function save() {
    untell(form);
    warnings.replaceChildren();
    top.querySelector('.conflict')?.remove();
    changes && keep();
    const gaps = gapsOf(study);
    if (gaps.length > 0) {
      const places = gaps.map(({ path, gap }) => tellAt(form, path, t.gaps[gap]));
      trouble.replaceChildren(t.gapsLead(gaps.length));
      places.find((found) => found)?.focus();
      return;
    }
    await attempt(button, trouble, () => send().catch(explain));
  }

  async function send() {
    const sent = JSON.stringify(study);
    const definition = toDefinition(study);
    const reply = isNew() ? await createStudy(definition) : await saveStudy(definition, version);
    if (isNew()) {
      dropDraft(null);
      ({ id: name } = definition);
      history.replaceState(null, '', `?study=${encodeURIComponent(name)}`);
    }
    ({ version } = reply);
    if (JSON.stringify(study) === sent) {
      clearTimeout(timer);
      dropDraft(name);
      changes = false;
      status.textContent = t.savedTo(reply.study.version);
    } else {
      keep(); // typed while it was sent
    }
    top.replaceChildren();
    form.querySelector('[data-path="id"] input').readOnly = true;
    title();
    tellWarnings(reply.warnings);
  }

  function tellWarnings(list) {
    const desk = el('a', { class: 'button', id: 'to-desk', href: deskOf(name) }, t.toDesk);
    for (const text of list) {
      const told = fieldError(text, 'study');
      tellAt(form, told.path, told.text, 'warning');
    }
    warnings.append(...[
      el('p', { role: 'status' }, list.length > 0 ? t.warnings : t.noWarnings),
      list.length > 0 ? el('ul', {}, ...[...new Set(list.map((text) => fieldError(text, 'study').text))].map((text) => el('li', {}, text))) : null,
      desk].filter(Boolean));
    warnings.focus();
  }

  /** Puts a refusal where it belongs; what has no place is told beside the button. */
  async function explain(error) {
    if (error.status === 412) {
      const box = await conflictBox(name, {
        onMine: (newest) => { version = newest; keep(); save(); },
        onTheirs: () => { dropDraft(name); location.reload(); },
        study: () => study,
      });
      top.replaceChildren(box);
      box.focus();
      return;
    }
    const told = error.code === 'study_exists' ? { path: 'id', text: t.exists } : fieldError(error.message, 'study');
    const found = error.status === 422 || error.code === 'study_exists' ? tellAt(form, told.path, told.text) : null;
    if (!found) {
      throw ['wrong_state', 'study_frozen'].includes(error.code) ? new Error(t.notDraftNow) : error;
    }
    trouble.replaceChildren(t.gapsLead(1));
    found.focus();
  }

  window.addEventListener('pagehide', () => timer !== null && keep());
  document.addEventListener('visibilitychange', () => document.hidden && timer !== null && keep());
  watchDraft(name, () => { top.replaceChildren(el('p', { class: 'note', role: 'alert' }, t.otherTab)); });
  window.addEventListener('beforeunload', (event) => {
    if (changes && !keepDraft(name, study, version)) {
      event.preventDefault();
    }
  });

  const foot = el('div', { class: 'plan-foot' }, status, button, trouble);
  status.textContent = start.kept ? t.state.kept(timeOnly(start.kept.kept_at)) : isNew() ? t.state.fresh : t.state.clean;
  draw();
  main.append(
    el('p', { class: 'crumb' }, isNew() ? el('a', { href: '/studies.html' }, t.back) : el('a', { href: deskOf(name) }, t.toDesk)),
    el('p', { class: 'staff-lead' }, start.state === 'draft' ? t.lead : t.notDraft(texts.research.states[start.state].toLowerCase())),
    top, form, warnings);
  if (start.kept) {
    top.append(keptNotice(start));
  }
}

function deskOf(name) {
  return `/study-desk.html?study=${encodeURIComponent(name)}`;
}

async function showPreview(study) {
  openDialog(await previewDialog(toDefinition(study)), () => document.getElementById('preview'));
}
