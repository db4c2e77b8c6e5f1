/**
 * Who came how far, drawn as CONSORT draws it, and asked for anew while somebody looks.
 */

import { readFlow } from '../api/api_studies.js';
import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { researchTexts } from '../texts/research_texts.js';
import { stratumText } from './stratum.js';

const t = researchTexts.flow;
const REFRESH_MS = 15000;

/** @param {import('./study_desk.js').Desk} desk @returns {Promise<HTMLElement[]>} */
export async function flowView({ entry, study, simulated, leaving }) {
  const live = entry.state !== 'frozen';
  const diagram = el('div', { class: 'is-whole' });
  const updated = el('p', { class: 'quiet' });
  let shown = '';

  const draw = (flow) => {
    updated.replaceChildren(t.updated, ' ', timeElement(new Date().toISOString()), '. ', live ? t.live : '');
    if (JSON.stringify(flow) !== shown) { // what is being read or selected stays
      shown = JSON.stringify(flow);
      diagram.replaceChildren(...(flow.consented > 0 ? flowDiagram(flow, study) : nobody(entry.state, simulated)));
    }
  };
  const refresh = async () => {
    if (document.hidden) {
      return;
    }
    try {
      const flow = await readFlow(entry.id, simulated);
      leaving.aborted || draw(flow);
    } catch {
      updated.textContent = t.later;
    }
  };
  draw(await readFlow(entry.id, simulated));
  if (live && !leaving.aborted) {
    const timer = setInterval(refresh, REFRESH_MS);
    document.addEventListener('visibilitychange', refresh, { signal: leaving });
    leaving.addEventListener('abort', () => clearInterval(timer));
  }
  return [el('section', { 'aria-labelledby': 'flow-title' }, el('h2', { id: 'flow-title' }, t.title), el('p', { class: 'quiet' }, t.lead), diagram, updated)];
}

function nobody(state, simulated) {
  return [el('p', {}, simulated ? t.noneSimulated : t.none, simulated || state !== 'open' ? '' : ` ${t.noneOpen}`)];
}

/** @param {import('../api/api_studies.js').Flow} flow @returns {HTMLElement[]} */
function flowDiagram(flow, study) {
  const left = Object.entries(flow.withdrawn).filter(([, count]) => count > 0);
  return [
    el('div', { class: 'flow' },
      el('p', { class: 'flow-box flow-top' }, el('span', {}, t.consented), el('strong', {}, String(flow.consented))),
      el('p', { class: 'flow-box flow-top' }, el('span', {}, t.randomised), el('strong', {}, String(flow.randomised))),
      el('ul', { class: 'flow-arms' }, ...flow.arms.map((arm) => armColumn(arm, flow.phases.filter((phase) => phase.arm === arm.arm), study)))),
    ...(left.length > 0 ? [el('div', { class: 'flow-left' }, el('h3', {}, t.withdrawnTitle),
      el('ul', {}, ...left.map(([form, count]) => el('li', {}, el('strong', {}, String(count)), ` ${t.withdrawn[form]}`))))] : []),
  ];
}

function armColumn({ label, randomised, strata }, phases, study) {
  return el('li', { class: 'flow-arm' },
    el('div', { class: 'flow-box' },
      el('h3', {}, label),
      el('strong', {}, t.arm(randomised)),
      strata.some(({ stratum }) => stratum) ? el('details', {}, el('summary', {}, t.strata),
        el('ul', {}, ...strata.map(({ stratum, count }) => el('li', {}, `${stratumText(stratum, study) || t.stratum('')}: ${count}`)))) : null),
    el('ol', { class: 'flow-phases' }, ...phases.map((phase) => phaseBox(phase, randomised))));
}

function phaseBox(phase, randomised) {
  const others = Object.entries(t.others).filter(([name]) => phase[name] > 0);
  return el('li', { class: 'flow-box' },
    el('span', { class: 'flow-phase' }, researchTexts.results.phase(phase.phase, researchTexts.kinds[phase.kind])),
    el('strong', {}, t.finished(phase.finished, randomised)),
    others.length > 0 ? el('ul', { class: 'flow-others' }, ...others.map(([name, words]) => (
      el('li', { class: ['under_way', 'waiting'].includes(name) ? null : 'is-lost' }, `${phase[name]} ${words}`)))) : null);
}
