import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  hkdfSync,
  randomBytes,
  randomInt,
  timingSafeEqual,
  verify,
} from 'node:crypto';

/** SHA-256 of a text or bytes. */
export function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** HMAC-SHA256. */
export function hmacSha256(key: string | Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

const SECRET_BYTES = 16;

/** A new secret of 16 random bytes, as 22 characters of `[A-Za-z0-9_-]`. */
export function makeSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** `length` characters of `alphabet`, each as likely as the others. */
export function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}

/** Hashes of our own secrets, which are few and asked for at every message. */
const expectedHashes = new Map<string, Buffer>();
const EXPECTED_KEPT = 16;

/** Compares two secrets without telling by its duration where, or in which length, they differ. `expected` is our own. */
export function isEqualSecret(given: string | Uint8Array, expected: string | Uint8Array): boolean {
  return timingSafeEqual(sha256(given), typeof expected === 'string' ? hashOfExpected(expected) : sha256(expected));
}

function hashOfExpected(secret: string): Buffer {
  const known = expectedHashes.get(secret);
  if (known) return known;
  const hash = sha256(secret);
  if (expectedHashes.size < EXPECTED_KEPT) expectedHashes.set(secret, hash);
  return hash;
}

/** Verifies an Ed25519 signature. `publicKey` is the raw 32 bytes; a malformed key or signature is simply not valid. */
export function isEd25519Signature(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
    format: 'jwk',
  });
  return verify(null, data, key, signature);
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts with AES-256-GCM: one version byte, 12 bytes of nonce, the ciphertext, 16 bytes of tag. `key` is 32 bytes. */
export function sealBytes(key: Uint8Array, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `sealBytes` made. Throws when the key is another or a byte was changed. */
export function openBytes(key: Uint8Array, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed);
  if (bytes[0] !== VERSION || bytes.length < 1 + NONCE_BYTES + TAG_BYTES) throw new Error('not a sealed message');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}

const TEXT_TAG_BYTES = 16;

/**
 * Encrypts a text so that the same text gives the same result (AES-256-CTR under a synthetic IV, after RFC 5297): it can be looked
 * up and be unique without being known. What it tells whoever has no key is which texts are equal, and how long they are. The
 * IV is the HMAC of the text, so that a changed byte is found. The result is base64url.
 */
export function makeTextCipher(key: Uint8Array): { encrypt(text: string): string; decrypt(encrypted: string): string } {
  const derive = (what: string) => Buffer.from(hkdfSync('sha256', key, '', what, 32));
  const [macKey, cipherKey] = [derive('text mac'), derive('text cipher')];
  const tagOf = (text: string) => hmacSha256(macKey, text).subarray(0, TEXT_TAG_BYTES);
  return {
    encrypt(text) {
      const tag = tagOf(text);
      const cipher = createCipheriv('aes-256-ctr', cipherKey, tag);
      return Buffer.concat([tag, cipher.update(text, 'utf8'), cipher.final()]).toString('base64url');
    },
    decrypt(encrypted) {
      const bytes = Buffer.from(encrypted, 'base64url');
      if (bytes.length < TEXT_TAG_BYTES) throw new Error('not an encrypted text');
      const tag = bytes.subarray(0, TEXT_TAG_BYTES);
      const decipher = createDecipheriv('aes-256-ctr', cipherKey, tag);
      const text = Buffer.concat([decipher.update(bytes.subarray(TEXT_TAG_BYTES)), decipher.final()]).toString('utf8');
      if (!timingSafeEqual(tagOf(text), tag)) throw new Error('not an encrypted text');
      return text;
    },
  };
}
