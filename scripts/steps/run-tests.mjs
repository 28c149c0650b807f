import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildWeb, bundlePrograms, generateClient } from './build.mjs';
import { findChromium } from './chromium.mjs';
import { installPackages, QUIET_ENVIRONMENT } from './install.mjs';
import { findOpenPgp } from './openpgp.mjs';
import { findFreePort } from './ports.mjs';
import { logsDirectory, ROOT } from './project.mjs';
import { bold, reportFailure, StepError, step } from './report.mjs';

const PARTS = ['static', 'unit', 'db', 'e2e', 'chaos'];
const RESULTS = 'test-results';
const CHAOS_SECONDS = '15';
const BROWSER_WORKERS = Math.min(2, availableParallelism());

/**
 * All checks, in the order in which they are cheap: format, lint and import boundaries; types; unused code; unit and
 * database tests with coverage; the browser tests on a production build; a short run of kills under load. A check that fails does not keep the next from
 * running. The last line is `N passed, N failed`, each static check counted as one.
 *
 * @param args `--only <parts>`; what follows goes to vitest and Playwright as filters
 */
export async function runTests(args) {
  process.chdir(ROOT);
  const { parts, filters } = readArguments(args);
  const total = { passed: 0, failed: 0 };
  console.log(`\n${bold('Hoshi tests')}\n`);
  try {
    await prepare();
    if (parts.includes('static')) await runStaticChecks(total);
    const projects = ['unit', 'db'].filter((part) => parts.includes(part));
    if (projects.length > 0) await runVitest(total, projects, filters);
    if (parts.includes('e2e')) await runBrowserTests(total, filters);
    if (parts.includes('chaos') && filters.length === 0) await runChaos(total);
  } catch (error) {
    reportFailure('Tests', error);
    total.failed += 1;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

function readArguments(args) {
  const rest = [...args];
  const at = rest.findIndex((arg) => arg === '--only' || arg.startsWith('--only='));
  if (at < 0) return { parts: PARTS, filters: rest };
  const [option] = rest.splice(at, 1);
  const value = option === '--only' ? rest.splice(at, 1)[0] : option.slice('--only='.length);
  const parts = (value ?? '').split(',');
  const unknown = parts.filter((part) => !PARTS.includes(part));
  if (unknown.length === 0) return { parts, filters: rest };
  console.error(`--only takes ${PARTS.join(', ')} (several with commas), not "${unknown.join(',')}"`);
  process.exit(2);
}

async function prepare() {
  const logs = logsDirectory();
  await step('Packages', () => installPackages({ logFile: join(logs, 'npm-ci.log') }));
  await step('Database client', () => generateClient({ logs }));
  rmSync(RESULTS, { recursive: true, force: true });
  mkdirSync(RESULTS, { recursive: true });
}

async function runStaticChecks(total) {
  const checks = [
    [
      'Format, lint, import boundaries',
      [
        'node_modules/@biomejs/biome/bin/biome',
        'ci',
        '--error-on-warnings',
        `--colors=${process.stdout.isTTY ? 'force' : 'off'}`,
        '.',
      ],
    ],
    // Next declares the types of its routes and of CSS imports in a file it writes itself.
    ['Types', ['node_modules/typescript/bin/tsc', '--noEmit'], ['node_modules/next/dist/bin/next', 'typegen']],
    ['Unused code', ['node_modules/knip/bin/knip.js', '--no-progress']],
  ];
  for (const [name, command, before] of checks) {
    await count(total, name, async () => {
      if (before) await runQuietly(before);
      await runQuietly(command);
    });
  }
}

/** Counts a check that passes or fails as a whole. */
async function count(total, name, work) {
  try {
    await step(name, work);
    total.passed += 1;
  } catch {
    // The step has said what is wrong; the other checks still run.
    total.failed += 1;
  }
}

async function runQuietly(args) {
  const { code, output } = await run(args, { isShown: false });
  if (code !== 0) throw new StepError(`\n${output.trim()}`, `To run it alone: node ${args.join(' ')}`);
}

async function runVitest(total, projects, filters) {
  const report = join(RESULTS, 'vitest.json');
  const isWhole = projects.length === 2 && filters.length === 0;
  await step('OpenPGP programs', () => findOpenPgp({ logs: logsDirectory() }));
  console.log(`\n${bold(projects.join(' and '))}\n`);
  const { code } = await run(
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      ...(isWhole ? ['--coverage'] : []),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...filters,
    ],
    { isShown: true },
  );
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null;
  const failedTests = result?.numFailedTests ?? 0;
  // A file that cannot even be loaded has no tests that fail.
  const failedFiles = (result?.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  addUp(total, {
    passed: result?.numPassedTests ?? 0,
    failed: failedTests + failedFiles,
    code,
    what: 'vitest (coverage?)',
  });
}

/** Kills web, worker and Postgres under load for a short while; `npm run chaos` does it for as long as you like. */
async function runChaos(total) {
  console.log(`\n${bold('chaos')}\n`);
  const { code } = await run(['scripts/chaos.mjs', '--seconds', CHAOS_SECONDS], { isShown: true });
  if (code === 0) total.passed += 1;
  else total.failed += 1;
}

async function runBrowserTests(total, filters) {
  let chromium;
  try {
    chromium = await step('Chromium', () => findChromium({ logs: logsDirectory() }));
  } catch {
    total.failed += 1;
    return;
  }
  try {
    // Once, before several workers start what was built.
    await step('Programs', () => bundlePrograms());
    await step('Web pages', () => buildWeb({ logs: logsDirectory() }));
  } catch {
    total.failed += 1;
    return;
  }
  console.log(`\n${bold('browser')}\n`);
  rmSync('.hoshi/e2e', { recursive: true, force: true });
  const report = join(RESULTS, 'playwright.json');
  const { code } = await run(['node_modules/@playwright/test/cli.js', 'test', ...filters], {
    isShown: true,
    env: {
      CHROMIUM_PATH: chromium.path,
      PLAYWRIGHT_JSON_OUTPUT_FILE: report,
      E2E_WORKERS: String(BROWSER_WORKERS),
      E2E_PORTS: JSON.stringify(await findPlaces()),
    },
  });
  const stats = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).stats : null;
  addUp(total, {
    passed: stats?.expected ?? 0,
    failed: (stats?.unexpected ?? 0) + (stats?.flaky ?? 0),
    code,
    what: 'the browser tests',
  });
}

/** Free ports for each Hoshi of each worker: web, sandbox and Postgres. */
async function findPlaces() {
  const places = {};
  const names = Array.from({ length: BROWSER_WORKERS }, (_, worker) => [
    `main-${worker}`,
    `permissive-${worker}`,
  ]).flat();
  for (const [index, name] of names.entries()) {
    const from = (first) => findFreePort(first + index * 10, 10);
    places[name] = [await from(3_100), await from(8_181), await from(25_429)];
  }
  return places;
}

/** A runner that exits with an error though no test failed (coverage, a set-up, a crash) counts as one failure. */
function addUp(total, { passed, failed, code, what }) {
  total.passed += passed;
  total.failed += failed;
  if (code === 0 || failed > 0) return;
  reportFailure(what, new StepError(`ended with exit code ${code} though no test failed`, 'See the output above.'));
  total.failed += 1;
}

async function run(args, { isShown, env = {} }) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
    env: { ...process.env, ...QUIET_ENVIRONMENT, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (exitCode, signal) => done(exitCode ?? signal));
  });
  return { code, output };
}
