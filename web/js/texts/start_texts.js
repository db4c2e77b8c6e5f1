/**
 * The texts of the learners' start: decks, classes, their own drills. Functions take values, never markup.
 */

export const startTexts = {
  title: 'Train your eye',
  lead: 'One image at a time: look, commit to an answer, and go on to the next.',
  chooseDeck: 'Choose a deck',
  deckFacts: (deck) => `${deck.mastery ? `Up to ${deck.items}` : deck.items} images · ${deck.question}${deck.time_limit_s ? ` · Each image is shown for ${deck.time_limit_s}\u00a0s; the answer may take longer.` : ''}`,
  start: 'Start',
  resume: 'Continue where you left off',
  startNew: 'Start a new drill',
  mine: 'Your drills and your code',
  code: 'Go on from another device, or keep your drills',
  ways: 'Other pages',
  toAtlas: 'Look through the atlas',
  toStaff: 'For staff',
  model: (model) => `Model: ${model.name}`,
  answersStored: 'Answers are stored on this server, without your name.',
  sampleAlt: 'A synthetic hip radiograph made by the model',
  sampleCaption: (label) => `A sample from the model, made as “${label}”`,
};

export const overallTexts = {
  lead: (trials) => `All your drills on this deck together: ${trials} images, each counted once.`,
  none: 'Nothing can be told yet: finish a drill on this deck first.',
  back: 'To your drills',
};

export const classTexts = {
  words: 'This link is for a class. You drill as yourself, without a name: a random code is made in this browser, and the class sees only what all of its learners did together.',
  start: 'Start',
  closed: 'This class is closed: nobody can start any more. What was answered stays saved.',
  noDeck: 'Its deck cannot be started at the moment. Ask whoever sent you the link.',
  otherDecks: 'Other decks',
};

export const mineTexts = {
  title: 'Your drills',
  lead: 'Without a code, only this browser knows your last drill. With a code you go on from any device, and none of the images drawn for you comes twice. The code is random; the server stores no name.',
  get: 'Get a code',
  codeWords: 'Keep it: with it you go on from any device, and whoever has it sees your drills. Nobody can look it up for you.',
  none: 'No drills yet under this code. The next one you start will be listed here.',
  drills: 'Drills',
  days: ({ days, inARow }) => `You practised on ${days === 1 ? 'one day' : `${days} days`}${inARow > 1 ? `, the last ${inARow} in a row` : ''}.`,
  when: (date, finished, answered, of) => `${date} · ${finished ? `${answered} images` : `${answered} of ${of} images`}`,
  overall: (title) => `All together: ${title}`,
  goOn: 'Go on',
  toStudy: 'To the study',
  result: 'See the result',
  forgetWords: 'On a computer that others use, take the code away when you leave.',
  forget: 'Forget the code in this browser',
  back: 'To the start page',
};
