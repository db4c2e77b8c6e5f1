/**
 * The controls of what is compared with the image or laid over it. Empty while there is neither.
 */

import { el } from '../dom.js';
import { viewerTexts } from '../texts/viewer_texts.js';
import { stepper } from './stepper.js';

const t = viewerTexts;
export const MODES = ['morph', 'blink', 'side'];

/**
 * @param {object} commands see viewer.js
 * @returns {{root: HTMLElement, update: (state: object) => void}}
 */
export function extrasView(commands) {
  const modes = MODES.map((mode) => el('button', {
    type: 'button', class: 'viewer-preset', 'data-mode': mode, on: { click: () => commands.setMode(mode) },
  }, t.modes[mode]));
  let between = null; // of the frames' number and labels
  const morphPlace = el('div', {});
  const pause = el('button', { type: 'button', class: 'viewer-preset', on: { click: commands.pauseBlink } });
  const swap = el('button', { type: 'button', class: 'viewer-preset', on: { click: commands.swap } }, t.swap);
  const blink = el('div', { class: 'viewer-presets' }, pause, swap);
  const frames = el('div', { class: 'viewer-frames', role: 'group', 'aria-label': t.compare },
    el('div', { class: 'viewer-presets' }, ...modes), morphPlace, blink);

  const shown = el('input', { type: 'checkbox', on: { change: () => commands.setOverlay({ shown: shown.checked }) } });
  const name = el('span', {});
  const opacity = stepper({ ...t.steppers.opacity, min: 0, max: 100, step: 10, text: t.percent, onValue: (value) => commands.setOverlay({ opacity: value / 100 }) });
  const overlay = el('div', { class: 'viewer-overlay', role: 'group', 'aria-label': t.overlay },
    el('label', { class: 'viewer-switch' }, shown, name), opacity.root);
  const root = el('div', { class: 'viewer-extras' });

  function morphFor(labels) {
    const [first, last] = [labels[0], labels[labels.length - 1]];
    const steps = 100;
    return stepper({
      ...t.steppers.morph(first, last), min: 0, max: steps, step: 10, text: (value) => t.morphAt(value / steps, first, last),
      onValue: (value) => commands.setPosition((value / steps) * (labels.length - 1)),
    });
  }

  function updateFrames({ frames: list, modes: offered, mode, position, blinking, reduced }) {
    const labels = list.map(({ label }) => label);
    if (between?.key !== labels.join('\n')) {
      between = { key: labels.join('\n'), ...morphFor(labels) };
      morphPlace.replaceChildren(between.root);
    }
    between.set((position / (labels.length - 1)) * 100);
    modes.forEach((button) => {
      button.hidden = offered.length < 2 || !offered.includes(button.dataset.mode);
      button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
    });
    morphPlace.hidden = mode !== 'morph';
    blink.hidden = mode !== 'blink';
    pause.hidden = reduced;
    pause.textContent = blinking ? t.pause : t.play;
  }

  return {
    root,
    update(state) {
      const parts = [state.frames.length > 1 ? frames : null, state.overlay ? overlay : null].filter(Boolean);
      if (parts.length !== root.children.length || parts.some((part, i) => root.children[i] !== part)) {
        root.replaceChildren(...parts);
      }
      if (state.frames.length > 1) {
        updateFrames(state);
      }
      if (state.overlay) {
        name.textContent = state.overlay.label || t.overlay;
        shown.checked = state.overlay.shown;
        opacity.set(state.overlay.opacity * 100, state.overlay.shown);
      }
    },
  };
}
