import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, runLogged } from './install.mjs';
import { tell } from './report.mjs';

/**
 * Installs packages of Debian or Ubuntu, where that can be done without asking anybody: as root.
 *
 * @returns whether they are installed now
 */
export async function installFromDebian(packages, { logs }) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const update = await runLogged('apt-get', ['update'], { logFile: join(logs, 'apt-update.log'), env });
  const install = await runLogged('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
    logFile: join(logs, 'apt-install.log'),
    env,
  });
  if (install.code === 0) return true;
  tell(`apt-get could not install ${packages[0]}: ${lastLines(install.output || update.output, 2)}`);
  return false;
}
