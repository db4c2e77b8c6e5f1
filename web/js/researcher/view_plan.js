/**
 * The form of a study's plan. It edits the study in place and says so at every change.
 */

import { el } from '../dom.js';
import { areaField, selectField, textField } from '../staff/form_fields.js';
import { nameFor } from '../staff/name_for.js';
import { researchTexts } from '../texts/research_texts.js';
import { choicesFromLines, linesOfChoices, testFlaw } from './study_plan.js';
import { deckOptions, labelled, planList, section } from './plan_pieces.js';
import { armsAndBlocks } from './view_arms.js';
import { nameField } from './view_name.js';

const t = researchTexts.editor;

/**
 * @typedef {{id: string, title: string, definition: ?object}} DeckChoice definition: null when it is not known
 *
 * @param {object} props
 * @param {import('../api/api_studies.js').Study} props.study
 * @param {boolean} props.isNew its name can still be chosen
 * @param {DeckChoice[]} props.decks
 * @param {() => void} props.onChange
 * @param {() => void} props.onPreview
 * @returns {HTMLElement[]} sections
 */
export function planSections({ study, isNew, decks, onChange, onPreview }) {
  study.strata ??= [];
  study.questions ??= [];
  return [
    aboutSection(study, isNew, decks, onChange),
    consentSection(study, onChange, onPreview),
    strataSection(study, onChange),
    armsAndBlocks(study, decks, onChange),
    phasesSection(study, decks, onChange),
    questionsSection(study, onChange),
  ];
}

function aboutSection(study, isNew, decks, onChange) {
  const id = nameField({ item: study, path: '', label: t.id, hint: isNew ? t.idHint : t.idFixed, readonly: !isNew, onChange });
  const title = textField({
    label: t.title, hint: t.titleHint, path: 'title', value: study.title, maxlength: '240',
    onInput: (value) => {
      if (isNew) {
        id.follow(study.title, value);
      }
      study.title = value;
      onChange();
    },
  });
  const contact = textField({ label: t.contact, hint: t.contactHint, path: 'contact', value: study.contact, maxlength: '240', onInput: (value) => { study.contact = value; onChange(); } });
  const practice = selectField({
    label: t.practice, hint: t.practiceHint, path: 'practice_deck', value: study.practice_deck ?? '',
    options: deckOptions(decks, study.practice_deck).map((option) => (option.value === '' ? { ...option, text: t.noPractice } : option)),
    onInput: (value) => { study.practice_deck = value || null; onChange(); },
  });
  return section('about', t.about, null, title.root, id.root, contact.root, practice.root);
}

function consentSection(study, onChange, onPreview) {
  const set = (value) => {
    study.consent.text = value;
    template.hidden = value !== '';
    onChange();
  };
  const text = areaField({ label: t.consent, hint: t.consentHint, path: 'consent.text', value: study.consent.text, rows: '14', maxlength: '20000', onInput: set });
  text.root.classList.add('is-wide');
  const template = el('button', {
    type: 'button', class: 'button', id: 'template', hidden: study.consent.text !== '',
    on: { click: () => { text.control.value = t.templateText; set(t.templateText); text.control.focus(); } },
  }, t.template);
  return section('consent', t.consentTitle, null, text.root,
    el('div', { class: 'buttons' }, template, el('button', { type: 'button', class: 'button', id: 'preview', on: { click: onPreview } }, t.preview)));
}

function strataSection(study, onChange) {
  const list = planList({
    items: study.strata, path: 'strata', title: t.stratum, count: { min: 0, max: 3 }, onChange,
    additions: [{ id: 'add-stratum', label: t.addStratum, make: () => ({ id: '', label: '', choices: [] }) }],
    fields: (stratum, i) => labelled(stratum, `strata[${i}]`, 'label', t.stratumLabel, study.strata, onChange, { maxlength: '240' })
      .concat(choicesField(stratum, `strata[${i}]`, onChange)),
  });
  return section('strata', t.strataTitle, t.strataLead, list);
}

function questionsSection(study, onChange) {
  const list = planList({
    items: study.questions, path: 'questions', title: t.question, count: { min: 0, max: 20 }, onChange,
    additions: [{ id: 'add-question', label: t.addQuestion, make: () => ({ id: '', text: '', kind: 'choice', choices: [] }) }],
    fields: (question, i) => {
      const choices = choicesField(question, `questions[${i}]`, onChange);
      choices.hidden = question.kind === 'text';
      const kind = selectField({
        label: t.kind, path: `questions[${i}].kind`, value: question.kind,
        options: Object.entries(t.questionKinds).map(([value, text]) => ({ value, text })),
        onInput: (value) => { question.kind = value; choices.hidden = value === 'text'; onChange(); },
      });
      return [...labelled(question, `questions[${i}]`, 'text', t.questionText, study.questions, onChange, { maxlength: '500' }), kind.root, choices];
    },
  });
  return section('questions', t.questionsTitle, t.questionsLead, list);
}

function choicesField(item, path, onChange) {
  return areaField({
    label: t.choices, path: `${path}.choices`, value: linesOfChoices(item.choices), rows: '4',
    onInput: (value) => { item.choices = choicesFromLines(value, item.choices ?? []); onChange(); },
  }).root;
}

function phasesSection(study, decks, onChange) {
  const fits = decks.some(({ definition }) => definition && testFlaw(definition) === null);
  const make = (kind) => () => ({
    id: nameFor(kind === 'test' ? 'test' : 'training', study.phases.map(({ id }) => id)), kind, ...(kind === 'test' ? { deck: '' } : {}),
  });
  const list = planList({
    items: study.phases, path: 'phases', title: t.phase, count: { min: 1, max: 8 }, onChange,
    additions: [{ id: 'add-test', label: t.addTest, make: make('test') }, { id: 'add-training', label: t.addTraining, make: make('training') }],
    fields: (phase, i) => phaseFields(phase, i, decks, onChange),
  });
  return section('phases', t.phasesTitle, t.phasesLead, fits ? null : el('p', { class: 'note' }, t.noTestDeck), list);
}

function phaseFields(phase, i, decks, onChange) {
  const path = `phases[${i}]`;
  const inWords = el('p', { class: 'quiet window-words' });
  const tellWindow = () => { inWords.textContent = t.window(phase.opens_after_days ?? 0, phase.closes_after_days, i === 0); };
  const days = (key, label, hint = null) => textField({
    label, hint, path: `${path}.${key}`, type: 'number', min: '0', max: '3650', step: 'any', value: phase[key] ?? '',
    onInput: (value) => { phase[key] = value === '' ? null : Number(value); tellWindow(); onChange(); },
  }).root;
  const deck = selectField({
    label: t.testDeck, path: `${path}.deck`, value: phase.deck ?? '', options: deckOptions(decks, phase.deck, testChoice),
    onInput: (value) => { phase.deck = value; onChange(); },
  }).root;
  deck.hidden = phase.kind !== 'test';
  const kind = selectField({
    label: t.kind, path: `${path}.kind`, value: phase.kind,
    options: Object.entries(researchTexts.kinds).map(([value, text]) => ({ value, text })),
    onInput: (value) => { phase.kind = value; deck.hidden = value !== 'test'; onChange(); },
  }).root;
  tellWindow();
  const name = nameField({ item: phase, path, label: t.name, hint: t.nameHint, onChange });
  return [kind, deck, name.root, days('opens_after_days', t.opens), days('closes_after_days', t.closes, t.closesHint), inWords];
}

/** A deck that cannot be a test stays in the list, so that one sees why. */
function testChoice({ title, definition }) {
  const flaw = definition && testFlaw(definition);
  return flaw ? { text: t.deckUnfit(title, t.testFlaws[flaw]), disabled: true } : { text: title };
}
