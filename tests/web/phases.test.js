import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPhase, phaseNames } from '../../web/js/study/phases.js';

const names = { test: 'Test', training: 'Training' };

test('parts are numbered where there are several of a kind, and not named as researchers name them', () => {
  const phases = [{ id: 'pre', kind: 'test' }, { id: 'gan', kind: 'training' }, { id: 'post', kind: 'test' }];
  assert.deepEqual(phaseNames(phases, names), ['Test 1', 'Training', 'Test 2']);
});

test('the part that can be worked on is the open one, if any is', () => {
  const open = { id: 'b', state: 'open' };
  assert.equal(openPhase({ phases: [{ id: 'a', state: 'missed' }, open, { id: 'c', state: 'later' }] }), open);
  assert.equal(openPhase({ phases: [{ id: 'a', state: 'waits' }] }), null);
});
