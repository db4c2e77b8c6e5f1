/**
 * Saving a plan: what is missing, what the server refuses, and what it warns of, each beside its field.
 */

import { createStudy, saveStudy } from '../api/api_studies.js';
import { el } from '../dom.js';
import { attempt } from '../staff/attempt.js';
import { fieldError } from '../staff/field_errors.js';
import { tellAt, untell } from '../staff/form_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { deskOf } from './desk_link.js';
import { dropDraft } from './kept_draft.js';
import { gapsOf, toDefinition } from './study_plan.js';
import { conflictBox } from './view_conflict.js';

const t = researchTexts.editor;

/** @typedef {import('./study_editor.js').PlanPage} PlanPage */

/** @param {PlanPage} page */
export async function savePlan(page) {
  const { plan, form, top, warnings, trouble, button, keeper } = page;
  untell(form);
  warnings.replaceChildren();
  top.querySelector('.conflict')?.remove();
  keeper.now();
  const gaps = gapsOf(plan.study);
  if (gaps.length > 0) {
    const places = gaps.map(({ path, gap }) => tellAt(form, path, t.gaps[gap]));
    trouble.replaceChildren(t.gapsLead(gaps.length));
    places.find((place) => place)?.focus();
    return;
  }
  let told = [];
  const saved = await attempt(button, trouble, async () => {
    try {
      told = await send(page);
    } catch (error) {
      told = null;
      await explain(page, error);
    }
  });
  if (saved && told) {
    tellWarnings(page, told);
  }
}

/** @param {PlanPage} page @returns {Promise<string[]>} warnings */
async function send({ account, plan, form, top, status, keeper, drawTitle }) {
  const sent = JSON.stringify(plan.study);
  const definition = toDefinition(plan.study);
  const reply = plan.name === null ? await createStudy(definition) : await saveStudy(definition, plan.version);
  if (plan.name === null) {
    dropDraft(account, null);
    plan.name = definition.id;
    history.replaceState(null, '', `?study=${encodeURIComponent(plan.name)}`);
    form.querySelector('[data-path="id"] input').readOnly = true;
  }
  plan.version = reply.version;
  if (JSON.stringify(plan.study) === sent) {
    keeper.done();
    status.textContent = t.savedTo(reply.study.version);
  } else {
    keeper.now(); // something was typed while it was sent
  }
  top.replaceChildren();
  drawTitle();
  return reply.warnings;
}

/** @param {PlanPage} page @param {string[]} list */
function tellWarnings({ plan, form, warnings }, list) {
  const told = list.map((text) => fieldError(text, 'study'));
  told.forEach(({ path, text }) => tellAt(form, path, text, 'warning'));
  const sentences = [...new Set(told.map(({ text }) => text))];
  warnings.append(
    el('p', { role: 'status' }, sentences.length > 0 ? t.warnings : t.noWarnings),
    ...(sentences.length > 0 ? [el('ul', {}, ...sentences.map((text) => el('li', {}, text)))] : []),
    el('a', { class: 'button', id: 'to-desk', href: deskOf(plan.name) }, t.toDesk));
  warnings.focus();
}

/** Puts a refusal where it belongs; rejects with what has no place in the form. @param {PlanPage} page */
async function explain(page, error) {
  const { form, trouble } = page;
  if (error.status === 412) {
    await tellConflict(page);
    return;
  }
  const taken = error.code === 'study_exists';
  const { path, text } = taken ? { path: 'id', text: t.exists } : fieldError(error.message, 'study');
  const place = taken || error.status === 422 ? tellAt(form, path, text) : null;
  if (!place) {
    throw ['wrong_state', 'study_frozen'].includes(error.code) ? new Error(t.notDraftNow) : error;
  }
  trouble.replaceChildren(t.gapsLead(1));
  place.focus();
}

/** @param {PlanPage} page */
async function tellConflict(page) {
  const { plan, top, keeper } = page;
  const box = await conflictBox(plan.name, {
    study: () => plan.study,
    onMine: (newest) => {
      plan.version = newest;
      keeper.now();
      savePlan(page);
    },
    onTheirs: () => {
      keeper.done();
      location.reload();
    },
  });
  top.replaceChildren(box);
  box.focus();
}
