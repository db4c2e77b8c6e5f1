/**
 * Boot of the atlas: labelled samples to scroll through and to look at. Every view has an address of its own.
 */

import { afterPaint } from '../after_paint.js';
import { listModels } from '../api/api_models.js';
import { el } from '../dom.js';
import { provenanceFoot } from '../provenance.js';
import { withRetry } from '../retry.js';
import { atlasTexts } from '../texts/atlas_texts.js';
import { pageTitle, product, troubleTexts } from '../texts/site_texts.js';
import { staffTexts } from '../texts/staff_texts.js';
import { readPlace, writePlace } from './atlas_place.js';
import { controlsView } from './view_controls.js';
import { createGrid } from './view_grid.js';
import { createSampleView } from './view_sample.js';

const SETTLED_MS = 300;
const t = atlasTexts;
const app = document.getElementById('app');
const main = el('main', { class: 'staff atlas', id: 'main', tabindex: '-1' });

function frame() {
  return [
    el('a', { class: 'skip', href: '#main' }, staffTexts.skip),
    el('header', { class: 'staff-bar' },
      el('a', { class: 'wordmark', href: '/' }, product),
      el('nav', { 'aria-label': staffTexts.menu }, el('ul', {},
        ...[['/', t.toDrills], ['/atlas.html', t.here], ['/staff.html', t.toStaff]].map(([href, words]) => el('li', {},
          el('a', { href, 'aria-current': href === location.pathname ? 'page' : null }, words)))))),
    main,
  ];
}

function notice(title, text) {
  main.replaceChildren(el('h1', {}, title), el('p', { class: 'staff-lead' }, text));
}

function open(models) {
  let { place, unknown } = readPlace(location.search, models);
  let settling = 0;
  const modelOf = ({ model }) => models.find(({ id }) => id === model);
  const addressOf = (there) => `/atlas.html${writePlace(there, models)}`;

  /** Takes over a change; `step`: one can come back from it by the browser's button. */
  function go(change, step) {
    clearTimeout(settling);
    place = { ...place, ...change };
    history[step ? 'pushState' : 'replaceState'](null, '', addressOf(place));
    show();
  }

  const grid = createGrid({
    hrefOf: (sample) => addressOf({ ...place, sample: { ...sample, view: 'one', other: null } }),
    onOpen: (sample) => {
      go({ sample: readPlace(writePlace({ ...place, sample: { ...sample, view: 'one' } }, models), models).place.sample }, true);
      window.scrollTo(0, 0);
      large.root.querySelector('h2').focus({ preventScroll: true });
    },
    onScrolled: (seed) => {
      clearTimeout(settling);
      settling = setTimeout(() => {
        place = { ...place, from: seed };
        history.replaceState(null, '', addressOf(place));
      }, SETTLED_MS);
    },
  });
  const large = createSampleView({
    onChange: (change) => go({ sample: { ...place.sample, ...change } }, false),
    onClose: () => {
      const { sample } = place;
      go({ sample: null }, true);
      grid.focusOn(sample);
    },
  });
  const controls = controlsView({
    models,
    onChange: async (change) => {
      await afterPaint(); // the control as it was set; the grid may take longer
      const classes = change.model ? modelOf(change).classes : change.classes ?? place.classes;
      go({ ...change, classes, sample: change.model ? null : place.sample }, false);
    },
    onGo: (seed) => {
      go(place.sample ? { sample: { ...place.sample, seed } } : { from: seed }, true);
    },
  });
  const lost = el('p', { class: 'trouble', role: 'alert' }, unknown ? t.unknown(unknown) : '');
  const lead = el('p', { class: 'staff-lead' }, t.lead);
  main.replaceChildren(el('h1', { tabindex: '-1' }, t.heading), lead, lost, controls.root, large.root, grid.root);

  let drawn = null; // of the grid: what it was drawn for

  function show() {
    const model = modelOf(place);
    const isOpen = place.sample !== null;
    controls.update(place);
    main.classList.toggle('is-open', isOpen);
    lead.hidden = isOpen;
    grid.root.hidden = isOpen;
    large.root.hidden = !isOpen;
    document.title = isOpen ? pageTitle(t.title(place.sample.className, place.sample.seed, null)) : pageTitle(t.heading);
    if (isOpen) {
      large.show(place, model);
      return;
    }
    large.leave();
    const wanted = JSON.stringify([place.model, place.classes, place.strength, place.truncation, place.from]);
    if (wanted !== drawn) {
      drawn = wanted;
      grid.show(place, model);
    }
    grid.goTo(place.from);
  }

  window.addEventListener('popstate', () => {
    clearTimeout(settling);
    ({ place } = readPlace(location.search, models));
    show();
  });
  history.scrollRestoration = 'manual';
  app.append(provenanceFoot());
  show();
}

app.replaceChildren(...frame());
notice(t.heading, t.loading);
try {
  const models = await withRetry(listModels, { signal: new AbortController().signal, onWait: () => notice(t.heading, troubleTexts.loading) });
  if (models.length === 0) {
    notice(t.noModels.title, t.noModels.text);
    app.append(provenanceFoot());
  } else {
    open(models);
  }
} catch (error) {
  notice(troubleTexts.other.title, troubleTexts.other.text(error.message));
}
