import { createHash, createHmac } from 'node:crypto';

/* How providers sign what they send, over the very bytes. */

const hmac = (key, ...parts) => {
  const digest = createHmac('sha256', key);
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
};

/** The header `Stripe-Signature` (docs.stripe.com/webhooks, "verify manually"); `at` in seconds. */
export const signStripe = (body, secret, at) => `t=${at},v1=${hmac(secret, `${at}.`, body)}`;

/** The header `crypto-pay-api-signature` (help.send.tg, "verifying webhook updates"). */
export const signCryptoPay = (body, token) => hmac(createHash('sha256').update(token).digest(), body);

/** The header `BTCPay-Sig` (docs.btcpayserver.org, Greenfield webhooks). */
export const signBtcpay = (body, secret) => `sha256=${hmac(secret, body)}`;
