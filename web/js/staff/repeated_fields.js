/**
 * A list of groups of fields, to which one adds, and whose groups move and go; what went can be brought back.
 */

import { el } from '../dom.js';

/**
 * @template T
 * @param {object} props
 * @param {T[]} props.items changed in place
 * @param {string} props.path of the list; that of group n is path[n]
 * @param {(n: number) => string} props.title of group n, from 1
 * @param {(item: T, place: number) => (Node|null)[]} props.fields
 * @param {{id: string, label: string, make: () => T}[]} props.additions what can be added
 * @param {{min: number, max: number}} props.count
 * @param {object} props.words up, down, remove, removed: (title) => string; upShort, downShort, removeShort, undo
 * @param {() => void} props.onChange groups were added, moved or removed
 * @returns {{root: HTMLElement, draw: () => void}} draw: after the items were changed from elsewhere
 */
export function repeatedFields({ items, path, title, fields, additions, count, words, onChange }) {
  const groups = el('div', { class: 'groups' });
  const told = el('p', { class: 'group-undo', role: 'status' });
  const adding = additions.map(({ id, label, make }) => el('button', {
    type: 'button', class: 'button', id, on: { click: () => change(() => items.push(make()), () => focusIn(items.length - 1)) },
  }, label));

  function change(edit, focus) {
    told.replaceChildren();
    edit();
    draw();
    onChange();
    focus();
  }
  const focusIn = (place, selector = 'input, select, textarea') => groups.children[place]?.querySelector(selector)?.focus();

  function move(place, by) {
    change(() => items.splice(place + by, 0, ...items.splice(place, 1)), () => {
      const same = groups.children[place + by].querySelector(by < 0 ? '.move-up' : '.move-down');
      (same.disabled ? groups.children[place + by].querySelector('.move-up:enabled, .move-down:enabled') : same)?.focus();
    });
  }

  function remove(place) {
    const gone = items[place];
    const undo = el('button', {
      type: 'button', class: 'link-button', on: { click: () => change(() => items.splice(place, 0, gone), () => focusIn(place)) },
    }, words.undo);
    change(() => items.splice(place, 1), () => {
      told.replaceChildren(words.removed(title(place + 1)), ' ', undo);
      undo.focus();
    });
  }

  const button = (kind, label, shown, disabled, click) => el('button', {
    type: 'button', class: `button group-button ${kind}`, 'aria-label': label, disabled, on: { click },
  }, shown);

  function draw() {
    groups.replaceChildren(...items.map((item, place) => {
      const name = title(place + 1);
      return el('fieldset', { class: 'group', 'data-path': `${path}[${place}]` },
        el('legend', {}, name),
        el('div', { class: 'group-fields' }, ...fields(item, place)),
        el('div', { class: 'group-buttons' },
          items.length > 1 ? button('move-up', words.up(name), words.upShort, place === 0, () => move(place, -1)) : null,
          items.length > 1 ? button('move-down', words.down(name), words.downShort, place === items.length - 1, () => move(place, 1)) : null,
          items.length > count.min ? button('remove', words.remove(name), words.removeShort, false, () => remove(place)) : null));
    }));
    adding.forEach((add) => { add.disabled = items.length >= count.max; });
  }

  draw();
  return { root: el('div', { class: 'repeated', 'data-path': path }, groups, told, el('div', { class: 'buttons' }, ...adding)), draw };
}
