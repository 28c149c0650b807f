import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installFromDebian } from './debian.mjs';
import { lastLines, runLogged } from './install.mjs';
import { StepError, tell } from './report.mjs';

const ON_PATH = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const ELSEWHERE = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];
/** Without a Japanese font the screens show boxes, and screenshots with them. */
const DEBIAN_PACKAGES = ['chromium', 'fonts-ipaexfont-gothic', 'fonts-noto-color-emoji'];

/**
 * A Chromium for the browser tests: CHROMIUM_PATH, one that is installed, Playwright's own, or else one is installed:
 * by Playwright, or as root on Debian and Ubuntu from the system's packages.
 *
 * @returns the path of the executable, and `note` for the report
 * @throws StepError saying what to install
 */
export async function findChromium({ logs }) {
  const given = process.env.CHROMIUM_PATH;
  if (given) {
    if (existsSync(given)) return { path: given, note: given };
    throw new StepError(`CHROMIUM_PATH is ${given}, and there is no such file`, 'Correct or unset CHROMIUM_PATH.');
  }
  const found = findInstalled() ?? (await findPlaywrights());
  if (found) return { path: found, note: found };

  tell('no Chromium found; installing one');
  const isInstalled = await installFromDebian(DEBIAN_PACKAGES, { logs });
  const installed = (isInstalled ? findInstalled() : null) ?? (await installWithPlaywright(logs));
  if (installed) return { path: installed, note: `${installed}, just installed` };
  throw new StepError(
    'there is no Chromium for the browser tests, and none could be installed',
    'Install Chromium or Google Chrome (Debian: apt-get install chromium fonts-ipaexfont-gothic), or set CHROMIUM_PATH.',
  );
}

function findInstalled() {
  const folders = (process.env.PATH ?? '').split(process.platform === 'win32' ? ';' : ':');
  const candidates = folders.filter(Boolean).flatMap((folder) => ON_PATH.map((name) => join(folder, name)));
  return [...candidates, ...ELSEWHERE].find((path) => existsSync(path) && canRun(path));
}

/** Ubuntu's /usr/bin/chromium-browser, for one, only tells the reader to install a snap. */
function canRun(path) {
  if (process.platform !== 'linux') return true;
  try {
    return /Chrom/.test(
      execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 15_000, stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return false;
  }
}

async function findPlaywrights() {
  const { chromium } = await import('@playwright/test');
  const path = chromium.executablePath();
  return existsSync(path) ? path : null;
}

async function installWithPlaywright(logs) {
  const { code, output } = await runLogged(
    process.execPath,
    ['node_modules/playwright/cli.js', 'install', 'chromium'],
    {
      logFile: join(logs, 'playwright-install.log'),
      env: { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '' },
    },
  );
  if (code === 0) return findPlaywrights();
  tell(`Playwright could not install it: ${lastLines(output, 2)}`);
  return null;
}
