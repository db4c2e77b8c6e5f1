/**
 * The name that something has in addresses and data, made from what people call it. Pure.
 */

const LENGTH = 48;

/**
 * @param {string} label
 * @param {string[]} [taken] names that others have
 * @returns {string} its letters and digits, with a number where they are taken; '' when it has none of the alphabet
 */
export function nameFor(label, taken = []) {
  const plain = label.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/ß/g, 'ss').replace(/[^a-z0-9]+/g, '-');
  const name = plain.replace(/^-|-$/g, '').slice(0, LENGTH).replace(/-$/, '');
  let free = name;
  for (let number = 2; free !== '' && taken.includes(free); number++) {
    free = `${name.slice(0, LENGTH - 4)}-${number}`;
  }
  return free;
}
