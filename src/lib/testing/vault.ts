import { generateKey } from 'openpgp';
import { SANDBOX_VALUES } from '../env-modes.ts';
import { type PublicKey, readSigner, type Signer } from '../openpgp.ts';
import { makeVault } from '../vault.ts';

/** A vault with keys that everybody knows. */
export const TEST_VAULT = makeVault({
  dataKey: new Uint8Array(32).fill(7),
  previousDataKey: null,
  subjectKey: new Uint8Array(32).fill(8),
});

/** Signs what tests have signed: the sandbox's public key. */
export const TEST_SIGNER = await readSigner(SANDBOX_VALUES.signingKey);

/** A new signing key as `npm run signing-key` makes it, private and public half as the configuration writes them. */
export async function newSigningKey(date: Date) {
  const made = await generateKey({ userIDs: [{ name: 'Hoshi billing' }], format: 'binary', subkeys: [], date });
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return { privateKey: base64(made.privateKey), publicKey: base64(made.publicKey) };
}

/** Signs with a new key, and knows `earlier` ones. */
export async function newSigner(date: Date, earlier: ReadonlyArray<PublicKey> = []): Promise<Signer> {
  return readSigner((await newSigningKey(date)).privateKey, earlier);
}
