/**
 * The record of changes and exports, newest first, a heading for each day in the reader's time zone.
 */

import { readAudit } from '../api/api_audit.js';
import { timeOnly, dayText, timeElement, timeZone } from '../dates.js';
import { el } from '../dom.js';
import { staffTexts } from '../texts/staff_texts.js';
import { attempt, troublePlace } from './attempt.js';
import { openStaffPage } from './frame.js';

const PAGE = 100;

await openStaffPage('/audit.html', async ({ main, announce }) => {
  const t = staffTexts.audit;
  const days = el('div', { class: 'audit' });
  const trouble = troublePlace();
  let oldest = null;
  let day = null;

  const more = el('button', {
    type: 'button', class: 'button', hidden: true,
    on: { click: () => attempt(more, trouble, async () => announce(t.shown(await load()))) },
  }, t.older);

  /** @returns {Promise<number>} how many entries came */
  async function load() {
    const entries = await readAudit(oldest, PAGE);
    for (const entry of entries) {
      const title = dayText(entry.at);
      if (title !== day) {
        day = title;
        days.append(el('h2', {}, title), el('ul', { class: 'rows' }));
      }
      days.lastElementChild.append(row(entry));
      oldest = entry.id;
    }
    more.hidden = entries.length < PAGE;
    return entries.length;
  }

  const found = await load();
  main.append(el('p', { class: 'staff-lead' }, found > 0 ? t.lead(timeZone()) : t.none), days, trouble, more);
});

function row({ at, account, action, object, detail }) {
  const t = staffTexts.audit;
  const details = Object.entries(detail).filter(([, value]) => value !== null && value !== '' && value !== 0); // 0: no account
  return el('li', { class: 'row' },
    el('span', { class: 'row-when' }, timeElement(at, timeOnly)),
    el('div', { class: 'row-words' },
      el('strong', {}, account?.name ?? t.operator, ' ', t.actions[action] ?? action),
      el('span', {}, [object.replace(':', ' '), ...details.map(([key, value]) => `${key.replaceAll('_', ' ')}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)]
        .filter(Boolean).join(' · '))));
}
