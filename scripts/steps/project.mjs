import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, which every command works in wherever it was called from. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Goes to the root and reads `.env` there; what is already set in the environment wins. */
export function enterProject() {
  process.chdir(ROOT);
  if (existsSync('.env')) process.loadEnvFile('.env');
}

/** Where this machine's state lives: database, logs, the sandbox's memory, the lock. */
export function stateDirectory() {
  return resolve(process.env.HOSHI_STATE_DIR || '.hoshi');
}

/** Where what the commands and processes print is kept. */
export function logsDirectory() {
  return join(stateDirectory(), 'logs');
}

/** A path as the reader at the terminal would write it. */
export function shown(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
