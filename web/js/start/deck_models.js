/**
 * What is said of the models that make a deck's images.
 */

/**
 * @param {import('../api/api_decks.js').Deck} deck
 * @param {import('../api/api_models.js').Model[]} models
 * @returns {?import('../api/api_models.js').Model} the deck's first model, under the names of all of them, its
 *   training data real if those of any are; null if the server lists none of them any more
 */
export function modelOf(deck, models) {
  const own = deck.models.map((name) => models.find(({ id }) => id === name)).filter(Boolean);
  if (own.length === 0) {
    return null;
  }
  return {
    ...own[0],
    name: own.map(({ name }) => name).join(', '),
    training_data: own.some(({ training_data }) => training_data === 'real') ? 'real' : 'simulated',
  };
}
