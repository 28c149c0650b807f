import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** `crypto-pay-api-signature`: HMAC-SHA256 in hex over the body as it is sent, the key being the SHA-256 of the token. */
export function signBody(body: string, token: string): string {
  return createHmac('sha256', createHash('sha256').update(token).digest()).update(body).digest('hex');
}

/** Whether the header `Crypto-Pay-API-Token` names the application. */
export function isToken(header: string | string[] | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return typeof header === 'string' && timingSafeEqual(digest(header), digest(token));
}
