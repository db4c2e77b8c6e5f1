/**
 * Pure figures of the summary page: what ratings stand for, and the geometry of its plots.
 */

/** 1, 2, 3 for a rating of the even six-point scale: its distance from the middle. */
export function confidenceOfRating(rating) {
  return rating >= 4 ? rating - 3 : 4 - rating;
}

/**
 * The rating scale's two sides: ratings 1..3 stand for the deck's first choice, 4..6 for its second.
 * @param {import('../api/api_decks.js').Deck} deck
 */
export function sides(deck) {
  const [negative, positive] = deck.choices;
  return { negative, positive };
}

/**
 * Where a point of the unit square lies in a box whose top is 1.
 * @param {{left: number, top: number, width: number, height: number}} box
 * @returns {{x: number, y: number}} rounded to a tenth
 */
export function place({ left, top, width, height }, x, y) {
  return {
    x: Math.round((left + x * width) * 10) / 10,
    y: Math.round((top + (1 - y) * height) * 10) / 10,
  };
}

/**
 * The point of the ROC curve that stands for the answers as they were given: ratings of 4 and more are a yes.
 * @param {{rating: ?number}[]} points falling in rating; the first, with nothing counted as a yes, has none
 */
export function ownCutoff(points) {
  return points.filter(({ rating }) => rating === null || rating >= 4).pop();
}

/**
 * The fitted learning curve at each trial.
 * @param {{start: number, asymptote: number, rate: number}} fit
 * @param {number} last
 * @returns {{n: number, accuracy: number}[]} n from 1 to last
 */
export function fittedCurve({ start, asymptote, rate }, last) {
  return Array.from({ length: last }, (_, i) => ({
    n: i + 1,
    accuracy: asymptote - (asymptote - start) * Math.exp(-rate * i),
  }));
}

/** The smallest offered image size of at least `wanted` pixels, null when there is none (or nothing is known). */
export function smallestSize(sizes, wanted) {
  const fitting = (sizes ?? []).filter((size) => size >= wanted).sort((a, b) => a - b);
  return fitting[0] ?? null;
}

/**
 * @param {{correct: boolean}[]} items in the order of answering
 * @returns {number} the most right answers in a row
 */
export function longestRun(items) {
  let run = 0;
  return items.reduce((longest, { correct }) => {
    run = correct ? run + 1 : 0;
    return Math.max(longest, run);
  }, 0);
}
