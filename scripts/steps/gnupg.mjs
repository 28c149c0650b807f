import { execFileSync } from 'node:child_process';
import { installFromDebian } from './debian.mjs';

/**
 * GnuPG, by which tests read what Hoshi encrypted and signed. It is installed where that can be done without asking; where it
 * is not, those tests are left out.
 *
 * @returns `note` for the report
 */
export async function findGnupg({ logs }) {
  const found = versionOf();
  if (found) return { note: found };
  await installFromDebian(['gnupg'], { logs });
  const installed = versionOf();
  return { note: installed ? `${installed}, just installed` : 'not installed: its tests are left out' };
}

function versionOf() {
  try {
    return execFileSync('gpg', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0];
  } catch {
    return null;
  }
}
