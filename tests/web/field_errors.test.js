import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enclosing, fieldError } from '../../web/js/staff/field_errors.js';

test('a refusal names its field, and the rest of it is a sentence', () => {
  assert.deepEqual(fieldError('study.arms[1].deck: there is no deck "x".', 'study'), { path: 'arms[1].deck', text: 'There is no deck "x".' });
  assert.deepEqual(fieldError('study: must be an object.', 'study'), { path: '', text: 'Must be an object.' });
  assert.deepEqual(fieldError('2 of the tests\' images have been shown.', 'study'), { path: '', text: '2 of the tests\' images have been shown.' });
});

test('a field that a form lacks is looked for in what it is in', () => {
  assert.deepEqual(enclosing('strata[0].choices[1].label'), ['strata[0].choices[1].label', 'strata[0].choices[1]', 'strata[0].choices', 'strata[0]', 'strata']);
  assert.deepEqual(enclosing('title'), ['title']);
  assert.deepEqual(enclosing(''), []);
});
