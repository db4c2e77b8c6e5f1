/**
 * Two people edited the same draft: what happened, and the two ways on. Neither loses anything.
 */

import { listStudyVersions, studyVersionUrl } from '../api/api_studies.js';
import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { researchTexts } from '../texts/research_texts.js';
import { saveFile } from '../staff/save_file.js';

const t = researchTexts.editor;

/**
 * @param {string} name of the study
 * @param {{onMine: (version: string) => void, onTheirs: () => void, study: () => object}} props version: theirs, which mine is put upon
 * @returns {Promise<HTMLElement>}
 */
export async function conflictBox(name, { onMine, onTheirs, study }) {
  const [theirs] = await listStudyVersions(name);
  const takeTheirs = () => {
    saveFile(new Blob([JSON.stringify(study(), null, 2)], { type: 'application/json' }), `${name}-mine.json`);
    onTheirs();
  };
  return el('div', { class: 'note conflict', tabindex: '-1', role: 'alert' },
    el('h2', {}, t.conflictTitle),
    el('p', {}, t.conflict(theirs.saved_by), ` ${theirs.version}, `, timeElement(theirs.saved_at), '. ', t.conflictWords),
    el('p', {}, el('a', { href: studyVersionUrl(name, theirs.version), target: '_blank' }, t.conflictSee)),
    el('div', { class: 'buttons' },
      el('button', { type: 'button', class: 'button', id: 'mine', on: { click: () => onMine(`"${theirs.version}"`) } }, t.conflictMine),
      el('button', { type: 'button', class: 'button', id: 'theirs', on: { click: takeTheirs } }, t.conflictTheirs)));
}
