/**
 * A collection of the library, made here: images that are nobody's.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';

const SIDE = 64;

/**
 * Takes in images 0, 1, ...: odd ones are labelled fracture, the last half are the test split.
 * @param {{command: (...args: string[]) => string}} daemon
 */
export function addCollection(daemon, name, count) {
  const folder = mkdtempSync(path.join(tmpdir(), 'roentgym-set-'));
  const lines = ['file,label,patient_id,split'];
  mkdirSync(path.join(folder, 'images'));
  for (let n = 0; n < count; n++) {
    writeFileSync(path.join(folder, 'images', `${n}.png`), png(n));
    lines.push(`images/${n}.png,${n % 2 ? 'fracture' : 'no_fracture'},p${n},${n >= count / 2 ? 'test' : 'train'}`);
  }
  writeFileSync(path.join(folder, 'labels.csv'), `${lines.join('\n')}\n`);
  writeFileSync(path.join(folder, 'dataset.json'), JSON.stringify({ name: 'test set', simulated: true }));
  daemon.command('library', 'add', folder, '--name', name);
  rmSync(folder, { recursive: true });
}

/** Pixels that are those of no other number. */
function png(number) {
  const rows = Buffer.alloc(SIDE * (SIDE + 1));
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      rows[y * (SIDE + 1) + 1 + x] = number * 37 + (x ^ y) + number * x;
    }
  }
  const header = Buffer.from([0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 0, 0, 0, 0]);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(kind, body) {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body]);
  const whole = Buffer.alloc(named.length + 8);
  whole.writeUInt32BE(body.length);
  named.copy(whole, 4);
  whole.writeUInt32BE(crc32(named), named.length + 4);
  return whole;
}

/** As the PNG specification has it; Node.js has its own only from 20.15 on. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}
