/**
 * Charts of a study's arms, by uPlot. Beside each stands a table with its figures.
 */

import { el } from '../dom.js';
import { researchTexts } from '../texts/research_texts.js';
import { aligned, risingRoc } from './chart_data.js';

const t = researchTexts.results;
/** Apart in hue, lightness and dashes: colour alone tells nothing to some. */
const LINES = [
  { stroke: '#9ccfe0', dash: [] }, { stroke: '#f2b06b', dash: [10, 4] }, { stroke: '#8ad1bb', dash: [3, 4] }, { stroke: '#d7a6e3', dash: [12, 4, 3, 4] },
  { stroke: '#e6e37a', dash: [6, 6] }, { stroke: '#f08f8f', dash: [2, 6] }, { stroke: '#b5b9ff', dash: [16, 4] }, { stroke: '#c9c9c9', dash: [8, 3, 2, 3, 2, 3] },
];
const GRID = { stroke: '#a3adb7', grid: { stroke: '#1d2329' }, ticks: { stroke: '#39424b' } };
const share = (value) => (Number.isFinite(value) ? value.toFixed(2) : '–');

/**
 * @param {Function} Chart uPlot
 * @param {{arm: string, roc: {false_alarms: number, hits: number}[]}[]} arms
 */
export function rocChart(Chart, arms) {
  const data = aligned([...arms.map(({ roc }) => risingRoc(roc)), [{ x: 0, y: [0] }, { x: 1, y: [1] }]]);
  const series = [...arms.map(({ arm }, i) => ({ label: arm, ...line(i) })), { label: '', stroke: '#39424b', dash: [4, 4], points: { show: false }, spanGaps: true }];
  return chart(Chart, t.rocAlt(arms.map(({ arm }) => arm)), data, series, { x: t.rocAcross, y: t.rocUp, xRange: [0, 1], square: true, legendOf: arms });
}

/**
 * @param {Function} Chart uPlot
 * @param {{arm: string, average: {n: number, accuracy: number, low: ?number, high: ?number}[]}[]} arms
 * @param {number} window answers that each mean is over
 */
export function curveChart(Chart, arms, window) {
  const data = aligned(arms.map(({ average }) => average.map(({ n, accuracy, low, high }) => ({ x: n, y: [accuracy, high, low] }))));
  const edge = { stroke: 'transparent', points: { show: false }, spanGaps: true };
  const series = arms.flatMap(({ arm }, i) => [{ label: arm, ...line(i) }, { ...edge }, { ...edge }]);
  const bands = arms.map((_, i) => ({ series: [3 * i + 2, 3 * i + 3], fill: `${LINES[i].stroke}26` }));
  return chart(Chart, t.curveAlt(arms.map(({ arm }) => arm)), data, series, { x: t.curveAcross, y: t.curveUp(window), bands, lowest: lowestOf(arms), legendOf: arms });
}

/** The half above chance is where curves are; the rest only when one is there. */
const lowestOf = (arms) => (arms.every(({ average }) => average.every(({ accuracy, low }) => (low ?? accuracy) >= 0.4)) ? 0.4 : 0);

const line = (i) => ({ ...LINES[i], width: 2, spanGaps: true, points: { show: false }, value: (_, value) => share(value) });

function chart(Chart, alt, data, series, { x, y, bands = [], xRange = null, square = false, lowest = 0, legendOf }) {
  const box = el('div', { class: square ? 'chart is-square' : 'chart', role: 'img', 'aria-label': alt });
  const size = () => {
    const width = Math.max(240, Math.min(box.clientWidth || 600, square ? 420 : 760));
    return { width, height: square ? width : Math.round(width * 0.5) };
  };
  let drawn = null;
  new ResizeObserver(() => {
    const { width, height } = size();
    if (!drawn && box.isConnected) {
      drawn = new Chart({
        width, height, bands, legend: { show: false }, cursor: { drag: { x: false, y: false }, y: false },
        scales: { x: { time: false, ...(xRange ? { range: xRange } : {}) }, y: { range: [lowest, 1] } },
        series: [{}, ...series],
        axes: [{ ...GRID, label: x }, { ...GRID, label: y, size: 56, values: (_, ticks) => ticks.map(share) }],
      }, data, box);
    } else if (drawn && drawn.width !== width) {
      drawn.setSize({ width, height });
    }
  }).observe(box);
  return el('figure', { class: 'chart-figure' }, box, legend(legendOf));
}

function legend(arms) {
  return el('figcaption', { class: 'chart-legend' }, ...arms.map(({ arm }, i) => el('span', { class: `legend-item arm-${i}` }, arm)));
}
