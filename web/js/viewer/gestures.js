/**
 * From pointers to what the user means. Pure: takes positions and times, gives intents.
 *
 * As OHIF has it: left drag window and level, middle drag pan, right drag zoom; besides, Shift with a left drag pans, for
 * mice and track pads with fewer buttons. Touch: one finger window and level, two fingers pan and zoom, a double tap
 * resets, as a double click does.
 *
 * @typedef {object} Pointer
 * @property {number} id
 * @property {'mouse'|'touch'|'pen'} type
 * @property {number} button 0 left, 1 middle, 2 right; of the press
 * @property {boolean} shift
 * @property {number} x CSS pixels
 * @property {number} y
 * @property {number} time ms
 *
 * @typedef {object} Intent
 * @property {'window'|'pan'|'zoom'|'pinch'|'reset'} kind
 * @property {number} gesture equal for all intents of one gesture
 * @property {string} by the pointer's type
 * @property {number} [dx] since the last intent
 * @property {number} [dy]
 * @property {number} [factor] of a pinch, since the last intent
 * @property {{x: number, y: number}} [about] the point that stays: a pinch's middle, where a zoom began
 * @property {{panned: boolean, zoomed: boolean}} [sofar] what a pinch has done since its beginning, beyond a tremble
 */

const SLOP_PX = { mouse: 2, pen: 4, touch: 8 }; // less is a tap
const DOUBLE_MS = 350;
const DOUBLE_PX = 30;
const TREMBLE_PX = 8;
const TREMBLE_FACTOR = 1.04;
const DRAGS = ['window', 'pan', 'zoom'];

export function createGestures() {
  const down = new Map(); // id -> where the pointer is
  let gesture = 0;
  let drag = null; // of one pointer
  let pinch = null; // of two
  let lastTap = null;

  const press = (pointer) => {
    down.set(pointer.id, pointer);
    if (down.size === 1) {
      gesture += 1;
      pinch = null;
      drag = {
        kind: pointer.button === 0 && pointer.shift ? 'pan' : DRAGS[pointer.button] ?? null,
        from: pointer,
        started: false,
      };
    } else if (down.size === 2) {
      gesture += drag?.started ? 1 : 0;
      drag = null;
      lastTap = null;
      pinch = { from: spread([...down.values()]), time: null, sofar: { panned: false, zoomed: false } };
    } else {
      pinch = null; // three fingers mean nothing
    }
    return [];
  };

  const move = (pointer) => {
    const before = down.get(pointer.id);
    if (!before) {
      return [];
    }
    const intents = drag ? dragTo(pointer, before) : pinchTo(pointer);
    down.set(pointer.id, drag && !drag.started ? before : pointer);
    return intents;
  };

  function dragTo(pointer, before) {
    const far = Math.hypot(pointer.x - before.x, pointer.y - before.y);
    drag.started ||= far > (SLOP_PX[pointer.type] ?? 0);
    if (!drag.started || !drag.kind) {
      return [];
    }
    lastTap = null;
    const about = { x: drag.from.x, y: drag.from.y };
    return [{ kind: drag.kind, gesture, by: pointer.type, dx: pointer.x - before.x, dy: pointer.y - before.y, about }];
  }

  function pinchTo(pointer) {
    if (!pinch || down.size !== 2) {
      return [];
    }
    const before = spread([...down.values()]);
    if (pointer.time !== pinch.time) {
      weigh(before);
      pinch.time = pointer.time;
    }
    const after = spread([...down.values()].map((other) => (other.id === pointer.id ? pointer : other)));
    return [pinched(pointer, before, after)];
  }

  function pinched({ type: by }, before, after) {
    const factor = before.apart > 0 && after.apart > 0 ? after.apart / before.apart : 1;
    const [dx, dy] = [after.x - before.x, after.y - before.y];
    return { kind: 'pinch', gesture, by, dx, dy, factor, about: { x: after.x, y: after.y }, sofar: { ...pinch.sofar } };
  }

  /** Browsers tell of fingers that move at one time one after the other: only after all is seen what they do together. */
  function weigh({ x, y, apart }) {
    const { from, sofar } = pinch;
    sofar.panned ||= Math.hypot(x - from.x, y - from.y) > TREMBLE_PX;
    sofar.zoomed ||= Math.max(apart / from.apart, from.apart / apart) > TREMBLE_FACTOR;
  }

  const lift = (pointer) => {
    if (!down.has(pointer.id)) {
      return [];
    }
    if (pinch && down.size === 2) {
      const end = spread([...down.values()]);
      weigh(end);
      down.delete(pointer.id);
      return [pinched(pointer, end, end)];
    }
    down.delete(pointer.id);
    const tapped = drag && !drag.started && drag.kind === 'window';
    drag = null; // a finger that stays after a pinch means nothing
    if (!tapped) {
      return [];
    }
    const again = lastTap && pointer.time - lastTap.time <= DOUBLE_MS
      && Math.hypot(pointer.x - lastTap.x, pointer.y - lastTap.y) <= DOUBLE_PX;
    lastTap = again ? null : pointer;
    return again ? [{ kind: 'reset', gesture, by: pointer.type }] : [];
  };

  return {
    press,
    move,
    lift,
    /** The browser took the pointer away. */
    cancel(pointer) {
      down.delete(pointer.id);
      drag = null;
      lastTap = null;
    },
  };
}

function spread([a, b]) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
}
