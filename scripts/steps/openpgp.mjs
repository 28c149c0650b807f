import { execFileSync } from 'node:child_process';
import { installFromDebian } from './debian.mjs';

/**
 * GnuPG and Sequoia, by which tests read what Hoshi encrypted and signed, with keys that they made. They are installed where that
 * can be done without asking; where it is not, those tests are left out.
 *
 * @returns `note` for the report
 */
export async function findOpenPgp({ logs }) {
  // One after the other: not every distribution has both.
  if (gnupgVersion() === null) await installFromDebian(['gnupg'], { logs });
  if (sequoiaVersion() === null) await installFromDebian(['sq'], { logs });
  return { note: [gnupgVersion() ?? 'no GnuPG', sequoiaVersion() ?? 'no Sequoia'].join(', ') };
}

const gnupgVersion = () => firstLine('gpg', '--version');
const sequoiaVersion = () => firstLine('sq', '--version');

function firstLine(program, option) {
  try {
    return execFileSync(program, [option], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0];
  } catch {
    return null;
  }
}
