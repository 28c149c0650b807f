import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readKey } from 'openpgp';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'signing-key-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the command prints for a server whose .env is `env`. */
function run(env) {
  writeFileSync(join(folder, '.env'), env);
  const { SIGNING_KEY: _key, SIGNING_KEYS_PREVIOUS: _earlier, ...others } = process.env;
  const { status, stderr, stdout } = spawnSync(process.execPath, [resolve('scripts/signing-key.mjs')], {
    cwd: folder,
    env: others,
    encoding: 'utf8',
  });
  const valuesOf = (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1]?.split(',') ?? [];
  return { status, stderr, lines: stdout.match(/^SIGNING_.*$/gm)?.join('\n') ?? '', valuesOf };
}

const keyOf = async (base64) => {
  const key = await readKey({ binaryKey: Buffer.from(base64, 'base64') });
  return `${key.isPrivate() ? 'private' : 'public'} ${key.getFingerprint()}`;
};

it('a signing key is printed alone first, and later with the public halves of those before it', async () => {
  const first = run('');
  expect(first.valuesOf('SIGNING_KEYS_PREVIOUS')).toEqual([]);
  const second = run(first.lines);
  const third = run(second.lines);
  const made = await Promise.all([first, second, third].map((one) => keyOf(one.valuesOf('SIGNING_KEY')[0])));
  expect(new Set(made).size).toBe(3);
  expect(made[0]).toMatch(/^private /);
  const earlier = await Promise.all(third.valuesOf('SIGNING_KEYS_PREVIOUS').map(keyOf));
  expect(earlier).toEqual([made[1], made[0]].map((key) => key.replace('private', 'public')));
});

it('what is set and is no key is named, and nothing is printed', () => {
  const { lines, status, stderr } = run('SIGNING_KEY=bm90IGEga2V5');
  expect([status, lines]).toEqual([1, '']);
  expect(stderr).toMatch(/^SIGNING_KEY holds something that is no OpenPGP key/);
});
