/**
 * How the arms differ from the one they are compared with, each measure with its interval, and the margin where one is
 * given.
 */

import { el, svg } from '../dom.js';
import { researchTexts } from '../texts/research_texts.js';
import { forestScale } from './chart_data.js';
import { figure, MEASURES, meanText } from './figure_text.js';
import { scrollingTable } from '../staff/table.js';

const t = researchTexts.results;

/**
 * @param {string} phase
 * @param {object[]} differences of the phase, as openapi.json has them, `arm` in words
 * @param {string} reference in words
 * @param {{measure: string, margin: string}} how
 * @returns {HTMLElement[]}
 */
export function differencesTable(phase, differences, reference, { measure, margin }) {
  if (differences.length === 0) {
    return [];
  }
  const width = Number(margin) || 0;
  const rows = differences.flatMap((difference) => MEASURES.map((name) => {
    const { [name]: one } = difference;
    const marginHere = name === measure ? width : 0;
    const told = Number.isFinite(one.value);
    return [difference.arm, t.measures[name], told ? signed(name, one) : t.noDifference,
      told && Number.isFinite(one.low) ? forest(one, forestScale(differences.map((other) => other[name]), marginHere), name, marginHere) : '',
      told && Number.isFinite(one.p) ? t.p(one.p) : '–'];
  }));
  const verdicts = differences.filter((difference) => difference[measure].non_inferiority).map((difference) => {
    const { non_inferiority: { margin: of, shown, p } } = difference[measure];
    return el('p', { class: shown ? 'verdict is-shown' : 'verdict' }, el('strong', {}, `${difference.arm}: `), `${t.measures[measure]}. ${t.nonInferior(shown, figure(measure, of), t.p(p))}.`);
  });
  return [
    el('h3', {}, t.differences(reference)),
    ...verdicts,
    scrollingTable(`${phase}: ${t.differences(reference)}`, [t.arm, t.measureHead, t.difference, t.drawnInterval, 'p'], rows),
  ];
}

function signed(name, one) {
  return `${one.value > 0 ? '+' : ''}${meanText(name, one)}`;
}

/** The interval as a line across zero; dashed, the margin. */
function forest({ value, low, high }, at, name, margin) {
  const upright = (x, kind) => svg('line', { class: kind, x1: String(x), x2: String(x), y1: '1', y2: '19' });
  return svg('svg', {
    class: 'forest', viewBox: '0 0 100 20', role: 'img',
    'aria-label': t.forestAlt(figure(name, value), figure(name, low), figure(name, high), margin ? figure(name, margin) : null),
  },
  upright(50, 'forest-zero'),
  margin ? upright(at(-margin), 'forest-margin') : null,
  svg('line', { class: 'forest-line', x1: String(at(low)), x2: String(at(high)), y1: '10', y2: '10' }),
  svg('circle', { class: 'forest-dot', cx: String(at(value)), cy: '10', r: '3' }));
}
