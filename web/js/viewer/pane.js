/**
 * One canvas at the device's resolution, and what is drawn on it.
 */

import { el } from '../dom.js';
import { covered, halved, mixed, resample, shade, tint } from './pixels.js';
import { limited, scaleOf } from './view_transform.js';

const BLACK = 0xff000000;
const TINT = [255, 150, 40];
const SIDE_MAX = 2048; // device pixels: beyond that nothing is seen that enlarging would not show

/**
 * @typedef {import('./grey_png.js').GreyImage} GreyImage
 * @typedef {object} Scene what a pane shows
 * @property {?GreyImage} image null: black
 * @property {?GreyImage} next mixed into the image, if any
 * @property {number} part 0 to 1, of the next one
 * @property {string} label read to those who cannot see the canvas
 * @property {string} caption shown in the corner, may be empty
 * @property {import('./view_transform.js').View} view
 * @property {Uint8Array} table of lookUpTable()
 * @property {?GreyImage} marks laid over the image
 * @property {number} opacity
 */

/**
 * @param {() => void} onResize the canvas has another size and is black: draw again at once
 * @returns {{root: HTMLElement, draw: (scene: Scene) => void, frame: () => {width: number, height: number},
 *   centre: () => {x: number, y: number}, close: () => void}} frame in CSS pixels, centre in those of the window
 */
export function createPane(onResize) {
  const canvas = el('canvas', { width: '1', height: '1' });
  const caption = el('p', { class: 'viewer-caption' });
  const root = el('div', { class: 'viewer-pane' }, canvas, caption);
  const context = canvas.getContext('2d', { alpha: false });
  const reduce = reducer();
  let output = null;
  let screen = null; // its pixels
  let planes = null; // the image and the marks, sampled for the screen
  let sampled = ''; // what the planes were sampled from

  const resized = (width, height) => {
    const shrink = Math.min(1, SIDE_MAX / Math.max(width, height, 1));
    canvas.width = Math.max(1, Math.round(width * shrink));
    canvas.height = Math.max(1, Math.round(height * shrink));
    output = context.createImageData(canvas.width, canvas.height);
    screen = new Uint32Array(output.data.buffer);
    planes = { image: new Uint8Array(screen.length), marks: null };
    sampled = '';
  };
  const observer = new ResizeObserver((entries) => {
    const [width, height] = deviceSize(entries[entries.length - 1]);
    if (width > 0 && (width !== canvas.width || height !== canvas.height)) {
      resized(width, height);
      onResize();
    }
  });
  resized(1, 1);
  try {
    observer.observe(canvas, { box: 'device-pixel-content-box' });
  } catch {
    observer.observe(canvas); // Safari: the size in CSS pixels, times the ratio
  }

  function place(image, view, frame) {
    const kept = limited(view, frame, image);
    const scale = scaleOf(kept, frame, image) * (canvas.width / frame.width);
    return { scale, left: canvas.width / 2 - kept.x * image.width * scale, top: canvas.height / 2 - kept.y * image.height * scale };
  }

  function sample({ image, next, part, marks, view }) {
    const at = place(image, view, measure());
    const key = [reduce.name(image), next && reduce.name(next), part, marks && reduce.name(marks), at.left, at.top, at.scale].join();
    const area = covered(at, image, canvas);
    if (key !== sampled) {
      screen.fill(BLACK);
      sampleInto(planes.image, reduce.of(image, next, part, at.scale), image, at, area);
      if (marks) {
        planes.marks ??= new Uint8Array(screen.length);
        sampleInto(planes.marks, reduce.of(marks, null, 0, at.scale * (image.width / marks.width)), image, at, area);
      }
      sampled = key;
    }
    return area;
  }

  /** For those who cannot see it; an empty canvas is nothing to tell of. */
  function name({ image, label }) {
    const said = image ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' };
    for (const attribute of ['role', 'aria-label', 'aria-hidden']) {
      if (attribute in said) {
        canvas.setAttribute(attribute, said[attribute]);
      } else {
        canvas.removeAttribute(attribute);
      }
    }
  }

  const measure = () => ({ width: canvas.clientWidth || 1, height: canvas.clientHeight || 1 });

  return {
    root,
    frame: measure,
    centre: () => {
      const box = canvas.getBoundingClientRect();
      return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    },

    draw(scene) {
      name(scene);
      caption.textContent = scene.caption;
      if (scene.image) {
        const area = sample(scene);
        shade(planes.image, area, scene.table, screen, canvas.width);
        if (scene.marks) {
          tint(planes.marks, area, scene.opacity, TINT, screen, canvas.width);
        }
      } else {
        screen.fill(BLACK);
        sampled = '';
      }
      context.putImageData(output, 0, 0);
    },

    close: () => observer.disconnect(),
  };
}

/** Marks and halves may have other sizes than the image: they lie on its place. */
function sampleInto(plane, source, image, at, area) {
  resample(source, { ...at, scale: at.scale * (image.width / source.width) }, area, plane);
}

/** Halved and mixed images, made when they are first needed. */
function reducer() {
  const halves = new WeakMap(); // image -> half of it
  const names = new WeakMap();
  let count = 0;
  let mix = { key: '', image: null };

  const name = (image) => {
    if (!names.has(image)) {
      count += 1;
      names.set(image, count);
    }
    return names.get(image);
  };
  const halfOf = (image) => {
    if (!halves.has(image)) {
      halves.set(image, halved(image));
    }
    return halves.get(image);
  };
  const levelOf = (image, scale) => {
    let level = image;
    for (let rest = scale; rest < 0.5 && level.width > 1 && level.height > 1; rest *= 2) {
      level = halfOf(level);
    }
    return level;
  };

  return {
    name,
    /** The image, mixed with the next one, at most twice as large as it is shown. */
    of(image, next, part, scale) {
      if (!next || part === 0) {
        return levelOf(image, scale);
      }
      const [first, second] = [levelOf(image, scale), levelOf(next, scale)];
      const key = [name(first), name(second), part].join();
      if (mix.key !== key) {
        mix = { key, image: mixed(first, second, part) };
      }
      return mix.image;
    },
  };
}

function deviceSize(entry) {
  const exact = entry.devicePixelContentBoxSize?.[0];
  const { width, height } = entry.contentRect;
  const near = [width, height].map((side) => Math.round(side * window.devicePixelRatio));
  // An emulated ratio (developer tools) is not in the exact size.
  return exact && Math.abs(exact.inlineSize - near[0]) <= 1 ? [exact.inlineSize, exact.blockSize] : near;
}
