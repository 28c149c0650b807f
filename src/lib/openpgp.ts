import { randomBytes } from 'node:crypto';
import {
  armor,
  config,
  createMessage,
  encrypt,
  enums,
  type Key,
  type PrivateKey,
  type PublicKey,
  readKey,
  readKeys,
  readPrivateKey,
  readSignature,
  sign,
  verify,
} from 'openpgp';
import { sha256 } from './crypto.ts';

/** OpenPGP as GnuPG 2.2 and 2.4 read it (reference: RFC 4880; measured with both). */
export const LIMITS = {
  ...config,
  minRSABits: 2_047,
  maxUserIDLength: 5_120,
  maxDecompressedMessageSize: 8_388_608,
  aeadProtect: false,
};

/**
 * What this server signs with, and what its signatures are checked with: `publicKeys` begins with the public half of
 * `privateKey`, then come those of earlier keys. What they signed stays ours, whatever its date: nobody wrote down when a key
 * was replaced, and whoever has it can sign with any date. So an earlier key that others may have does not belong here.
 */
export type Signer = Readonly<{ privateKey: PrivateKey; publicKeys: readonly [PublicKey, ...PublicKey[]] }>;
export type { PublicKey };

/**
 * Reads the key this server signs with: base64 of a binary OpenPGP key without a passphrase. Throws when it is none. `earlier`
 * are the keys it signed with before, of any age and order.
 */
export async function readSigner(base64: string, earlier: ReadonlyArray<PublicKey> = []): Promise<Signer> {
  const privateKey = await readPrivateKey({ binaryKey: Buffer.from(base64, 'base64'), config: LIMITS });
  await privateKey.getSigningKey(undefined, undefined, undefined, LIMITS);
  if (!privateKey.isDecrypted()) throw new Error('the signing key has a passphrase');
  const present = privateKey.toPublic();
  const others = new Map(earlier.map((key) => [key.getFingerprint(), key]));
  others.delete(present.getFingerprint());
  return { privateKey, publicKeys: [present, ...others.values()] };
}

/**
 * Reads a key this server signed with before: base64 of one binary OpenPGP key. Of a private key the public half is kept. One
 * that is over its time is read, because it was not when it signed. Throws when it is none, or one that
 * nothing can be checked with: revoked, or too weak.
 */
export async function readEarlierKey(base64: string): Promise<PublicKey> {
  const [key, ...others] = await readKeys({ binaryKeys: Buffer.from(base64, 'base64'), config: LIMITS });
  if (!key || others.length > 0) throw new Error('not one key');
  const publicKey = key.toPublic();
  await publicKey.getSigningKey(undefined, null, undefined, LIMITS);
  return publicKey;
}

/** Self-signatures are checked when a key is first used, which costs more than the encryption: keys stay parsed. */
const parsed = new Map<string, Promise<PublicKey>>();
const PARSED_KEPT = 2_000;

/** A public key from its bytes. Throws when they are none. */
export function readPublicKey(binaryKey: Uint8Array): Promise<PublicKey> {
  const name = sha256(binaryKey).toString('base64');
  const known = parsed.get(name);
  if (known) return known;
  const reading = readKey({ binaryKey, config: LIMITS }).then((key: Key) => key.toPublic());
  // The oldest goes: a map keeps the order of insertion.
  if (parsed.size >= PARSED_KEPT)
    for (const oldest of parsed.keys()) {
      parsed.delete(oldest);
      break;
    }
  parsed.set(name, reading);
  reading.catch(() => parsed.delete(name));
  return reading;
}

/**
 * Encrypts `text` to all `keys` and signs it. The session key is given, so that the message is of the kind that every GnuPG
 * reads, whatever the keys say they prefer: one made by Sequoia asks for a kind that GnuPG cannot open. Throws when one of
 * the keys cannot be encrypted to at `date`.
 */
export async function sealMessage(
  text: string,
  { date, keys, signer }: { keys: ReadonlyArray<PublicKey>; signer: Signer; date: Date },
): Promise<Uint8Array> {
  return encrypt({
    message: await createMessage({ text, date }),
    encryptionKeys: [...keys],
    signingKeys: signer.privateKey,
    sessionKey: { data: randomBytes(32), algorithm: 'aes256' },
    date,
    format: 'binary',
    config: LIMITS,
  });
}

/** A detached signature of `text`, armoured: `gpg --verify` reads it. */
export async function signDetached(text: string, signer: Signer, date: Date): Promise<string> {
  const message = await createMessage({ text, date });
  return sign({ message, signingKeys: signer.privateKey, detached: true, date, format: 'armored', config: LIMITS });
}

/**
 * The fingerprint of the key of `signer`, the present or an earlier one, that made `signature`, an armoured detached signature
 * of `text`; null when none did.
 */
export async function findSigningKey(signer: Signer, text: string, signature: string): Promise<string | null> {
  try {
    const { signatures } = await verify({
      message: await createMessage({ text }),
      signature: await readSignature({ armoredSignature: signature, config: LIMITS }),
      verificationKeys: [...signer.publicKeys],
      // Whenever it was made: the clock of a sandbox goes back, too.
      date: null,
      config: LIMITS,
    });
    for (const { keyID, verified } of signatures) {
      const isGood = await verified.catch(() => false);
      const key = signer.publicKeys.find((known) => known.getKeys(keyID).length > 0);
      if (isGood && key) return key.getFingerprint().toUpperCase();
    }
    return null;
  } catch {
    // What cannot be read is no signature either.
    return null;
  }
}

/**
 * What anybody checks our signatures with: the public keys of `signer` in one armoured block, the present one first, and the
 * fingerprint of that in capital hex digits. Programs that read one key take the first, GnuPG imports all.
 */
export function publicKeysOf({ publicKeys }: Signer): Readonly<{ armored: string; fingerprint: string }> {
  const block = Buffer.concat(publicKeys.map((key) => key.write()));
  return { armored: armorPublicKey(block), fingerprint: publicKeys[0].getFingerprint().toUpperCase() };
}

/**
 * An encrypted message as text that mail programs and GnuPG read; with a checksum, because GnuPG before 2.4.6 cannot read one
 * without whose base64 ends in no padding (dev.gnupg.org/T7071).
 */
export function armorMessage(message: Uint8Array): string {
  return armor(enums.armor.message, message, undefined, undefined, undefined, true, LIMITS);
}

/** Public keys in binary as text that every OpenPGP program imports. */
export function armorPublicKey(binaryKey: Uint8Array): string {
  return armor(enums.armor.publicKey, binaryKey, undefined, undefined, undefined, true, LIMITS);
}
