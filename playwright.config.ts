import { defineConfig } from '@playwright/test';
import { ownEnvironment } from './e2e/fixtures/hoshi.ts';

/** The browser tests have a Hoshi of their own beside one that `npm start` may be running. */
const PORT = Number(process.env['E2E_PORT'] ?? 3100);
const SANDBOX_PORT = Number(process.env['E2E_SANDBOX_PORT'] ?? 8181);

/** Where tests look into Hoshi's database, for what no screen shows. */
const PG_PORT = Number(process.env['E2E_PG_PORT'] ?? 25_429);

const executablePath = process.env['CHROMIUM_PATH'];

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  // The sandbox has one clock and one set of faults for everybody.
  workers: 1,
  fullyParallel: false,
  forbidOnly: process.env['CI'] !== undefined,
  retries: 0,
  // Patience for a busy machine; nothing waits this long on an idle one.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  globalTimeout: 20 * 60_000,
  reporter: [['list'], ['json']],
  use: {
    baseURL: `http://localhost:${SANDBOX_PORT}`,
    // A film of every test would cost as much as the test itself.
    trace: 'off',
    contextOptions: { reducedMotion: 'reduce' },
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        // Chromium's own sandbox refuses to run as root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    },
  },
  webServer: {
    command: 'node scripts/start.mjs',
    env: {
      ...ownEnvironment({ port: PORT, sandboxPort: SANDBOX_PORT, stateDirectory: '.hoshi/e2e' }),
      HOSHI_PG_PORT: String(PG_PORT),
    },
    wait: { stdout: /Hoshi is running/ },
    timeout: 5 * 60_000,
    stdout: 'pipe',
    stderr: 'pipe',
    gracefulShutdown: { signal: 'SIGTERM', timeout: 30_000 },
  },
});
