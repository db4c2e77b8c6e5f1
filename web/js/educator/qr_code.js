/**
 * A QR code to show on a slide, by the library that the build has put beside the pages.
 */

import { el } from '../dom.js';
import { loadQrCodes } from '../libraries.js';
import { saveFile } from '../staff/save_file.js';
import { teachTexts } from '../texts/teach_texts.js';

const SLIDE_PIXELS = 1024;

/** @param {string} text @param {string} alt @param {string} name of the file @returns {Promise<?HTMLElement>} null: there is no library */
export async function qrCode(text, alt, name) {
  const generate = await loadQrCodes();
  if (!generate) {
    return null;
  }
  const canvas = el('canvas', { class: 'qr', role: 'img', 'aria-label': alt });
  generate(text).toCanvas(canvas);
  const save = () => enlarged(canvas).toBlob((blob) => saveFile(blob, name));
  return el('div', { class: 'form' }, el('div', { class: 'qr-frame' }, canvas),
    el('button', { type: 'button', class: 'button', on: { click: save } }, teachTexts.classes.saveQr));
}

/** As large as a slide needs it, its squares sharp, with the white margin that cameras need. */
function enlarged(canvas) {
  const margin = 4;
  const cell = Math.floor(SLIDE_PIXELS / (canvas.width + 2 * margin));
  const side = cell * (canvas.width + 2 * margin);
  const large = el('canvas', { width: String(side), height: String(side) });
  const drawing = large.getContext('2d');
  drawing.fillStyle = '#fff';
  drawing.fillRect(0, 0, side, side);
  drawing.imageSmoothingEnabled = false;
  drawing.drawImage(canvas, margin * cell, margin * cell, canvas.width * cell, canvas.height * cell);
  return large;
}
