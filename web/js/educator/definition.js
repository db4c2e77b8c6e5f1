/**
 * A deck while it is edited: everything that the form has, also what the way the deck is set just now does not use; and
 * the definition that the server takes. Pure.
 */

import { teachTexts } from '../texts/teach_texts.js';

/**
 * @typedef {[number, number]} Range the smaller first
 * @typedef {object} Source
 * @property {'gan'|'library'} kind
 * @property {string} model
 * @property {string} [collection]
 * @property {?('train'|'test')} [split]
 * @property {number} weight
 * @property {Range} strength
 * @property {Range} truncation
 * @property {boolean} [checked] of the model's list of checked images alone
 * @property {{no: Object<string, number>, yes: Object<string, number>}} classes what stands for each choice, with its share
 * @typedef {object} Deck
 * @property {'drawn'|'list'} shows
 * @property {object[]} list
 * @property {object[]} exclude
 * @property {{mode: 'fresh'}|{mode: 'fixed', seed: string}} draw
 * @property {?{correct: number, of: number, within_s: number}} mastery
 * @property {Source[]} sources and the other fields of deck.schema.json, all of them there
 */

const FORMAT = 2;
export const LIST_MAX = 200;
const EVERYTHING = 1;
const NOTHING_TO_FIND = /^(no|non|not|normal|negative|healthy|without)(?![a-z])/i;

/** @returns {Deck} ready to be saved as it is, but for its title; null model: the form says what is missing */
export function newDeck(model) {
  const source = ganSource(model);
  const t = teachTexts.fresh;
  const finding = findingOf(source.classes) ?? t.finding;
  return fromDefinition({
    id: '',
    title: '',
    question: t.question(finding),
    choices: [{ id: 'no', label: t.no(finding) }, { id: 'yes', label: t.yes(finding) }],
    sources: [source],
    items: 20,
    prevalence: 0.5,
  });
}

/** What is looked for, from the names of the classes: no_fracture and neck are about a fracture. @returns {?string} */
function findingOf({ no, yes }) {
  const named = Object.keys(no).map((name) => /^no[_ -](.+)$/i.exec(name)?.[1]).find(Boolean);
  const only = Object.keys(yes).length === 1 ? Object.keys(yes)[0] : null;
  return (named ?? only)?.replaceAll('_', ' ') ?? null;
}

/** @param {?import('../api/api_models.js').Model} model @returns {Source} with its classes guessed from their names */
export function ganSource(model) {
  return { kind: 'gan', model: model?.id ?? '', weight: 1, strength: [1, 1], truncation: [1, 1], classes: guessClasses(model?.classes ?? []) };
}

/** @returns {Source} of a collection, shown in the size of the model's images */
export function librarySource(collection, model) {
  const names = Object.entries(collection.classes).filter(([, { train }]) => train > 0).map(([name]) => name);
  return { ...ganSource(model), kind: 'library', collection: collection.name, split: null, classes: guessClasses(names.length > 0 ? names : Object.keys(collection.classes)) };
}

function guessClasses(names) {
  const no = names.find((name) => NOTHING_TO_FIND.test(name)) ?? names[0];
  const shares = (of) => Object.fromEntries(of.map((name) => [name, EVERYTHING]));
  return { no: shares(names.filter((name) => name === no)), yes: shares(names.filter((name) => name !== no).slice(0, 8)) };
}

/**
 * @param {object} definition of format 2; what is missing takes the schema's default
 * @returns {Deck}
 */
export function fromDefinition(definition) {
  const list = definition.list ?? [];
  return {
    id: definition.id ?? '',
    title: definition.title ?? '',
    description: definition.description ?? '',
    question: definition.question ?? '',
    choices: [0, 1].map((i) => ({ id: ['no', 'yes'][i], label: '', ...definition.choices?.[i] })),
    items: definition.items ?? (list.length || 20),
    prevalence: definition.prevalence ?? 0.5,
    sources: (definition.sources ?? []).map(fromSource),
    shows: definition.list ? 'list' : 'drawn',
    list,
    exclude: definition.exclude ?? [],
    draw: definition.draw ?? { mode: 'fresh' },
    pairs: definition.pairs ?? false,
    order: definition.order ?? { rule: 'random' },
    mastery: definition.mastery ?? null,
    rating: definition.rating ?? 'confidence',
    feedback: definition.feedback ?? 'truth',
    time_limit_s: definition.time_limit_s ?? 0,
  };
}

function fromSource({ weight = 1, strength = 1, truncation = 1, classes = {}, ...source }) {
  const shares = (of) => (Array.isArray(of) ? Object.fromEntries(of.map((name) => [name, EVERYTHING])) : of ?? {});
  return {
    ...source, weight, strength: [strength].flat().length === 2 ? strength : [strength, strength].flat().slice(0, 2),
    truncation: [truncation].flat().length === 2 ? truncation : [truncation, truncation].flat().slice(0, 2),
    classes: { no: shares(classes.no), yes: shares(classes.yes) },
  };
}

/** Whether the answers decide what comes next. */
export const followsAnswers = ({ order }) => ['adaptive', 'staircase'].includes(order.rule);

/** The orders that go with how the deck is set otherwise. @returns {string[]} */
export function ordersFor({ shows, pairs }) {
  if (shows === 'list') return ['given', 'random', 'easy_first', 'adaptive'];
  return pairs ? ['random'] : ['random', 'easy_first', 'adaptive', 'staircase'];
}

/** Whether everybody is shown the same images. */
export const sameForAll = (deck) => !followsAnswers(deck) && (deck.shows === 'list' || deck.draw.mode === 'fixed');

/**
 * What the server takes: without what does not go with how the deck is set, and without what goes without saying.
 * @param {Deck} deck
 */
export function toDefinition(deck) {
  const listed = deck.shows === 'list';
  const rule = ordersFor(deck).includes(deck.order.rule) ? deck.order.rule : ordersFor(deck)[0];
  const staircase = rule === 'staircase';
  return {
    format: FORMAT,
    id: deck.id,
    title: deck.title.trim(),
    ...(deck.description.trim() ? { description: deck.description.trim() } : {}),
    question: deck.question.trim(),
    choices: deck.choices.map(({ id, label }) => ({ id, label: label.trim() })),
    ...(listed && rule !== 'adaptive' ? {} : { items: deck.items }),
    ...(listed ? { list: deck.list } : {
      prevalence: deck.pairs ? 0.5 : deck.prevalence,
      draw: deck.draw,
      ...(deck.pairs ? { pairs: true } : {}),
      ...(deck.exclude.length > 0 ? { exclude: deck.exclude } : {}),
    }),
    sources: deck.sources.map((source) => toSource(source, staircase, deck.sources.length > 1)),
    order: deck.order.rule === rule ? deck.order : { rule },
    ...(deck.mastery && !staircase ? { mastery: deck.mastery } : {}),
    rating: deck.rating,
    feedback: deck.feedback,
    time_limit_s: deck.time_limit_s,
  };
}

function toSource({ kind, model, collection, split, checked, weight, strength, truncation, classes }, staircase, several) {
  const range = ([low, high]) => (low === high && !staircase ? low : [low, high]);
  const shares = (of) => (new Set(Object.values(of)).size === 1 ? Object.keys(of) : of);
  return {
    kind,
    ...(kind === 'library' ? { collection, ...(split ? { split } : {}) } : { strength: range(strength), truncation: truncation[0] === truncation[1] ? truncation[0] : truncation }),
    ...(checked ? { checked } : {}),
    model,
    ...(several && weight !== 1 ? { weight } : {}),
    classes: { no: shares(classes.no), yes: shares(classes.yes) },
  };
}

/** Whether two decks say the same to the server. @param {Deck} a @param {Deck} b */
export const sameDeck = (a, b) => JSON.stringify(toDefinition(a)) === JSON.stringify(toDefinition(b));

/**
 * Which class stands for which choice.
 * @param {Source} source @param {string} name @param {?('no'|'yes')} choice null: it is not shown
 */
export function assignClass(source, name, choice) {
  const share = source.classes.no[name] ?? source.classes.yes[name] ?? EVERYTHING;
  delete source.classes.no[name];
  delete source.classes.yes[name];
  if (choice) {
    source.classes[choice][name] = share;
  }
}

/**
 * What an image is called in a list or an exclusion; by it two of them are the same.
 * @param {{class: string, model?: string, seed?: ?string, collection?: ?string, file?: ?string, strength?: ?number, truncation?: ?number}} image
 */
export function imageKey(image) {
  return image.collection ? `${image.collection}/${image.file}` : `${image.model ?? ''}/${image.class}/${image.seed}`;
}

/** @returns {object} an entry of `exclude`, or with how it is drawn one of `list` */
export function entryOf(image, how = {}) {
  return image.collection
    ? { class: image.class, collection: image.collection, file: image.file }
    : { class: image.class, model: image.model, seed: image.seed, ...how };
}

/**
 * Ticks or unticks an image.
 * @param {object[]} entries
 * @param {object} entry
 * @returns {{entries: object[], there: boolean}} there: it is among them now; unchanged when they are full
 */
export function toggleImage(entries, entry) {
  const key = imageKey(entry);
  const without = entries.filter((other) => imageKey(other) !== key);
  if (without.length < entries.length) return { entries: without, there: false };
  return entries.length < LIST_MAX ? { entries: [...entries, entry], there: true } : { entries, there: false };
}

/** How many of a list stand for each choice. @returns {{no: number, yes: number}} */
export function countListed({ list, sources }) {
  const yes = list.filter((entry) => sources.some((source) => entry.class in source.classes.yes)).length;
  return { no: list.length - yes, yes };
}
