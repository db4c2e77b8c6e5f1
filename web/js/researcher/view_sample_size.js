/**
 * How many people a study needs, for who plans it.
 */

import { el } from '../dom.js';
import { textField } from '../staff/form_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { participantsNeeded } from './sample_size.js';

const t = researchTexts.sampleSize;

/** @param {() => number} arms how many the plan has @returns {HTMLElement} */
export function sampleSize(arms) {
  const answer = el('p', { role: 'status', id: 'people-needed' });
  const work = () => {
    const needed = participantsNeeded({
      sd: Number(sd.control.value), margin: Number(margin.control.value), completion: Number(completion.control.value) / 100,
    });
    answer.textContent = needed ? t.answer(needed, arms()) : t.unknown;
  };
  const number = (label, hint, value) => textField({ label, hint, type: 'number', min: '0', step: 'any', value, onInput: work });
  const sd = number(t.sd, t.sdHint, 8);
  const margin = number(t.margin, t.marginHint, 5);
  const completion = number(t.completion, t.completionHint, 70);
  work();
  return el('details', { class: 'teach', id: 'sample-size', on: { toggle: work } }, el('summary', {}, t.title),
    el('div', { class: 'sample-size' }, el('p', { class: 'quiet' }, t.lead), el('div', { class: 'comparison' }, sd.root, margin.root, completion.root), answer));
}
