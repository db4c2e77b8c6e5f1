/**
 * What is said of a deck's images.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provenanceTexts } from '../../web/js/texts/site_texts.js';

const { deck, short } = provenanceTexts;
const model = { name: 'm', training_data: 'real' };

test('drawn images are called synthetic, with the model and the data it was trained on', () => {
  assert.equal(short('drawn', model), 'Synthetic image by m, trained on real radiographs. Not for diagnosis.');
  assert.match(deck('drawn', model), /^Synthetic .* trained on real radiographs – not for diagnosis/);
});

test('images of a collection are not called synthetic', () => {
  for (const words of [short('collection', model), deck('collection', model)]) {
    assert.doesNotMatch(words, /synthetic/i);
    assert.match(words, /collection.*not for diagnosis/i);
  }
});

test('a deck of both does not say which image is which', () => {
  for (const words of [short('both', model), deck('both', model)]) {
    assert.match(words, /collection.* synthetic .*trained on real radiographs.*not for diagnosis/i);
  }
});

test('nothing is said of the training data of a model that is not known', () => {
  for (const words of [short('drawn', null), deck('drawn', null), deck('both', null)]) {
    assert.doesNotMatch(words, /trained/);
    assert.match(words, /not for diagnosis/i);
  }
});
