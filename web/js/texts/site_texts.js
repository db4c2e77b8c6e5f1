/**
 * The texts that pages share: the product, where images are from, links and codes, and what goes wrong. Those of an area
 * are in the file of its name beside this one, and what a page says before or without JavaScript, its first title and that
 * it needs it, in its HTML file. Functions take values, never markup.
 */

export const product = 'roentgym';
/** Of a page that is about something. */
export const pageTitle = (title) => `${title} – ${product}`;
export const language = 'en-GB'; // dates are written in it

export const provenanceTexts = {
  deck: (shows, model) => {
    if (shows === 'collection') return 'Images of a collection, real or simulated – not for diagnosis.';
    if (shows === 'both') return `Images of a collection, real or simulated, among synthetic ones${model ? ` from a model trained on ${model.training_data} radiographs` : ''} – not for diagnosis.`;
    return `Synthetic images${model ? ` from a model trained on ${model.training_data} radiographs` : ''} – not for diagnosis.`;
  },
  general: 'Images that a network drew are synthetic. Not for diagnosis.',
  models: (models) => `Images drawn here are synthetic, by ${models.map(({ name, training_data: data }) => `${name} (trained on ${data} radiographs)`).join(', ')}. Not for diagnosis.`,
  short: (shows, model) => {
    const by = model ? ` by ${model.name}, trained on ${model.training_data} radiographs` : '';
    if (shows === 'collection') return 'Image of a collection, real or simulated. Not for diagnosis.';
    return `${shows === 'both' ? 'Image of a collection, real or simulated, or a synthetic one' : 'Synthetic image'}${by}. Not for diagnosis.`;
  },
};

export const codeTexts = {
  label: 'Your code',
  copy: 'Copy',
  copied: 'Copied.',
  notCopied: 'This browser does not copy by itself: select the code and copy it.',
  enter: 'Your code',
  use: 'Use this code',
  noCode: 'A code is 16 letters without vowels, such as BCDF-GHJK-LMNP-QRST. Look for a letter that is missing or was misread.',
  unknown: 'Nobody has this code. Look for a letter that was misread.',
  trouble: 'The server did not answer. Check the connection and try again.',
};

export const linkTexts = {
  copy: 'Copy the link',
  copied: 'Copied.',
  onlyHere: 'This link works on this computer alone. For others the server needs an address of its own: whoever runs it finds how in deploy/README.md.',
  copyByHand: 'The link is marked: copy it with Ctrl+C, or by a long press.',
};

export const troubleTexts = {
  offlineAnswer: 'The server cannot be reached at the moment. Your answer is safe in this browser and is sent as soon as the connection is back.',
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
  deckGone: {
    title: 'There is no such deck here',
    text: 'The link is not complete, or the deck was taken out. Ask whoever sent it.',
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
};

export const transportTexts = {
  silent: 'The server did not answer.',
  cutShort: 'The server’s reply was cut short.',
  status: (status) => `The server answered ${status}.`,
};
