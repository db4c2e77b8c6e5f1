import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGestures } from '../../web/js/viewer/gestures.js';

const at = (x, y, more = {}) => ({ id: 1, type: 'mouse', button: 0, shift: false, x, y, time: 0, ...more });
const finger = (id, x, y, time = 0) => at(x, y, { id, type: 'touch', time });

test('left drag windows, middle drag pans, right drag zooms about where it began, Shift with left pans', () => {
  for (const [more, kind] of [[{}, 'window'], [{ button: 1 }, 'pan'], [{ button: 2 }, 'zoom'], [{ shift: true }, 'pan']]) {
    const gestures = createGestures();
    gestures.press(at(10, 10, more));
    const [first] = gestures.move(at(15, 12));
    const [second] = gestures.move(at(16, 12));
    assert.deepEqual([first.kind, first.dx, first.dy, first.by], [kind, 5, 2, 'mouse']);
    assert.deepEqual([second.dx, second.dy, second.about], [1, 0, { x: 10, y: 10 }]);
    assert.equal(first.gesture, second.gesture);
    assert.deepEqual(gestures.lift(at(16, 12)), []);
    assert.deepEqual(gestures.move(at(30, 30)), [], 'after the release');
  }
});

test('a fourth button means nothing', () => {
  const gestures = createGestures();
  gestures.press(at(0, 0, { button: 3 }));
  assert.deepEqual(gestures.move(at(50, 50)), []);
});

test('a tremble is no drag, more so for fingers', () => {
  const gestures = createGestures();
  gestures.press(finger(1, 0, 0));
  assert.deepEqual(gestures.move(finger(1, 5, 5)), []);
  const [intent] = gestures.move(finger(1, 9, 5));
  assert.deepEqual([intent.kind, intent.dx, intent.dy, intent.by], ['window', 9, 5, 'touch']);
});

test('a double tap or double click resets, in time and in place only', () => {
  const tap = (gestures, x, time, type = 'touch') => {
    gestures.press(at(x, 0, { type, time }));
    return gestures.lift(at(x, 0, { type, time: time + 50 })).map(({ kind }) => kind);
  };
  for (const type of ['touch', 'mouse', 'pen']) {
    const gestures = createGestures();
    assert.deepEqual([tap(gestures, 0, 0, type), tap(gestures, 10, 200, type), tap(gestures, 10, 300, type)], [[], ['reset'], []], 'a third tap is a first one');
  }
  const slow = createGestures();
  assert.deepEqual([tap(slow, 0, 0), tap(slow, 0, 600)], [[], []]);
  const far = createGestures();
  assert.deepEqual([tap(far, 0, 0), tap(far, 80, 200)], [[], []]);
  const dragged = createGestures();
  tap(dragged, 0, 0);
  dragged.press(finger(1, 0, 0, 100));
  dragged.move(finger(1, 60, 0, 150));
  dragged.lift(finger(1, 60, 0, 200));
  assert.deepEqual(tap(dragged, 0, 250), [], 'a drag lies between');
});

test('two fingers pan with their middle and zoom with their distance', () => {
  const gestures = createGestures();
  gestures.press(finger(1, 100, 100));
  gestures.press(finger(2, 200, 100));
  const [spread] = gestures.move(finger(2, 300, 100));
  assert.deepEqual([spread.kind, spread.factor, spread.dx, spread.dy, spread.about], ['pinch', 2, 50, 0, { x: 200, y: 100 }]);
  const [along] = gestures.move(finger(1, 100, 100));
  assert.deepEqual([along.factor, along.dx], [1, 0]);
});

test('a pinch says what it has done beyond a tremble, though browsers tell of the fingers in turn', () => {
  const glide = (steps, first, second) => {
    const gestures = createGestures();
    gestures.press(finger(1, 100, 100));
    gestures.press(finger(2, 200, 100));
    for (let i = 1; i <= steps; i++) {
      gestures.move(finger(1, 100 + (first[0] * i) / steps, 100 + (first[1] * i) / steps, i));
      gestures.move(finger(2, 200 + (second[0] * i) / steps, 100 + (second[1] * i) / steps, i));
    }
    return gestures.lift(finger(2, 0, 0))[0].sofar;
  };
  assert.deepEqual(glide(3, [1, 2], [-1, 0]), { panned: false, zoomed: false });
  assert.deepEqual(glide(3, [-60, 0], [60, 0]), { panned: false, zoomed: true });
  assert.deepEqual(glide(3, [60, 40], [60, 40]), { panned: true, zoomed: false });
  assert.deepEqual(glide(5, [0, 0], [120, 0]), { panned: true, zoomed: true });
});

test('a pinch that comes back has been one all the same', () => {
  const gestures = createGestures();
  gestures.press(finger(1, 100, 100));
  gestures.press(finger(2, 200, 100));
  [250, 300, 250, 200].forEach((x, time) => gestures.move(finger(2, x, 100, time)));
  assert.deepEqual(gestures.lift(finger(1, 100, 100))[0].sofar, { panned: true, zoomed: true });
});

test('a second finger ends a drag, and the finger that stays does nothing', () => {
  const gestures = createGestures();
  gestures.press(finger(1, 0, 0));
  const [drag] = gestures.move(finger(1, 40, 0));
  gestures.press(finger(2, 100, 0));
  const [pinch] = gestures.move(finger(2, 120, 0));
  assert.notEqual(pinch.gesture, drag.gesture, 'it counts as another action');
  assert.deepEqual(gestures.lift(finger(2, 120, 0)).map(({ kind, factor }) => [kind, factor]), [['pinch', 1]]);
  assert.deepEqual(gestures.move(finger(1, 90, 50)), []);
  assert.deepEqual(gestures.lift(finger(1, 90, 50)), []);
  gestures.press(finger(3, 0, 0));
  assert.equal(gestures.move(finger(3, 0, 40))[0].kind, 'window', 'a new touch works');
});

test('three fingers, and a pointer that the browser took away, mean nothing', () => {
  const gestures = createGestures();
  [1, 2, 3].forEach((id) => gestures.press(finger(id, id * 100, 0)));
  assert.deepEqual(gestures.move(finger(3, 400, 50)), []);
  gestures.lift(finger(3, 400, 50));
  assert.deepEqual(gestures.move(finger(2, 300, 0)), [], 'nor do the two that stay');
  gestures.press(finger(3, 400, 50));
  [1, 2, 3].forEach((id) => gestures.cancel(finger(id, 0, 0)));
  gestures.press(finger(1, 0, 0));
  gestures.cancel(finger(1, 0, 0));
  assert.deepEqual(gestures.move(finger(1, 90, 0)), []);
  gestures.press(finger(1, 0, 0));
  assert.equal(gestures.move(finger(1, 90, 0)).length, 1);
});
