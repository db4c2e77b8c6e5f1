/**
 * What a study's answers leave in: the files and what is in each, their hashes, and what the columns mean.
 */

import { exportStudy, readCodebook } from '../api/api_studies.js';
import { el } from '../dom.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { selectField } from '../staff/form_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { saveFile } from '../staff/save_file.js';
import { scrollingTable } from '../staff/table.js';

const t = researchTexts.exports;

/** @param {import('./study_desk.js').Desk} desk @returns {Promise<HTMLElement[]>} */
export async function exportView(desk) {
  const { entry, study, simulated } = desk;
  const columns = (await readCodebook()).filter(({ files }) => files.includes('study'));
  const check = (id, label, hint) => {
    const input = el('input', { type: 'checkbox', id });
    return { input, root: el('label', { class: 'option' }, input, el('span', { class: 'option-words' }, el('strong', {}, label), el('span', {}, hint))) };
  };
  const strata = check('with-strata', t.strata, t.strataHint);
  const freeTexts = check('with-texts', t.freeTexts, t.freeTextsHint);
  const phase = selectField({ label: t.phase, id: 'phase', value: '', options: [{ value: '', text: t.allPhases }, ...study.phases.map(({ id }) => ({ value: id, text: id }))] });
  const options = () => ({ phase: phase.control.value, strata: strata.input.checked, free_texts: freeTexts.input.checked, simulated });
  const tests = study.phases.filter(({ kind }) => kind === 'test').map(({ id }) => ({ value: id, text: id }));
  return [
    el('section', { 'aria-labelledby': 'export-title' },
      el('h2', { id: 'export-title' }, t.title),
      el('p', { class: 'quiet' }, t.lead),
      !simulated && entry.participants === 0 ? el('p', { class: 'note' }, t.none) : null,
      el('fieldset', { class: 'options' }, el('legend', {}, t.options), strata.root, freeTexts.root),
      phase.root,
      el('h3', {}, t.filesTitle),
      el('ul', { class: 'rows', id: 'files' }, ...Object.keys(t.files).map((file) => fileRow(file, desk, options, tests))),
      recorded(entry)),
    el('section', { 'aria-labelledby': 'codebook' }, el('h2', { id: 'codebook' }, t.codebookTitle), el('p', { class: 'quiet' }, t.codebookLead), codebook(columns)),
  ];
}

function recorded({ state, export_sha256: hash }) {
  return state === 'frozen' && hash
    ? el('p', {}, t.recorded, ' ', el('span', { class: 'hash' }, hash))
    : el('p', { class: 'quiet' }, t.notRecorded);
}

function fileRow(file, { entry, simulated }, options, tests) {
  const [title, words] = t.files[file];
  const trouble = troublePlace();
  const told = el('p', { class: 'file-told', role: 'status' });
  const test = file === 'imrmc.zip' && tests.length > 0
    ? selectField({ label: t.testPhase, value: tests[0].value, options: tests }) : null;
  const get = async () => {
    told.replaceChildren();
    const how = test ? { ...options(), phase: test.control.value } : options();
    const { blob, tag } = await exportStudy(entry.id, file, how);
    saveFile(blob, `${entry.id}${how.phase ? `-${how.phase}` : ''}${simulated ? '-simulated' : ''}-${file}`);
    told.append(t.saved(t.size(blob.size)), ...(tag ? [` ${t.sha}: `, el('span', { class: 'hash' }, tag)] : []));
    if (file === 'package.zip' && entry.export_sha256 && !simulated) {
      told.append(' ', el('strong', {}, tag === entry.export_sha256 ? t.matches : t.differs));
    }
  };
  const button = el('button', { type: 'button', class: 'button', 'aria-label': t.downloadThis(file), 'data-file': file, on: { click: () => attempt(button, trouble, get) } }, t.download);
  return el('li', { class: 'row file-row' },
    el('div', { class: 'row-words' }, el('strong', {}, `${title}: `, el('code', {}, file)), el('span', {}, words)),
    test?.root ?? null, button, told, trouble);
}

function codebook(columns) {
  const unit = ({ type, unit: of }) => `${t.types[type]}${of ? `, ${of}` : ''}`;
  const meaning = ({ description, on_request: asked, levels }) => el('div', {},
    description, asked ? ` (${t.onRequest})` : '',
    levels.length > 0 ? el('ul', { class: 'levels' }, ...levels.map((level) => el('li', {}, el('code', {}, level.value), ` ${level.meaning}`))) : null);
  return el('details', { class: 'teach' }, el('summary', {}, `${t.codebookTitle} (${columns.length})`),
    scrollingTable(t.columns, [t.column, t.type, t.meaning], columns.map((column) => [el('code', {}, column.name), unit(column), meaning(column)])));
}
