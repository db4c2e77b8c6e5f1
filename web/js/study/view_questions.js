/**
 * The questions at the end. Every one may be skipped.
 */

import { whileBusy } from '../busy.js';
import { el } from '../dom.js';
import { studyTexts } from '../texts/study_texts.js';
import { radioGroup, studyPage } from './view_study.js';

const t = studyTexts;
const TEXT_MAX = 2000;

/**
 * @param {object} props
 * @param {import('../api/api_participants.js').Question[]} props.questions
 * @param {(answers: Object<string, string>) => Promise<?string>} props.onSend resolves with what is wrong
 */
export function questionsView({ questions, onSend }) {
  const asked = questions.map((question) => (question.kind === 'text' ? textQuestion(question) : choiceQuestion(question)));
  const trouble = el('p', { class: 'study-trouble', role: 'alert' });
  const button = el('button', { type: 'submit', class: 'button button-main', id: 'send' }, t.send);
  const send = (event) => {
    event.preventDefault();
    whileBusy(button, async () => {
      trouble.textContent = '';
      const answers = asked.map(({ value }, i) => [questions[i].id, value()]).filter(([, answer]) => answer);
      trouble.textContent = await onSend(Object.fromEntries(answers)) ?? '';
    });
  };
  return studyPage('questions', t.questionsTitle, t.questionsLead,
    el('form', { class: 'study-form', on: { submit: send } }, ...asked.map(({ root }) => root), trouble, button));
}

function choiceQuestion({ id, text, kind, choices }) {
  return radioGroup({ name: `question-${id}`, label: text, choices, required: false, inRow: kind === 'scale' });
}

function textQuestion({ id, text }) {
  const area = el('textarea', { id: `question-${id}`, rows: '4', maxlength: String(TEXT_MAX) });
  return {
    root: el('div', { class: 'study-field' }, el('label', { for: `question-${id}` }, text), area),
    value: () => area.value.trim() || null,
  };
}
