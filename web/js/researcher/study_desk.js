/**
 * The desk of one study: where it stands and what changes that, who came how far, results, participants, export. Which
 * part is shown stands after the # of the address, and whether of people or of simulated learners before it.
 */

import { listStudies, readStudy } from '../api/api_studies.js';
import { el } from '../dom.js';
import { troubleWords } from '../staff/attempt.js';
import { openStaffPage } from '../staff/frame.js';
import { researchTexts } from '../texts/research_texts.js';
import { pageTitle } from '../texts/site_texts.js';
import { exportView } from './view_export.js';
import { flowView } from './view_flow.js';
import { overviewView } from './view_overview.js';
import { peopleView } from './view_people.js';
import { resultsView } from './view_results.js';

const t = researchTexts.desk;
const VIEWS = { overview: overviewView, flow: flowView, results: resultsView, people: peopleView, export: exportView };

/**
 * @typedef {object} Desk what the views are given
 * @property {import('../api/api_studies.js').StudyEntry} entry
 * @property {import('../api/api_studies.js').Study} study
 * @property {string} version for the next change
 * @property {boolean} simulated whose figures are shown
 * @property {number} account whose page it is
 * @property {(told: string, warnings?: string[]) => Promise<void>} changed reads and draws all anew
 * @property {AbortSignal} leaving aborted when another view is shown
 */

await openStaffPage('/study-desk.html', async ({ main, account }) => {
  const id = new URLSearchParams(location.search).get('study');
  main.append(el('p', { class: 'crumb' }, el('a', { href: '/studies.html' }, t.back)));
  const entry = id && (await listStudies()).find((study) => study.id === id);
  if (!entry) {
    main.append(el('p', {}, id ? t.unknown : t.which));
    return;
  }
  await desk(main, account.id, { entry, ...await readStudy(id) });
});

async function desk(main, account, read) {
  const place = el('div', { class: 'desk-view' });
  const told = el('div', { class: 'desk-told', role: 'status' });
  const badge = el('span', {});
  const tabs = Object.keys(VIEWS).map((name) => el('a', { href: `#${name}` }, t.views[name]));
  let leave = new AbortController();

  async function show() {
    const { entry } = read;
    const view = wantedView(entry);
    leave.abort();
    leave = new AbortController();
    const { signal } = leave;
    main.querySelector('h1').replaceChildren(entry.title, ' ', badge);
    badge.className = `state-badge is-${entry.state}`;
    badge.textContent = researchTexts.states[entry.state];
    document.title = pageTitle(entry.title);
    document.body.dataset.view = view;
    tabs.forEach((tab) => {
      tab.hash === `#${view}` ? tab.setAttribute('aria-current', 'page') : tab.removeAttribute('aria-current');
      tab.parentElement.hidden = entry.state === 'draft' && tab.hash !== '#overview';
    });
    whose.root.hidden = view === 'overview';
    whose.note.hidden = view === 'overview' || !isSimulated();
    place.setAttribute('aria-busy', 'true');
    const content = await VIEWS[view]({ ...read, simulated: isSimulated(), account, changed, leaving: signal })
      .catch((error) => [el('p', { class: 'trouble', role: 'alert' }, ...troubleWords(error))]);
    if (!signal.aborted) {
      place.replaceChildren(...content);
      place.setAttribute('aria-busy', 'false');
      place.dataset.shown = view;
    }
  }

  async function changed(words, warnings = []) {
    const { id } = read.entry;
    read = { entry: (await listStudies()).find((study) => study.id === id), ...await readStudy(id) };
    told.replaceChildren(el('div', { class: 'note' }, el('p', {}, words), ...warnings.map((text) => el('p', {}, text))));
    await show();
  }

  const whose = whoseSwitch(() => { delete place.dataset.shown; show(); });
  const nav = el('nav', { class: 'tabs', 'aria-label': t.parts }, el('ul', {}, ...tabs.map((tab) => el('li', {}, tab))));
  main.append(nav, whose.root, whose.note, told, place);
  await show();
  window.addEventListener('hashchange', () => {
    told.replaceChildren();
    delete place.dataset.shown;
    show();
  });
}

function wantedView({ state }) {
  const wish = location.hash.slice(1);
  return state !== 'draft' && Object.hasOwn(VIEWS, wish) ? wish : 'overview';
}

function isSimulated() {
  return new URLSearchParams(location.search).get('simulated') === 'true';
}

/** People's figures or those of simulated learners. It stays in the address, so that a reload shows the same. */
function whoseSwitch(onChange) {
  const radio = (value, text, checked) => el('label', { class: 'whose-choice' },
    el('input', { type: 'radio', name: 'whose', value, checked, on: { change: () => set(value === 'simulated') } }), el('span', {}, text));
  const set = (simulated) => {
    const search = new URLSearchParams(location.search);
    simulated ? search.set('simulated', 'true') : search.delete('simulated');
    history.replaceState(null, '', `?${search}${location.hash}`);
    onChange();
  };
  return {
    root: el('fieldset', { class: 'whose' }, el('legend', {}, t.whose), radio('people', t.people, !isSimulated()), radio('simulated', t.simulated, isSimulated())),
    note: el('p', { class: 'quiet' }, t.simulatedNote),
  };
}
