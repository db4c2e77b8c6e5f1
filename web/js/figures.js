/**
 * Pure figures of the summary page: counts behind the rates, and the curve's geometry.
 */

/** 1, 2, 3 for a rating of the even six-point scale: its distance from the middle. */
export function confidenceOfRating(rating) {
  return rating >= 4 ? rating - 3 : 4 - rating;
}

/**
 * The rating scale's two sides: ratings 1..3 stand for the deck's first choice, 4..6 for its second.
 * @param {import('./api.js').Deck} deck
 */
export function sides(deck) {
  const [negative, positive] = deck.choices;
  return { negative, positive };
}

/**
 * How many items of one truth there were and how many of them were answered right.
 * @param {{truth: string, correct: boolean}[]} items
 * @returns {{right: number, of: number}}
 */
export function countsFor(items, truth) {
  const mine = items.filter((item) => item.truth === truth);
  return { right: mine.filter((item) => item.correct).length, of: mine.length };
}

/**
 * Points of the running accuracy in a box, accuracy 1 at the top.
 * @param {{n: number, accuracy: number}[]} curve
 * @param {{left: number, top: number, width: number, height: number}} box
 * @returns {{x: number, y: number}[]} rounded to a tenth
 */
export function curvePoints(curve, { left, top, width, height }) {
  const step = curve.length > 1 ? width / (curve.length - 1) : 0;
  return curve.map(({ accuracy }, i) => ({
    x: Math.round((left + i * step) * 10) / 10,
    y: Math.round((top + (1 - accuracy) * height) * 10) / 10,
  }));
}

/** The smallest offered image size of at least `wanted` pixels, null when there is none (or nothing is known). */
export function smallestSize(sizes, wanted) {
  const fitting = (sizes ?? []).filter((size) => size >= wanted).sort((a, b) => a - b);
  return fitting[0] ?? null;
}
