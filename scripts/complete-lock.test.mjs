import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('package-lock.json names the binaries of every platform, without which npm ci refuses it', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const paths = Object.keys(packages);
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  const missing = wanted.filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)));
  expect(missing, 'run: node scripts/complete-lock.mjs').toEqual([]);
});
