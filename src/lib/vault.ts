import { randomBytes } from 'node:crypto';
import { hmacSha256, makeTextCipher, openBytes, sealBytes, sha256 } from './crypto.ts';

/**
 * What is kept so that only this server can read it. `seal` and `open` use the server's own key, which can be replaced: what
 * was sealed names its key. A person's things lie under a key of their own, which is kept `wrapped` by the server's: where that
 * key is destroyed they cannot be read again, in no copy of the database.
 */
export type Vault = Readonly<{
  seal(plain: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Throws when the key is none of ours or a byte was changed. */
  open(sealed: Uint8Array): Buffer;
  /** Whether it lies under the key that is used now. */
  isCurrent(sealed: Uint8Array): boolean;
  /** A new key, for one person. */
  makeKey(): Readonly<{ key: Uint8Array; wrapped: Uint8Array<ArrayBuffer> }>;
  /** Keyed hash of a Telegram id: finds a person, and cannot be tried out without the key, as the few billion ids could. */
  subjectOf(telegramId: bigint): Uint8Array<ArrayBuffer>;
  /** Keyed hash of any other text that is to be found again without being kept. `text` begins with what it is for. */
  markOf(text: string): Uint8Array<ArrayBuffer>;
  /** A text that is to be found again and read again: equal texts look equal, and only this server knows what they say. */
  conceal(text: string): string;
  /** What a concealed text says; one that is not concealed says what it says. Throws when it was changed, or the key is another. */
  reveal(concealed: string): string;
}>;

const VERSION = 2;
/** What begins a concealed text: no provider's id begins so. */
const CONCEALED = '~';
const KEY_ID_BYTES = 4;

/** `dataKey` and `previousDataKey` have 32 bytes, as has `subjectKey`, which is never replaced. */
export function makeVault(keys: {
  dataKey: Uint8Array;
  previousDataKey: Uint8Array | null;
  subjectKey: Uint8Array;
}): Vault {
  const current = named(keys.dataKey);
  const known = keys.previousDataKey === null ? [current] : [current, named(keys.previousDataKey)];
  const keyOf = (sealed: Uint8Array) => {
    const id = Buffer.from(sealed).subarray(1, 1 + KEY_ID_BYTES);
    return sealed[0] === VERSION ? known.find((key) => key.id.equals(id)) : undefined;
  };
  const seal = (plain: Uint8Array) =>
    new Uint8Array(Buffer.concat([Buffer.of(VERSION), current.id, sealBytes(current.key, plain)]));
  const texts = makeTextCipher(keys.subjectKey);
  const open = (sealed: Uint8Array) => {
    const key = keyOf(sealed);
    if (key) return openBytes(key.key, Buffer.from(sealed).subarray(1 + KEY_ID_BYTES));
    // From before keys had names: there was only one.
    return openBytes((known.at(-1) ?? current).key, sealed);
  };
  return {
    seal,
    open,
    isCurrent: (sealed) => keyOf(sealed) === current,
    makeKey() {
      const key = randomBytes(32);
      return { key, wrapped: seal(key) };
    },
    subjectOf: (telegramId) => new Uint8Array(hmacSha256(keys.subjectKey, `v1:${telegramId}`)),
    markOf: (text) => new Uint8Array(hmacSha256(keys.subjectKey, text)),
    conceal: (text) => CONCEALED + texts.encrypt(text),
    reveal: (concealed) => (concealed.startsWith(CONCEALED) ? texts.decrypt(concealed.slice(1)) : concealed),
  };
}

function named(key: Uint8Array): { id: Buffer; key: Uint8Array } {
  return { id: sha256(key).subarray(0, KEY_ID_BYTES), key };
}
