/**
 * What a study's answers say: differences between arms, the figures of every phase, ROC and learning curves.
 */

import { readStudyStatistics } from '../api/api_studies.js';
import { el } from '../dom.js';
import { loadCharts } from '../libraries.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { selectField, textField } from '../staff/form_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { differencesTable } from './view_differences.js';
import { figure, MEASURES, meanText } from './figure_text.js';
import { scrollingTable } from '../staff/table.js';
import { curveChart, rocChart } from './view_charts.js';

const t = researchTexts.results;

/** @param {import('./study_desk.js').Desk} desk @returns {Promise<HTMLElement[]>} */
export async function resultsView(desk) {
  const { entry, study, simulated } = desk;
  const place = el('div', { class: 'desk-view' });
  const [Chart, first] = await Promise.all([loadCharts(), readStudyStatistics(entry.id, { simulated })]);
  const head = [el('h2', { id: 'results-title' }, t.title), el('p', { class: 'quiet' }, t.lead)];
  if (first.cells.every(({ score }) => score.readers === 0)) {
    return [el('section', { 'aria-labelledby': 'results-title' }, ...head, el('p', {}, simulated ? t.noneSimulated : t.none))];
  }
  const draw = (statistics, how) => place.replaceChildren(...phaseSections(statistics, study, Chart, how));
  draw(first, { reference: study.arms[0].id, measure: 'auc', margin: '' });
  return [
    el('section', { 'aria-labelledby': 'results-title' }, ...head,
      entry.state === 'open' && !simulated ? el('p', { class: 'note' }, t.interim) : null,
      comparison(study, async (how) => draw(await readStudyStatistics(entry.id, { ...how, simulated }), how))),
    place];
}

function comparison(study, onAsk) {
  const reference = selectField({ label: t.reference, id: 'reference', value: study.arms[0].id, options: study.arms.map(({ id, label }) => ({ value: id, text: label })) });
  const measure = selectField({ label: t.measure, id: 'measure', value: 'auc', options: MEASURES.slice(0, 5).map((name) => ({ value: name, text: t.measures[name] })) });
  const margin = textField({ label: t.margin, hint: t.marginHint, id: 'margin', type: 'number', min: '0', max: '1', step: 'any', placeholder: '0.05' });
  const trouble = troublePlace();
  const button = el('button', { type: 'submit', class: 'button', id: 'work-out' }, t.show);
  const send = async (event) => {
    event.preventDefault();
    await attempt(button, trouble, () => onAsk({ reference: reference.control.value, measure: measure.control.value, margin: margin.control.value }));
  };
  return el('form', { class: 'comparison', on: { submit: send } }, reference.root, measure.root, margin.root, button, trouble);
}

function phaseSections({ cells, differences }, study, Chart, how) {
  const labels = new Map(study.arms.map(({ id, label }) => [id, label]));
  const name = (arm) => labels.get(arm) ?? arm;
  return study.phases.map(({ id, kind }) => {
    const arms = cells.filter(({ phase }) => phase === id).map((cell) => ({ ...cell, arm: name(cell.arm) }));
    const between = differences.filter(({ phase }) => phase === id).map((difference) => ({ ...difference, arm: name(difference.arm) }));
    if (arms.every(({ score }) => score.readers === 0)) {
      return null;
    }
    return el('section', { class: 'phase-results', 'aria-labelledby': `phase-${id}`, 'data-phase': id },
      el('h2', { id: `phase-${id}` }, t.phase(id, researchTexts.kinds[kind])),
      armsTable(id, arms),
      ...differencesTable(id, between, name(how.reference), how),
      ...(kind === 'test' ? rocPart(id, arms, Chart) : curvePart(id, arms, Chart)),
      classesPart(id, arms));
  }).filter(Boolean);
}

function armsTable(phase, arms) {
  return scrollingTable(`${phase}: ${t.arm}`, [t.measureHead, ...arms.map(({ arm }) => arm)], [
    [t.participants, ...arms.map(({ score }) => String(score.readers))],
    [t.answers, ...arms.map(({ score }) => String(score.trials))],
    ...MEASURES.map((measure) => [t.measures[measure], ...arms.map(({ score }) => meanText(measure, score[measure]))])]);
}

function rocPart(phase, arms, Chart) {
  const drawn = arms.map(({ arm, score }) => ({ arm, roc: score.roc })).filter(({ roc }) => roc.length > 0);
  if (drawn.length === 0) {
    return [el('p', { class: 'quiet' }, t.rocNone)];
  }
  const rows = drawn.flatMap(({ arm, roc }) => roc.filter(({ rating }) => rating !== null)
    .map(({ rating, false_alarms: x, hits }) => [arm, String(rating), figure('sensitivity', x), figure('sensitivity', hits)]));
  return [el('h3', {}, t.rocTitle), ...withTable(Chart && rocChart(Chart, drawn), `${phase}: ${t.rocTitle}`, [t.arm, t.rating, t.rocAcross, t.rocUp], rows)];
}

function curvePart(phase, arms, Chart) {
  const curves = arms.map(({ arm, score }) => ({ arm, ...score.learning_curve })).filter(({ average }) => average.length > 0);
  if (curves.length === 0) {
    return [el('p', { class: 'quiet' }, t.curveNone(arms[0].score.learning_curve.trials_needed))];
  }
  const rows = curves.flatMap(({ arm, average }) => average.map(({ n, readers, accuracy, low, high }) => (
    [arm, String(n), String(readers), meanText('accuracy', { value: accuracy, low, high, gap: null })])));
  return [el('h3', {}, t.curveTitle), ...withTable(Chart && curveChart(Chart, curves, curves[0].window), `${phase}: ${t.curveTitle}`,
    [t.arm, t.image, t.participants, t.measures.accuracy], rows)];
}

function withTable(chart, name, heads, rows) {
  return [
    chart ?? el('p', { class: 'quiet' }, t.noCharts),
    el('details', { class: 'teach', open: !chart }, el('summary', {}, t.table), scrollingTable(name, heads, rows)),
  ];
}

function classesPart(phase, arms) {
  const rows = arms.flatMap(({ arm, score }) => score.classes.map((one) => [t.className(one), arm, meanText('accuracy', one.accuracy), meanText('median_response_ms', one.median_response_ms)]));
  return rows.length === 0 ? '' : el('details', { class: 'teach' }, el('summary', {}, t.classesTitle),
    scrollingTable(`${phase}: ${t.classesTitle}`, [t.classesTitle, t.arm, t.measures.accuracy, t.measures.median_response_ms], rows.sort((a, b) => a[0].localeCompare(b[0]))));
}
