/**
 * The time limit of one image. Runs on performance.now(), which no change of the clock moves.
 */

/** Whole seconds to show while `leftMs` are left: 3 until exactly two are left. */
export function secondsLeft(leftMs) {
  return Math.max(0, Math.ceil(leftMs / 1000));
}

/**
 * @param {number} onset start of the image's first frame
 * @param {number} limitMs
 * @param {(seconds: number) => void} onTick at once, and whenever another whole second is left
 * @param {() => void} onEnd
 * @returns {() => void} stops it
 */
export function countdown(onset, limitMs, onTick, onEnd) {
  let timer = null;
  const tick = () => {
    const left = onset + limitMs - performance.now();
    onTick(secondsLeft(left));
    if (left <= 0) {
      onEnd();
    } else {
      timer = setTimeout(tick, left - 1000 * (secondsLeft(left) - 1));
    }
  };
  tick();
  return () => clearTimeout(timer);
}
