import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerSaved, choiceLabel, choose, firstUnanswered, imageShown, isLast, nextItem, openDrill, rate, timeUp, troubled,
} from '../../web/js/drill/state.js';

const deck = {
  items: 3,
  choices: [{ id: 'no_fracture', label: 'No fracture' }, { id: 'fracture', label: 'Fracture' }],
};
const right = { truth: 'fracture', correct: true };

/** A drill whose current item is answered and confirmed. */
function answered(state, feedback = right) {
  return answerSaved(rate(choose(imageShown(state), 'fracture', 900), 2), feedback);
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
  state = answerSaved(state, right);
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
  const saving = rate(choose(imageShown(openDrill(deck, [])), 'fracture', 1), 1);
  assert.equal(troubled(saving, error).phase, 'saving');
  assert.equal(answerSaved(troubled(saving, error), right).trouble, null);
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
  assert.deepEqual(answerSaved(saving, { truth: null, correct: true }).phase, 'feedback');
});

test('when the time to look is over the image is covered, and the answer still counts', () => {
  const viewing = imageShown(openDrill(deck, []));
  const over = timeUp(viewing);
  assert.deepEqual([over.phase, over.expired], ['viewing', true]);
  const rating = choose(over, 'fracture', 5000);
  assert.deepEqual([rating.phase, rating.expired], ['rating', true]);
  assert.equal(nextItem(answerSaved(rate(rating, 1), right)).expired, false, 'the next image is not covered');
  const waiting = openDrill(deck, []);
  assert.equal(timeUp(waiting), waiting, 'no time runs before the image');
});
