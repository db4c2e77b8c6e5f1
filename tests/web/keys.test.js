import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceLetters, keyMeaning } from '../../web/js/drill/keys.js';

const choices = [{ label: 'No fracture' }, { label: 'Fracture' }];
const press = (key, more = {}) => keyMeaning({ key, code: '', repeat: false, ...more }, choices);

test('answers have the first letter of their label', () => {
  assert.deepEqual(choiceLetters(choices), ['n', 'f']);
});

test('letters are distinct and leave the image viewer its keys', () => {
  const letters = choiceLetters([{ label: 'Invisible' }, { label: 'Visible' }, { label: 'Vivid' }, { label: 'Hi' }, { label: '骨折' }]);
  assert.deepEqual(letters, ['n', 's', 'd', '', '']);
});

test('letters, also capital ones, and arrows choose', () => {
  assert.deepEqual(press('n'), { act: 'choose', index: 0 });
  assert.deepEqual(press('F'), { act: 'choose', index: 1 });
  assert.deepEqual(press('ArrowLeft'), { act: 'choose', index: 0 });
  assert.deepEqual(press('ArrowRight'), { act: 'choose', index: 1 });
});

test('arrows choose only between two answers', () => {
  assert.equal(keyMeaning({ key: 'ArrowLeft', code: 'ArrowLeft' }, [...choices, { label: 'Cannot tell' }]), null);
});

test('the digit keys rate, whatever the keyboard layout prints on them', () => {
  assert.deepEqual(press('2', { code: 'Digit2' }), { act: 'rate', confidence: 2 });
  assert.deepEqual(press('&', { code: 'Digit1' }), { act: 'rate', confidence: 1 });
  assert.deepEqual(press('3', { code: 'Numpad3' }), { act: 'rate', confidence: 3 });
  assert.equal(press('4', { code: 'Digit4' }), null);
  assert.equal(press('!', { code: 'Digit1', shiftKey: true }), null);
});

test('Enter and Space go on, the question mark lists the keys', () => {
  assert.deepEqual(press('Enter'), { act: 'next' });
  assert.deepEqual(press(' '), { act: 'next' });
  assert.deepEqual(press('?', { shiftKey: true, code: 'Minus' }), { act: 'help' });
});

test('held keys and browser shortcuts mean nothing', () => {
  assert.equal(press('f', { repeat: true }), null);
  assert.equal(press('f', { ctrlKey: true }), null);
  assert.equal(press('n', { metaKey: true }), null);
  assert.equal(press('ArrowLeft', { altKey: true }), null);
  assert.equal(press('Tab'), null);
});
