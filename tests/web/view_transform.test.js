import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIT, ZOOM_MAX, dragFactor, limited, panned, scaleOf, wheelFactor, zoomedAbout } from '../../web/js/viewer/view_transform.js';

const image = { width: 1024, height: 1024 };
const frame = { width: 390, height: 390 };
const half = { width: 195, height: 390 }; // beside another one
const CENTRE = { x: 0, y: 0 };
const near = (a, b, where) => assert.ok(Math.abs(a - b) < 1e-9, `${where}: ${a} is not ${b}`);

/** The point of the image, from 0 to 1, under a point of the frame. */
function under(view, { x, y }, of = frame) {
  const scale = scaleOf(view, of, image);
  return { x: view.x + x / (scale * image.width), y: view.y + y / (scale * image.height) };
}

test('at zoom 1 the whole image just fits', () => {
  near(scaleOf(FIT, frame, image), 390 / 1024, 'square');
  near(scaleOf(FIT, half, image), 195 / 1024, 'half');
});

test('zooming keeps what is under the pointer, in and out, in any frame', () => {
  for (const of of [frame, half]) {
    const point = { x: 30, y: -20 };
    let view = zoomedAbout(FIT, 4, CENTRE, of, image);
    for (const factor of [1.25, 2, 0.8, 1.1]) {
      const before = under(view, point, of);
      view = zoomedAbout(view, factor, point, of, image);
      near(under(view, point, of).x, before.x, 'x');
      near(under(view, point, of).y, before.y, 'y');
    }
  }
});

test('zoom stays between the whole image and sixteen times', () => {
  assert.deepEqual(zoomedAbout(FIT, 0.1, { x: 100, y: 100 }, frame, image), FIT);
  assert.equal(zoomedAbout(FIT, 1e6, { x: 100, y: 100 }, frame, image).zoom, ZOOM_MAX);
});

test('the whole image cannot be panned, and a part cannot be panned beyond its edge', () => {
  assert.deepEqual(panned(FIT, 500, -500, frame, image), FIT);
  const corner = panned({ zoom: 2, x: 0.5, y: 0.5 }, 9999, 9999, frame, image);
  assert.deepEqual(corner, { zoom: 2, x: 0.25, y: 0.25 });
  assert.deepEqual(panned({ zoom: 2, x: 0.5, y: 0.5 }, -9999, -9999, frame, image), { zoom: 2, x: 0.75, y: 0.75 });
  near(under(corner, { x: -195, y: -195 }).x, 0, 'the left edge lies on the frame');
});

test('along a side that is smaller than the frame the image stays in the middle', () => {
  const view = panned({ zoom: 1.5, x: 0.5, y: 0.5 }, -20, -200, half, image);
  assert.ok(view.x > 0.5, 'it is wider than the frame');
  assert.equal(view.y, 0.5, 'but not as high');
});

test('the image follows the pointer pixel by pixel', () => {
  const view = { zoom: 3, x: 0.5, y: 0.5 };
  const grabbed = under(view, { x: 10, y: 10 });
  const after = under(panned(view, 7, -4, frame, image), { x: 17, y: 6 });
  near(after.x, grabbed.x, 'x');
  near(after.y, grabbed.y, 'y');
});

test('a view that no frame allows is brought back', () => {
  assert.deepEqual(limited({ zoom: 0.2, x: 7, y: -7 }, frame, image), FIT);
});

test('the wheel and a right drag enlarge and reduce evenly', () => {
  const turn = (deltaY, more = {}) => wheelFactor({ deltaY, deltaMode: 0, ctrlKey: false, ...more });
  assert.ok(turn(-100) > 1 && turn(100) < 1);
  near(turn(-100) * turn(100), 1, 'there and back');
  assert.ok(turn(-100000) < 1.5 && turn(100000) > 0.6, 'no turn goes far');
  near(turn(-3, { deltaMode: 1 }), turn(-120), 'lines');
  near(dragFactor(50, 400) * dragFactor(-50, 400), 1, 'drag there and back');
  assert.ok(dragFactor(50, 400) > 1, 'down enlarges');
});
