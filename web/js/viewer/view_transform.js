/**
 * Which part of an image is seen: zoom, and the point of the image in the middle of the frame. Pure.
 *
 * A view says nothing in pixels, so that one view fits frames of any size and two frames can share it: zoom is 1 where
 * the whole image just fits, x and y run from 0 to 1 over the image. Frames and images are {width, height}; points of a
 * frame are CSS pixels from its centre.
 *
 * @typedef {{zoom: number, x: number, y: number}} View
 */

export const FIT = Object.freeze({ zoom: 1, x: 0.5, y: 0.5 });
export const ZOOM_MAX = 16;

/** What one press on + does; a press on - undoes it. */
export const ZOOM_STEP = 1.25;

const WHEEL_GAIN = 0.0015; // a notch of 100 pixels is 16 %
const WHEEL_MOST = 240; // some mice report many notches at once
const LINE_PX = 40;

/** @returns {number} CSS pixels a pixel of the image takes in the frame */
export function scaleOf(view, frame, image) {
  return Math.min(frame.width / image.width, frame.height / image.height) * view.zoom;
}

/**
 * Keeps the image in the frame: where it is larger than the frame no edge comes in, where it is smaller it is centred.
 * @returns {View}
 */
export function limited(view, frame, image) {
  const zoom = Math.min(ZOOM_MAX, Math.max(1, view.zoom));
  const scale = scaleOf({ zoom }, frame, image);
  const along = (at, seen, whole) => {
    const half = seen / (2 * scale * whole); // of the image, from the middle of the frame to its edge
    return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, at));
  };
  return { zoom, x: along(view.x, frame.width, image.width), y: along(view.y, frame.height, image.height) };
}

/** The image follows a pointer that went by (dx, dy). */
export function panned(view, dx, dy, frame, image) {
  const scale = scaleOf(view, frame, image);
  return limited({ ...view, x: view.x - dx / (scale * image.width), y: view.y - dy / (scale * image.height) }, frame, image);
}

/** Zooms by a factor so that what is under the point stays there, as far as the limits allow. */
export function zoomedAbout(view, factor, { x, y }, frame, image) {
  const zoom = Math.min(ZOOM_MAX, Math.max(1, view.zoom * factor));
  const [before, after] = [view.zoom, zoom].map((z) => scaleOf({ zoom: z }, frame, image));
  const shift = 1 / before - 1 / after;
  return limited({ zoom, x: view.x + (x * shift) / image.width, y: view.y + (y * shift) / image.height }, frame, image);
}

/**
 * The factor of a turn of the wheel; away from the user enlarges.
 * @param {{deltaY: number, deltaMode: number, ctrlKey: boolean}} event browsers report a pinch on a track pad as a
 *   fine turn with Ctrl
 */
export function wheelFactor({ deltaY, deltaMode, ctrlKey }) {
  const pixels = deltaY * (deltaMode === 0 ? 1 : LINE_PX) * (ctrlKey ? 6 : 1);
  return Math.exp(-WHEEL_GAIN * Math.min(WHEEL_MOST, Math.max(-WHEEL_MOST, pixels)));
}

/** The factor of a drag by dy in a frame of this height: down enlarges, a frame's height 4.5 times, as in Cornerstone. */
export function dragFactor(dy, height) {
  return Math.exp((1.5 * dy) / height);
}
