/**
 * Keys of the viewer, chosen once so that a drill's keys stay free (letters, arrows, digits, Enter, Space):
 *
 *   + -        zoom            =           fit
 *   i          invert          0           reset all
 *   Shift+1 2 3  presets       ?           help
 *
 * and while the image has the focus, where single-key shortcuts need not be switched off:
 *
 *   arrows     window and level            Shift+arrows  pan
 */

const PRESET_NAMES = ['full', 'bone', 'soft'];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {{key: string, code: string, repeat: boolean, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 * @param {boolean} focused the image has the focus
 * @returns {?({act: 'zoom', steps: number}|{act: 'fit'}|{act: 'invert'}|{act: 'reset'}|{act: 'help'}
 *   |{act: 'preset', name: string}|{act: 'window', x: number, y: number}|{act: 'pan', x: number, y: number})}
 *   x and y are steps in the direction of the arrow
 */
export function viewerKey(event, focused) {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  const arrow = focused ? ARROWS[event.key] : undefined;
  if (arrow) {
    return { act: event.shiftKey ? 'pan' : 'window', x: arrow[0], y: arrow[1] };
  }
  const digit = /^Digit([1-3])$/.exec(event.code ?? '');
  if (digit && event.shiftKey) {
    return { act: 'preset', name: PRESET_NAMES[Number(digit[1]) - 1] };
  }
  switch (event.key) {
    case '+': return { act: 'zoom', steps: 1 };
    case '-': return { act: 'zoom', steps: -1 };
    default: return event.repeat ? null : single(event.key);
  }
}

/** What a key that is held down does not do again: an image that is inverted many times a second would flash (WCAG 2.3.1). */
function single(key) {
  switch (key) {
    case '=': return { act: 'fit' };
    case '0': return { act: 'reset' };
    case 'i': case 'I': return { act: 'invert' };
    case '?': return { act: 'help' };
    default: return null;
  }
}
