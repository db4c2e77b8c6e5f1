/**
 * Letting a control be seen as it was set before the work begins that follows from it.
 */

/** @returns {Promise<void>} resolves after the next frame is on screen */
export function afterPaint() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
  });
}
