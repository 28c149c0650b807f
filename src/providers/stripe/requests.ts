import type Stripe from 'stripe';
import type { Currency, Money } from '#domain/money.ts';
import type { Method } from '#domain/provider/capability.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { CheckoutRequest } from '#domain/provider/request.ts';

/*
 * Our requests to Stripe (docs.stripe.com/api, version 2026-10-28.endive). No name, e-mail or Telegram id is ever in one:
 * what Stripe needs of a person it asks on its own page. Pure.
 */

/** Stripe's currencies that we take. Their minor units are ours: yen are sent as they are. */
export const CURRENCIES = ['USD', 'EUR', 'JPY'] as const;
type StripeCurrency = (typeof CURRENCIES)[number];

/** Eight digits are the most that Stripe takes (docs.stripe.com/currencies, "maximum amounts"). */
export const MAX_AMOUNT = 99_999_999n;

/** Countries in which Stripe has accounts for transfers in euro (SDK, `EuBankTransfer.Country`). */
export const BANK_COUNTRIES = ['BE', 'DE', 'ES', 'FR', 'IE', 'NL'] as const;
export type BankCountry = (typeof BANK_COUNTRIES)[number];

/** A page may live from 30 minutes to 24 hours (SDK, `SessionCreateParams.expires_at`); one more for the way there. */
const SHORTEST_PAGE_MS = 31 * 60_000;
const LONGEST_PAGE_MS = 24 * 3_600_000 - 60_000;

/** Languages of Stripe's pages; in others it speaks the browser's. */
const LOCALES: Readonly<Record<string, 'ja' | 'en' | 'ru'>> = { ja: 'ja', en: 'en', ru: 'ru' };
const localeOf = (language: string) => LOCALES[language.slice(0, 2).toLowerCase()] ?? 'auto';

/** Link asks for an e-mail and a telephone number: who chose a card is not asked. */
const NO_LINK = { link: { display: 'never' } } as const;

const BANK_TRANSFERS = { USD: 'us_bank_transfer', EUR: 'eu_bank_transfer', JPY: 'jp_bank_transfer' } as const;

/** Stripe's default (`automatic_async`) answers sooner, and says what it kept some time after the charge: too late for us. */
const CAPTURED_AT_ONCE = { capture_method: 'automatic' } as const;

/** A price in Stripe's words. Throws ProviderError `invalid` for what is not to be sent at all. */
export function toStripePrice({ amount, currency }: Money): { amount: number; currency: string } {
  if (!isTaken(currency)) throw new ProviderError('invalid', 'CURRENCY_NOT_TAKEN');
  if (amount <= 0n || amount > MAX_AMOUNT) throw new ProviderError('invalid', 'AMOUNT_NOT_TAKEN');
  return { amount: Number(amount), currency: currency.toLowerCase() };
}

const isTaken = (currency: Currency): currency is StripeCurrency => CURRENCIES.some((taken) => taken === currency);

/**
 * A page for one order. `customerId` is one made for this order only, where the method needs one: Stripe has nothing by
 * which to join a person's purchases. Throws ProviderError `invalid`.
 */
export function toCheckout(
  request: CheckoutRequest,
  page: { now: Date; customerId: string | null; bankCountry: BankCountry },
): Stripe.Checkout.SessionCreateParams {
  const { description, invoiceId, language, method, price, returnUrl, title } = request;
  const { amount, currency } = toStripePrice(price);
  const metadata = { invoice: invoiceId, attempt: request.attemptId };
  return {
    mode: 'payment',
    ui_mode: 'hosted_page',
    line_items: [
      {
        quantity: 1,
        price_data: {
          currency,
          unit_amount: amount,
          product_data: { name: title, ...(description === '' ? {} : { description }) },
        },
      },
    ],
    ...methodParams(method, price.currency, page.bankCountry),
    ...(page.customerId === null ? {} : { customer: page.customerId }),
    // The price is the price: no conversion on the page, whose rate nobody here would show.
    adaptive_pricing: { enabled: false },
    client_reference_id: invoiceId,
    metadata,
    // Charges carry the metadata of their PaymentIntent, not of the page.
    payment_intent_data: { metadata, ...CAPTURED_AT_ONCE },
    locale: localeOf(language),
    expires_at: expiresAt(request.expiresAt, page.now),
    success_url: returnUrl,
    cancel_url: returnUrl,
  };
}

/** `allowed_payment_method_types` filters what the account offers: a method it has not enabled is simply not there. */
function methodParams(
  method: Method,
  currency: Currency,
  bankCountry: BankCountry,
): Pick<
  Stripe.Checkout.SessionCreateParams,
  'allowed_payment_method_types' | 'payment_method_options' | 'wallet_options'
> {
  switch (method) {
    case 'credit_card':
      return { allowed_payment_method_types: ['card'], wallet_options: NO_LINK };
    case 'digital_wallet':
      // Apple Pay and Google Pay have no type of their own: they come with `card`.
      return {
        allowed_payment_method_types: ['card', 'link', 'amazon_pay', 'cashapp', 'paypay', 'revolut_pay', 'alipay'],
      };
    case 'bank_transfer': {
      const type = BANK_TRANSFERS[currency as StripeCurrency];
      const euro = currency === 'EUR' ? { eu_bank_transfer: { country: bankCountry } } : {};
      return {
        allowed_payment_method_types: currency === 'JPY' ? ['customer_balance', 'konbini'] : ['customer_balance'],
        payment_method_options: {
          customer_balance: { funding_type: 'bank_transfer', bank_transfer: { type, ...euro } },
        },
      };
    }
    default:
      throw new ProviderError('invalid', 'METHOD_NOT_TAKEN');
  }
}

/**
 * Seconds. As long as the order, but not less than Stripe allows: then half an hour longer, counted from the order's end and
 * not from now, because the same try asked for twice must be the same request to the letter.
 */
function expiresAt(orderExpiresAt: Date, now: Date): number {
  const order = orderExpiresAt.getTime();
  const isLongEnough = order - now.getTime() >= SHORTEST_PAGE_MS;
  const wanted = isLongEnough ? order : order + SHORTEST_PAGE_MS;
  return Math.floor(Math.min(wanted, now.getTime() + LONGEST_PAGE_MS) / 1_000);
}

/** A token of ours: the customer that was made for one stored method, and that method. */
export type StoredToken = Readonly<{ customer: string; method: string }>;

/** Throws ProviderError `declined` for what is no token of ours. */
export function parseToken(token: string): StoredToken {
  const match = /^(cus_\w{1,200})\/(pm_\w{1,200})$/.exec(token);
  if (!match?.[1] || !match[2]) throw new ProviderError('declined', 'TOKEN_UNKNOWN');
  return { customer: match[1], method: match[2] };
}

/**
 * A charge of a stored method at once, while its owner is there: where their bank wants to ask them, the answer has the
 * page on which it does, which leads to `return_url`.
 */
export function toStoredCharge(request: CheckoutRequest, token: StoredToken): Stripe.PaymentIntentCreateParams {
  return {
    ...toStripePrice(request.price),
    customer: token.customer,
    payment_method: token.method,
    allowed_payment_method_types: ['card'],
    ...CAPTURED_AT_ONCE,
    confirm: true,
    return_url: request.returnUrl,
    metadata: { invoice: request.invoiceId, attempt: request.attemptId },
  };
}

/** A page for one order on which a stored card is shown to its owner, whose bank wants to ask them. */
export function toStoredCheckout(
  request: CheckoutRequest,
  page: { now: Date; customerId: string; bankCountry: BankCountry },
): Stripe.Checkout.SessionCreateParams {
  return {
    ...toCheckout({ ...request, method: 'credit_card' }, page),
    // Without these a page shows none of the cards that a setup page stored.
    saved_payment_method_options: { allow_redisplay_filters: ['always', 'limited', 'unspecified'] },
  };
}

/**
 * A page on which a card is stored, and nothing is paid. Whoever opens the page can read both addresses, and is led to
 * `cancel_url` without giving a card.
 */
export function toSetup(
  request: { id: string; pageUrl: string; returnUrl: string; language: string },
  customer: string,
): Stripe.Checkout.SessionCreateParams {
  const metadata = { method: request.id };
  return {
    mode: 'setup',
    ui_mode: 'hosted_page',
    customer,
    allowed_payment_method_types: ['card'],
    wallet_options: NO_LINK,
    metadata,
    setup_intent_data: { metadata },
    locale: localeOf(request.language),
    success_url: request.returnUrl,
    cancel_url: request.pageUrl,
  };
}
