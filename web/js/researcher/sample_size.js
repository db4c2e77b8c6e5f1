/**
 * How many participants a comparison of two arms needs. Pure.
 */

/** (1.960 + 0.842)²: one-sided 0.025, power 0.8. */
const FACTOR = 7.85;

/**
 * For showing that one arm is worse than another by less than a margin, when they do not differ; for showing a
 * difference of that size it is the same. Normal approximation: n = 2 * 7.85 * (sd / margin)².
 *
 * @param {{sd: number, margin: number, completion: number}} plan sd: between participants, in the unit of the margin;
 *   completion: the share that reaches the last test
 * @returns {?{analysed: number, enrolled: number}} in each arm; null when it cannot be told
 */
export function participantsNeeded({ sd, margin, completion }) {
  if (!(sd > 0) || !(margin > 0) || !(completion > 0 && completion <= 1)) {
    return null;
  }
  const analysed = Math.ceil(2 * FACTOR * (sd / margin) ** 2);
  return { analysed, enrolled: Math.ceil(analysed / completion) };
}
