/**
 * A deck's versions, newest first, each with what it changed, in words.
 */

import { listDeckVersions, readDeckVersion } from '../api/api_deck_shelf.js';
import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { attempt, troublePlace } from '../staff/attempt.js';
import { teachTexts } from '../texts/teach_texts.js';
import { saveAsFile } from './deck_file.js';
import { differences } from './differences.js';

const t = teachTexts.history;
const AT_ONCE = 10;

/** @param {{id: string, built_in: boolean, archived: boolean}} entry @returns {Promise<HTMLElement>} */
export async function historyView(entry) {
  const versions = await listDeckVersions(entry.id);
  const definitions = new Map();
  const list = el('ol', { class: 'rows versions', id: 'versions' });
  const trouble = troublePlace();
  let shown = 0;

  async function definitionOf(version) {
    definitions.has(version) || definitions.set(version, (await readDeckVersion(entry.id, version)).definition);
    return definitions.get(version);
  }

  async function more() {
    const next = versions.slice(shown, shown + AT_ONCE);
    await Promise.all(versions.slice(shown, shown + AT_ONCE + 1).map(({ version }) => definitionOf(version)));
    next.forEach((version, i) => list.append(row(version, versions[shown + i + 1])));
    shown += next.length;
    button.hidden = shown === versions.length;
  }

  function row({ version, saved_at: savedAt, saved_by: savedBy, used }, older) {
    const changes = older ? differences(definitions.get(older.version), definitions.get(version)) : [t.first];
    const newest = version === versions[0].version;
    return el('li', { class: 'row', 'data-version': String(version) },
      el('div', { class: 'row-words' },
        el('strong', {}, t.version(version, newest)),
        el('span', {}, timeElement(savedAt), ' ', t.by(savedBy, entry.built_in), used ? ` · ${t.used}` : ''),
        el('ul', { class: 'changes' }, ...(changes.length > 0 ? changes : [t.nothing]).map((words) => el('li', {}, words)))),
      el('div', { class: 'buttons' },
        newest || entry.built_in || entry.archived ? null : el('a', {
          class: 'button', href: `/deck.html?deck=${encodeURIComponent(entry.id)}&version=${version}`, 'aria-label': t.goBackTo(version),
        }, t.goBack),
        el('a', { class: 'button', href: `/deck.html?copy=${encodeURIComponent(entry.id)}&version=${version}`, 'aria-label': t.copyOf(version) }, t.copy),
        el('button', { type: 'button', class: 'button', 'aria-label': t.downloadOf(version), on: { click: () => saveAsFile(definitions.get(version)) } }, t.download)));
  }

  const button = el('button', { type: 'button', class: 'button', on: { click: () => attempt(button, trouble, more) } }, t.older);
  await more();
  return el('div', { class: 'form' }, el('p', { class: 'staff-lead' }, t.lead), list, trouble, button);
}
