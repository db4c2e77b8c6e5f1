/**
 * Curves of several arms on one axis, as uPlot wants them. Pure.
 */

/**
 * @param {{x: number, y: (number|null)[]}[][]} curves each rising in x; every point with the same number of values
 * @returns {(number|null|undefined)[][]} the xs of all, then for each curve its values at them: undefined where it has none
 */
export function aligned(curves) {
  const xs = [...new Set(curves.flat().map(({ x }) => x))].sort((a, b) => a - b);
  return [xs, ...curves.flatMap((points) => {
    const at = new Map(points.map(({ x, y }) => [x, y]));
    return (points[0]?.y ?? []).map((_, i) => xs.map((x) => at.get(x)?.[i]));
  })];
}

const STEP = 1e-9; // less than any picture shows

/**
 * The points of a ROC curve with xs that all differ: where it goes straight up, each a little to the right.
 * @param {{false_alarms: number, hits: number}[]} points from (0, 0) to (1, 1)
 * @returns {{x: number, y: number[]}[]}
 */
export function risingRoc(points) {
  let last = -Infinity;
  return points.map(({ false_alarms: x, hits }) => {
    last = Math.max(x, last + STEP);
    return { x: last, y: [hits] };
  });
}

/**
 * Where a difference is drawn: 0 in the middle, as far to either side as the widest of them.
 * @param {{low: ?number, high: ?number, value: ?number}[]} differences those of one picture
 * @param {number} [margin]
 * @returns {(value: number) => number} to 0..100
 */
export function forestScale(differences, margin = 0) {
  const ends = differences.flatMap(({ low, high, value }) => [low, high, value]).filter(Number.isFinite).map(Math.abs);
  const most = Math.max(margin, ...ends, Number.EPSILON) * 1.1;
  return (value) => Math.round((50 + (50 * value) / most) * 100) / 100;
}
