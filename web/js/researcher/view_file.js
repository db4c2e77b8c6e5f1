/**
 * A plan as a file: taken away, and taken in.
 */

import { el } from '../dom.js';
import { researchTexts } from '../texts/research_texts.js';
import { emptyStudy, toDefinition } from './study_plan.js';
import { section } from './plan_pieces.js';
import { saveFile } from '../staff/save_file.js';

const t = researchTexts.editor;

/** @param {{study: () => object, onTake: (study: object) => void}} props @returns {HTMLElement} */
export function fileSection({ study, onTake }) {
  const trouble = el('p', { class: 'trouble', role: 'alert' });
  const input = el('input', {
    type: 'file', id: 'plan-file', accept: '.json,application/json', 'aria-describedby': 'plan-file-hint',
    on: {
      change: async () => {
        trouble.textContent = '';
        const taken = readPlan(await input.files[0]?.text() ?? '');
        input.value = '';
        taken ? onTake(taken) : trouble.append(t.uploadWrong);
      },
    },
  });
  return section('file', t.file, t.fileLead,
    el('div', { class: 'buttons' }, el('button', {
      type: 'button', class: 'button', id: 'download-plan',
      on: { click: () => saveFile(new Blob([`${JSON.stringify(toDefinition(study()), null, 2)}\n`], { type: 'application/json' }), `${study().id || 'study'}.json`) },
    }, t.download)),
    el('div', { class: 'field' }, el('label', { for: 'plan-file' }, t.upload), input, el('span', { class: 'field-hint', id: 'plan-file-hint' }, t.uploadAsk)),
    trouble);
}

/** What a form can show of a file; the server looks at the rest. */
function readPlan(text) {
  try {
    const plan = { ...emptyStudy(), ...JSON.parse(text) };
    const lists = [plan.arms, plan.phases, plan.strata, plan.questions, plan.blocks];
    return lists.every(Array.isArray) && [plan.title, plan.contact, plan.id, plan.consent?.text].every((value) => typeof value === 'string') ? plan : null;
  } catch {
    return null;
  }
}
