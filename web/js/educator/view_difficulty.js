/**
 * How hard drawn images are: dials for the strength of the class and for variety, with hips drawn at both ends.
 */

import { el } from '../dom.js';
import { dialField } from '../staff/choice_fields.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { thumbOf } from './thumb.js';

const t = teachTexts.editor;
const ends = ['low', 'high'];

/**
 * @param {import('./editor.js').Editor} editor
 * @param {import('./definition.js').Source} source
 * @param {string} path of the source
 * @returns {{root: HTMLElement, leave: () => void}}
 */
export function difficultyFields(editor, source, path) {
  let seed = 1;
  let leaving = [];
  const examples = el('div', { class: 'examples' });

  const dials = (name, onRest) => el('div', { class: 'side-by-side', 'data-path': `${path}.${name}` }, ...ends.map((end, i) => {
    const dial = dialField({
      label: t[name][end], value: source[name][i], write: t.share, hint: t[name].hints[i],
      onInput: (value) => editor.change(() => {
        source[name] = [...source[name]];
        source[name][i] = value;
        if (source[name][0] > source[name][1]) { // the other end gives way
          source[name][1 - i] = value;
          fields[name][1 - i].set(value);
        }
      }),
      onChange: onRest,
    });
    fields[name].push(dial);
    return dial.root;
  }));
  const fields = { strength: [], truncation: [] };

  function drawExamples() {
    leaving.forEach((leave) => leave());
    leaving = [];
    const [no, yes] = ['no', 'yes'].map((choice) => Object.keys(source.classes[choice])[0]);
    const values = [...new Set(source.strength)];
    examples.replaceChildren(...(no && yes ? values.map((strength) => el('figure', { class: 'example' },
      el('figcaption', {}, t.exampleAt(strength, values.length > 1 && strength === values[0])),
      ...[no, yes].map((name) => {
        const thumb = thumbOf({ class: name, seed: String(seed), model: source.model, strength, truncation: source.truncation[1] }, editor.models);
        leaving.push(thumb.leave);
        return el('span', { class: 'example-image' }, thumb.root, el('span', {}, atlasTexts.className(name)));
      }))) : []));
  }

  const another = el('button', {
    type: 'button', class: 'button',
    on: {
      click: () => {
        seed += 1;
        drawExamples();
      },
    },
  }, t.anotherExample);
  const root = el('div', { class: 'form' },
    el('h3', {}, t.difficulty),
    dials('strength', drawExamples),
    examples, another,
    el('details', { class: 'more' }, el('summary', {}, t.variety), dials('truncation', drawExamples)));
  drawExamples();
  return { root, leave: () => leaving.forEach((leave) => leave()) };
}
