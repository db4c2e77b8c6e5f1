/**
 * The texts around an image and of the keys. Functions take values, never markup.
 */

export const viewerTexts = {
  stage: 'The image; arrow keys change window and level, with Shift they pan',
  tools: 'Image',
  width: (width) => `W\u00a0${Math.round(width)}`,
  centre: (centre) => `L\u00a0${Math.round(centre)}`,
  zoom: (zoom) => `${zoom.toFixed(1)}\u00a0×`,
  percent: (value) => `${Math.round(value)}\u00a0%`,
  adjust: 'Adjust the image',
  invert: 'Invert',
  reset: 'Reset the image',
  help: 'Help for the image',
  presetsLabel: 'Window',
  presets: { full: 'Full range', bone: 'Bone', soft: 'Soft tissue' },
  steppers: {
    width: { label: 'Window (contrast)', less: 'Narrower window, more contrast', more: 'Wider window, less contrast' },
    centre: { label: 'Level (darkness)', less: 'Lower level, brighter', more: 'Higher level, darker' },
    zoom: { label: 'Zoom', less: 'Zoom out', more: 'Zoom in' },
    x: { label: 'Left to right', less: 'Move the view to the left', more: 'Move the view to the right' },
    y: { label: 'Top to bottom', less: 'Move the view up', more: 'Move the view down' },
    opacity: { label: 'Strength of the marks', less: 'Weaker marks', more: 'Stronger marks' },
    morph: (first, last) => ({ label: `From ${first} to ${last}`, less: `Towards ${first}`, more: `Towards ${last}` }),
  },
  morphAt: (part, first, last) => {
    if (part === 0 || part === 1) return part ? last : first;
    return `${Math.round(part * 100)}\u00a0% ${last}`;
  },
  brighterDown: 'Dragging down makes the image brighter',
  compare: 'Compare',
  modes: { morph: 'Morph', blink: 'Blink', side: 'Side by side' },
  pause: 'Pause',
  play: 'Play',
  swap: 'Show the other',
  overlay: 'Marks on the image',
  helpText: {
    title: 'Looking at the image',
    lead: 'Grey levels run from 0 to 255. There is no scale in millimetres: a synthetic image has none.',
    mouse: 'Mouse',
    mouseRows: [
      ['Window: narrower, wider', 'drag left, right'],
      ['Level: brighter, darker', 'drag up, down'],
      ['Zoom', 'wheel, or drag with the right button'],
      ['Pan', 'drag with the middle button, or with [Shift]'],
      ['Reset', 'double click'],
    ],
    touch: 'Touch',
    touchRows: [
      ['Window and level', 'drag with one finger'],
      ['Zoom and pan', 'two fingers'],
      ['Reset', 'double tap'],
    ],
    keys: 'Keyboard',
    keyRows: [
      ['Zoom in, out, fit', '[+] [-] [=]'],
      ['Invert', '[I]'],
      ['Reset', '[0]'],
      ['Full range, bone, soft tissue', '[Shift] [1] [2] [3]'],
      ['With the focus on the image: window and level', '[←] [→] [↑] [↓]'],
      ['With the focus on the image: pan', '[Shift] [←] [→] [↑] [↓]'],
    ],
    keyNote: 'Sliders and buttons for all of this, and the direction of the drag, are behind “Adjust the image”.',
  },
};

export const keysTexts = {
  title: 'Answering by keys',
  confidence: 'Guess, fairly sure, certain',
  next: 'Next image',
  help: 'This help',
  or: 'or',
  enter: 'Enter',
  space: 'Space',
  arrows: { ArrowLeft: '←', ArrowRight: '→' },
  on: 'Use single-key shortcuts',
  offHint: 'With shortcuts off, move with Tab and press with Enter or Space.',
  close: 'Close',
};
