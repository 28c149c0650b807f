import { generateKey } from 'openpgp';
import { describe, expect, it } from 'vitest';
import { EnvError } from './env.ts';
import { SANDBOX_VALUES } from './env-modes.ts';
import { loadSigner } from './signer.ts';
import { newSigningKey } from './testing/vault.ts';

const NOW = new Date('2026-11-27T12:00:00Z');
const NO_KEY = Buffer.alloc(300, 9).toString('base64');
const present = await newSigningKey(NOW);
const earlier = await newSigningKey(NOW);
const LIVE = { isSandbox: false, signingKey: present.privateKey, previousSigningKeys: [] as string[] };

async function problemOf(env: Parameters<typeof loadSigner>[0]): Promise<string> {
  const error = await loadSigner(env).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof EnvError)) throw error;
  return error.problems.map(({ message, variable }) => `${variable} ${message}`).join('\n');
}

describe('the signing keys of the configuration', () => {
  it('are the present one, then the earlier ones as public keys', async () => {
    const env = { ...LIVE, previousSigningKeys: [earlier.privateKey, earlier.publicKey] };
    const { privateKey, publicKeys } = await loadSigner(env);
    const written = publicKeys.map((key) => Buffer.from(key.write()).toString('base64'));
    expect(written).toEqual([present.publicKey, earlier.publicKey]);
    expect(Buffer.from(privateKey.write()).toString('base64')).toBe(present.privateKey);
  });

  it('that are none are named', async () => {
    expect(await problemOf({ ...LIVE, previousSigningKeys: [earlier.publicKey, NO_KEY] })).toMatch(
      /^SIGNING_KEYS_PREVIOUS .*value 2 of 2 is none/,
    );
    expect(await problemOf({ ...LIVE, signingKey: NO_KEY })).toMatch(/^SIGNING_KEY must/);
    expect(await problemOf({ ...LIVE, signingKey: present.publicKey })).toMatch(/^SIGNING_KEY must/);
    const locked = await generateKey({ userIDs: [{ name: 'x' }], format: 'binary', passphrase: 'secret' });
    const signingKey = Buffer.from(locked.privateKey).toString('base64');
    expect(await problemOf({ ...LIVE, signingKey })).toMatch(/^SIGNING_KEY must/);
  });

  it('are not the sandbox’s where money is real', async () => {
    const env = { ...LIVE, previousSigningKeys: [SANDBOX_VALUES.signingKey] };
    expect(await problemOf(env)).toMatch(/^SIGNING_KEYS_PREVIOUS .*sandbox/);
    expect((await loadSigner({ ...env, isSandbox: true })).publicKeys).toHaveLength(2);
    // However its base64 is written.
    const signingKey = SANDBOX_VALUES.signingKey.replace(/=+$/, '');
    expect(await problemOf({ ...LIVE, signingKey })).toMatch(/^SIGNING_KEY .*sandbox/);
  });
});
