/**
 * Where the images are from: models and collections, which of their classes stand for which answer and in which shares.
 */

import { el } from '../dom.js';
import { selectField, textField } from '../staff/form_fields.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { assignClass, ganSource, librarySource } from './definition.js';
import { difficultyFields } from './view_difficulty.js';

const t = teachTexts.editor;
const SOURCES_MAX = 8;

/** @param {import('./editor.js').Editor} editor */
export function sourcesView(editor) {
  const { deck, models, collections } = editor;
  const list = el('div', { class: 'form', 'data-path': 'sources' });
  const add = el('button', { type: 'button', class: 'button', id: 'add-source', on: { click: () => restructure(() => deck.sources.push(another()), `source-${deck.sources.length}-kind`) } }, t.addSource);

  const another = () => (collections.length > 0 ? librarySource(collections[0], models[0])
    : ganSource(models.find(({ id }) => deck.sources.every(({ model }) => model !== id)) ?? models[0]));

  /** Changes what fields there are; the focus stays where it was, or goes to `next`. */
  function restructure(change, next = document.activeElement?.id) {
    editor.change(change);
    draw();
    (document.getElementById(next ?? '') ?? add).focus({ preventScroll: true });
  }

  function draw() {
    leave.splice(0).forEach((act) => act());
    list.replaceChildren(...deck.sources.map((source, i) => sourceField(source, i)));
    add.hidden = deck.sources.length >= SOURCES_MAX || models.length === 0 || (models.length === 1 && collections.length === 0);
  }

  const leave = [];

  function sourceField(source, i) {
    const ofLibrary = source.kind === 'library';
    const path = `sources[${i}]`;
    const kind = collections.length > 0 || ofLibrary ? selectField({
      label: t.sourceKind, path: `${path}.kind`, value: source.kind, id: `source-${i}-kind`,
      options: ['gan', 'library'].map((value) => ({ value, text: t.sourceKinds[value], disabled: value === 'library' && collections.length === 0 })),
      onInput: (value) => restructure(() => {
        deck.sources[i] = { ...(value === 'library' ? librarySource(collections[0], models[0]) : ganSource(models[0])), weight: source.weight };
      }),
    }).root : null;
    const model = selectField({
      label: ofLibrary ? t.sizeModel : t.model, hint: ofLibrary ? t.sizeModelHint : null, path: `${path}.model`, value: source.model, id: `source-${i}-model`,
      options: known(models.map(({ id, name }) => ({ value: id, text: name })), source.model),
      onInput: (value) => restructure(() => {
        if (ofLibrary) {
          source.model = value;
        } else {
          deck.sources[i] = { ...ganSource(models.find(({ id }) => id === value)), weight: source.weight, strength: source.strength, truncation: source.truncation };
        }
      }),
    });
    const difficulty = ofLibrary ? null : difficultyFields(editor, source, path);
    if (difficulty) {
      leave.push(difficulty.leave);
    }
    return el('fieldset', { class: 'source form', 'data-path': path },
      el('legend', {}, deck.sources.length > 1 ? t.sourceN(i + 1) : t.sourceOnly),
      kind, ...(ofLibrary ? libraryFields(source, path, i) : []), model.root,
      deck.sources.length > 1 ? textField({
        label: t.weight, hint: t.weightHint, path: `${path}.weight`, type: 'number', min: '0', step: 'any', value: source.weight,
        onInput: (value) => editor.change(() => { source.weight = Number(value); }),
      }).root : null,
      classesField(source, path, i),
      difficulty?.root ?? null,
      deck.sources.length > 1 ? el('button', {
        type: 'button', class: 'button', on: { click: () => restructure(() => deck.sources.splice(i, 1), 'add-source') },
      }, t.removeSource(i + 1)) : null);
  }

  function libraryFields(source, path, i) {
    return [
      selectField({
        label: t.collection, path: `${path}.collection`, value: source.collection, id: `source-${i}-collection`,
        options: known(collections.map(({ name, images, training_data: data }) => ({ value: name, text: t.collectionWords(name, images, data) })), source.collection),
        onInput: (value) => restructure(() => {
          deck.sources[i] = { ...librarySource(collections.find(({ name }) => name === value), models[0]), model: source.model, weight: source.weight };
        }),
      }).root,
      selectField({
        label: t.split, hint: t.splitHint, path: `${path}.split`, value: source.split ?? 'train', id: `source-${i}-split`,
        options: ['train', 'test'].map((value) => ({ value, text: t.splits[value] })),
        onInput: (value) => editor.change(() => { source.split = value; }),
      }).root,
    ];
  }

  function classesField(source, path, i) {
    const there = source.kind === 'library' ? Object.keys(collections.find(({ name }) => name === source.collection)?.classes ?? {})
      : models.find(({ id }) => id === source.model)?.classes ?? [];
    const used = Object.keys({ ...source.classes.no, ...source.classes.yes });
    const names = [...new Set([...there, ...used])];
    const several = (choice) => Object.keys(source.classes[choice]).length > 1;
    return el('div', { class: 'class-rows', role: 'group', 'aria-label': t.classes, 'data-path': `${path}.classes` },
      el('p', {}, t.classes),
      ...names.map((name, n) => {
        const choice = name in source.classes.no ? 'no' : name in source.classes.yes ? 'yes' : null;
        const stands = el('select', {
          id: `source-${i}-class-${n}`, on: { change: () => restructure(() => assignClass(source, name, stands.value || null)) },
        }, ...[['', t.notShown], ['no', deck.choices[0].label || t.choiceLabels[0]], ['yes', deck.choices[1].label || t.choiceLabels[1]]].map(([value, text]) => el('option', { value, selected: value === (choice ?? '') }, text)));
        return el('div', { class: 'class-row' },
          el('label', { for: `source-${i}-class-${n}` }, atlasTexts.className(name), there.includes(name) ? null : ` (${t.gone})`),
          stands,
          choice && several(choice) ? el('input', {
            type: 'number', min: '0', step: 'any', value: String(source.classes[choice][name]), 'aria-label': t.shareOf(atlasTexts.className(name)), id: `source-${i}-share-${n}`,
            on: { input: (event) => editor.change(() => { source.classes[choice][name] = Number(event.target.value); }) },
          }) : null);
      }),
      several('no') || several('yes') ? el('p', { class: 'quiet' }, t.sharesHint) : null);
  }

  draw();
  return el('div', { class: 'form' }, list, add);
}

/** With what is set but not here any more, so that it is not changed unseen. */
function known(options, value) {
  return options.some((option) => option.value === value) ? options : [...options, { value, text: t.goneNamed(value) }];
}
