import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confidenceOfRating, countsFor, curvePoints, sides, smallestSize } from '../../web/js/figures.js';
import { texts } from '../../web/js/texts.js';

test('confidence is the distance of a rating from the middle of the even scale', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(confidenceOfRating), [3, 2, 1, 1, 2, 3]);
});

test('the second choice is the positive one', () => {
  const deck = { choices: [{ id: 'no_fracture' }, { id: 'fracture' }] };
  assert.deepEqual([sides(deck).negative.id, sides(deck).positive.id], ['no_fracture', 'fracture']);
});

test('counts are of one truth only', () => {
  const items = [
    { truth: 'fracture', correct: true },
    { truth: 'fracture', correct: false },
    { truth: 'no_fracture', correct: true },
  ];
  assert.deepEqual(countsFor(items, 'fracture'), { right: 1, of: 2 });
  assert.deepEqual(countsFor(items, 'dislocation'), { right: 0, of: 0 });
});

test('the curve spans its box, full accuracy at the top', () => {
  const box = { left: 10, top: 20, width: 100, height: 50 };
  const curve = [{ accuracy: 1 }, { accuracy: 0.5 }, { accuracy: 0 }];
  assert.deepEqual(curvePoints(curve, box), [{ x: 10, y: 20 }, { x: 60, y: 45 }, { x: 110, y: 70 }]);
  assert.deepEqual(curvePoints([{ accuracy: 1 }], box), [{ x: 10, y: 20 }]);
});

test('a thumbnail takes the smallest size that is large enough', () => {
  assert.equal(smallestSize([1024, 256, 512], 200), 256);
  assert.equal(smallestSize([128], 200), null);
  assert.equal(smallestSize(undefined, 200), null);
});

test('every value of a figure has words, and a leaning names the answer', () => {
  for (const auc of [0, 0.39, 0.4, 0.5, 0.65, 0.75, 0.85, 1]) {
    assert.ok(texts.summary.aucWords(auc).length > 0);
  }
  assert.match(texts.summary.aucWords(0.2), /below chance/);
  assert.match(texts.summary.criterionWords(0.6, 'No fracture', 'Fracture'), /No fracture/);
  assert.match(texts.summary.criterionWords(-0.6, 'No fracture', 'Fracture'), /“Fracture”/);
  assert.match(texts.summary.criterionWords(0, 'No fracture', 'Fracture'), /no leaning/);
});
