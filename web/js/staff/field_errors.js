/**
 * Which field a refusal of the server is about: its sentences begin with the field's path, "study.arms[1].deck: must
 * be ...". Pure.
 */

/**
 * @param {string} message
 * @param {string} root what the path begins with: "study", "deck"
 * @returns {{path: string, text: string}} path: without the root, '' when the sentence is about the whole; text: the rest,
 *   as a sentence
 */
export function fieldError(message, root) {
  const found = new RegExp(`^${root}\\.?([\\w.[\\]]*): +(.+)$`, 's').exec(message);
  return found ? { path: found[1], text: found[2][0].toUpperCase() + found[2].slice(1) } : { path: '', text: message };
}

/** @param {string} path @returns {string[]} it and what it is in, the innermost first: a[1].b, a[1], a */
export function enclosing(path) {
  const steps = path.match(/\w+|\[\d+\]/g) ?? [];
  return steps.map((_, i) => steps.slice(0, steps.length - i).join('.').replaceAll('.[', '['));
}
