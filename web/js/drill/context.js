/**
 * What the page tells with an answer about how it came about. Times are milliseconds on the clock of
 * performance.now(). What a browser does not tell is left out.
 */

/** Goes up whenever what a learner sees or what is measured changes. */
export const UI_VERSION = '3';

/** Adds up the time without the page's focus. */
export function awayTime() {
  let total = 0;
  let since = null;
  return {
    /** From now on, at `time`, with or without focus. */
    start(time, focused) {
      total = 0;
      since = focused ? null : time;
    },
    lost(time) {
      since ??= time;
    },
    back(time) {
      total += since === null ? 0 : time - since;
      since = null;
    },
    /** Until `time`, to a tenth of a millisecond. */
    until(time) {
      return Math.round(Math.max(0, total + (since === null ? 0 : time - since)) * 10) / 10;
    },
  };
}

/** @returns {() => void} unbind */
export function watchFocus(away) {
  const lost = () => away.lost(performance.now());
  const back = () => away.back(performance.now());
  window.addEventListener('blur', lost);
  window.addEventListener('focus', back);
  return () => {
    window.removeEventListener('blur', lost);
    window.removeEventListener('focus', back);
  };
}

/**
 * What made a choice: a click knows its pointer, and one from a key or from assistive technology has none.
 * @param {{type: string, pointerType?: string, detail?: number}} event a key press or a click
 * @returns {?string} null when the browser does not tell
 */
export function inputType({ type, pointerType, detail }) {
  if (type === 'keydown') {
    return 'keyboard';
  }
  if (['mouse', 'touch', 'pen'].includes(pointerType)) {
    return pointerType;
  }
  return detail === 0 ? 'keyboard' : null;
}

/** A hidden page may have no size; the API wants one. */
const side = (pixels) => Math.min(65535, Math.max(1, Math.round(pixels)));

/** The fields of an answer, in the API's names. `looked` is the viewer's report. */
export function answerContext({ blurMs, event, width, height, ratio, looked }) {
  const input = inputType(event);
  return {
    blur_ms: blurMs,
    viewport_px: `${side(width)}x${side(height)}`,
    dpr: ratio,
    ui_version: UI_VERSION,
    ...looked,
    ...(input && { input_type: input }),
  };
}
