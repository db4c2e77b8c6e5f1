/**
 * The texts of a result, and how its figures are written. Functions take values, never markup.
 */

const percent = (rate) => `${Math.round(rate * 100)}\u00a0%`;
const decimal = (value) => value.toFixed(2).replace('-0.00', '0.00').replace('-', '\u2212');
const seconds = (ms) => `${(ms / 1000).toFixed(1)}\u00a0s`;

export const summaryTexts = {
  title: 'Your result',
  score: (correct, of) => `${correct} of ${of}`,
  scoreNote: 'correct',
  scoreRange: ({ low, high }, of) => `Over many images like these you would probably get between ${percent(low)} and ${percent(high)} right; ${of} cannot tell it more closely.`,
  run: (count) => `Your longest run of right answers: ${count}.`,
  threshold: 'Faintest that you tell apart',
  thresholdTerm: 'threshold',
  thresholdWords: 'on the way from halfway between the two (0) to the plain image (1)',
  measures: 'In figures',
  sensitivity: (label) => `${label} found`,
  sensitivityTerm: 'sensitivity',
  specificity: (label) => `${label} recognised`,
  specificityTerm: 'specificity',
  counts: (right, of) => `${right} of ${of}`,
  percent,
  decimal,
  range: (low, high) => `range ${low} to ${high}`,
  noRange: (gap) => (gap === 'no_spread' ? 'no range: it takes answers that differ more' : 'no range: too few images'),
  auc: 'Telling the two apart',
  aucTerm: 'ROC area',
  dPrime: 'Sharpness',
  dPrimeTerm: 'd′',
  criterion: 'Leaning',
  criterionTerm: 'criterion c',
  time: 'Typical time to answer',
  timeTerm: 'median',
  seconds,
  timeRange: ({ lower, upper }) => `half of them ${seconds(lower)} to ${seconds(upper)}`,
  timeWords: ({ right, wrong }) => [right && `right ${seconds(right.median)}`, wrong && `wrong ${seconds(wrong.median)}`].filter(Boolean).join(', '),
  aucWords: ({ value, high }) => {
    if (value >= 0.9) return 'clear separation';
    if (value >= 0.8) return 'good separation';
    if (value >= 0.7) return 'fair separation';
    if (value >= 0.6) return 'some separation';
    return value >= 0.4 || high >= 0.5 ? 'close to chance (0.50)' : 'below chance: answers point the other way';
  },
  dPrimeWords: ({ value, high }) => {
    if (value >= 2) return 'the difference is plain to you';
    if (value >= 1) return 'you mostly see the difference';
    if (value >= 0.3) return 'a first hint of the difference';
    return value > -0.3 || high >= 0 ? 'no difference seen yet' : 'answers point the other way';
  },
  criterionWords: ({ value, low, high }, negative, positive) => {
    if (low <= 0 && high >= 0) return 'no leaning beyond chance';
    return `when in doubt you say “${value > 0 ? negative : positive}”`;
  },
  rangeNote: (trials) => `After ${trials} images, each range is where your true figure probably lies (95\u00a0% interval); more images narrow it.`,
  labelNote: 'The truth here is what the model was asked to make. It is not a radiologist’s reading.',
  axis: percent,
  roc: 'How well your answers separate the two',
  rocAcross: (no, yes) => `“${no}” called “${yes}”`,
  rocUp: (yes) => `“${yes}” found`,
  rocWords: (auc, no, yes) => `Each dot draws the line between your two answers elsewhere: the first counts only your surest “${yes}” as a yes, each next one also answers a step less sure; the ringed dot is where you drew it. The nearer the curve comes to the upper left corner, the better; the dotted line is guessing. The area under the curve is ${decimal(auc)}: of 100 pairs of a “${yes}” and a “${no}” image, you would be surer of “${yes}” on the right one in ${Math.round(auc * 100)}.`,
  rocPoint: ({ rating, false_alarms: alarms, hits }, no, yes) => `“${yes}” found: ${percent(hits)}, “${no}” called that: ${percent(alarms)}, when “${rating >= 4 ? yes : no}, ${['certain', 'fairly sure', 'a guess', 'a guess', 'fairly sure', 'certain'][rating - 1]}” is the least that counts as a yes`,
  rocAlt: (points) => `ROC curve. Found and falsely called: ${points.map(({ hits, false_alarms: alarms }) => `${percent(hits)} and ${percent(alarms)}`).join('; ')}.`,
  confusion: 'Your answers in numbers',
  madeAs: (label) => `Made as ${label}`,
  youSaid: (label) => `You: ${label}`,
  curve: 'How your share correct went',
  curveTooFew: (needed) => `A learning curve takes at least ${needed} images; a shorter one would be drawn by chance.`,
  curveAlt: (average, window) => `Share correct: ${percent(average[0].accuracy)} over the first ${window} images, ${percent(average[average.length - 1].accuracy)} over the last ${window}.`,
  curveWords: (window) => `Each point of the line is your share correct over ${window} neighbouring images; chance alone moves it by some 20 points up and down.`,
  curveFit: ({ start, last }) => `The dashed curve is the smooth course that fits your answers best: ${percent(start)} at the first image, ${percent(last)} at the last.`,
  curveFlat: (accuracy) => `No rise or fall can be told from chance: one steady share of ${percent(accuracy)} explains your answers as well.`,
  items: 'The images again',
  itemVerdict: (n, verdict) => `${n} · ${verdict}`,
  itemAlt: (n, of) => `Hip radiograph, item ${n} of ${of}`,
  itemOpen: (n) => `Open image ${n} in full size`,
  itemTruth: (label) => `Made as: ${label}`,
  itemChoice: (label, confidence) => `You: ${[label, confidence].filter(Boolean).join(', ').toLowerCase()}`,
  correct: 'Correct',
  incorrect: 'Not correct',
  noTruth: 'Saved',
  thanks: 'All answers are saved.',
  noFeedback: 'This deck does not show results.',
  again: 'Start again',
  toStart: 'To the start page',
};

export const reviewTexts = {
  open: (count) => (count === 1 ? 'Look again at the one you missed' : `Look again at the ${count} you missed`),
  place: (i, of) => `${i} of ${of} missed`,
  back: 'To the result',
  before: 'The one before',
  after: 'Next missed',
  end: 'Back to the result',
  coming: 'Fetching the image …',
  gone: 'This image can no longer be shown.',
};
