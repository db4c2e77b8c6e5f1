/**
 * The viewer's buttons and read-out beside the image, and the sheet of sliders that opens from them.
 */

import { el, svg } from '../dom.js';
import { viewerTexts } from '../texts/viewer_texts.js';
import { stepper } from './stepper.js';
import { ZOOM_MAX, ZOOM_STEP } from './view_transform.js';
import { LIMITS, PRESETS, STEP, presetOf } from './window_level.js';

const t = viewerTexts;
const ZOOM_NOTCHES = Math.round((Math.log(ZOOM_MAX) / Math.log(ZOOM_STEP)) * 10); // of the slider: ten for a press on +
const ICONS = {
  adjust: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 4.5v5h4v-5zM7 14.5v5h4v-5z',
  invert: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 1 0 0-17M12 3.5v17M12 8h7M12 12h8.5M12 16h7',
  reset: 'M5 4.5v5h5M5.6 9.5A7.5 7.5 0 1 1 4.6 13.5',
  help: 'M9 9.2a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 17.4v.2',
};

/**
 * @param {object} commands see viewer.js; help is null where the host has its own
 * @returns {{root: HTMLElement, sheet: HTMLElement, update: (state: object) => void, close: () => void}}
 */
export function toolsView(commands) {
  const readout = el('p', { class: 'viewer-readout' }, ...['window', 'level', 'zoom'].map(() => el('span', {})));
  const adjust = tool(t.adjust, ICONS.adjust, () => toggle(), { 'aria-expanded': 'false' });
  const invert = tool(t.invert, ICONS.invert, () => commands.invert('control'), { 'aria-pressed': 'false' });
  const reset = tool(t.reset, ICONS.reset, () => commands.reset('control'));
  const help = commands.help ? tool(t.help, ICONS.help, commands.help, { 'aria-haspopup': 'dialog' }) : null;
  const root = el('div', { class: 'viewer-tools', role: 'group', 'aria-label': t.tools }, readout, adjust, invert, reset, help);
  const sheet = sheetView(commands);

  let latest = null;

  const toggle = (open = sheet.root.hidden) => {
    const hadFocus = sheet.root.contains(document.activeElement);
    sheet.root.hidden = !open;
    adjust.setAttribute('aria-expanded', String(open));
    if (open) {
      sheet.update(latest);
    } else if (hadFocus) {
      adjust.focus({ preventScroll: true });
    }
  };
  // The sheet lies over other controls: it goes away when the focus leaves it, so that it covers none that has the focus.
  sheet.root.addEventListener('focusout', ({ relatedTarget }) => {
    if (relatedTarget && relatedTarget !== adjust && !sheet.root.contains(relatedTarget)) {
      sheet.root.hidden = true;
      adjust.setAttribute('aria-expanded', 'false');
    }
  });
  for (const part of [root, sheet.root]) {
    part.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !sheet.root.hidden) {
        event.stopPropagation();
        toggle(false);
      }
    });
  }

  return {
    root,
    sheet: sheet.root,
    close: () => toggle(false),
    update(state) {
      latest = state;
      [t.width(state.window.width), t.centre(state.window.centre), t.zoom(state.view.zoom)].forEach((text, i) => {
        readout.children[i].textContent = text;
      });
      invert.setAttribute('aria-pressed', String(state.inverted));
      if (!sheet.root.hidden) {
        sheet.update(state);
      }
    },
  };
}

function sheetView(commands) {
  const window = (part) => (value) => commands.setWindow({ [part]: value }, 'control');
  const width = stepper({ ...t.steppers.width, min: LIMITS.width[0], max: LIMITS.width[1], step: STEP, text: String, onValue: window('width') });
  const centre = stepper({ ...t.steppers.centre, min: LIMITS.centre[0], max: LIMITS.centre[1], step: STEP, text: String, onValue: window('centre') });
  const zoom = stepper({
    ...t.steppers.zoom, min: 0, max: ZOOM_NOTCHES, step: 10, text: (value) => t.zoom(zoomAt(value)), onValue: (value) => commands.setView({ zoom: zoomAt(value) }, 'control'),
  });
  const along = (axis, labels) => stepper({
    ...labels, min: 0, max: 100, step: 5, text: t.percent, onValue: (value) => commands.setView({ [axis]: value / 100 }, 'control'),
  });
  const [x, y] = [along('x', t.steppers.x), along('y', t.steppers.y)];
  const presets = Object.keys(PRESETS).map((name) => el('button', {
    type: 'button', class: 'viewer-preset', 'data-preset': name, on: { click: () => commands.preset(name, 'control') },
  }, t.presets[name]));
  const brighter = el('input', { type: 'checkbox', on: { change: () => commands.setBrighterDown(brighter.checked) } });
  const root = el('div', { class: 'viewer-sheet', role: 'group', 'aria-label': t.adjust, hidden: true },
    el('div', { class: 'viewer-presets', role: 'group', 'aria-label': t.presetsLabel }, ...presets),
    ...[width, centre, zoom, x, y].map((control) => control.root),
    el('label', { class: 'viewer-switch' }, brighter, el('span', {}, t.brighterDown)));

  const update = ({ window: now, view, brighterDown }) => {
    width.set(now.width);
    centre.set(now.centre);
    zoom.set(Math.log(view.zoom) / Math.log(ZOOM_STEP) * 10);
    x.set(view.x * 100, view.zoom > 1);
    y.set(view.y * 100, view.zoom > 1);
    presets.forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.preset === presetOf(now))));
    brighter.checked = brighterDown;
  };
  return { root, update };
}

const zoomAt = (notch) => ZOOM_STEP ** (notch / 10);

function tool(name, path, act, more = {}) {
  return el('button', { type: 'button', class: 'viewer-tool', 'aria-label': name, title: name, on: { click: act }, ...more },
    svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: path })));
}
