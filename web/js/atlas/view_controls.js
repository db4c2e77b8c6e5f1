/**
 * What the atlas shows: model, classes, strength, truncation, and from which hip on.
 */

import { el } from '../dom.js';
import { dialField } from '../staff/choice_fields.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { readSeed } from './atlas_place.js';

/**
 * @param {object} props
 * @param {import('../api/api_models.js').Model[]} props.models
 * @param {(change: Partial<import('./atlas_place.js').Place>) => void} props.onChange of how it is drawn
 * @param {(seed: string) => void} props.onGo
 * @returns {{root: HTMLElement, update: (place: import('./atlas_place.js').Place) => void}}
 */
export function controlsView({ models, onChange, onGo }) {
  const t = atlasTexts;
  const model = el('select', { id: 'atlas-model', on: { change: () => onChange({ model: model.value }) } },
    ...models.map(({ id, name }) => el('option', { value: id }, name)));
  const chips = el('fieldset', { class: 'chips', id: 'atlas-classes' });
  const strength = dialField({ id: 'strength', label: t.strength, hint: t.strengthHint, value: 1, write: t.share, onChange: (value) => onChange({ strength: value }) });
  const truncation = dialField({ id: 'truncation', label: t.truncation, hint: t.truncationHint, value: 1, write: t.share, onChange: (value) => onChange({ truncation: value }) });
  let drawnFor = null; // the model whose classes the chips are

  function drawChips(place) {
    drawnFor = place.model;
    const { classes } = models.find(({ id }) => id === place.model);
    const boxes = classes.map((name) => el('input', { type: 'checkbox', value: name, on: { change: () => choose(boxes) } }));
    chips.replaceChildren(el('legend', {}, t.classes), ...boxes.map((box) => el('label', { class: 'chip' }, box, t.className(box.value))));
  }

  /** The last class cannot be taken away. */
  function choose(boxes) {
    const classes = boxes.filter(({ checked }) => checked).map(({ value }) => value);
    if (classes.length > 0) {
      onChange({ classes });
    }
    lockLast(boxes);
  }

  const lockLast = (boxes) => {
    const checked = boxes.filter((box) => box.checked);
    boxes.forEach((box) => { box.disabled = checked.length === 1 && box.checked; });
  };

  const wide = window.matchMedia('(min-width: 48rem)').matches;
  const root = el('details', { class: 'atlas-controls', open: wide },
    el('summary', {}, t.controls),
    el('div', { class: 'atlas-settings' },
      models.length > 1 ? el('div', { class: 'field' }, el('label', { for: 'atlas-model' }, t.model), model) : null,
      chips, strength.root, truncation.root, goForm(onGo)));

  return {
    root,
    update(place) {
      model.value = place.model;
      if (drawnFor !== place.model) {
        drawChips(place);
      }
      const boxes = [...chips.querySelectorAll('input')];
      boxes.forEach((box) => { box.checked = place.classes.includes(box.value); });
      lockLast(boxes);
      strength.set(place.strength);
      truncation.set(place.truncation);
    },
  };
}

function goForm(onGo) {
  const t = atlasTexts;
  const number = el('input', { id: 'atlas-seed', inputmode: 'numeric', autocomplete: 'off', maxlength: '20', required: true, 'aria-describedby': 'atlas-seed-trouble' });
  const trouble = el('p', { class: 'trouble', role: 'alert', id: 'atlas-seed-trouble' });
  const go = (event) => {
    event.preventDefault();
    const seed = readSeed(number.value);
    trouble.textContent = seed === null ? t.noSeed : '';
    if (seed !== null) {
      onGo(seed);
    }
  };
  return el('form', { class: 'field', on: { submit: go }, novalidate: true },
    el('label', { for: 'atlas-seed' }, t.goTo),
    el('div', { class: 'go' }, number, el('button', { type: 'submit', class: 'button' }, t.go)),
    trouble);
}
