/**
 * Keys of the drill, chosen once so that the image viewer's usual keys stay free:
 *
 *   answers     the first letter of the label (N, F); with two answers also the left and right arrow
 *   confidence  1 2 3
 *   next        Enter or Space
 *   keys shown  ?
 *
 * Left to the viewer: i, + - =, 0, Shift+digit, and the arrows while the image has the focus (viewer_keys.js); kept free
 * for it: z h v r l, which viewers of radiographs use.
 */

const VIEWER_KEYS = 'zihvrl';

/**
 * One letter per choice: the first of its label that is free, or none.
 * @param {{label: string}[]} choices
 * @returns {string[]} lower-case letters, '' where no letter is left
 */
export function choiceLetters(choices) {
  const taken = new Set(VIEWER_KEYS);
  return choices.map(({ label }) => {
    const letter = [...label.toLowerCase()].find((c) => c >= 'a' && c <= 'z' && !taken.has(c)) ?? '';
    taken.add(letter);
    return letter;
  });
}

/**
 * What a key press means, or null.
 *
 * @param {{key: string, code: string, repeat: boolean, shiftKey: boolean,
 *   ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 * @param {{label: string}[]} choices
 * @returns {?({act: 'choose', index: number}|{act: 'rate', confidence: number}|{act: 'next'}|{act: 'help'})}
 */
export function keyMeaning(event, choices) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  const arrow = choices.length === 2 ? ['ArrowLeft', 'ArrowRight'].indexOf(event.key) : -1;
  const index = arrow >= 0 ? arrow : choiceLetters(choices).indexOf(event.key.toLowerCase());
  if (index >= 0) {
    return { act: 'choose', index };
  }
  const digit = /^(?:Digit|Numpad)([1-3])$/.exec(event.code ?? '');
  if (digit && !event.shiftKey) {
    return { act: 'rate', confidence: Number(digit[1]) };
  }
  if (event.key === 'Enter' || event.key === ' ') {
    return { act: 'next' };
  }
  return event.key === '?' ? { act: 'help' } : null;
}

/**
 * Listens for the drill's keys. A control that has the focus keeps its own keys (Enter, Space), and so does
 * an open dialog.
 *
 * @param {{label: string}[]} choices
 * @param {() => boolean} enabled asked at each key press
 * @param {(meaning: object, event: KeyboardEvent) => void} handle
 * @returns {() => void} unbind
 */
export function bindKeys(choices, enabled, handle) {
  const listen = (event) => {
    const meaning = enabled() ? keyMeaning(event, choices) : null;
    if (!meaning || event.target.closest?.('dialog, input, select, textarea')) {
      return;
    }
    if (meaning.act === 'next' && event.target.closest?.('button, a, summary')) {
      return;
    }
    event.preventDefault();
    handle(meaning, event);
  };
  window.addEventListener('keydown', listen);
  return () => window.removeEventListener('keydown', listen);
}
