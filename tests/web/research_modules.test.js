import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aligned, forestScale, risingRoc } from '../../web/js/researcher/chart_data.js';
import { blocksFromText, choicesFromLines, emptyStudy, gapsOf, testFlaw, toDefinition } from '../../web/js/researcher/study_plan.js';
import { nameFor } from '../../web/js/staff/name_for.js';
import { figure, meanText } from '../../web/js/researcher/figure_text.js';
import { participantsNeeded } from '../../web/js/researcher/sample_size.js';
import { stratumText } from '../../web/js/researcher/stratum.js';

test('a label becomes a name of a-z, 0-9 and hyphens that nobody else has', () => {
  assert.equal(nameFor('Größe & Übung: 2. Teil!'), 'grosse-ubung-2-teil');
  assert.equal(nameFor('Drawn', ['drawn']), 'drawn-2');
  assert.equal(nameFor('Drawn', ['drawn', 'drawn-2']), 'drawn-3');
  assert.equal(nameFor('放射線'), '');
  assert.ok(nameFor('x'.repeat(60), ['x'.repeat(48)]).length <= 48);
});

test('choices keep the names that they have, whatever is added, moved or reworded', () => {
  const before = [{ id: 'y', label: 'Yes' }, { id: 'n', label: 'No' }];
  assert.deepEqual(choicesFromLines('No\n\n Yes \nPerhaps', before), [{ id: 'n', label: 'No' }, { id: 'y', label: 'Yes' }, { id: 'perhaps', label: 'Perhaps' }]);
  assert.deepEqual(choicesFromLines('Yes, sure\nNo', before), [{ id: 'y', label: 'Yes, sure' }, { id: 'n', label: 'No' }]);
  assert.deepEqual(choicesFromLines('Yea', [{ id: 'ye', label: 'Ye' }]), [{ id: 'yea', label: 'Yea' }], 'a name made from the label follows it');
  assert.deepEqual(choicesFromLines('放\n射', []).map(({ id }) => id), ['choice-1', 'choice-2']);
});

const whole = () => ({
  ...emptyStudy(), id: 's', title: 'T', contact: 'C', consent: { text: 'Yes.' },
  arms: [{ id: 'a', label: 'A', deck: 'd', weight: 1 }, { id: 'b', label: 'B', deck: 'e', weight: 2 }], blocks: [3, 6],
  phases: [{ id: 'pre', kind: 'test', deck: 'x', opens_after_days: null, closes_after_days: null }, { id: 'train', kind: 'training', deck: 'left over', closes_after_days: 7 }],
  questions: [{ id: 'q', text: 'Q?', kind: 'text', choices: [{ id: 'left', label: 'over' }] }],
});

test('an empty study lacks much, each at its place; a whole one nothing', () => {
  assert.deepEqual(gapsOf(emptyStudy()).map(({ path }) => path), ['title', 'id', 'contact', 'consent.text', 'arms[0].label', 'arms[0].id', 'arms[0].deck',
    'arms[1].label', 'arms[1].id', 'arms[1].deck', 'phases[0].deck', 'phases[2].deck']);
  assert.deepEqual(gapsOf(whole()), []);
  assert.deepEqual(gapsOf({ ...whole(), blocks: blocksFromText('4, six') }), [{ path: 'blocks', gap: 'blocks' }]);
  assert.deepEqual(gapsOf({ ...whole(), consent: { text: 'We keep it [years] years.' } }), [{ path: 'consent.text', gap: 'brackets' }]);
});

test('what is sent has nothing left over from other kinds of phases and questions', () => {
  const { phases, questions, arms } = toDefinition(whole());
  assert.deepEqual(phases, [{ id: 'pre', kind: 'test', deck: 'x' }, { id: 'train', kind: 'training', closes_after_days: 7 }]);
  assert.deepEqual(questions, [{ id: 'q', text: 'Q?', kind: 'text' }]);
  assert.deepEqual(arms.map(({ weight }) => weight), [undefined, 2]);
});

test('decks that cannot be tests are told apart as the server does', () => {
  const sources = [{ kind: 'library' }];
  assert.equal(testFlaw({ sources, draw: { mode: 'fixed' } }), 'feedback');
  assert.equal(testFlaw({ feedback: 'none', sources: [...sources, { kind: 'gan' }], draw: { mode: 'fixed' } }), 'drawn');
  assert.equal(testFlaw({ feedback: 'none', sources, order: { rule: 'staircase' } }), 'stepwise');
  assert.equal(testFlaw({ feedback: 'none', sources }), 'varies');
  assert.equal(testFlaw({ feedback: 'none', sources, draw: { mode: 'fixed' } }), null);
  assert.equal(testFlaw({ feedback: 'none', sources: [{ kind: 'gan' }], list: [{ collection: 'hips', file: 'a.png' }] }), null);
});

test('curves share an axis, and a ROC curve never goes back on it', () => {
  assert.deepEqual(aligned([[{ x: 1, y: [1, 2] }], [{ x: 0, y: [5] }, { x: 1, y: [6] }]]), [[0, 1], [undefined, 1], [undefined, 2], [5, 6]]);
  const xs = risingRoc([{ false_alarms: 0, hits: 0 }, { false_alarms: 0, hits: 0.5 }, { false_alarms: 1, hits: 1 }]).map(({ x }) => x);
  assert.ok(xs[0] < xs[1] && xs[1] < 1e-6 && xs[2] === 1);
});

test('an interval is drawn around the middle, its margin within the picture', () => {
  const at = forestScale([{ value: -0.1, low: -0.2, high: 0.05 }], 0.4);
  assert.equal(at(0), 50);
  assert.ok(at(-0.4) > 0 && at(0.4) < 100 && at(-0.2) < 50);
});

test('figures have their unit, their digits and their sign', () => {
  assert.deepEqual([figure('auc', -0.2541), figure('auc', 0.5), figure('accuracy', -0.033), figure('criterion', -0.001), figure('median_response_ms', 5440)],
    ['−0.254', '0.500', '−3.3\u00a0%', '0.00', '5.4\u00a0s']);
  assert.equal(meanText('d_prime', { value: 1.2, low: -0.5, high: 2, gap: null }), '1.20 (−0.50 to 2.00)');
  assert.match(meanText('auc', { value: 0.9, low: null, high: null, gap: 'one_of_a_kind' }), /^0\.900 \(one participant/);
  assert.equal(meanText('auc', { value: null, low: null, high: null, gap: 'too_few' }), 'too few');
});

test('a stratum is told in the words of its choices', () => {
  const study = { strata: [{ choices: [{ id: 'y4', label: 'Fourth' }] }, { choices: [{ id: 'm', label: 'Munich' }] }] };
  assert.equal(stratumText('y4/m', study), 'Fourth, Munich');
  assert.equal(stratumText('', {}), '');
});

test('the people needed are those of the published arithmetic', () => {
  const analysed = (sd, margin) => participantsNeeded({ sd, margin, completion: 1 }).analysed;
  assert.deepEqual([analysed(5.5, 5), analysed(5.5, 3), analysed(8, 5), analysed(10, 5)], [19, 53, 41, 63]);
  assert.deepEqual(participantsNeeded({ sd: 8, margin: 5, completion: 0.5 }), { analysed: 41, enrolled: 82 });
  assert.equal(participantsNeeded({ sd: 8, margin: 0, completion: 0.5 }), null);
});
