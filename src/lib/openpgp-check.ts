import { randomBytes } from 'node:crypto';
import {
  type AlgorithmInfo,
  createMessage,
  encrypt,
  enums,
  type Key,
  type PublicKey,
  readKey,
  readKeys,
  type Subkey,
  type User,
  unarmor,
} from 'openpgp';
import { LIMITS } from './openpgp.ts';

/*
 * Whether an OpenPGP key that somebody uploads can be encrypted to, now and later, and read back with GnuPG. The order and
 * the codes are those of reference/openpgp.md § 2.3, measured with keys of GnuPG, Sequoia and OpenPGP.js.
 */

/** What can be wrong with an uploaded key. */
export const KEY_FAULTS = [
  'too_large',
  'private_block',
  'no_block',
  'multiple',
  'unreadable',
  'version',
  'no_user_id',
  'revoked',
  'expired',
  'not_yet_valid',
  'weak',
  'algorithm',
  'sign_only',
  'encryption_expired',
  'invalid',
] as const;
export type KeyFault = (typeof KEY_FAULTS)[number];

type Refused = Readonly<{ ok: false; fault: KeyFault }>;

/** A key that can be encrypted to. */
export type CheckedKey = Readonly<{
  /** Hexadecimal, upper case. */
  fingerprint: string;
  userIds: ReadonlyArray<string>;
  /** Of the part that encrypts: "Curve25519", "RSA 3072". */
  algorithm: string;
  /** When nothing can be encrypted to it any more; null: never. */
  encryptionEnds: Date | null;
  /** It ends within 30 days. */
  endsSoon: boolean;
  /** The key without what others certified about it and without pictures, in binary. */
  publicKey: Uint8Array<ArrayBuffer>;
}>;

/** The largest text that is looked at, in bytes. A larger one costs seconds to parse and is no key of a person. */
export const MAX_KEY_BYTES = 65_536;
const ENDS_SOON_MS = 30 * 86_400_000;
/** How many encryption subkeys are followed that take over from one another. */
const MAX_SUCCESSORS = 10;
const MAX_USER_IDS = 10;
const BEGIN_PUBLIC = /-----BEGIN PGP PUBLIC KEY BLOCK-----/g;

/**
 * Reads what somebody uploaded as their public key: an armoured block with one key. The size is looked at before anything is
 * parsed, and a private key is known by its first line.
 */
export async function readUploadedKey(text: string): Promise<Readonly<{ ok: true; key: PublicKey }> | Refused> {
  if (Buffer.byteLength(text) > MAX_KEY_BYTES) return refused('too_large');
  if (text.includes('PRIVATE KEY BLOCK')) return refused('private_block');
  const blocks = text.match(BEGIN_PUBLIC)?.length ?? 0;
  if (blocks !== 1) return refused(blocks === 0 ? 'no_block' : 'multiple');
  try {
    const { data } = await unarmor(text, LIMITS);
    const version = versionOf(new Uint8Array(data));
    if (version !== null && version !== 4 && version !== 6) return refused('version');
    const [key, ...others] = await readKeys({ armoredKeys: text, config: LIMITS });
    if (!key) return refused('unreadable');
    if (others.length > 0) return refused('multiple');
    // Its armour said that it is a public one.
    return key.isPrivate() ? refused('private_block') : { ok: true, key: key.toPublic() };
  } catch {
    return refused('unreadable');
  }
}

/** Whether a key that was read can be encrypted to at `now`, and what it is. Ends with a trial. */
export async function checkKey(key: PublicKey, now: Date): Promise<Readonly<{ ok: true; key: CheckedKey }> | Refused> {
  if (!key.users.some(({ userID }) => userID)) return refused('no_user_id');
  const fault = (await faultOfPrimary(key, now)) ?? (await faultOfEncryption(key, now));
  if (fault) return refused(fault);
  try {
    const stripped = await stripKey(key);
    const encrypting = await stripped.getEncryptionKey(undefined, now, undefined, LIMITS);
    await encryptText(stripped, 'trial', now);
    const encryptionEnds = await endOfEncryption(stripped, now);
    return {
      ok: true,
      key: {
        fingerprint: fingerprintOf(stripped),
        userIds: await userIdsOf(stripped, now),
        algorithm: nameOf(encrypting.getAlgorithmInfo()),
        encryptionEnds,
        endsSoon: encryptionEnds !== null && encryptionEnds.getTime() <= now.getTime() + ENDS_SOON_MS,
        publicKey: new Uint8Array(stripped.write()),
      },
    };
  } catch {
    return refused('invalid');
  }
}

/** What is known of a key together with what a newer copy of it says: a later end, or that it was revoked. Throws when it is another key. */
export async function mergeKey(known: Uint8Array, newer: PublicKey, now: Date): Promise<PublicKey> {
  const key = await readKey({ binaryKey: known, config: LIMITS });
  return (await key.update(newer, now, LIMITS)).toPublic();
}

/** Upper-case hexadecimal, as GnuPG shows it. */
export function fingerprintOf(key: PublicKey): string {
  return key.getFingerprint().toUpperCase();
}

/**
 * A short text encrypted to one key, armoured, unsigned: `gpg --decrypt` prints it and nothing else. The session key is given
 * for the reason that `sealMessage` has.
 */
export async function encryptText(key: PublicKey, text: string, date: Date): Promise<string> {
  return encrypt({
    message: await createMessage({ text, date }),
    encryptionKeys: key,
    sessionKey: { data: randomBytes(32), algorithm: 'aes256' },
    date,
    config: LIMITS,
  });
}

function refused(fault: KeyFault): Refused {
  return { ok: false, fault };
}

/** The version of the key in the first packet (RFC 9580 § 4.2); null when that is no key. Versions 3 and 5 are not read at all. */
function versionOf(data: Uint8Array): number | null {
  const tag = data[0] ?? 0;
  const length = data[1] ?? 0;
  const isNew = (tag & 0x40) !== 0;
  const type = isNew ? tag & 0x3f : (tag >> 2) & 0x0f;
  if ((tag & 0x80) === 0 || (type !== enums.packet.publicKey && type !== enums.packet.secretKey)) return null;
  const oldLengths = [1, 2, 4, 0][tag & 3] ?? 0;
  const newLengths = length < 192 ? 1 : length < 224 ? 2 : 5;
  return data[1 + (isNew ? newLengths : oldLengths)] ?? null;
}

async function faultOfPrimary(key: PublicKey, now: Date): Promise<KeyFault | null> {
  if (await key.isRevoked(undefined, undefined, now, LIMITS)) return 'revoked';
  const algorithm = faultOfAlgorithm(key.getAlgorithmInfo());
  if (algorithm) return algorithm;
  if (key.getCreationTime() > now) return 'not_yet_valid';
  const ends = await key.getExpirationTime(undefined, LIMITS);
  if (ends instanceof Date && ends <= now) return 'expired';
  try {
    await key.verifyPrimaryKey(now, undefined, LIMITS);
    return null;
  } catch {
    return 'invalid';
  }
}

/** A key may be fine and have no part to encrypt to, or one whose time is over. */
async function faultOfEncryption(key: PublicKey, now: Date): Promise<KeyFault | null> {
  const usable = await findEncryption(key, now);
  if (usable) return faultOfAlgorithm(usable.getAlgorithmInfo());
  if (await findEncryption(key, null)) {
    const isBegun = key.subkeys.some((part) => part.getCreationTime() <= now);
    return isBegun ? 'encryption_expired' : 'not_yet_valid';
  }
  const parts = key.subkeys.filter(isForEncryption);
  if (parts.length === 0) return 'sign_only';
  for (const part of parts) {
    const fault = faultOfAlgorithm(part.getAlgorithmInfo());
    if (fault) return fault;
  }
  return parts.some(({ revocationSignatures }) => revocationSignatures.length > 0) ? 'encryption_expired' : 'invalid';
}

/** `date` null: whatever its time. */
async function findEncryption(key: PublicKey, date: Date | null): Promise<Key | Subkey | null> {
  return key.getEncryptionKey(undefined, date, undefined, LIMITS).catch(() => null);
}

const ENCRYPTS = enums.keyFlags.encryptCommunication | enums.keyFlags.encryptStorage;

/** Whether a part says that it is for encryption, whatever became of it since. */
function isForEncryption({ bindingSignatures }: Subkey): boolean {
  return bindingSignatures.some(({ keyFlags }) => ((keyFlags?.[0] ?? 0) & ENCRYPTS) !== 0);
}

const CURVES = new Set(['curve25519Legacy', 'ed25519Legacy', 'nistP256', 'nistP384', 'nistP521']);
/** RSA from 2047 bits, Curve25519 and the NIST curves are what GnuPG, Sequoia and OpenPGP.js all read. */
function faultOfAlgorithm({ algorithm, bits = 0, curve }: AlgorithmInfo): KeyFault | null {
  switch (algorithm) {
    case 'rsaEncryptSign':
    case 'rsaEncrypt':
    case 'rsaSign':
      return bits < LIMITS.minRSABits ? 'weak' : null;
    case 'dsa':
    case 'elgamal':
      return 'weak';
    case 'ed25519':
    case 'x25519':
      return null;
    default:
      return curve !== undefined && CURVES.has(curve) ? null : 'algorithm';
  }
}

const CURVE_NAMES: Readonly<Record<string, string>> = {
  curve25519Legacy: 'Curve25519',
  nistP256: 'NIST P-256',
  nistP384: 'NIST P-384',
  nistP521: 'NIST P-521',
};

function nameOf({ algorithm, bits, curve }: AlgorithmInfo): string {
  if (algorithm === 'x25519') return 'X25519';
  return CURVE_NAMES[curve ?? ''] ?? `RSA ${bits}`;
}

/** The key with what its owner says of it, and nothing of others. */
async function stripKey(key: PublicKey): Promise<PublicKey> {
  const copy = await readKey({ binaryKey: key.write(), config: LIMITS });
  const own = (user: User) => user.userID !== null && user.selfCertifications.length > 0;
  copy.users = copy.users.filter(own);
  for (const user of copy.users) user.otherCertifications = [];
  return (await readKey({ binaryKey: copy.write(), config: LIMITS })).toPublic();
}

/** The user ids that the key itself vouches for. */
async function userIdsOf(key: PublicKey, now: Date): Promise<string[]> {
  const verified = await Promise.all(
    key.users.slice(0, MAX_USER_IDS).map((user) =>
      user.verify(now, LIMITS).then(
        () => user.userID?.userID ?? null,
        () => null,
      ),
    ),
  );
  return verified.filter((userId) => userId !== null);
}

/** When nothing can be encrypted any more: a part whose time is over may have a successor. Null: never. */
async function endOfEncryption(key: PublicKey, now: Date): Promise<Date | null> {
  const primaryEnds = endOf(await key.getExpirationTime(undefined, LIMITS));
  let at = now;
  for (let followed = 0; followed < MAX_SUCCESSORS; followed += 1) {
    const part = await findEncryption(key, at);
    if (!part) return at;
    const ends = 'mainKey' in part ? endOf(await part.getExpirationTime(at, LIMITS)) : primaryEnds;
    if (ends === null || (primaryEnds !== null && primaryEnds <= ends)) return primaryEnds;
    at = ends;
  }
  return at;
}

function endOf(ends: Date | typeof Number.POSITIVE_INFINITY | null): Date | null {
  return ends instanceof Date ? ends : null;
}
