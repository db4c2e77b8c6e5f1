/**
 * Window and level: which grey levels of the image are spread from black to white. Pure.
 *
 * Levels are those of the image's 8 bits. Centre and width are DICOM's (PS3.3 C.11.2.1.2.1, the LINEAR function), so
 * that {centre: 128, width: 256} shows the bytes as they are.
 *
 * @typedef {{centre: number, width: number}} Window
 */

export const FULL = Object.freeze({ centre: 128, width: 256 });

/** Chosen on the default model's hips: soft tissue lies from 30 to 80, cancellous bone around 100, cortical up to 170. */
export const PRESETS = Object.freeze({
  full: FULL,
  bone: Object.freeze({ centre: 125, width: 110 }),
  soft: Object.freeze({ centre: 65, width: 110 }),
});

export const LIMITS = Object.freeze({ centre: [0, 256], width: [1, 512] });

/** What a press on an arrow key or on + and - does. */
export const STEP = 8;

/**
 * Grey levels for each CSS pixel of a drag: 4 x (range / 1024), as OHIF has it. Once across a phone is more than the
 * whole range.
 */
const GAIN = (4 * 256) / 1024;

/**
 * @param {Window} window
 * @param {number} dx CSS pixels to the right: wider
 * @param {number} dy CSS pixels down: the centre goes up, so the image gets darker, as in OHIF and Cornerstone
 * @param {boolean} brighterDown the other vertical direction
 * @returns {Window}
 */
export function dragged({ centre, width }, dx, dy, brighterDown) {
  return limitedWindow({ centre: centre + (brighterDown ? -dy : dy) * GAIN, width: width + dx * GAIN });
}

/** @returns {Window} within the limits */
export function limitedWindow({ centre, width }) {
  return { centre: within(LIMITS.centre, centre), width: within(LIMITS.width, width) };
}

/**
 * @param {Window} window
 * @param {boolean} inverted white becomes black
 * @returns {Uint8Array} what each of the 256 levels is shown as
 */
export function lookUpTable({ centre, width }, inverted) {
  const table = new Uint8Array(256);
  const low = centre - 0.5 - (width - 1) / 2;
  for (let level = 0; level < 256; level++) {
    const part = width > 1 ? (level - (centre - 0.5)) / (width - 1) + 0.5 : Number(level > low);
    const shown = Math.round(Math.min(1, Math.max(0, part)) * 255);
    table[level] = inverted ? 255 - shown : shown;
  }
  return table;
}

/** @returns {?string} the preset that this is, or null */
export function presetOf({ centre, width }) {
  return Object.keys(PRESETS).find((name) => PRESETS[name].centre === centre && PRESETS[name].width === width) ?? null;
}

function within([low, high], value) {
  return Math.min(high, Math.max(low, value));
}
