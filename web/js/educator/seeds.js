/**
 * Seeds of 64 bits. The atlas draws any hip with its class, so a number that can be guessed is one that can be looked up.
 */

/** @returns {string} decimal */
export function randomSeed() {
  return String(crypto.getRandomValues(new BigUint64Array(1))[0]);
}
