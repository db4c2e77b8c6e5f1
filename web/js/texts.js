/**
 * Every English text of the pages. Functions take values, never markup.
 */

const percent = (rate) => `${Math.round(rate * 100)}\u00a0%`;
const seconds = (ms) => `${(ms / 1000).toFixed(1)}\u00a0s`;

export const texts = {
  product: 'roentgym',

  provenance: {
    simulated: 'Synthetic images from a model trained on simulated radiographs – not for diagnosis.',
    real: 'Synthetic images from a model trained on real radiographs – not for diagnosis.',
    short: (model) => `Synthetic image${model ? ` by ${model.name}` : ''}, trained on ${model?.training_data === 'real' ? 'real' : 'simulated'} radiographs. Not for diagnosis.`,
  },

  start: {
    title: 'Train your eye',
    lead: 'One image at a time: commit to an answer, say how sure you are, see the truth at once.',
    chooseDeck: 'Choose a deck',
    deckFacts: (deck) => `${deck.items} images · ${deck.question}`,
    start: 'Start',
    resume: 'Continue where you left off',
    startNew: 'Start a new drill',
    model: (model) => `Model: ${model.name}`,
    answersStored: 'Answers are stored on this server, without your name.',
    sampleAlt: 'A synthetic hip radiograph made by the model',
    sampleCaption: (label) => `A sample from the model, made as “${label}”`,
  },

  drill: {
    progress: (n, of) => `${n} of ${of}`,
    imageAlt: (n, of) => `Hip radiograph, item ${n} of ${of}`,
    imageComing: 'Preparing the image …',
    answers: 'Your answer',
    confidence: 'How sure are you?',
    confidenceLevels: ['Guess', 'Fairly sure', 'Certain'],
    correct: 'Correct',
    incorrect: 'Not correct',
    truth: (label) => ['This image was made as ', label, '.'],
    yourAnswer: (label, confidence) => `You said ${label.toLowerCase()}, ${confidence.toLowerCase()}.`,
    next: 'Next image',
    toSummary: 'See the result',
    leave: 'Leave',
    leaveHint: 'Leave the drill; you can continue later in this tab',
    keys: 'Keys',
    announceItem: (n, of) => `Image ${n} of ${of} is shown.`,
    announceFeedback: (correct, label) => `${correct ? 'Correct' : 'Not correct'}. This image was made as: ${label}.`,
  },

  keys: {
    title: 'Keys',
    confidence: 'Guess, fairly sure, certain',
    next: 'Next image',
    help: 'These keys',
    or: 'or',
    enter: 'Enter',
    space: 'Space',
    arrows: { ArrowLeft: '←', ArrowRight: '→' },
    arrowNames: { ArrowLeft: 'left arrow', ArrowRight: 'right arrow' },
    on: 'Use single-key shortcuts',
    offHint: 'With shortcuts off, move with Tab and press with Enter or Space.',
    close: 'Close',
  },

  trouble: {
    offlineAnswer: 'No connection to the server. Your answer is kept here and sent as soon as the connection is back. Leave this page open.',
    offlineImage: 'The image has not arrived yet. Trying again by itself; check the connection if this lasts.',
    busy: 'The server is busy. Trying again by itself in a moment; nothing is lost.',
    waiting: 'One moment',
    loading: 'The server is not reachable yet, or its model is still loading. This page tries again by itself.',
    sessionGone: {
      title: 'This drill cannot be continued',
      text: 'The server does not know this session any more. Answers that were saved stay saved. Start a new drill.',
    },
    other: {
      title: 'Something went wrong',
      text: (message) => `The server says: “${message}” Reload the page to continue; if it happens again, tell the person who runs this server.`,
    },
    noDecks: {
      title: 'No decks yet',
      text: 'This server has no deck to drill on. The person who runs it adds one in its configuration file.',
    },
    reload: 'Reload',
    startOver: 'To the start page',
  },

  summary: {
    title: 'Your result',
    score: (correct, of) => `${correct} of ${of}`,
    scoreNote: 'correct',
    measures: 'In figures',
    sensitivity: (label) => `${label} found`,
    sensitivityTerm: 'sensitivity',
    specificity: (label) => `${label} recognised`,
    specificityTerm: 'specificity',
    counts: (right, of) => `${right} of ${of}`,
    percent,
    auc: 'Telling the two apart',
    aucTerm: 'ROC area',
    dPrime: 'Sharpness',
    dPrimeTerm: 'd′',
    criterion: 'Leaning',
    criterionTerm: 'criterion c',
    time: 'Typical time to answer',
    timeTerm: 'median',
    seconds,
    aucWords: (auc) => {
      if (auc >= 0.9) return 'clear separation';
      if (auc >= 0.8) return 'good separation';
      if (auc >= 0.7) return 'fair separation';
      if (auc >= 0.6) return 'some separation';
      return auc >= 0.4 ? 'close to chance (0.50)' : 'below chance: answers point the other way';
    },
    dPrimeWords: (d) => {
      if (d >= 2) return 'the difference is plain to you';
      if (d >= 1) return 'you see the difference more often than not';
      if (d >= 0.3) return 'a first hint of the difference';
      return d > -0.3 ? 'no difference seen yet' : 'answers point the other way';
    },
    criterionWords: (c, negative, positive) => {
      if (c > 0.25) return `when in doubt you say “${negative}”`;
      return c < -0.25 ? `when in doubt you say “${positive}”` : 'no leaning to either answer';
    },
    fewItems: (of) => `From ${of} images these figures are rough: one more image could move each of them.`,
    labelNote: 'The truth here is what the model was asked to make. It is not a radiologist’s reading.',
    curve: 'Share correct, image by image',
    curveAlt: (points) => `Share of correct answers so far, after each image: ${points.map((p) => `${p.n}: ${percent(p.accuracy)}`).join(', ')}.`,
    curveEnd: (accuracy) => percent(accuracy),
    items: 'The images again',
    itemVerdict: (n, verdict) => `${n} · ${verdict}`,
    itemAlt: (n, of) => `Hip radiograph, item ${n} of ${of}`,
    itemOpen: (n) => `Open image ${n} in full size`,
    itemTruth: (label) => `Made as: ${label}`,
    itemChoice: (label, confidence) => `You: ${label.toLowerCase()}, ${confidence.toLowerCase()}`,
    correct: 'Correct',
    incorrect: 'Not correct',
    noTruth: 'Saved',
    thanks: 'All answers are saved.',
    noFeedback: 'This deck does not show results.',
    again: 'Start again',
    toStart: 'To the start page',
  },
};
