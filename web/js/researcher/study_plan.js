/**
 * A study while it is planned: how a new one begins, what it lacks, and the definition that the server takes. Pure.
 */

import { nameFor } from '../staff/name_for.js';

/** @typedef {import('../api/api_studies.js').Study} Study */

/** @returns {Study} two arms, tested before and after; what only the researcher knows is empty */
export function emptyStudy() {
  return {
    format: 1, id: '', title: '', contact: '', consent: { text: '' }, practice_deck: null, strata: [], blocks: [4, 6],
    arms: [{ id: '', label: '', deck: '' }, { id: '', label: '', deck: '' }],
    phases: [{ id: 'pre', kind: 'test', deck: '' }, { id: 'training', kind: 'training' }, { id: 'post', kind: 'test', deck: '' }],
    questions: [],
  };
}

/**
 * Choices as they are typed, one a line. A label that was there keeps its name, and so does one that was reworded when
 * its name was not made from it.
 * @param {string} text
 * @param {{id: string, label: string}[]} before
 * @returns {{id: string, label: string}[]}
 */
export function choicesFromLines(text, before) {
  const labels = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const reworded = (i) => labels.length === before.length && !labels.includes(before[i].label)
    && before[i].id !== nameFor(before[i].label) && before[i];
  const kept = labels.map((label, i) => (before.find((choice) => choice.label === label) || reworded(i) || null)?.id);
  const taken = kept.filter(Boolean);
  return labels.map((label, i) => {
    const id = kept[i] ?? (nameFor(label, taken) || nameFor(`choice ${i + 1}`, taken));
    taken.push(id);
    return { id, label };
  });
}

export const linesOfChoices = (choices) => (choices ?? []).map(({ label }) => label).join('\n');

/** @param {string} text "4, 6" @returns {number[]} what is no number is NaN */
export const blocksFromText = (text) => text.split(/[\s,;]+/).filter(Boolean).map(Number);

/** @returns {number} every block is a multiple of it */
export const weightsOf = ({ arms }) => arms.reduce((sum, { weight }) => sum + (weight ?? 1), 0);

/** @returns {Study} as the server takes it: nothing that is empty or of another kind of phase or question */
export function toDefinition(study) {
  return {
    format: 1,
    id: study.id,
    title: study.title.trim(),
    contact: study.contact.trim(),
    consent: { text: study.consent.text.trim() },
    practice_deck: study.practice_deck || null,
    strata: (study.strata ?? []).map(({ id, label, choices }) => ({ id, label: label.trim(), choices })),
    blocks: study.blocks,
    arms: study.arms.map(({ id, label, deck, weight }) => ({ id, label: label.trim(), deck, ...((weight ?? 1) === 1 ? {} : { weight }) })),
    phases: study.phases.map(({ id, kind, deck, opens_after_days: opens, closes_after_days: closes }) => ({
      id, kind, ...(kind === 'test' ? { deck } : {}), ...(opens ? { opens_after_days: opens } : {}), ...(Number.isFinite(closes) ? { closes_after_days: closes } : {}),
    })),
    questions: (study.questions ?? []).map(({ id, text, kind, choices }) => ({ id, text: text.trim(), kind, ...(kind === 'text' ? {} : { choices }) })),
  };
}

/**
 * What is missing, all of it at once; what it cannot know, the server says.
 * @param {Study} study
 * @returns {{path: string, gap: 'empty'|'name'|'deck'|'few'|'blocks'|'untrained'|'brackets'}[]} in the order of the form
 */
export function gapsOf(study) {
  const gaps = [];
  const want = (path, right, gap) => right || gaps.push({ path, gap });
  const named = (path, { id }) => want(`${path}.id`, /^[a-z0-9_-]{1,48}$/.test(id), 'name');
  want('title', study.title.trim(), 'empty');
  want('id', /^[a-z0-9_-]{1,48}$/.test(study.id), 'name');
  want('contact', study.contact.trim(), 'empty');
  want('consent.text', study.consent.text.trim(), 'empty');
  want('consent.text', !/\[[^\]]+\]/.test(study.consent.text), 'brackets');
  (study.strata ?? []).forEach((stratum, i) => {
    want(`strata[${i}].label`, stratum.label.trim(), 'empty');
    named(`strata[${i}]`, stratum);
    want(`strata[${i}].choices`, stratum.choices.length >= 2, 'few');
  });
  study.arms.forEach((arm, i) => {
    want(`arms[${i}].label`, arm.label.trim(), 'empty');
    named(`arms[${i}]`, arm);
    want(`arms[${i}].deck`, arm.deck, 'deck');
  });
  want('blocks', study.blocks.length > 0 && study.blocks.every((size) => Number.isInteger(size) && size > 0 && size % weightsOf(study) === 0), 'blocks');
  want('phases', study.phases.some(({ kind }) => kind === 'training'), 'untrained');
  study.phases.forEach((phase, i) => {
    named(`phases[${i}]`, phase);
    want(`phases[${i}].deck`, phase.kind === 'training' || phase.deck, 'deck');
  });
  (study.questions ?? []).forEach((question, i) => {
    want(`questions[${i}].text`, question.text.trim(), 'empty');
    named(`questions[${i}]`, question);
    want(`questions[${i}].choices`, question.kind === 'text' || question.choices?.length >= 2, 'few');
  });
  return gaps;
}

/**
 * Why a deck cannot be a test's, as the server sees it.
 * @param {object} deck its definition
 * @returns {?('feedback'|'drawn'|'stepwise'|'varies')}
 */
export function testFlaw({ feedback = 'truth', sources = [], list = [], order = null, mastery = null, draw = null }) {
  if (feedback !== 'none') return 'feedback';
  const ofLibrary = list.length > 0 ? list.every(({ file }) => file) : sources.every(({ kind }) => kind === 'library');
  if (!ofLibrary) return 'drawn';
  if (['adaptive', 'staircase'].includes(order?.rule) || mastery) return 'stepwise';
  return list.length > 0 || draw?.mode === 'fixed' ? null : 'varies';
}
