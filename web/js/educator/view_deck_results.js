/**
 * What practice with a deck tells about its learners together, and its images for Moodle.
 */

import { readDeckStatistics, readDeckVersion, readMoodleFile } from '../api/api_deck_shelf.js';
import { el } from '../dom.js';
import { learningPlot, rocPlot } from '../summary/view_plots.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { selectField } from '../staff/form_fields.js';
import { saveFile } from '../staff/save_file.js';
import { scrollingTable } from '../staff/table.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { summaryTexts } from '../texts/summary_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { fromDefinition, sameForAll } from './definition.js';

const t = teachTexts.results;
const WRITTEN = { median_response_ms: summaryTexts.seconds, auc: summaryTexts.decimal, d_prime: summaryTexts.decimal, criterion: summaryTexts.decimal };
const MEASURES = ['accuracy', 'sensitivity', 'specificity', 'auc', 'd_prime', 'criterion', 'median_response_ms'];

/** @param {{id: string, version: number}} entry @param {object[]} models @returns {Promise<HTMLElement>} */
export async function resultsView(entry, models) {
  const [statistics, { definition }] = await Promise.all([readDeckStatistics(entry.id), readDeckVersion(entry.id)]);
  const figures = el('div', { class: 'form' });
  const trouble = troublePlace();
  const show = (now) => figures.replaceChildren(...figuresOf(now, definition));
  const version = statistics.versions.length > 1 ? selectField({
    label: t.version, value: String(statistics.version), options: statistics.versions.map((n) => ({ value: String(n), text: t.versionN(n) })),
    onInput: () => attempt(version.control, trouble, showChosen),
  }) : null;
  /** Another may be chosen while one is on its way. */
  const showChosen = async () => {
    let chosen;
    do {
      chosen = version.control.value;
      show(await readDeckStatistics(entry.id, Number(chosen)));
    } while (version.control.value !== chosen);
  };
  show(statistics);
  return el('div', { class: 'form' },
    el('p', { class: 'staff-lead' }, t.lead),
    version?.root ?? null, trouble, figures,
    moodle(entry, definition, models));
}

function figuresOf({ version, versions, fewest_shown: fewest, score }, { choices: [no, yes] }) {
  if (versions.length === 0) {
    return [el('p', {}, t.nothingYet)];
  }
  if (score.readers === null) {
    return [el('p', {}, t.tooFew(fewest))];
  }
  const curve = score.learning_curve;
  return [
    el('p', { id: 'readers' }, t.readers(score.readers, score.trials, version)),
    el('h2', {}, t.caption),
    scrollingTable(t.caption, [t.measure, t.mean, t.range], MEASURES.map((name) => [t.measures(name, yes.label, no.label), ...meanCells(name, score[name])])),
    ...(score.classes.length > 0 ? [el('h2', {}, t.classesCaption), scrollingTable(t.classesCaption, [t.className, t.accuracy, t.range], score.classes.map((row) => [
      t.classWords(atlasTexts.className(row.class), row.source), ...meanCells('accuracy', row.accuracy)]))] : []),
    score.roc.length > 0 ? el('section', { class: 'figure', 'aria-labelledby': 'roc' }, el('h2', { id: 'roc' }, t.roc), rocPlot(score.roc, no.label, yes.label)) : null,
    curve.average.length > 1 ? el('section', { class: 'figure', 'aria-labelledby': 'curve' }, el('h2', { id: 'curve' }, t.curve), learningPlot(curve)) : null,
    el('p', { class: 'quiet' }, t.note(fewest)),
  ].filter(Boolean);
}

function meanCells(name, { value, low, high }) {
  const write = WRITTEN[name] ?? ((rate) => summaryTexts.percent(Math.min(Math.max(rate, 0), 1))); // the mean's interval may go beyond what there is
  return [value === null ? t.unknown : write(value), low === null ? t.unknown : t.between(write(low), write(high))];
}

/** The deck for Moodle's question bank, when it shows everybody the same images. */
function moodle(entry, definition, models) {
  const deck = fromDefinition(definition);
  const sizes = models.find(({ id }) => id === deck.sources[0]?.model)?.sizes ?? [];
  const trouble = troublePlace();
  const parts = [el('h2', { id: 'moodle' }, t.moodleTitle)];
  if (!sameForAll(deck)) {
    parts.push(el('p', { class: 'quiet' }, t.moodleNot));
  } else {
    const size = selectField({ label: t.moodleSize, value: String(sizes.at(-1) ?? ''), id: 'moodle-size', options: sizes.filter((n) => n >= 64).map((n) => ({ value: String(n), text: t.pixels(n) })) });
    const button = el('button', {
      type: 'button', class: 'button', id: 'moodle-file',
      on: { click: () => attempt(button, trouble, async () => saveFile(await readMoodleFile(entry.id, size.control.value), `${entry.id}.xml`)) },
    }, t.moodleGet);
    parts.push(el('p', { class: 'quiet' }, t.moodleLead), size.root, button, trouble);
  }
  return el('section', { 'aria-labelledby': 'moodle' }, ...parts);
}
