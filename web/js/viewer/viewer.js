/**
 * The image viewer: one component for drills, atlas, comparisons and previews.
 *
 *   const viewer = createViewer({ shortcuts: shortcutsOn });
 *   place.append(viewer.root);                       // as wide as its place, the image square; css/viewer.css
 *   viewer.setImage(await readGreyPng(blob), 'Hip radiograph, item 3 of 10');   // drawn when this returns
 *   ... viewer.report(onset) ...                     // viewer_actions, wl_centre, wl_width, zoom_max of an answer
 *   viewer.close();
 *
 * Images are GreyImages (grey_png.js): {width, height, grey}. They are borrowed while they are shown and must not be
 * changed meanwhile. Images shown together have one size; marks of an overlay may have another.
 *
 * After the answer, or where the truth is no secret:
 *   viewer.setFrames([{ image, label }, ...], modes)  // a pair, or steps of a morph from the first to the last; modes
 *                                                    // that are offered, the first at once: all when left out
 *   viewer.compare('morph' | 'blink' | 'side')       // how they are shown; the user can change it
 *   viewer.setOverlay(marks, 'Where the fracture is')  // 0 leaves a pixel alone; null takes it away
 *   viewer.extras                                    // the controls of frames and overlay, empty without them; the
 *                                                    // host places this element where it has room
 *
 * A new image or new frames start from the whole image in its full range, without overlay, and from an empty log.
 * Keys: viewer_keys.js; gestures: gestures.js. Nothing is measured in millimetres: a sample has no pixel spacing.
 */

import { el } from '../dom.js';
import { brighterDown, setBrighterDown } from '../store.js';
import { viewerTexts } from '../texts/viewer_texts.js';
import { createActionLog } from './action_log.js';
import { createPane } from './pane.js';
import { MODES, extrasView } from './view_extras.js';
import { toolsView } from './view_tools.js';
import { helpDialog } from './view_viewer_help.js';
import { FIT, limited, panned, zoomedAbout } from './view_transform.js';
import { bindInput } from './viewer_input.js';
import { FULL, PRESETS, dragged, limitedWindow, lookUpTable } from './window_level.js';

/** Two changes a second: below the three flashes a second of WCAG 2.3.1. */
const BLINK_MS = 500;
const OPACITY = 0.6;

/**
 * @param {object} options
 * @param {() => boolean} options.shortcuts whether single keys work without the focus on the image; asked at each press
 * @param {boolean} [options.help] false: the host shows viewerHelp() in a dialog of its own, and has the ? key
 * @returns {{root: HTMLElement, stage: HTMLElement, extras: HTMLElement,
 *   setImage: (image: ?import('./grey_png.js').GreyImage, label: string) => void,
 *   setFrames: (frames: {image: import('./grey_png.js').GreyImage, label: string}[], modes?: ('morph'|'blink'|'side')[]) => void,
 *   setOverlay: (marks: ?import('./grey_png.js').GreyImage, label?: string) => void,
 *   compare: (mode: 'morph'|'blink'|'side') => void,
 *   setCovered: (on: boolean) => void,
 *   report: (since: number) => {viewer_actions: object[], wl_centre: number, wl_width: number, zoom_max: number},
 *   close: () => void}} stage: what is to lie over the image may be appended to it; setCovered: the image can neither be
 *   seen nor touched; report: since is the time of the image's first frame on the clock of performance.now()
 */
export function createViewer({ shortcuts, help = true }) {
  const log = createActionLog();
  const reduced = window.matchMedia('(prefers-reduced-motion: reduce)');
  const closing = new AbortController();
  let state = { frames: [], modes: MODES, mode: 'morph', position: 0, overlay: null, window: FULL, inverted: false, view: FIT };
  let zoomMax = 1;
  let covered = false;
  let scheduled = 0;
  let blinking = null;

  const panes = [createPane(() => draw()), createPane(() => draw())];
  const dialog = help ? helpDialog() : null;
  const stage = el('div', { class: 'viewer-stage', tabindex: '0', role: 'group', 'aria-label': viewerTexts.stage },
    ...panes.map((pane) => pane.root));
  const last = () => Math.max(0, state.frames.length - 1);
  const shownImage = () => state.frames[0]?.image ?? { width: 1, height: 1 };

  /** Takes a change over and shows it with the next frame. */
  function change(patch) {
    state = { ...state, ...patch };
    scheduled ||= requestAnimationFrame(draw);
  }

  /** A change by the user, and by what means; none: it is not counted. */
  function act(action, by, patch, gesture = null) {
    if (state.frames.length > 0 && !covered) {
      if (by) {
        log.note(action, by, performance.now(), gesture);
      }
      change(patch);
    }
  }

  function draw() {
    cancelAnimationFrame(scheduled);
    scheduled = 0;
    zoomMax = Math.max(zoomMax, state.view.zoom);
    stage.dataset.mode = state.frames.length > 1 ? state.mode : 'one';
    const table = lookUpTable(state.window, state.inverted);
    const shared = { view: state.view, table, marks: state.overlay?.shown ? state.overlay.marks : null, opacity: state.overlay?.opacity ?? 0 };
    positions().forEach((position, i) => panes[i].draw({ ...shared, ...framesAt(position) }));
    tools.update({ ...state, brighterDown: brighterDown() });
    extras.update({ ...state, blinking: blinking !== null, reduced: reduced.matches });
  }

  const positions = () => (state.mode === 'side' && state.frames.length > 1 ? [0, last()] : [state.position]);

  function framesAt(position) {
    const first = state.frames[Math.floor(position)];
    const next = state.frames[Math.ceil(position)];
    const part = position - Math.floor(position);
    const caption = state.frames.length > 1 && part === 0 ? first.label : '';
    return { image: first?.image ?? null, next: part > 0 ? next.image : null, part, label: first?.label ?? '', caption };
  }

  const commands = {
    drag: (dx, dy, by, gesture) => act('window', by, { window: dragged(state.window, dx, dy, brighterDown()) }, gesture),
    setWindow: (part, by) => act('window', by, { window: limitedWindow({ ...state.window, ...part }) }),
    zoom: (factor, about, pane, by, gesture) => act('zoom', by, { view: zoomedAbout(state.view, factor, about, panes[pane].frame(), shownImage()) }, gesture),
    pan: (dx, dy, pane, by, gesture) => act('pan', by, { view: panned(state.view, dx, dy, panes[pane].frame(), shownImage()) }, gesture),
    setView: (part, by) => act('zoom' in part ? 'zoom' : 'pan', by, { view: limited({ ...state.view, ...part }, panes[0].frame(), shownImage()) }),
    preset: (name, by) => act('preset', by, { window: PRESETS[name] }),
    invert: (by) => act('invert', by, { inverted: !state.inverted }),
    reset: (by) => act('reset', by, { window: FULL, inverted: false, view: FIT }),
    setPosition(position) {
      stopBlinking();
      act('morph', 'control', { position });
    },
    setMode(mode) {
      act(mode, 'control', {});
      compare(mode);
    },
    /** The other of a pair, by hand. */
    swap() {
      stopBlinking();
      act('blink', 'control', { position: state.position > 0 ? 0 : last() });
    },
    pauseBlink() {
      if (blinking === null) {
        startBlinking();
      } else {
        stopBlinking();
      }
      act('blink', 'control', {});
    },
    setOverlay: (part) => act('overlay', 'control', { overlay: { ...state.overlay, ...part } }),
    help: dialog && (() => dialog.showModal()),
  };

  const tools = toolsView({
    ...commands,
    setBrighterDown(on) {
      setBrighterDown(on);
      change({});
    },
  });
  const extras = extrasView(commands);
  const root = el('div', { class: 'viewer' }, stage, tools.root, tools.sheet, dialog);

  function startBlinking() {
    if (!reduced.matches) {
      blinking = setInterval(() => change({ position: state.position > 0 ? 0 : last() }), BLINK_MS);
    }
  }

  function stopBlinking() {
    clearInterval(blinking);
    blinking = null;
  }

  function compare(mode) {
    stopBlinking();
    if (mode === 'blink') {
      startBlinking();
    }
    change({ mode, position: mode === 'morph' ? state.position : 0 });
  }

  function setFrames(frames, modes = MODES) {
    stopBlinking();
    log.clear();
    zoomMax = 1;
    tools.close();
    change({ frames, modes, overlay: null, window: FULL, inverted: false, view: FIT, position: 0 });
    compare(frames.length > 1 ? modes[0] : 'morph');
    draw();
  }

  bindInput({ stage, panes, commands, shortcuts, off: () => covered || state.frames.length === 0 }, closing.signal);
  reduced.addEventListener('change', () => {
    stopBlinking();
    change({});
  }, { signal: closing.signal });
  change({});

  return {
    root,
    stage,
    extras: extras.root,
    setImage: (image, label) => setFrames(image ? [{ image, label }] : []),
    setFrames,
    setOverlay: (marks, label = '') => change({ overlay: marks && { marks, label, opacity: OPACITY, shown: true } }),
    compare,
    setCovered(on) {
      covered = on;
      stage.classList.toggle('is-covered', on);
    },
    report: (since) => ({
      viewer_actions: log.list(since),
      wl_centre: rounded(state.window.centre),
      wl_width: rounded(state.window.width),
      zoom_max: rounded(zoomMax),
    }),
    close() {
      closing.abort();
      stopBlinking();
      cancelAnimationFrame(scheduled);
      panes.forEach((pane) => pane.close());
    },
  };
}

const rounded = (value) => Math.round(value * 100) / 100;
