import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Two kinds of tests: pure ones, and `*.db.test.ts` on a real Postgres that is started for them. */
export default defineConfig({
  test: {
    // Most of a database test is waiting for Postgres: on two cores one worker would leave one idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        // The build for pages is the same library, and Node has no name for it.
        resolve: { alias: { 'openpgp/lightweight': 'openpgp' } },
        test: {
          name: 'unit',
          include: ['src/**/*.test.{ts,tsx}', 'scripts/**/*.test.mjs'],
          exclude: ['**/*.db.test.ts', '**/node_modules/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'db',
          include: ['src/**/*.db.test.ts'],
          globalSetup: ['scripts/steps/test-database.mjs'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/domain/**/*.ts', 'src/providers/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      thresholds: { lines: 90, branches: 90 },
    },
  },
});
