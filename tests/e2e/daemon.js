/**
 * A real roentgymd with a database of its own.
 *
 * Environment: ROENTGYMD the program (default: in ROENTGYM_BUILD, or build/), ROENTGYM_MODELS the folder of
 * checkpoints (default deploy/models).
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILD = path.resolve(ROOT, process.env.ROENTGYM_BUILD ?? 'build');
const PROGRAM = path.resolve(ROOT, process.env.ROENTGYMD ?? path.join(BUILD, 'roentgymd'));
const MODELS = path.resolve(ROOT, process.env.ROENTGYM_MODELS ?? 'deploy/models');
const START_MS = 120000;

/**
 * Starts the daemon on a free port with the default configuration, its files in a temporary folder.
 *
 * @param {(config: object) => void} [change] edits the configuration before the start
 * @returns {Promise<{url: string, rows: (sql: string) => object[], csv: () => Promise<Object<string, string>[]>,
 *   adminLink: () => string, token: () => string, tokenFile: string, command: (...args: string[]) => string,
 *   pause: () => Promise<void>, restart: () => Promise<void>, stop: () => Promise<void>}>}
 *   rows and csv read what was stored; adminLink is that of the first administrator, token the operator's, tokenFile where it lies; command runs another of
 *   the program's commands on the same files; pause ends the daemon, restart goes on with the same port and database
 */
export async function startDaemon(change = () => {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'roentgym-e2e-'));
  const config = JSON.parse(readFileSync(path.join(ROOT, 'deploy/roentgymd.json'), 'utf8'));
  config.models = MODELS;
  config.web = path.join(BUILD, 'web');
  config.db = path.join(folder, 'e2e.db');
  config.admin_token_file = path.join(folder, 'admin-token');
  config.image_folder = path.join(folder, 'images');
  config.library = path.join(folder, 'library');
  change(config);
  const configFile = path.join(folder, 'roentgymd.json');
  writeFileSync(configFile, JSON.stringify(config));

  let running = await launchAnywhere(configFile);
  const { url } = running;
  const token = () => readFileSync(config.admin_token_file, 'utf8').trim();

  return {
    url,
    rows: (sql) => JSON.parse(execFileSync('sqlite3', ['-json', '-readonly', config.db, sql], { encoding: 'utf8' }) || '[]'),
    token,
    tokenFile: config.admin_token_file,
    command: (...args) => execFileSync(PROGRAM, [...args, '--config', configFile], { encoding: 'utf8', cwd: ROOT }),
    csv: async () => {
      const response = await fetch(`${url}/api/v1/export/responses.csv`, { headers: { Authorization: `Bearer ${token()}` } });
      if (response.status !== 200 || !response.headers.get('content-type').startsWith('text/csv')) {
        throw new Error(`the export answered ${response.status} ${response.headers.get('content-type')}`);
      }
      return readCsv(await response.text());
    },
    adminLink: () => /http:\S+setup\.html#[0-9a-f]{64}/.exec(running.output())[0],
    pause: () => running.end(),
    restart: async () => {
      running = await launch(configFile, Number(new URL(url).port));
    },
    stop: async () => {
      await running.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** On a port that no system gives to who asks for any one: it is free again for a restart. */
async function launchAnywhere(configFile) {
  for (let rest = 4; ; rest--) {
    try {
      return await launch(configFile, 20000 + Math.floor(Math.random() * 12000));
    } catch (error) {
      if (rest === 0) {
        throw error;
      }
    }
  }
}

async function launch(configFile, port) {
  const child = spawn(PROGRAM, ['--config', configFile, '--port', String(port)], { cwd: ROOT });
  let output = '';
  let exited = null;
  const ended = new Promise((resolve) => {
    child.on('error', (error) => {
      exited = error.message;
      resolve();
    });
    child.on('exit', (code, signal) => {
      exited = `exit ${code ?? signal}`;
      resolve();
    });
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const end = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && exited === null) {
    const address = /127\.0\.0\.1:(\d+)/.exec(output);
    if (address && await ready(`http://${address[0]}`)) {
      return { url: `http://${address[0]}`, end, output: () => output };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await end();
  throw new Error(`${PROGRAM} did not become ready (${exited}); it said:\n${output}`);
}

async function ready(url) {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** RFC 4180, with a header row. */
export function readCsv(text) {
  const rows = [];
  let row = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|$)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') {
      rows.push(row);
      row = [];
    }
  }
  const [header, ...lines] = rows;
  return lines
    .filter((cells) => cells.length === header.length)
    .map((cells) => Object.fromEntries(header.map((name, i) => [name, cells[i]])));
}
