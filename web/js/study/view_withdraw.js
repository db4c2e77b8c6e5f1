/**
 * Leaving the study, in one of three forms, each explained.
 */

import { whileBusy } from '../busy.js';
import { el } from '../dom.js';
import { studyTexts } from '../texts/study_texts.js';
import { studyPage } from './view_study.js';

const t = studyTexts;
const FORMS = ['stop', 'anonymise', 'delete'];

/**
 * @param {object} props
 * @param {string} props.contact
 * @param {boolean} props.stopped has left already and kept the answers in the study
 * @param {(form: string) => Promise<?string>} props.onWithdraw resolves with what is wrong
 * @param {() => void} props.onBack
 */
export function withdrawView({ contact, stopped, onWithdraw, onBack }) {
  const forms = stopped ? FORMS.slice(1) : FORMS;
  const inputs = forms.map((form) => el('input', { type: 'radio', name: 'form', value: form, required: true, 'aria-describedby': `form-${form}` }));
  const trouble = el('p', { class: 'study-trouble', role: 'alert' });
  const button = el('button', { type: 'submit', class: 'button button-main', id: 'leave-study' }, t.withdraw);
  const send = (event) => {
    event.preventDefault();
    whileBusy(button, async () => {
      trouble.textContent = await onWithdraw(inputs.find(({ checked }) => checked).value) ?? '';
    });
  };
  return studyPage('withdraw', t.withdrawTitle, t.withdrawLead,
    el('form', { class: 'study-form', on: { submit: send } },
      el('fieldset', { class: 'choices' },
        el('legend', {}, t.withdrawAsk),
        ...forms.map((form, i) => el('label', { class: 'choice' }, inputs[i],
          el('span', {}, el('strong', {}, t.forms[form].title), el('span', { id: `form-${form}` }, t.forms[form].words))))),
      trouble,
      button),
    el('p', { class: 'study-words' }, t.withdrawContact(contact)),
    el('button', { type: 'button', class: 'button', id: 'back', on: { click: onBack } }, t.withdrawBack));
}

/**
 * @param {object} props
 * @param {string} props.form
 * @param {string} props.contact
 * @param {() => void} props.onWithdraw what was kept may be deleted later
 */
export function leftView({ form, contact, onWithdraw }) {
  return studyPage('left', t.leftTitle, t.left[form],
    el('p', { class: 'study-words' }, t.contact(contact)),
    form === 'stop' ? el('button', { type: 'button', class: 'link-button', id: 'withdraw', on: { click: onWithdraw } }, t.withdrawMore) : null,
    el('p', {}, el('a', { href: '/' }, t.toDrills)));
}
