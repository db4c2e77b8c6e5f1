/**
 * Looks for the answer in what a learner's browser was sent before the learner gave one.
 */

import assert from 'node:assert/strict';

const NEUTRAL_CHUNKS = ['IHDR', 'gAMA', 'sRGB', 'IDAT', 'IEND'];

/**
 * Asserts that no exchange tells the class of an item too early. What the learner may know beforehand: the
 * choices of the deck, the model's classes, and the labelled sample on the start page. What may follow: the truth
 * of an item in the reply to its own answer.
 *
 * @param {object[]} traffic see browser.js
 * @param {string[]} classNames words that would tell: class ids and labels
 */
export async function assertNothingTold(traffic, classNames) {
  await Promise.all(traffic.map(({ done }) => done));
  for (const entry of traffic) {
    const { pathname } = new URL(entry.url);
    if (/^\/api\/v1\/(sessions|images)/.test(pathname) && !/\/summary$/.test(pathname)) {
      assertSilent(pathname, classNames, `the URL ${pathname}`);
      assertSilent(entry.head, classNames, `the headers of ${pathname}`);
      assertSilent(withoutKnown(entry, pathname), classNames, `the body of ${pathname}`);
    }
    if (entry.image && pathname.startsWith('/api/v1/images/')) {
      assertPlainPng(entry.image, pathname);
    }
  }
  assertImagesAlike(traffic.filter(({ url, status }) => status === 200 && url.includes('/api/v1/images/')));
}

/** The body as text without what may stand in it. */
function withoutKnown(entry, pathname) {
  if (!entry.body) {
    return '';
  }
  const reply = JSON.parse(entry.body);
  delete reply.session?.deck; // the same for every item and learner, as are the models
  delete reply.session?.models;
  delete reply.item?.choices;
  delete reply.item?.question;
  if (reply.item?.answered) {
    delete reply.item.feedback; // told before, with the answer
  }
  if (pathname.endsWith('/answers') && entry.status < 300) {
    assert.equal(reply.answer.item, JSON.parse(entry.sent).item, 'the feedback is about the item that was answered');
    delete reply.answer;
    delete reply.feedback;
  }
  return JSON.stringify(reply);
}

function assertSilent(text, classNames, where) {
  for (const word of [...classNames, 'truth', 'seed', 'class', 'label']) {
    assert.ok(!text.toLowerCase().includes(word.toLowerCase()), `${where} has the word “${word}”: ${text}`);
  }
}

/** An 8-bit grey PNG with nothing but pixels: no text, no time, no profile. */
function assertPlainPng(bytes, where) {
  assert.equal(bytes.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n', `${where} is a PNG`);
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const kind = bytes.subarray(at + 4, at + 8).toString('latin1');
    assert.ok(NEUTRAL_CHUNKS.includes(kind), `${where} has a chunk ${kind}`);
  }
}

/** Images of one size are alike in length and headers, date and random request id apart: a fracture must not show in how well it packs. */
function assertImagesAlike(images) {
  const outside = ({ url, head }) => [new URL(url).search, ...head.toLowerCase().split('\n').sort()]
    .filter((line) => !/^(date|etag|x-request-id):/.test(line))
    .join('\n');
  const kinds = new Set(images.map(outside));
  const sizes = new Set(images.map(({ url }) => new URL(url).search));
  assert.ok(images.length > 0, 'images were watched');
  assert.equal(kinds.size, sizes.size, `images differ from outside:\n${[...kinds].join('\n\n')}`);
}
