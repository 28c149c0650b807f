import { defineConfig } from '@playwright/test';

const executablePath = process.env['CHROMIUM_PATH'];

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  // Each worker has a Hoshi of its own, which is built before: a page waits more than it works, so two fill two cores.
  workers: Number(process.env['E2E_WORKERS'] ?? 1),
  // A sandbox has one clock and one set of faults for everybody.
  fullyParallel: false,
  forbidOnly: process.env['CI'] !== undefined,
  retries: 0,
  // Patience for a busy machine; nothing waits this long on an idle one.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  globalTimeout: 20 * 60_000,
  reporter: [['list'], ['json']],
  use: {
    // A film or a trace of every test would cost as much as the test itself.
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
});
