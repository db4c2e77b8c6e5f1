/**
 * Where in the atlas one is, as the page's address says it, so that every view can be linked to. Pure.
 */

import { morphFrames } from '../morph.js';

export const VIEWS = ['one', 'pair', 'morph'];
const MORPH_STEPS = 4; // from each end to the middle

/**
 * @typedef {object} Place
 * @property {string} model id
 * @property {string[]} classes that the grid shows, in the model's order, at least one
 * @property {number} strength 0..1, of the class
 * @property {number} truncation 0..1
 * @property {string} from decimal; the seed at the grid's top
 * @property {?OpenSample} sample the one that is open, or null for the grid
 *
 * @typedef {{seed: string, className: string, view: 'one'|'pair'|'morph', other: ?string}} OpenSample other: the class
 *   that it is compared with, null when the model has only one
 */

const SEED_MAX = 2n ** 64n - 1n;

/** @returns {?string} the seed without leading zeros, or null if the text is none */
export function readSeed(text) {
  const digits = (text ?? '').trim();
  return /^\d{1,20}$/.test(digits) && BigInt(digits) <= SEED_MAX ? String(BigInt(digits)) : null;
}

/**
 * @param {string} search of an address
 * @param {import('../api/api_models.js').Model[]} models at least one
 * @returns {{place: Place, unknown: ?string}} what is missing or wrong takes its default; `unknown` names a model or
 *   class that the server does not have, since what is shown then is not what the link meant
 */
export function readPlace(search, models) {
  const query = new URLSearchParams(search);
  const model = models.find(({ id }) => id === query.get('model')) ?? models[0];
  const asked = query.getAll('class');
  const classes = model.classes.filter((name) => asked.includes(name));
  const names = [...asked, query.get('of'), query.get('other')].filter(Boolean);
  const unknown = query.has('model') && query.get('model') !== model.id ? query.get('model')
    : names.find((name) => !model.classes.includes(name)) ?? null;
  return {
    place: {
      model: model.id,
      classes: classes.length > 0 ? classes : model.classes,
      strength: fraction(query.get('strength')),
      truncation: fraction(query.get('truncation')),
      from: readSeed(query.get('from')) ?? '0',
      sample: readSample(query, model.classes),
    },
    unknown,
  };
}

function readSample(query, classes) {
  const seed = readSeed(query.get('seed'));
  const className = query.get('of');
  if (seed === null || !classes.includes(className)) {
    return null;
  }
  const others = classes.filter((name) => name !== className);
  const view = VIEWS.includes(query.get('view')) && others.length > 0 ? query.get('view') : 'one';
  return { seed, className, view, other: others.find((name) => name === query.get('other')) ?? others[0] ?? null };
}

function fraction(text) {
  const value = Number(text ?? NaN);
  return text !== '' && value >= 0 && value <= 1 ? Math.round(value * 100) / 100 : 1;
}

/**
 * @param {Place} place
 * @param {import('../api/api_models.js').Model[]} models
 * @returns {string} the shortest search part that readPlace() reads as the same
 */
export function writePlace(place, models) {
  const query = new URLSearchParams();
  const model = models.find(({ id }) => id === place.model);
  query.set('model', place.model);
  if (place.classes.length < model.classes.length) {
    place.classes.forEach((name) => query.append('class', name));
  }
  for (const name of ['strength', 'truncation']) {
    if (place[name] !== 1) {
      query.set(name, place[name]);
    }
  }
  if (place.from !== '0') {
    query.set('from', place.from);
  }
  if (place.sample) {
    query.set('of', place.sample.className);
    query.set('seed', place.sample.seed);
    if (place.sample.view !== 'one') {
      query.set('view', place.sample.view);
      query.set('other', place.sample.other);
    }
  }
  return `?${query}`;
}

/**
 * What is drawn for a view: one sample, the two of a pair, or the steps of a morph from one class over the mean of all
 * classes to the other.
 * @param {Place} place with a sample
 * @returns {{className: string, strength: number}[]}
 */
export function framesOf({ strength, sample }) {
  const { className, other, view } = sample;
  if (view === 'one') {
    return [{ className, strength }];
  }
  if (view === 'pair') {
    return [{ className, strength }, { className: other, strength }];
  }
  return morphFrames(className, other, strength, MORPH_STEPS);
}
