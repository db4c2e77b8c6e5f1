import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerKept, answerSaved, choiceLabel, choose, firstUnanswered, imageShown, isLast, nextItem, openDrill, rate, timeUp, troubled,
} from '../../web/js/drill/state.js';

const deck = {
  items: 3,
  choices: [{ id: 'no_fracture', label: 'No fracture' }, { id: 'fracture', label: 'Fracture' }],
};
const right = { truth: 'fracture', correct: true };

/** A drill whose current item is answered and confirmed. */
function answered(state, feedback = right) {
  return answerSaved(saving(state), state.n, feedback);
}

function saving(state) {
  return rate(choose(imageShown(state), 'fracture', 900), 2);
}

test('an item goes from waiting through viewing, rating and saving to feedback', () => {
  let state = openDrill(deck, []);
  assert.equal(state.phase, 'waiting');
  state = imageShown(state);
  assert.equal(state.phase, 'viewing');
  state = choose(state, 'fracture', 1234.5);
  assert.deepEqual([state.phase, state.choice, state.responseMs], ['rating', 'fracture', 1234.5]);
  state = rate(state, 3);
  assert.deepEqual([state.phase, state.confidence], ['saving', 3]);
  state = answerSaved(state, 1, right);
  assert.deepEqual([state.phase, state.feedback, state.answered], ['feedback', right, [1]]);
});

test('the next item begins with nothing of the last one', () => {
  const state = nextItem(answered(openDrill(deck, [])));
  assert.deepEqual([state.n, state.phase, state.choice, state.confidence, state.responseMs, state.feedback],
    [2, 'waiting', null, null, null, null]);
});

test('a choice may be changed until confidence is given, and its time is the last one', () => {
  const rating = choose(choose(imageShown(openDrill(deck, [])), 'fracture', 500), 'no_fracture', 800);
  assert.deepEqual([rating.choice, rating.responseMs], ['no_fracture', 800]);
  const saving = rate(rating, 1);
  assert.equal(choose(saving, 'fracture', 900), saving);
});

test('what does not fit the phase changes nothing', () => {
  const waiting = openDrill(deck, []);
  assert.equal(choose(waiting, 'fracture', 1), waiting, 'no answer before the image');
  assert.equal(rate(waiting, 1), waiting);
  const viewing = imageShown(waiting);
  assert.equal(rate(viewing, 2), viewing, 'no confidence before the choice');
  assert.equal(nextItem(viewing), viewing, 'no next before the answer');
  assert.equal(choose(viewing, 'dislocation', 1), viewing, 'no answer that is not offered');
  const rating = choose(viewing, 'fracture', 1);
  assert.equal(rate(rating, 4), rating, 'no confidence that is not offered');
  const saving = rate(rating, 1);
  assert.equal(rate(saving, 2), saving, 'a double click sends once');
  assert.equal(nextItem(saving), saving, 'no next before the server has the answer');
});

test('a deck without feedback goes straight to the next item', () => {
  const state = answered(openDrill(deck, []), null);
  assert.deepEqual([state.n, state.phase, state.feedback], [2, 'waiting', null]);
});

test('a drill resumes at the first item without an answer and ends after the last', () => {
  assert.equal(openDrill(deck, [2, 1]).n, 3);
  assert.equal(openDrill(deck, [1, 3]).n, 2);
  assert.equal(openDrill(deck, [1, 2, 3]).phase, 'finished');
  assert.equal(nextItem(answered(openDrill(deck, [1, 2]))).phase, 'finished');
  assert.equal(firstUnanswered(2, [1, 2]), null);
});

test('the last item is known before and after its answer', () => {
  assert.equal(isLast(openDrill(deck, [1])), false);
  assert.equal(isLast(openDrill(deck, [1, 2])), true);
  assert.equal(isLast(answered(openDrill(deck, [1, 2]))), true);
  assert.equal(isLast(answered(openDrill(deck, [1]))), false);
});

test('trouble is forgotten once the image or the confirmation arrives', () => {
  const error = new Error('offline');
  assert.equal(imageShown(troubled(openDrill(deck, []), error)).trouble, null);
  const waiting = saving(openDrill(deck, []));
  assert.equal(troubled(waiting, error).phase, 'saving');
  assert.equal(answerSaved(troubled(waiting, error), 1, right).trouble, null);
});

test('updates leave the old state as it was', () => {
  const state = Object.freeze(openDrill(deck, Object.freeze([1])));
  const next = answered(state);
  assert.deepEqual(state.answered, [1]);
  assert.deepEqual(next.answered, [1, 2]);
});

test('an unknown choice is shown by its id', () => {
  assert.equal(choiceLabel(deck, 'fracture'), 'Fracture');
  assert.equal(choiceLabel(deck, 'other'), 'other');
});

test('with two buttons the first choice is the answer', () => {
  const two = { ...deck, rating: 'two_buttons' };
  const saving = choose(imageShown(openDrill(two, [])), 'fracture', 700);
  assert.deepEqual([saving.phase, saving.choice, saving.confidence], ['saving', 'fracture', null]);
  assert.equal(choose(saving, 'no_fracture', 800), saving);
  assert.deepEqual(answerSaved(saving, 1, { truth: null, correct: true }).phase, 'feedback');
});

test('when the time to look is over the image is covered, and the answer still counts', () => {
  const viewing = imageShown(openDrill(deck, []));
  const over = timeUp(viewing);
  assert.deepEqual([over.phase, over.expired], ['viewing', true]);
  const rating = choose(over, 'fracture', 5000);
  assert.deepEqual([rating.phase, rating.expired], ['rating', true]);
  assert.equal(nextItem(answerSaved(rate(rating, 1), 1, right)).expired, false, 'the next image is not covered');
  const waiting = openDrill(deck, []);
  assert.equal(timeUp(waiting), waiting, 'no time runs before the image');
});

test('an answer that cannot be sent is kept, one goes on, and its feedback comes at the next stop', () => {
  const kept = answerKept(saving(openDrill(deck, [])));
  assert.deepEqual([kept.phase, kept.answered, kept.unsent], ['kept', [1], [1]]);
  const second = saving(nextItem(kept));
  assert.equal(second.n, 2);
  const wrong = { truth: 'no_fracture', correct: false };
  const late = answerSaved(second, 1, wrong);
  assert.deepEqual([late.phase, late.n, late.unsent, late.late], ['saving', 2, [], [{ item: 1, feedback: wrong }]]);
  const told = answerSaved(late, 2, right);
  assert.deepEqual([told.phase, told.late.length], ['feedback', 1]);
  assert.deepEqual(nextItem(told).late, [], 'told once');
});

test('a kept answer is told about as any other when the connection comes back in time', () => {
  const told = answerSaved(answerKept(saving(openDrill(deck, []))), 1, right);
  assert.deepEqual([told.phase, told.unsent, told.answered], ['feedback', [], [1]]);
});

test('nobody leaves the last item before the server has its answer', () => {
  const kept = answerKept(saving(openDrill(deck, [1, 2])));
  assert.equal(nextItem(kept), kept);
  const silent = answerKept(saving(openDrill({ ...deck, feedback: 'none' }, [1, 2])));
  assert.equal(silent.phase, 'kept');
  assert.equal(answerSaved(silent, 3, null).phase, 'finished');
});

test('without feedback a kept answer does not stop anybody', () => {
  const next = answerKept(saving(openDrill({ ...deck, feedback: 'none' }, [])));
  assert.deepEqual([next.phase, next.n, next.unsent], ['waiting', 2, [1]]);
  assert.deepEqual(answerSaved(next, 1, null).unsent, []);
});

test('an answer is told about once, and one that nobody gave not at all', () => {
  const told = answered(openDrill(deck, []));
  assert.equal(answerSaved(told, 1, right), told);
  assert.equal(answerSaved(told, 3, right), told);
});

test('right answers in a row are counted, also those told late', () => {
  const one = nextItem(answered(openDrill(deck, [])));
  assert.equal(answered(one).streak, 2);
  assert.equal(answered(one, { truth: 'no_fracture', correct: false }).streak, 0);
  const later = nextItem(answerKept(saving(one)));
  assert.equal(answerSaved(later, 2, right).streak, 2);
});

test('a drill whose deck is mastered ends early', () => {
  const progress = { answered: 1, finished: true, mastery_hits: 1 };
  const told = answerSaved(saving(openDrill(deck, [])), 1, right, progress);
  assert.deepEqual([told.masteryHits, isLast(told), nextItem(told).phase], [1, true, 'finished']);
});

test('how far one is towards mastery is not known before the server tells it', () => {
  assert.equal(openDrill(deck, []).masteryHits, 0);
  assert.equal(openDrill(deck, [1]).masteryHits, null);
  const told = answerSaved(saving(openDrill(deck, [1])), 2, right, { answered: 2, finished: false, mastery_hits: 2 });
  assert.deepEqual([told.masteryHits, told.of], [2, 3]);
});
