/**
 * Every English text of the pages. Functions take values, never markup.
 */

const percent = (rate) => `${Math.round(rate * 100)}\u00a0%`;
const decimal = (value) => value.toFixed(2).replace('-0.00', '0.00').replace('-', '\u2212');
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
    lead: 'One image at a time: look, commit to an answer, and go on to the next.',
    chooseDeck: 'Choose a deck',
    deckFacts: (deck) => `${deck.items} images · ${deck.question}${deck.time_limit_s ? ` · Each image is shown for ${deck.time_limit_s}\u00a0s; the answer may take longer.` : ''}`,
    start: 'Start',
    resume: 'Continue where you left off',
    startNew: 'Start a new drill',
    mine: 'Your drills and your code',
    code: 'Go on from another device, or keep your drills',
    model: (model) => `Model: ${model.name}`,
    answersStored: 'Answers are stored on this server, without your name.',
    sampleAlt: 'A synthetic hip radiograph made by the model',
    sampleCaption: (label) => `A sample from the model, made as “${label}”`,
  },

  class: {
    words: 'This link is for a class. You drill as yourself, without a name: a random code is made in this browser, and the class sees only what all of its learners did together.',
    start: 'Start',
    closed: 'This class is closed: nobody can start any more. What was answered stays saved.',
    noDeck: 'Its deck cannot be started at the moment. Ask whoever sent you the link.',
    otherDecks: 'Other decks',
  },

  intro: {
    title: 'How a drill goes',
    look: 'Look',
    lookWords: 'One image at a time, as long as you like.',
    lookLimited: (seconds) => `One image at a time, for ${seconds}\u00a0seconds; then it is covered. The answer may take longer.`,
    commit: 'Commit',
    commitWords: ({ question, choices: [no, yes] }) => `${question} Say “${no.label}” or “${yes.label}”. Nothing can be skipped: deciding is what trains the eye.`,
    sure: 'Say how sure you are',
    sureWords: 'A guess, fairly sure or certain. Guessing costs nothing.',
    told: { truth: 'See the truth', correct: 'See whether you were right', none: 'Go on to the next' },
    toldWords: {
      truth: 'At once, with the image still there: look again, most of all when you were wrong.',
      correct: 'At once, with the image still there. What the image was made as is told at the end.',
      none: 'Nothing is told along the way.',
    },
    facts: ({ items }) => `${items} images. You can leave at any time and go on later; every answer is saved as you give it.`,
    codeWords: 'Write it down or copy it. With it you go on from another device; nobody can look it up for you.',
    go: 'Show the first image',
  },

  code: {
    label: 'Your code',
    copy: 'Copy',
    copied: 'Copied.',
    notCopied: 'This browser does not copy by itself: select the code and copy it.',
    enter: 'Your code',
    use: 'Use this code',
  },

  mine: {
    title: 'Your drills',
    lead: 'Without a code, only this browser knows your last drill. With a code you go on from any device, and none of the images drawn for you comes twice. The code is random; the server stores no name.',
    get: 'Get a code',
    unknown: 'Nobody has this code. It is 16 letters without vowels, such as BCDF-GHJK-LMNP-QRST; look for a letter that was misread.',
    trouble: 'The server did not answer. Check the connection and try again.',
    codeWords: 'Keep it: with it you go on from any device, and whoever has it sees your drills. Nobody can look it up for you.',
    none: 'No drills yet under this code. The next one you start will be listed here.',
    drills: 'Drills',
    days: ({ days, inARow }) => `You practised on ${days === 1 ? 'one day' : `${days} days`}${inARow > 1 ? `, the last ${inARow} in a row` : ''}.`,
    when: (date, finished, answered, of) => `${date} · ${finished ? `${answered} images` : `${answered} of ${of} images`}`,
    goOn: 'Go on',
    result: 'See the result',
    forgetWords: 'On a computer that others use, take the code away when you leave.',
    forget: 'Forget the code in this browser',
    back: 'To the start page',
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
    streak: (count) => `${count} in a row`,
    kept: 'Answer kept',
    keptFeedback: 'You will see then whether it was right.',
    late: (items) => `Without connection: ${items.map(({ item, correct, label }) => `image ${item} ${correct ? 'correct' : 'not correct'}${label ? ` (made as ${label.toLowerCase()})` : ''}`).join(', ')}.`,
    unsent: (count) => `${count} kept here`,
    yourAnswer: (label, confidence) => `You said ${[label, confidence].filter(Boolean).join(', ').toLowerCase()}.`,
    timeLeft: (seconds) => `${seconds}\u00a0s left to look`,
    timeOver: 'Answer from what you saw',
    timeUp: 'The time to look is over. Answer from what you saw; take the time you need.',
    next: 'Next image',
    toSummary: 'See the result',
    leave: 'Leave',
    leaveHint: 'Leave the drill; you can continue later in this browser',
    keys: 'Keys',
    announceItem: (n, of) => `Image ${n} of ${of} is shown.`,
    announceFeedback: (correct, label) => `${correct ? 'Correct' : 'Not correct'}.${label ? ` This image was made as: ${label}.` : ''}`,
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
    offlineAnswer: 'No connection at the moment. Your answer is safe in this browser and is sent as soon as the connection is back.',
    offlineImage: 'The image has not arrived yet. Trying again by itself; check the connection if this lasts. What you answered is safe.',
    busy: 'The server is busy. Trying again by itself in a moment; nothing is lost.',
    failing: 'The server could not do this just now. Trying again by itself; if this lasts, tell the person who runs the server.',
    waiting: 'One moment',
    loading: 'The server is not reachable yet, or its model is still loading. This page tries again by itself.',
    noModel: 'The model of this deck cannot be used at the moment; the person who runs this server can see why. This page tries again by itself.',
    modelGone: {
      title: 'This drill cannot be continued',
      text: 'The model that drew its images has been replaced on the server. Answers that were saved stay saved. Start a new drill.',
    },
    sessionGone: {
      title: 'This drill cannot be continued',
      text: 'The server does not know this session any more. Answers that were saved stay saved. Start a new drill.',
    },
    codeGone: {
      title: 'The server does not know your code',
      text: 'It was forgotten in this browser. If you have written a code down, enter it under “Go on from another device”.',
    },
    classGone: {
      title: 'This class cannot be joined',
      text: 'The link is not complete, or the class was closed. Ask whoever sent it.',
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
    scoreRange: ({ low, high }, of) => `Over many images like these you would probably get between ${percent(low)} and ${percent(high)} right; ${of} cannot tell it more closely.`,
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
  },

  account: {
    roles: { educator: 'educator', researcher: 'researcher', admin: 'administrator' },
    name: 'Name',
    password: 'Password',
    passwordHint: 'At least 8 characters; several words are easier to keep in mind and harder to guess.',
    showPassword: 'Show the password',
    setupTitle: 'Your account',
    setupLead: (role) => `You were invited as ${role}. Choose the name and the password with which you will log in.`,
    setupAction: 'Make the account',
    resetTitle: 'A new password',
    resetLead: 'Choose a new password. Where you are logged in with the old one, you will be logged out.',
    resetAction: 'Set the password',
    linkTitle: 'This link is of no use',
    linkGone: 'It was used already, has expired, was replaced by a newer one, or is not complete. Ask whoever sent it for a new one.',
    loginTitle: 'Log in',
    loginLead: 'For those who teach, research or run this server. To drill you need no account.',
    loginAction: 'Log in',
    welcome: (name) => `Hello, ${name}`,
    loggedIn: (role) => `You are logged in as ${role}.`,
    toDrills: 'To the drills',
    logOut: 'Log out',
    otherTitle: 'Something went wrong',
    trouble: ({ status, message }) => (status === 0 ? 'The server did not answer. Check the connection and try again.' : message),
  },
};
