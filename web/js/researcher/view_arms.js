/**
 * Arms, and the blocks that balance them.
 */

import { el } from '../dom.js';
import { selectField, textField } from '../staff/form_fields.js';
import { researchTexts } from '../texts/research_texts.js';
import { blocksFromText, weightsOf } from './study_plan.js';
import { sampleSize } from './view_sample_size.js';
import { deckOptions, labelled, planList, section } from './plan_pieces.js';

const t = researchTexts.editor;

/** @param {import('../api/api_studies.js').Study} study changed in place */
export function armsAndBlocks(study, decks, onChange) {
  const hint = el('span', { class: 'field-hint', id: 'blocks-hint' }, t.blocksHint(weightsOf(study)));
  const blocks = textField({
    label: t.blocks, path: 'blocks', value: study.blocks.join(', '), inputmode: 'numeric', 'aria-describedby': 'blocks-hint',
    onInput: (value) => { study.blocks = blocksFromText(value); onChange(); },
  });
  blocks.root.append(hint);
  const changed = () => {
    hint.textContent = t.blocksHint(weightsOf(study));
    onChange();
  };
  const list = planList({
    items: study.arms, path: 'arms', title: t.arm, count: { min: 2, max: 8 }, onChange: changed,
    additions: [{ id: 'add-arm', label: t.addArm, make: () => ({ id: '', label: '', deck: '' }) }],
    fields: (arm, i) => armFields(arm, `arms[${i}]`, study.arms, decks, changed),
  });
  return section('arms', t.armsTitle, t.armsLead, list, blocks.root, sampleSize(() => study.arms.length));
}

function armFields(arm, path, arms, decks, onChange) {
  return [
    ...labelled(arm, path, 'label', t.armLabel, arms, onChange, { maxlength: '80' }),
    selectField({ label: t.armDeck, path: `${path}.deck`, value: arm.deck, options: deckOptions(decks, arm.deck), onInput: (value) => { arm.deck = value; onChange(); } }).root,
    textField({
      label: t.armWeight, hint: t.armWeightHint, path: `${path}.weight`, type: 'number', min: '1', max: '64', step: '1', value: arm.weight ?? 1,
      onInput: (value) => { arm.weight = Number(value); onChange(); },
    }).root,
  ];
}
