/**
 * Pointers, wheel and keys of one viewer, handed on as its commands.
 */

import { createGestures } from './gestures.js';
import { ZOOM_STEP, dragFactor, wheelFactor } from './view_transform.js';
import { viewerKey } from './viewer_keys.js';
import { STEP } from './window_level.js';

const PAN_STEP = 0.1; // of the frame
const CENTRE = { x: 0, y: 0 };

/**
 * @param {object} viewer
 * @param {HTMLElement} viewer.stage
 * @param {ReturnType<typeof import('./pane.js').createPane>[]} viewer.panes
 * @param {object} viewer.commands see viewer.js
 * @param {() => boolean} viewer.shortcuts
 * @param {() => boolean} viewer.off there is nothing to act on
 * @param {AbortSignal} signal unbinds
 */
export function bindInput({ stage, panes, commands, shortcuts, off }, signal) {
  const gestures = createGestures();
  const paneOf = (target) => Math.max(0, panes.findIndex(({ root }) => root.contains(target)));
  let pane = 0; // where the gesture began

  const fromCentre = ({ x, y }) => {
    const centre = panes[pane].centre();
    return { x: x - centre.x, y: y - centre.y };
  };
  const obey = ({ kind, gesture, by, dx, dy, factor, about, sofar }) => {
    if (kind === 'window') {
      commands.drag(dx, dy, by, gesture);
    } else if (kind === 'pan') {
      commands.pan(dx, dy, pane, by, gesture);
    } else if (kind === 'zoom') {
      commands.zoom(dragFactor(dy, panes[pane].frame().height), fromCentre(about), pane, by, gesture);
    } else if (kind === 'reset') {
      commands.reset(by);
    } else {
      // Two fingers pan and zoom at once; what was only a tremble is done, but not counted.
      const point = fromCentre(about);
      commands.pan(dx, dy, pane, sofar.panned ? by : null, gesture);
      commands.zoom(factor, point, pane, sofar.zoomed ? by : null, gesture);
    }
  };
  const on = (target, type, handle, more = {}) => target.addEventListener(type, handle, { signal, ...more });
  const told = (event) => ({
    id: event.pointerId,
    type: event.pointerType === 'touch' || event.pointerType === 'pen' ? event.pointerType : 'mouse',
    button: event.button,
    shift: event.shiftKey,
    x: event.clientX,
    y: event.clientY,
    time: event.timeStamp,
  });

  on(stage, 'pointerdown', (event) => {
    if (off() || event.target.closest('button, a, input')) {
      return;
    }
    pane = paneOf(event.target);
    stage.setPointerCapture(event.pointerId);
    gestures.press(told(event)).forEach(obey);
  });
  on(stage, 'pointermove', (event) => gestures.move(told(event)).forEach(obey));
  on(stage, 'pointerup', (event) => gestures.lift(told(event)).forEach(obey));
  on(stage, 'pointercancel', (event) => gestures.cancel(told(event)));
  // A press must not take the focus: the arrow keys would then no longer be the page's. Nor does it scroll or open menus.
  on(stage, 'mousedown', (event) => event.preventDefault());
  on(stage, 'contextmenu', (event) => event.preventDefault());
  on(stage, 'wheel', (event) => {
    event.preventDefault();
    if (!off()) {
      pane = paneOf(event.target);
      commands.zoom(wheelFactor(event), fromCentre({ x: event.clientX, y: event.clientY }), pane, 'wheel');
    }
  }, { passive: false });

  const press = (event, focused) => {
    const meaning = off() || event.defaultPrevented ? null : viewerKey(event, focused);
    if (meaning && (meaning.act !== 'help' || commands.help)) {
      event.preventDefault();
      event.stopPropagation();
      obeyKey(meaning, panes[0].frame(), commands);
    }
  };
  on(stage, 'keydown', (event) => press(event, event.target === stage));
  on(window, 'keydown', (event) => {
    if (shortcuts() && !event.target.closest?.('dialog, input, select, textarea')) {
      press(event, false);
    }
  });
}

function obeyKey(meaning, frame, commands) {
  const { x, y } = meaning;
  const acts = {
    window: () => commands.drag(x * STEP, y * STEP, 'key'),
    pan: () => commands.pan(-x * PAN_STEP * frame.width, -y * PAN_STEP * frame.height, 0, 'key'),
    zoom: () => commands.zoom(ZOOM_STEP ** meaning.steps, CENTRE, 0, 'key'),
    fit: () => commands.setView({ zoom: 1 }, 'key'),
    invert: () => commands.invert('key'),
    reset: () => commands.reset('key'),
    preset: () => commands.preset(meaning.name, 'key'),
    help: () => commands.help(),
  };
  acts[meaning.act]();
}
