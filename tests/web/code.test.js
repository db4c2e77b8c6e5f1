import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalCode } from '../../web/js/view_code.js';

test('a code is read as people type it', () => {
  for (const typed of ['BCDF-GHJK-LMNP-QRST', 'bcdf ghjk lmnp qrst', ' bcdfghjklmnpqrst\n', 'BCDF\u2013GHJK\u2013LMNP\u2013QRST']) {
    assert.equal(canonicalCode(typed), 'BCDF-GHJK-LMNP-QRST');
  }
});

test('what cannot be a code is told from one', () => {
  for (const typed of ['', 'BCDF-GHJK-LMNP', 'BCDF-GHJK-LMNP-QRSA', 'BCDF-GHJK-LMNP-QRS0', 'BCDF-GHJK-LMNP-QRSTB', 'é'.repeat(16)]) {
    assert.equal(canonicalCode(typed), null);
  }
});
