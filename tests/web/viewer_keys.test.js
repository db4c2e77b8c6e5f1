import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyMeaning } from '../../web/js/drill/keys.js';
import { viewerKey } from '../../web/js/viewer/viewer_keys.js';

const press = (key, more = {}, focused = false) => viewerKey({ key, code: '', ...more }, focused);

test('single keys zoom, fit, invert, reset and choose presets on any layout', () => {
  assert.deepEqual(press('+'), { act: 'zoom', steps: 1 });
  assert.deepEqual(press('-'), { act: 'zoom', steps: -1 });
  assert.deepEqual(press('='), { act: 'fit' });
  assert.deepEqual(press('i'), { act: 'invert' });
  assert.deepEqual(press('0'), { act: 'reset' });
  assert.deepEqual(press('!', { code: 'Digit1', shiftKey: true }), { act: 'preset', name: 'full' });
  assert.deepEqual(press('"', { code: 'Digit2', shiftKey: true }), { act: 'preset', name: 'bone' });
  assert.deepEqual(press('§', { code: 'Digit3', shiftKey: true }), { act: 'preset', name: 'soft' });
});

test('a key held down does not make the image flash', () => {
  for (const key of ['i', 'I', '=', '0', '?']) {
    assert.equal(press(key, { repeat: true }), null, key);
  }
  assert.deepEqual(press('+', { repeat: true }), { act: 'zoom', steps: 1 });
  assert.deepEqual(press('ArrowLeft', { repeat: true }, true), { act: 'window', x: -1, y: 0 });
});

test('arrows belong to the image only while it has the focus', () => {
  assert.equal(press('ArrowLeft'), null);
  assert.deepEqual(press('ArrowLeft', {}, true), { act: 'window', x: -1, y: 0 });
  assert.deepEqual(press('ArrowDown', { shiftKey: true }, true), { act: 'pan', x: 0, y: 1 });
});

test('keys with Ctrl, Alt or Meta are the browser\'s', () => {
  for (const held of ['ctrlKey', 'altKey', 'metaKey']) {
    assert.equal(press('+', { [held]: true }), null);
    assert.equal(press('ArrowLeft', { [held]: true }, true), null);
  }
});

test('no key but help is also a drill\'s, whatever its answers are called', () => {
  const keys = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-=?[]. '].map((key) => ({ key, code: '' }));
  const digits = [1, 2, 3].flatMap((n) => [false, true].map((shiftKey) => ({ key: String(n), code: `Digit${n}`, shiftKey })));
  const named = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Enter', 'Escape'].map((key) => ({ key, code: key }));
  for (const labels of [['No fracture', 'Fracture'], ['Intact', 'Impacted'], ['Invisible', 'I', 'Visible'], ['0', '+']]) {
    const choices = labels.map((label) => ({ label }));
    const both = [...keys, ...digits, ...named].filter((event) => viewerKey(event, false) && keyMeaning(event, choices));
    assert.deepEqual(both.map(({ key }) => key), ['?'], labels.join());
  }
});
