import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confidenceOfRating, fittedCurve, longestRun, ownCutoff, place, sides, smallestSize } from '../../web/js/summary/figures.js';
import { summaryTexts } from '../../web/js/texts/summary_texts.js';

test('confidence is the distance of a rating from the middle of the even scale', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(confidenceOfRating), [3, 2, 1, 1, 2, 3]);
});

test('the second choice is the positive one', () => {
  const deck = { choices: [{ id: 'no_fracture' }, { id: 'fracture' }] };
  assert.deepEqual([sides(deck).negative.id, sides(deck).positive.id], ['no_fracture', 'fracture']);
});

test('a point of the unit square lies in its box, 1 at the top', () => {
  const box = { left: 10, top: 20, width: 100, height: 50 };
  assert.deepEqual([place(box, 0, 1), place(box, 0.5, 0.5), place(box, 1, 0)], [{ x: 10, y: 20 }, { x: 60, y: 45 }, { x: 110, y: 70 }]);
});

test('the own cutoff is the last that counts only yes answers, also where some ratings were never given', () => {
  const points = (...ratings) => [{ rating: null }, ...ratings.map((rating) => ({ rating }))];
  assert.equal(ownCutoff(points(6, 5, 4, 3, 2, 1)).rating, 4);
  assert.equal(ownCutoff(points(6, 2)).rating, 6);
  assert.equal(ownCutoff(points(3, 1)).rating, null);
});

test('the fitted curve goes from start towards its asymptote', () => {
  const curve = fittedCurve({ start: 0.5, asymptote: 0.9, rate: 1 }, 3);
  assert.deepEqual(curve.map(({ n }) => n), [1, 2, 3]);
  assert.equal(curve[0].accuracy, 0.5);
  assert.ok(Math.abs(curve[2].accuracy - (0.9 - 0.4 * Math.exp(-2))) < 1e-12);
});

test('a thumbnail takes the smallest size that is large enough', () => {
  assert.equal(smallestSize([1024, 256, 512], 200), 256);
  assert.equal(smallestSize([128], 200), null);
  assert.equal(smallestSize(undefined, 200), null);
});

test('every value of a figure has words, and what chance explains is not held against anybody', () => {
  const { aucWords, dPrimeWords } = summaryTexts;
  for (const value of [0, 0.39, 0.4, 0.5, 0.65, 0.75, 0.85, 1]) {
    assert.ok(aucWords({ value, high: null }).length > 0);
  }
  assert.match(aucWords({ value: 0.2, high: 0.45 }), /below chance/);
  assert.match(aucWords({ value: 0.2, high: 0.6 }), /close to chance/);
  assert.match(dPrimeWords({ value: -1, high: -0.1 }), /other way/);
  assert.match(dPrimeWords({ value: -1, high: 0.4 }), /no difference/);
  assert.equal(summaryTexts.decimal(-0.001), '0.00');
  const leaning = (value, low, high) => summaryTexts.criterionWords({ value, low, high }, 'No fracture', 'Fracture');
  assert.match(leaning(0.6, 0.1, 1.1), /“No fracture”/);
  assert.match(leaning(-0.6, -1.1, -0.1), /“Fracture”/);
  assert.match(leaning(0.6, -0.1, 1.3), /no leaning/);
});

test('the longest run of right answers is found wherever it lies', () => {
  const run = (text) => longestRun([...text].map((answer) => ({ correct: answer === 'r' })));
  assert.deepEqual(['', 'www', 'rrwr', 'wrrr', 'rwrrwr'].map(run), [0, 0, 2, 3, 2]);
});
