/**
 * Response times. All values are milliseconds on the clock of performance.now().
 */

/**
 * Resolves with the start of the first frame that can show what is in the document now. The image must
 * already be decoded; the panel lights up within one frame (and the display's own lag) after this time.
 * @returns {Promise<number>}
 */
export function nextFrame() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => resolve(performance.now()));
  });
}

/**
 * Time from the image's first frame to the choice, to a tenth of a millisecond.
 *
 * The event's own time stamp is used, because a handler may run late on a busy machine. Some browsers
 * stamp synthetic events (assistive technology, tests) with 0 or with wall-clock time: then `now` counts.
 *
 * @param {number} onset start of the image's first frame
 * @param {number} eventTime `event.timeStamp` of the key press or click
 * @param {number} now `performance.now()` in the handler
 * @returns {number} never negative
 */
export function responseTime(onset, eventTime, now) {
  const end = eventTime >= onset && eventTime <= now ? eventTime : now;
  return Math.round(Math.max(0, end - onset) * 10) / 10;
}
