/**
 * A deck as a file: the JSON that GET gives and POST takes.
 */

import { saveFile } from '../staff/save_file.js';
import { teachTexts } from '../texts/teach_texts.js';

/** @param {object} definition */
export function saveAsFile(definition) {
  saveFile(new Blob([`${JSON.stringify(definition, null, 2)}\n`], { type: 'application/json' }), `${definition.id || 'deck'}.json`);
}

/**
 * @param {File} file
 * @returns {Promise<object>} its definition, as far as it is one: what is wrong inside, the server says beside each field
 */
export async function readDeckFile(file) {
  const t = teachTexts.file;
  let definition;
  try {
    definition = JSON.parse(await file.text());
  } catch (error) {
    throw new Error(t.noJson(error.message));
  }
  if (definition?.format !== 2 || !Array.isArray(definition.sources)) {
    throw new Error(t.noDeck);
  }
  return definition;
}
