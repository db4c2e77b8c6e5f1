/**
 * The two plots of the result, drawn as SVG: the ROC curve of the ratings, and the learning curve.
 */

import { svg } from '../dom.js';
import { fittedCurve, ownCutoff, place } from './figures.js';
import { summaryTexts } from '../texts/summary_texts.js';

const t = summaryTexts;

/**
 * @param {{rating: ?number, false_alarms: number, hits: number}[]} points from (0, 0) to (1, 1)
 * @param {string} no @param {string} yes labels of the two answers
 */
export function rocPlot(points, no, yes) {
  const box = { left: 88, top: 12, width: 336, height: 336 };
  const at = (x, y) => place(box, x, y);
  const own = ownCutoff(points);
  return svg('svg', { class: 'plot plot-roc', viewBox: '0 0 440 408', role: 'img', 'aria-label': t.rocAlt(points) },
    ...grid(box, [0, 0.5, 1]),
    ...[0, 0.5, 1].map((share) => label(at(share, 0), t.axis(share), { dy: 24, 'text-anchor': 'middle' })),
    label({ x: box.left + box.width / 2, y: box.top + box.height }, t.rocAcross(no, yes), { dy: 48, 'text-anchor': 'middle' }),
    svg('text', { class: 'plot-label', 'text-anchor': 'middle', transform: `translate(16 ${box.top + box.height / 2}) rotate(-90)` }, t.rocUp(yes)),
    line('plot-chance', [at(0, 0), at(1, 1)]),
    line('plot-line', points.map((point) => at(point.false_alarms, point.hits))),
    ...points.filter(({ rating }) => rating !== null).map((point) => {
      const { x, y } = at(point.false_alarms, point.hits);
      return svg('circle', { class: point === own ? 'plot-dot is-own' : 'plot-dot', cx: String(x), cy: String(y), r: point === own ? '8' : '4.5' },
        svg('title', {}, t.rocPoint(point, no, yes)));
    }));
}

/**
 * The average is drawn at the middle of the images it is over: at their last it would trail behind the fit.
 * @param {{window: number, average: {n: number, accuracy: number}[], fit: ?object}} curve
 */
export function learningPlot({ window, average, fit }) {
  const box = { left: 88, top: 12, width: 520, height: 180 };
  const last = average[average.length - 1].n;
  const at = ({ n, accuracy }) => place(box, (n - 1) / (last - 1), accuracy);
  const middle = ({ n, accuracy }) => at({ n: n - (window - 1) / 2, accuracy });
  return svg('svg', { class: 'plot plot-learning', viewBox: '0 0 640 232', role: 'img', 'aria-label': t.curveAlt(average, window) },
    ...grid(box, [0, 0.5, 1]),
    ...[1, last].map((n) => label(at({ n, accuracy: 0 }), String(n), { dy: 26, 'text-anchor': 'middle' })),
    fit ? line('plot-fit', fittedCurve(fit, last).map(at)) : null,
    line('plot-line', average.map(middle)));
}

function grid(box, shares) {
  return shares.flatMap((share) => {
    const { x, y } = place(box, 0, share);
    return [
      line('plot-grid', [{ x, y }, { x: box.left + box.width, y }]),
      label({ x: x - 12, y }, t.axis(share), { 'text-anchor': 'end', 'dominant-baseline': 'middle' }),
    ];
  });
}

function line(kind, points) {
  return svg('polyline', { class: kind, points: points.map(({ x, y }) => `${x},${y}`).join(' ') });
}

function label({ x, y }, text, more) {
  return svg('text', { class: 'plot-label', x: String(x), y: String(y), ...more }, text);
}
