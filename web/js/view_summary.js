/**
 * The result: score, figures with their meaning in words, the curve, and every image again.
 */

import { el, svg } from './dom.js';
import { thumbnailUrl } from './api.js';
import { choiceLabel } from './state.js';
import { confidenceOfRating, countsFor, curvePoints, sides, smallestSize } from './figures.js';
import { mark } from './view_drill.js';
import { texts } from './texts.js';

const t = texts.summary;
const THUMBNAIL_PIXELS = 200;

/**
 * @param {object} props
 * @param {import('./api.js').Deck} props.deck
 * @param {?import('./api.js').Model} props.model null if the server no longer lists it
 * @param {import('./api.js').Summary} props.summary
 * @param {() => void} props.onAgain
 * @param {() => void} props.onStartPage
 * @returns {HTMLElement}
 */
export function summaryView({ deck, model, summary, onAgain, onStartPage }) {
  const told = summary.correct !== null && summary.correct !== undefined;
  return el('main', { class: 'summary', 'data-screen': 'summary' },
    el('p', { class: 'wordmark' }, texts.product),
    el('h1', { tabindex: '-1' }, t.title),
    told ? score(summary) : el('p', { class: 'summary-lead' }, `${t.thanks} ${t.noFeedback}`),
    el('div', { class: 'summary-actions' },
      el('button', { type: 'button', class: 'button button-main', id: 'again', on: { click: onAgain } }, t.again),
      el('button', { type: 'button', class: 'button button-quiet', id: 'to-start', on: { click: onStartPage } }, t.toStart)),
    told ? measures(deck, summary) : null,
    told && summary.curve?.length > 1 ? curveFigure(summary.curve) : null,
    itemList(deck, model, summary),
    el('p', { class: 'summary-provenance' }, texts.provenance[model?.training_data === 'real' ? 'real' : 'simulated']));
}

function score({ correct, of }) {
  return el('p', { class: 'score' }, el('strong', {}, t.score(correct, of)), el('span', {}, t.scoreNote));
}

function measures(deck, summary) {
  const { negative, positive } = sides(deck);
  const rows = [
    rate(t.sensitivity(positive.label), t.sensitivityTerm, summary.sensitivity, countsFor(summary.items, positive.id)),
    rate(t.specificity(negative.label), t.specificityTerm, summary.specificity, countsFor(summary.items, negative.id)),
    figure(t.auc, t.aucTerm, summary.auc, t.aucWords),
    figure(t.dPrime, t.dPrimeTerm, summary.d_prime, t.dPrimeWords),
    figure(t.criterion, t.criterionTerm, summary.criterion, (c) => t.criterionWords(c, negative.label, positive.label)),
    row(t.time, t.timeTerm, Number.isFinite(summary.median_response_ms) ? t.seconds(summary.median_response_ms) : null, ''),
  ];
  return el('section', { class: 'measures' },
    el('h2', {}, t.measures),
    el('dl', {}, ...rows),
    el('p', { class: 'measures-note' }, `${t.fewItems(summary.of)} ${t.labelNote}`));
}

function rate(name, term, value, { right, of }) {
  return row(name, term, Number.isFinite(value) ? t.percent(value) : null, t.counts(right, of));
}

function figure(name, term, value, words) {
  return Number.isFinite(value) ? row(name, term, value.toFixed(2).replace('-', '−'), words(value)) : null;
}

function row(name, term, value, words) {
  return value === null ? null : el('div', {},
    el('dt', {}, name, ' ', el('small', {}, term)),
    el('dd', {}, el('strong', {}, value), words ? el('span', {}, words) : null));
}

function curveFigure(curve) {
  const box = { left: 60, top: 16, width: 520, height: 160 };
  const points = curvePoints(curve, box);
  const last = points[points.length - 1];
  const across = (share, label) => {
    const y = String(box.top + (1 - share) * box.height);
    return [
      svg('line', { class: 'curve-grid', x1: String(box.left), x2: String(box.left + box.width), y1: y, y2: y }),
      svg('text', { class: 'curve-label', x: String(box.left - 18), y, 'text-anchor': 'end', 'dominant-baseline': 'middle' }, label),
    ];
  };
  return el('section', { class: 'curve' },
    el('h2', {}, t.curve),
    svg('svg', { viewBox: '0 0 640 208', role: 'img', 'aria-label': t.curveAlt(curve) },
      ...across(1, '100'), ...across(0.5, '50'), ...across(0, '0'),
      svg('polyline', { class: 'curve-line', points: points.map(({ x, y }) => `${x},${y}`).join(' ') }),
      ...points.map(({ x, y }) => svg('circle', { class: 'curve-dot', cx: String(x), cy: String(y), r: '4' })),
      ...curve.map(({ n }, i) => svg('text', { class: 'curve-label', x: String(points[i].x), y: '200', 'text-anchor': 'middle' }, String(n))),
      svg('text', { class: 'curve-end', x: String(last.x + 10), y: String(last.y), 'dominant-baseline': 'middle' },
        t.curveEnd(curve[curve.length - 1].accuracy))));
}

function itemList(deck, model, { items, of }) {
  const size = smallestSize(model?.sizes, THUMBNAIL_PIXELS);
  return el('section', { class: 'review' },
    el('h2', {}, t.items),
    el('ol', {}, ...items.map((item) => itemCard(deck, size, of, item))));
}

function itemCard(deck, size, of, item) {
  const confidence = texts.drill.confidenceLevels[confidenceOfRating(item.rating) - 1];
  const known = item.truth !== null && item.truth !== undefined;
  const outcome = item.correct ? t.correct : t.incorrect;
  const verdict = known ? outcome : t.noTruth;
  return el('li', { class: 'card', 'data-item': String(item.n), 'data-correct': known ? String(item.correct) : null },
    el('a', { href: item.image, target: '_blank', rel: 'noopener', 'aria-label': t.itemOpen(item.n) },
      el('img', { src: thumbnailUrl(item.image, size), alt: t.itemAlt(item.n, of), width: '256', height: '256', loading: 'lazy' })),
    el('div', { class: 'card-words' },
      el('p', { class: 'card-verdict' }, known ? mark(item.correct) : null,
        el('span', {}, t.itemVerdict(item.n, verdict))),
      known ? el('p', {}, t.itemTruth(choiceLabel(deck, item.truth))) : null,
      el('p', {}, t.itemChoice(choiceLabel(deck, item.choice), confidence)),
      el('p', {}, t.seconds(item.response_ms))));
}
