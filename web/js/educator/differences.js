/**
 * What changed from one version of a deck to another, in words. Pure.
 */

import { fromDefinition, imageKey } from './definition.js';
import { teachTexts } from '../texts/teach_texts.js';

const PLAIN = ['id', 'title', 'description', 'question', 'items', 'prevalence', 'pairs', 'rating', 'feedback', 'time_limit_s'];

/**
 * @param {object} before definition
 * @param {object} after definition
 * @returns {string[]} sentences, most important first; none: they are the same
 */
export function differences(before, after) {
  const t = teachTexts.differences;
  const [a, b] = [before, after].map(fromDefinition);
  const listed = b.shows === 'list' && a.shows === 'list';
  const plain = PLAIN
    .filter((name) => a[name] !== b[name] && !(listed && ['items', 'prevalence'].includes(name)))
    .map((name) => t.changed(t.names[name], t.value(name, a[name]), t.value(name, b[name])));
  return [
    ...plain,
    ...['0', '1'].filter((i) => a.choices[i].label !== b.choices[i].label).map((i) => t.changed(t.choice, a.choices[i].label, b.choices[i].label)),
    a.shows === b.shows ? null : t.shows[b.shows],
    ...sourceWords(a.sources, b.sources),
    JSON.stringify(a.draw) === JSON.stringify(b.draw) ? null : t.draw(b.draw),
    JSON.stringify(a.order) === JSON.stringify(b.order) ? null : t.order(a.order, b.order),
    JSON.stringify(a.mastery) === JSON.stringify(b.mastery) ? null : t.mastery(b.mastery),
    ...imageWords(a.list, b.list, t.list),
    ...imageWords(a.exclude, b.exclude, t.exclude),
  ].filter(Boolean);
}

function sourceWords(a, b) {
  const t = teachTexts.differences;
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    if (!a[i]) return [t.sourceAdded(b[i])];
    if (!b[i]) return [t.sourceRemoved(a[i])];
    const name = t.sourceName(i, b.length);
    return [
      ...['kind', 'model', 'collection', 'split', 'weight'].filter((field) => (a[i][field] ?? null) !== (b[i][field] ?? null))
        .map((field) => t.changed(t.ofSource(name, t.names[field]), t.value(field, a[i][field]), t.value(field, b[i][field]))),
      ...['strength', 'truncation'].filter((field) => String(a[i][field]) !== String(b[i][field]))
        .map((field) => t.changed(t.ofSource(name, t.names[field]), t.range(a[i][field]), t.range(b[i][field]))),
      ...['no', 'yes'].filter((choice) => shares(a[i].classes[choice]) !== shares(b[i].classes[choice]))
        .map((choice) => t.changed(t.classes(name, choice), shares(a[i].classes[choice]), shares(b[i].classes[choice]))),
    ];
  }).flat();
}

const shares = (classes) => Object.keys(classes).sort().map((name) => teachTexts.differences.share(name, classes[name])).join(', ');

function imageWords(a, b, words) {
  const keys = (entries) => new Set(entries.map(imageKey));
  const [before, after] = [keys(a), keys(b)];
  const added = [...after].filter((key) => !before.has(key)).length;
  const removed = [...before].filter((key) => !after.has(key)).length;
  if (added || removed) return [words.added(added), words.removed(removed)].filter(Boolean);
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [words.reordered];
}
