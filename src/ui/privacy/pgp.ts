import type { PrivateKey } from 'openpgp';

/**
 * OpenPGP on the person's device. The library is a chunk of its own, loaded at the first use and by nothing but this file: most
 * people never need it. What is made here GnuPG 2.2 reads: version 4, Curve25519, AES-256 behind an iterated passphrase.
 */
const load = () => import('openpgp/lightweight');

export type { PrivateKey };

const LIFETIME_SECONDS = 2 * 365 * 86_400;
/** Of what a message may unpack to: a record has a few kilobytes. */
const MAX_MESSAGE_BYTES = 8_388_608;
/** A name is asked for by other programs; ours says what the key is for, and not whose it is. */
const USER_ID = { name: 'Hoshi billing' };

/** A new key pair, each part as armoured text. The private part is locked with the passphrase. */
export type NewKey = Readonly<{
  privateKey: string;
  publicKey: string;
  revocationCertificate: string;
  /** Hexadecimal, upper case. */
  fingerprint: string;
}>;

/** Makes a key for two years from `now`, the server's time: a device's clock may be wrong. Takes up to a second. */
export async function makeKey({ now, passphrase }: { passphrase: string; now: Date }): Promise<NewKey> {
  const { enums, generateKey } = await load();
  const { privateKey, publicKey, revocationCertificate } = await generateKey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    userIDs: [USER_ID],
    passphrase,
    date: now,
    keyExpirationTime: LIFETIME_SECONDS,
    format: 'object',
    config: { aeadProtect: false, v6Keys: false, s2kType: enums.s2k.iterated },
  });
  return {
    privateKey: privateKey.armor(),
    publicKey: publicKey.armor(),
    revocationCertificate,
    fingerprint: publicKey.getFingerprint().toUpperCase(),
  };
}

export type Opened = Readonly<{ kind: 'opened'; key: PrivateKey; fingerprint: string }>;

/** Unlocks an armoured private key. Takes up to half a second. */
export async function openKey(
  armoredKey: string,
  passphrase: string,
): Promise<Opened | { kind: 'not_a_key' | 'wrong_passphrase' }> {
  const { decryptKey, readPrivateKey } = await load();
  const locked = await readPrivateKey({ armoredKey }).catch(() => null);
  if (locked === null) return { kind: 'not_a_key' };
  const key = locked.isDecrypted() ? locked : await decryptKey({ privateKey: locked, passphrase }).catch(() => null);
  if (key === null) return { kind: 'wrong_passphrase' };
  return { kind: 'opened', key, fingerprint: key.getFingerprint().toUpperCase() };
}

/** What a message says, and whether one of the keys that were asked about signed it. */
export type ReadMessage = Readonly<{ text: string; isSigned: boolean }>;

/** Signatures count whenever they were made: the device's clock may be behind the server's. */
const ANY_DAY = new Date('2200-01-01T00:00:00.000Z');

/**
 * Reads a message, armoured or binary; null when none of the keys can. `signingKeys`, one armoured block, are those of
 * which any may have signed it. Throws when the message is damaged.
 */
export async function readWith(
  keys: ReadonlyArray<PrivateKey>,
  sent: string | Uint8Array,
  signingKeys: string | null = null,
): Promise<ReadMessage | null> {
  const { decrypt, readKeys, readMessage } = await load();
  const isText = typeof sent === 'string';
  const message = isText ? await readMessage({ armoredMessage: sent }) : await readMessage({ binaryMessage: sent });
  const own = new Set(keys.flatMap((key) => key.getKeyIDs().map((id) => id.toHex())));
  if (!message.getEncryptionKeyIDs().some((id) => own.has(id.toHex()))) return null;
  const { data, signatures } = await decrypt({
    message,
    decryptionKeys: [...keys],
    ...(signingKeys !== null && { verificationKeys: await readKeys({ armoredKeys: signingKeys }) }),
    date: ANY_DAY,
    config: { maxDecompressedMessageSize: MAX_MESSAGE_BYTES },
  });
  const verified = await Promise.all(
    // Why a signature does not count makes no difference to who reads.
    signatures.map((signature) => signature.verified.catch(() => false)),
  );
  return { text: data, isSigned: signingKeys !== null && verified.includes(true) };
}
