/**
 * The texts of a drill. Functions take values, never markup.
 */

export const introTexts = {
  title: 'How a drill goes',
  look: 'Look',
  lookWords: 'One image at a time, as long as you like.',
  lookLimited: (seconds) => `One image at a time, for ${seconds}\u00a0seconds; then it is covered. The answer may take longer.`,
  commit: 'Commit',
  commitWords: ({ question, choices: [no, yes] }) => `${question} Say “${no.label}” or “${yes.label}”. Nothing can be skipped: deciding is what trains the eye.`,
  sure: 'Say how sure you are',
  sureWords: 'A guess, fairly sure or certain. Guessing costs nothing.',
  told: { location: 'See the truth', truth: 'See the truth', correct: 'See whether you were right', none: 'Go on to the next' },
  toldWords: {
    location: 'At once, with the image still there, and where the finding is.',
    truth: 'At once, with the image still there: look again, most of all when you were wrong.',
    correct: 'At once, with the image still there. What the image was made as is told at the end.',
    none: 'Nothing is told along the way.',
  },
  facts: ({ items }) => `${items} images. You can leave at any time and go on later; every answer is saved as you give it.`,
  factsMastery: ({ items, mastery: { correct, of, within_s: seconds } }) => `It ends when ${correct} of your last ${of} answers are right${seconds ? `, each within ${seconds}\u00a0seconds` : ''}, and after ${items} images at the latest. You can leave at any time and go on later.`,
  order: 'How the next image is chosen',
  orderWords: {
    adaptive: 'By your answers: kinds of image that you miss, or take long over, come back sooner.',
    staircase: 'By your answers: each image is as plain or as faint as tells most about what you can just see.',
  },
  orderNumbers: (numbers) => `In numbers: ${Object.entries(numbers).map(([name, value]) => `${name} ${[value].flat().join(', ')}`).join('; ')}.`,
  codeWords: 'Write it down or copy it. With it you go on from another device; nobody can look it up for you.',
  go: 'Show the first image',
};

export const drillTexts = {
  progress: (n, of) => `${n} of ${of}`,
  progressOpen: (n) => `Image ${n}`,
  mastery: (hits, { correct, of }) => `${hits} of the last ${of} right, ${correct} to finish`,
  masteryUnknown: ({ correct, of }) => `${correct} of the last ${of} right to finish`,
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
  keys: 'Help',
  announceItem: (n, of) => `Image ${n} of ${of} is shown.`,
  announceFeedback: (correct, label) => `${correct ? 'Correct' : 'Not correct'}.${label ? ` This image was made as: ${label}.` : ''}`,
};

export const explanationTexts = {
  compare: (label) => `Compare with “${label}”`,
  alone: 'Only this image again',
  drawing: (ready, of) => `Drawing what lies between: ${ready} of ${of} …`,
  failed: 'The comparison could not be drawn just now.',
  noPlace: 'Where the finding is could not be shown just now.',
  basis: {
    mask: 'Where the finding is',
    difference: 'What the model changed; not always where the finding is',
  },
};
