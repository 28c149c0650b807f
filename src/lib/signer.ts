import { type Env, EnvError } from './env.ts';
import { SANDBOX_VALUES } from './env-modes.ts';
import { type PublicKey, readEarlierKey, readSigner, type Signer } from './openpgp.ts';

/**
 * The keys of the configuration, read. They have the right look already; whether they are keys shows only here.
 *
 * @throws EnvError naming the variable whose value is no key, or is the sandbox's, with which anybody can sign.
 */
export async function loadSigner(env: Pick<Env, 'isSandbox' | 'previousSigningKeys' | 'signingKey'>): Promise<Signer> {
  const earlier: PublicKey[] = [];
  for (const [index, base64] of env.previousSigningKeys.entries()) {
    const key = await readEarlierKey(base64).catch(() => null);
    const place = `value ${index + 1} of ${env.previousSigningKeys.length}`;
    if (!key)
      throw wrong('SIGNING_KEYS_PREVIOUS', `must be OpenPGP keys that sign and are not revoked: ${place} is none.`);
    if (!env.isSandbox && (await isSandboxKey(key)))
      throw wrong('SIGNING_KEYS_PREVIOUS', `${place} is the sandbox’s public key, with which anyone can sign.`);
    earlier.push(key);
  }
  const signer = await readSigner(env.signingKey, earlier).catch(() => null);
  if (!signer)
    throw wrong('SIGNING_KEY', 'must be an OpenPGP private key that signs and has no passphrase: npm run signing-key');
  if (!env.isSandbox && (await isSandboxKey(signer.publicKeys[0])))
    throw wrong(
      'SIGNING_KEY',
      'is the sandbox’s public key, with which anyone can sign. Make one: npm run signing-key',
    );
  return signer;
}

function wrong(variable: string, message: string): EnvError {
  return new EnvError([{ variable, message }]);
}

async function isSandboxKey(key: PublicKey): Promise<boolean> {
  const { publicKeys } = await readSigner(SANDBOX_VALUES.signingKey);
  return publicKeys[0].getFingerprint() === key.getFingerprint();
}
