/**
 * The name of a deck in addresses and exports, made from its title. Pure.
 */

const LENGTH = 48;

/**
 * @param {string} title
 * @param {string[]} taken
 * @returns {string} '' when the title has neither letters nor digits of the alphabet
 */
export function freeName(title, taken) {
  const plain = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/ß/g, 'ss').replace(/[^a-z0-9]+/g, '-');
  const name = plain.slice(0, LENGTH).replace(/^-|-$/g, '');
  let free = name || (title.trim() ? 'deck' : '');
  for (let number = 2; free && taken.includes(free); number++) {
    free = `${(name || 'deck').slice(0, LENGTH - 4)}-${number}`;
  }
  return free;
}
