/**
 * The result: score, figures with their range and their meaning in words, the curves, and every image again.
 */

import { el } from '../dom.js';
import { keepTrying } from '../drill/images.js';
import { choiceLabel, hasTwoButtons } from '../drill/state.js';
import { mark } from '../drill/view_told.js';
import { drillTexts } from '../texts/drill_texts.js';
import { product, provenanceTexts } from '../texts/site_texts.js';
import { reviewTexts, summaryTexts } from '../texts/summary_texts.js';
import { confidenceOfRating, longestRun, sides } from './figures.js';
import { learningPlot, rocPlot } from './view_plots.js';

const t = summaryTexts;
const RUN_TOLD = 3; // right answers in a row that are worth a word

/**
 * @param {object} props
 * @param {import('../api/api_decks.js').Deck} props.deck
 * @param {?import('../api/api_models.js').Model} props.model null if the server no longer lists it
 * @param {import('../api/api_sessions.js').Summary} props.summary
 * @param {AbortSignal} props.leaving aborted when the page goes
 * @param {() => void} props.onAgain
 * @param {?{count: number, open: () => void}} props.review of the images that were missed; null where there is none
 * @param {() => void} props.onStartPage
 * @returns {HTMLElement}
 */
export function summaryView({ deck, model, summary, leaving, review, onAgain, onStartPage }) {
  const { score } = summary;
  return el('main', { class: 'summary', 'data-screen': 'summary' },
    el('p', { class: 'wordmark' }, product),
    el('h1', { tabindex: '-1' }, t.title),
    ...(score ? result(summary) : [el('p', { class: 'summary-lead' }, `${t.thanks} ${t.noFeedback}`)]),
    el('div', { class: 'summary-actions' },
      review ? el('button', { type: 'button', class: 'button', id: 'review', on: { click: review.open } }, reviewTexts.open(review.count)) : null,
      el('button', { type: 'button', class: 'button button-main', id: 'again', on: { click: onAgain } }, t.again),
      el('button', { type: 'button', class: 'button button-quiet', id: 'to-start', on: { click: onStartPage } }, t.toStart)),
    score ? measures(deck, summary) : null,
    score ? answers(deck, score) : null,
    score?.learning_curve.average.length > 1 ? learning(score) : null,
    itemList(deck, summary.items, leaving),
    el('p', { class: 'summary-provenance' }, provenanceTexts.deck(deck.images, model)));
}

/** Of an image that came again, the first answer counts. */
function result({ correct, items, score: { accuracy } }) {
  const counted = items.filter(({ counts }) => counts);
  const run = longestRun(counted);
  const words = [accuracy.low === null ? null : t.scoreRange(accuracy, counted.length), run >= RUN_TOLD ? t.run(run) : null];
  return [
    el('p', { class: 'score' }, el('strong', {}, t.score(correct, counted.length)), el('span', {}, t.scoreNote)),
    el('p', { class: 'summary-lead' }, words.filter(Boolean).join(' ')),
  ];
}

/** The figures, each with its range and its meaning. */
export function measures(deck, { score, threshold }) {
  const { negative, positive } = sides(deck);
  const { counts, auc, d_prime: sharpness, criterion, response_ms: times } = score;
  const rows = [
    rate(t.sensitivity(positive.label), t.sensitivityTerm, score.sensitivity, counts.hits, counts.misses),
    rate(t.specificity(negative.label), t.specificityTerm, score.specificity, counts.correct_rejections, counts.false_alarms),
    hasTwoButtons(deck) ? null : figure(t.auc, t.aucTerm, auc, t.aucWords(auc)), // it takes grades
    figure(t.dPrime, t.dPrimeTerm, sharpness, t.dPrimeWords(sharpness)),
    figure(t.criterion, t.criterionTerm, criterion, t.criterionWords(criterion, negative.label, positive.label)),
    threshold ? row(t.threshold, t.thresholdTerm, t.decimal(threshold.value), t.thresholdWords, t.range(t.decimal(threshold.low), t.decimal(threshold.high))) : null,
    times.all ? row(t.time, t.timeTerm, t.seconds(times.all.median), t.timeWords(times), t.timeRange(times.all)) : null,
  ];
  const curveNote = score.learning_curve.gap === 'too_few' ? t.curveTooFew(score.learning_curve.trials_needed) : '';
  return el('section', { class: 'measures' },
    el('h2', {}, t.measures),
    el('dl', {}, ...rows),
    el('p', { class: 'measures-note' }, `${t.rangeNote(score.trials)} ${curveNote}`),
    el('p', { class: 'measures-note' }, t.labelNote));
}

function rate(name, term, { value, low, high }, right, wrong) {
  return value === null ? null : row(name, term, t.percent(value), t.counts(right, right + wrong), t.range(t.percent(low), t.percent(high)));
}

function figure(name, term, { value, low, high, gap }, words) {
  return value === null ? null : row(name, term, t.decimal(value), words,
    low === null ? t.noRange(gap) : t.range(t.decimal(low), t.decimal(high)));
}

function row(name, term, value, words, range) {
  return el('div', {},
    el('dt', {}, name, ' ', el('small', {}, term)),
    el('dd', {}, el('strong', {}, value), el('span', {}, words), el('span', { class: 'range' }, range)));
}

/** What was answered to what, and the curve that the ratings make of it; the curve takes both kinds of image. */
export function answers(deck, score) {
  const { negative, positive } = sides(deck);
  if (hasTwoButtons(deck)) { // one point is no curve
    return el('section', { class: 'answers-told' }, confusion(score.counts, negative.label, positive.label));
  }
  return el('section', { class: 'answers-told' },
    el('h2', {}, t.roc),
    el('div', { class: 'roc' },
      score.roc.length ? rocPlot(score.roc, negative.label, positive.label) : null,
      el('div', {},
        score.roc.length ? el('p', {}, t.rocWords(score.auc.value, negative.label, positive.label)) : null,
        confusion(score.counts, negative.label, positive.label))));
}

function confusion(counts, no, yes) {
  const cells = (truth, saidNo, saidYes) => el('tr', {},
    el('th', { scope: 'row' }, t.madeAs(truth)), el('td', {}, String(saidNo)), el('td', {}, String(saidYes)));
  return el('table', { class: 'confusion' },
    el('caption', {}, t.confusion),
    el('thead', {}, el('tr', {}, el('td', {}), el('th', { scope: 'col' }, t.youSaid(no)), el('th', { scope: 'col' }, t.youSaid(yes)))),
    el('tbody', {},
      cells(no, counts.correct_rejections, counts.false_alarms),
      cells(yes, counts.misses, counts.hits)));
}

/** For curves of more than one point. */
export function learning({ learning_curve: curve, accuracy }) {
  return el('section', { class: 'learning' },
    el('h2', {}, t.curve),
    learningPlot(curve),
    el('p', {}, `${t.curveWords(curve.window)} ${curve.fit ? t.curveFit(curve.fit) : t.curveFlat(accuracy.value)}`));
}

function itemList(deck, items, leaving) {
  return el('section', { class: 'review' },
    el('h2', {}, t.items),
    el('ol', {}, ...items.map((item) => itemCard(deck, items.length, item, leaving))));
}

function itemCard(deck, of, item, leaving) {
  const confidence = hasTwoButtons(deck) ? null : drillTexts.confidenceLevels[confidenceOfRating(item.rating) - 1];
  const known = item.truth !== null && item.truth !== undefined;
  const outcome = item.correct ? t.correct : t.incorrect;
  const verdict = known ? outcome : t.noTruth;
  // The very URL that the drill has shown: the browser has it, and the server need not draw it again.
  const image = el('img', { src: item.image, alt: t.itemAlt(item.n, of), width: '256', height: '256', loading: 'lazy', decoding: 'async' });
  keepTrying(image, leaving);
  return el('li', { class: 'card', 'data-item': String(item.n), 'data-correct': known ? String(item.correct) : null },
    el('a', { href: item.image, target: '_blank', rel: 'noopener', 'aria-label': t.itemOpen(item.n) }, image),
    el('div', { class: 'card-words' },
      el('p', { class: 'card-verdict' }, known ? mark(item.correct) : null,
        el('span', {}, t.itemVerdict(item.n, verdict))),
      known ? el('p', {}, t.itemTruth(choiceLabel(deck, item.truth))) : null,
      el('p', {}, t.itemChoice(choiceLabel(deck, item.choice), confidence)),
      el('p', {}, t.seconds(item.response_ms))));
}
