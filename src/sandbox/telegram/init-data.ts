import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** DER wrapping of a raw Ed25519 seed (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Signs Mini App launch data as Telegram does: `signature` (Ed25519, for third parties) and `hash` (HMAC with the bot
 * token; it covers `signature`). core.telegram.org/bots/webapps, "Validating data received via the Mini App".
 */
export class InitDataSigner {
  readonly #botToken: string;
  readonly #botId: string;
  readonly #privateKey: KeyObject;
  /** Hex of the raw Ed25519 public key. */
  readonly publicKey: string;

  constructor(botToken: string, seedHex: string) {
    this.#botToken = botToken;
    this.#botId = botToken.split(':')[0] ?? '';
    this.#privateKey = createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, Buffer.from(seedHex, 'hex')]),
      format: 'der',
      type: 'pkcs8',
    });
    const spki = createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' });
    this.publicKey = spki.subarray(-32).toString('hex');
  }

  /** The fields as a query string, with `signature` and `hash` added. */
  sign(fields: ReadonlyArray<readonly [name: string, value: string]>): string {
    const signature = this.signature(fields);
    const signed = [...fields, ['signature', signature] as const];
    const hash = hmacHash(this.#botToken, signed);
    return encodeQuery([...signed, ['hash', hash]]);
  }

  /** Base64url without padding, over `<bot id>:WebAppData` and the fields. */
  signature(fields: ReadonlyArray<readonly [name: string, value: string]>): string {
    const text = `${this.#botId}:WebAppData\n${checkString(fields)}`;
    return sign(null, Buffer.from(text), this.#privateKey).toString('base64url');
  }
}

/** The `hash` of initData: hex(HMAC-SHA256(HMAC-SHA256("WebAppData", token), fields)). */
export function hmacHash(botToken: string, fields: ReadonlyArray<readonly [name: string, value: string]>): string {
  const secret = createHmac('sha256', 'WebAppData').update(botToken).digest();
  return createHmac('sha256', secret).update(checkString(fields)).digest('hex');
}

function checkString(fields: ReadonlyArray<readonly [name: string, value: string]>): string {
  return fields
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('\n');
}

/** A query string with spaces as %20, the way Telegram writes it. */
export function encodeQuery(fields: ReadonlyArray<readonly [name: string, value: string]>): string {
  return fields.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
}
