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

/** The key this server signs with. */
export type Signer = PrivateKey;
export type { PublicKey };

/** Reads the key this server signs with: base64 of a binary OpenPGP key without a passphrase. Throws when it is none. */
export async function readSigner(base64: string): Promise<Signer> {
  const key = await readPrivateKey({ binaryKey: Buffer.from(base64, 'base64'), config: LIMITS });
  await key.getSigningKey(undefined, undefined, undefined, LIMITS);
  if (!key.isDecrypted()) throw new Error('the signing key has a passphrase');
  return key;
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
    signingKeys: signer,
    sessionKey: { data: randomBytes(32), algorithm: 'aes256' },
    date,
    format: 'binary',
    config: LIMITS,
  });
}

/** A detached signature of `text`, armoured: `gpg --verify` reads it. */
export async function signDetached(text: string, signer: Signer, date: Date): Promise<string> {
  const message = await createMessage({ text, date });
  return sign({ message, signingKeys: signer, detached: true, date, format: 'armored', config: LIMITS });
}

/** Whether `signature` is an armoured detached signature of `text` by the key of `signer`. */
export async function isSignedBy(signer: Signer, text: string, signature: string): Promise<boolean> {
  try {
    await verify({
      message: await createMessage({ text }),
      signature: await readSignature({ armoredSignature: signature, config: LIMITS }),
      verificationKeys: signer.toPublic(),
      expectSigned: true,
      // Whenever it was made: the clock of a sandbox goes back, too.
      date: null,
      config: LIMITS,
    });
    return true;
  } catch {
    // What cannot be read is no signature either.
    return false;
  }
}

/** The public half of the key this server signs with, armoured, and its fingerprint in capital hex digits. */
export function publicKeyOf(signer: Signer): Readonly<{ armored: string; fingerprint: string }> {
  return { armored: signer.toPublic().armor(LIMITS), fingerprint: signer.getFingerprint().toUpperCase() };
}

/**
 * An encrypted message as text that mail programs and GnuPG read; with a checksum, because GnuPG before 2.4.6 cannot read one
 * without whose base64 ends in no padding (dev.gnupg.org/T7071).
 */
export function armorMessage(message: Uint8Array): string {
  return armor(enums.armor.message, message, undefined, undefined, undefined, true, LIMITS);
}

/** A public key in binary as text that every OpenPGP program imports. */
export function armorPublicKey(binaryKey: Uint8Array): string {
  return armor(enums.armor.publicKey, binaryKey, undefined, undefined, undefined, true, LIMITS);
}
