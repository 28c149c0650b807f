import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** `BTCPay-Sig`: HMAC-SHA256 over the body as it is sent, the key being the text of the secret. */
export function signBody(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** The key of `Authorization: token <key>`; null when there is none. */
export function readApiKey(header: string | undefined): string | null {
  return /^token\s+(\S+)$/i.exec(header ?? '')?.[1] ?? null;
}

export function isSameKey(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
