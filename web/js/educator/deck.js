/**
 * The page of one deck: its editor, how it is shared, what came of it, its versions. The address says which of them.
 */

import { readDeckVersion } from '../api/api_deck_shelf.js';
import { listCatalogue } from '../api/api_decks.js';
import { listCollections } from '../api/api_library.js';
import { listModels } from '../api/api_models.js';
import { timeElement } from '../dates.js';
import { el } from '../dom.js';
import { openStaffPage } from '../staff/frame.js';
import { pageTitle } from '../texts/site_texts.js';
import { teachTexts } from '../texts/teach_texts.js';
import { fromDefinition, newDeck, sameDeck } from './definition.js';
import { openEditor } from './editor.js';
import { deckDrafts, draftKeyOf } from './kept_decks.js';
import { classesView } from './view_classes.js';
import { historyView } from './view_history.js';
import { resultsView } from './view_deck_results.js';

const t = teachTexts;
const asked = new URLSearchParams(location.search);

await openStaffPage('/deck.html', async (place) => {
  const { main, account } = place;
  const decks = await listCatalogue();
  const id = asked.get('deck');
  const entry = decks.find((deck) => deck.id === id) ?? null;
  const title = (words) => {
    main.querySelector('h1').textContent = words;
    document.title = pageTitle(words);
  };
  if (id && !entry) {
    title(t.gone.title);
    main.append(el('p', {}, t.gone.words), el('p', {}, el('a', { class: 'button', href: '/decks.html' }, t.list.all)));
    return;
  }
  const view = entry ? viewOf(asked.get('view'), entry) : 'edit';
  if (entry) {
    title(entry.title);
    main.append(views(entry, view));
  }
  if (view === 'edit') {
    await edit(place, deckDrafts(account.id), entry, decks, title);
  } else if (view === 'share') {
    main.append(await classesView({ deck: entry, announce: place.announce }));
  } else if (view === 'results') {
    main.append(await resultsView(entry, await listModels()));
  } else {
    main.append(await historyView(entry));
  }
});

/** A deck of the configuration is edited there, so its editor is not among its views. */
function viewsOf(entry) {
  return ['edit', 'share', 'results', 'history'].filter((view) => view !== 'edit' || !(entry.built_in || entry.archived));
}

function viewOf(wish, entry) {
  return viewsOf(entry).includes(wish) ? wish : viewsOf(entry)[0];
}

function views(entry, now) {
  return el('nav', { class: 'views', 'aria-label': t.views.label }, el('ul', {}, ...viewsOf(entry).map((view) => el('li', {},
    el('a', { href: `/deck.html?deck=${encodeURIComponent(entry.id)}${view === 'edit' ? '' : `&view=${view}`}`, 'aria-current': view === now ? 'page' : null }, t.views[view])))));
}

async function edit(place, drafts, entry, decks, title) {
  const [models, collections] = await Promise.all([listModels(), listCollections()]);
  const taken = decks.map(({ id }) => id);
  const start = await begin(drafts, entry, models);
  if (!entry) {
    title(t.editor.newTitle);
    place.main.append(el('p', { class: 'staff-lead' }, models.length + collections.length > 0 ? t.editor.lead : t.editor.nothingToDraw));
  }
  if (start.keptAt) {
    place.main.append(keptBox(drafts, start));
  }
  openEditor({
    place, drafts, start, models, collections, taken: taken.filter((id) => id !== entry?.id),
    onSaved: (id, name) => {
      title(name);
      place.main.querySelectorAll('.views, .staff-lead, #kept').forEach((old) => old.remove());
      place.main.querySelector('h1').after(views({ id, built_in: false, archived: false }, 'edit'));
    },
  });
}

/** Where the editor begins: a draft, a deck of the server, a copy of one, or a new one. */
async function begin(drafts, entry, models) {
  const fresh = { tag: null, key: null, saved: null, keptAt: null };
  const draft = asked.get('draft');
  if (draft) {
    const kept = drafts.load(draft);
    return kept ? { ...fresh, deck: kept.deck, key: draft, keptAt: kept.kept_at } : { ...fresh, deck: newDeck(models[0]) };
  }
  const from = entry?.id ?? asked.get('copy');
  if (!from) {
    return { ...fresh, deck: newDeck(models[0]) };
  }
  const { definition, tag } = await readDeckVersion(from, asked.get('version'));
  const deck = fromDefinition(definition);
  if (!entry) {
    deck.title = t.editor.copyTitle(deck.title);
    deck.id = '';
    return { ...fresh, deck };
  }
  const newest = asked.get('version') ? await readDeckVersion(from) : { definition, tag };
  const key = draftKeyOf(entry.id);
  const kept = asked.get('version') ? null : drafts.load(key);
  const saved = fromDefinition(structuredClone(newest.definition));
  return kept && !sameDeck(kept.deck, saved)
    ? { deck: kept.deck, tag: kept.tag, key, saved: kept.tag === newest.tag ? saved : null, keptAt: kept.kept_at }
    : { deck, tag: newest.tag, key, saved, keptAt: null };
}

/** Tells that what is in the form is not what the server has, and how to get that. */
function keptBox(drafts, { key, keptAt, tag }) {
  const sure = el('span', {});
  const drop = el('button', {
    type: 'button', class: 'button',
    on: {
      click: () => {
        if (drop.dataset.sure === undefined) {
          drop.dataset.sure = '';
          sure.textContent = t.kept.ask;
          drop.textContent = t.kept.sure;
          return;
        }
        drafts.drop(key);
        location.assign(tag ? location.href : '/decks.html');
      },
    },
  }, t.kept.discard);
  return el('div', { class: 'saved-box', id: 'kept' }, el('p', { role: 'status' }, t.kept.words, ' ', timeElement(keptAt), '. ', t.kept.where, ' ', sure), el('div', { class: 'buttons' }, drop));
}
