import { z } from 'zod';
import type { Btcpay } from './btcpay/btcpay.ts';
import type { Click } from './click/click.ts';
import type { CryptoPay } from './crypto-pay/crypto-pay.ts';
import type { Payme } from './payme/payme.ts';
import type { Stripe } from './stripe/stripe.ts';
import type { Telegram } from './telegram/telegram.ts';

/** Everything the control API may ask. */
export type Providers = {
  telegram: Telegram;
  payme: Payme;
  click: Click;
  stripe: Stripe;
  cryptoPay: CryptoPay;
  btcpay: Btcpay;
};

/** One request of the control API. */
export type Ask = Providers & {
  part: (index: number) => string;
  query: URLSearchParams;
  body: unknown;
  /** Fires when the asker hangs up. */
  gone: AbortSignal;
};

export type Route = { method: string; pattern: RegExp; answer: (ask: Ask) => unknown };

/** A route below /sim; `:name` stands for one part of the path, read with `part(1)`, `part(2)` … */
export function route(method: string, path: string, answer: Route['answer']): Route {
  return { method, pattern: new RegExp(`^/sim${path.replace(/:\w+/g, '([^/]+)')}$`), answer };
}

/** The body of a change to a stored card (see control-payme-click.ts). */
export const cardChange = z.strictObject({ declines: z.enum(['blocked', 'insufficient_funds']).nullable() });

/** The `limit` of a list, at most `most`, which is also what stands in for a wrong one. */
export function readLimit(query: URLSearchParams, most: number): number {
  const limit = Number(query.get('limit') ?? most);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, most) : most;
}
