/**
 * Participants by their codes, and taking one out at their request.
 */

import { listParticipants, withdrawParticipant } from '../api/api_studies.js';
import { timeElement, dateOnly } from '../dates.js';
import { el } from '../dom.js';
import { confirmDialog, openDialog } from '../staff/confirm_dialog.js';
import { textField } from '../staff/form_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { scrollingTable } from '../staff/table.js';
import { stratumText } from './stratum.js';

const t = researchTexts.people;
const SHOWN = 100;

/** @param {import('./study_desk.js').Desk} desk @returns {Promise<HTMLElement[]>} */
export async function peopleView(desk) {
  const { entry, simulated } = desk;
  const participants = await listParticipants(entry.id, simulated);
  const head = [el('h2', { id: 'people-title' }, t.title), el('p', { class: 'quiet' }, t.lead)];
  if (participants.length === 0) {
    return [el('section', { 'aria-labelledby': 'people-title' }, ...head, el('p', {}, simulated ? t.noneSimulated : t.none))];
  }
  const rows = el('div', { class: 'is-whole' });
  const count = el('p', { class: 'quiet', role: 'status' });
  const draw = () => {
    const wish = find.control.value.trim().toLowerCase();
    const found = participants.filter(({ participant_id: code }) => code.toLowerCase().includes(wish));
    const shown = found.slice(0, SHOWN);
    count.textContent = found.length > 0 ? t.found(shown.length, found.length) : t.notFound;
    rows.replaceChildren(...(found.length > 0 ? [table(shown, desk)] : []));
  };
  const find = textField({ label: t.find, hint: t.findHint, id: 'find-code', type: 'search', spellcheck: 'false', autocapitalize: 'off', onInput: draw });
  draw();
  return [el('section', { 'aria-labelledby': 'people-title' }, ...head, entry.state === 'frozen' ? el('p', { class: 'note' }, t.frozen) : null, find.root, count, rows)];
}

function table(participants, desk) {
  const { entry, study } = desk;
  const asked = (study.strata ?? []).length > 0;
  const labels = new Map(study.arms.map(({ id, label }) => [id, label]));
  const heads = [t.code, t.arm, ...(asked ? [t.stratum] : []), t.enrolled, t.state, t.progress, ...(entry.state === 'frozen' ? [] : [t.withdraw])];
  return scrollingTable(t.table, heads, participants.map((person) => [
    el('code', {}, person.participant_id),
    person.arm === null ? t.noArm : labels.get(person.arm) ?? person.arm,
    ...(asked ? [stratumText(person.stratum, study)] : []),
    timeElement(person.enrolled_on, dateOnly),
    person.ended_how ? t.ended[person.ended_how] : t.active,
    el('ul', { class: 'phase-list' }, ...person.phases.map((phase) => el('li', {}, t.phase(phase, t.phaseStates[phase.state])))),
    ...(entry.state === 'frozen' ? [] : [withdrawal(person, desk)]),
  ]));
}

/** Whose link was cut has a code that nobody knows: the server takes no wish of theirs. */
function withdrawal({ participant_id: code, ended_how: how }, desk) {
  return how === 'anonymise' ? el('span', { class: 'quiet' }, t.withdrawNever) : el('button', {
    type: 'button', class: 'button', 'aria-label': t.withdrawThis(code),
    on: { click: () => openDialog(withdrawDialog(code, desk), () => document.getElementById('find-code')) },
  }, t.withdraw);
}

function withdrawDialog(code, { entry, changed }) {
  const inputs = Object.keys(t.forms).map((form, i) => el('input', { type: 'radio', name: 'withdrawal', value: form, checked: i === 0 }));
  return confirmDialog({
    title: t.dialogTitle(code), name: code, action: t.sure,
    words: [t.dialogLead, el('fieldset', { class: 'options' }, el('legend', {}, t.ask), ...inputs.map((input) => el('label', { class: 'option' }, input,
      el('span', { class: 'option-words' }, el('strong', {}, t.forms[input.value][0]), el('span', {}, t.forms[input.value][1])))))],
    onConfirm: async () => {
      await withdrawParticipant(entry.id, code, inputs.find(({ checked }) => checked).value);
      await changed(t.done(code));
    },
  });
}
