import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assignClass, countListed, entryOf, fromDefinition, imageKey, LIST_MAX, newDeck, ordersFor, sameDeck, sameForAll, toDefinition, toggleImage } from '../../web/js/educator/definition.js';
import { differences } from '../../web/js/educator/differences.js';

const hips = { id: 'hips', classes: ['no_fracture', 'neck', 'shaft'] };
const schema = JSON.parse(readFileSync(new URL('../../server/decks/deck.schema.json', import.meta.url)));

test('a new deck takes its classes, question and answers from the model, and nothing else has to be chosen', () => {
  const deck = { ...newDeck(hips), id: 'd', title: 'D' };
  const definition = toDefinition(deck);
  assert.deepEqual(definition.sources, [{ kind: 'gan', strength: 1, truncation: 1, model: 'hips', classes: { no: ['no_fracture'], yes: ['neck', 'shaft'] } }]);
  assert.deepEqual(definition.choices.map(({ label }) => label), ['No fracture', 'Fracture']);
  assert.deepEqual([definition.items, definition.prevalence, definition.feedback], [20, 0.5, 'truth']);
});

test('what the form makes has only fields that the schema knows', () => {
  const known = Object.keys(schema.properties);
  const ofSource = Object.keys(schema.properties.sources.items.properties);
  for (const change of [{}, { shows: 'list' }, { pairs: true }, { mastery: { correct: 1, of: 2, within_s: 0 } }, { description: 'x', exclude: [{ class: 'neck', seed: '1' }] }]) {
    const definition = toDefinition({ ...newDeck(hips), ...change });
    assert.deepEqual(Object.keys(definition).filter((name) => !known.includes(name)), []);
    assert.deepEqual(definition.sources.flatMap(Object.keys).filter((name) => !ofSource.includes(name)), []);
  }
});

test('what does not go with a list, pairs or a staircase is left out, and comes back with the drawing', () => {
  const deck = { ...newDeck(hips), prevalence: 0.2, exclude: [{ class: 'neck', seed: '7' }], mastery: { correct: 3, of: 4, within_s: 0 } };
  deck.shows = 'list';
  for (const name of ['prevalence', 'draw', 'exclude', 'items', 'pairs']) {
    assert.ok(!(name in toDefinition(deck)), name);
  }
  deck.order = { rule: 'adaptive' };
  assert.equal(toDefinition(deck).items, 20);
  deck.shows = 'drawn';
  assert.deepEqual([toDefinition(deck).prevalence, toDefinition(deck).exclude.length], [0.2, 1]);
  deck.order = { rule: 'staircase' };
  assert.deepEqual([toDefinition(deck).mastery, toDefinition(deck).sources[0].strength], [undefined, [1, 1]]);
  deck.pairs = true;
  assert.deepEqual([toDefinition(deck).prevalence, toDefinition(deck).order], [0.5, { rule: 'random' }]);
  assert.deepEqual(ordersFor({ shows: 'list', pairs: false })[0], 'given');
});

test('a definition comes back as it was, with shares, ranges, a collection and an order’s numbers', () => {
  const definition = {
    format: 2, id: 'x', title: 'X', question: 'Q?', choices: [{ id: 'a', label: 'A' }, { id: 'b', label: 'B' }], items: 8, prevalence: 0.25, draw: { mode: 'fixed', seed: '18446744073709551615' },
    sources: [{ kind: 'gan', strength: [0.2, 0.9], truncation: 0.5, model: 'hips', weight: 3, checked: true, classes: { no: ['no_fracture'], yes: { neck: 3, shaft: 1 } } },
      { kind: 'library', collection: 'c', split: 'test', model: 'hips', classes: { no: ['none'], yes: ['fracture'] } }],
    order: { rule: 'adaptive', D: 3 }, mastery: { correct: 3, of: 4, within_s: 5 }, rating: 'two_buttons', feedback: 'correct', time_limit_s: 20,
  };
  assert.deepEqual(toDefinition(fromDefinition(definition)), definition);
  assert.ok(sameDeck(fromDefinition(definition), fromDefinition(structuredClone(definition))));
});

test('a class stands for one answer, and keeps its share when it changes sides', () => {
  const source = { classes: { no: { a: 1 }, yes: { b: 3 } } };
  assignClass(source, 'b', 'no');
  assert.deepEqual(source.classes, { no: { a: 1, b: 3 }, yes: {} });
  assignClass(source, 'a', null);
  assert.deepEqual(source.classes, { no: { b: 3 }, yes: {} });
});

test('ticking puts an image in and takes it out, at most as many as the server takes', () => {
  const image = { class: 'neck', model: 'hips', seed: '5', strength: 0.5, image: '/x.png' };
  const { entries } = toggleImage([], entryOf(image, { strength: 0.5 }));
  assert.deepEqual(entries, [{ class: 'neck', model: 'hips', seed: '5', strength: 0.5 }]);
  assert.deepEqual(toggleImage(entries, entryOf(image)), { entries: [], there: false });
  const full = Array.from({ length: LIST_MAX }, (_, i) => ({ class: 'neck', model: 'hips', seed: String(i + 10) }));
  assert.deepEqual(toggleImage(full, entryOf(image)), { entries: full, there: false });
  assert.equal(imageKey({ class: 'a', collection: 'c', file: 'f.png' }), imageKey({ class: 'b', collection: 'c', file: 'f.png' }));
});

test('a list counts what stands for each answer', () => {
  const deck = { ...newDeck(hips), list: [{ class: 'neck', seed: '1' }, { class: 'no_fracture', seed: '1' }, { class: 'shaft', seed: '2' }] };
  assert.deepEqual(countListed(deck), { no: 1, yes: 2 });
});

test('everybody sees the same with a fixed seed or a list, unless the answers decide', () => {
  const deck = newDeck(hips);
  assert.deepEqual([deck, { ...deck, draw: { mode: 'fixed', seed: '1' } }, { ...deck, shows: 'list' }, { ...deck, shows: 'list', order: { rule: 'adaptive' } }].map(sameForAll), [false, true, true, false]);
});

test('differences are told in words, and formatting is none', () => {
  const before = toDefinition({ ...newDeck(hips), id: 'd', title: 'D' });
  assert.deepEqual(differences(before, { ...before, sources: [{ ...before.sources[0], strength: [1, 1], classes: { no: { no_fracture: 1 }, yes: { shaft: 1, neck: 1 } } }] }), []);
  const after = { ...before, items: 30, prevalence: 0.2, exclude: [{ class: 'neck', seed: '7' }], sources: [{ ...before.sources[0], strength: [0.4, 1] }] };
  assert.deepEqual(differences(before, after), [
    'Images: 20 → 30', 'Images that show the finding: 50\u00a0% → 20\u00a0%', 'Images, strength: 100\u00a0% → 40\u00a0% to 100\u00a0%', '1 more left out.']);
  assert.deepEqual(differences(after, { ...after, exclude: [] }), ['1 no longer left out.']);
  const listed = { ...before, list: [{ class: 'neck', seed: '1' }], order: { rule: 'given' } };
  delete listed.items;
  assert.ok(differences(before, listed).includes('Shows a list of chosen images now.'));
});
