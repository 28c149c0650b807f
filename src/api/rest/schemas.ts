import { z } from '@hono/zod-openapi';
import { OrderDetails } from '#domain/checkout/details.ts';
import { REASONS } from '#domain/errors.ts';
import { type Language, MAX_TELEGRAM_ID } from '#domain/identity/rules.ts';
import { Currency, type Money } from '#domain/money.ts';
import { MAX_PAGE } from '#domain/payment/records.ts';
import { PAYMENT_STATUSES } from '#domain/payment/rules.ts';
import { METHODS } from '#domain/provider/capability.ts';
import { formatMoney } from '#messages/translate.ts';
import { Month } from '../cursor.ts';

/*
 * Names and shapes that several routes share. Names are in snake case, as the older systems had them; amounts are minor
 * units of their currency as decimal strings, because a JSON number is a float to most readers.
 */

/** An id or code as callers may send it. Anything else could not be one of ours and never reaches a query. */
export const IdText = z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/);

export const MethodName = z.enum(METHODS).openapi('Method');
export const CurrencyCode = Currency.meta({}).openapi('Currency', { example: 'XTR' });
export const Minor = z.string().openapi({ description: 'Minor units of the currency, an integer', example: '150' });
/** What somebody bought, where that is still known here. */
export const PastName = z.string().nullable().openapi({
  description: 'Null once it is over for some time: what it was for then stands in the buyer’s encrypted record alone',
});

export const Instant = z.iso.datetime().openapi({ example: '2026-12-20T09:30:00.000Z' });
export const Success = z.literal(true);

const TelegramIdText = z
  .string()
  .regex(/^[1-9][0-9]{0,15}$/)
  .refine((text) => Number(text) <= MAX_TELEGRAM_ID);
const TelegramIdNumber = z.number().int().positive().max(MAX_TELEGRAM_ID);

/** A person: our id (`usr_…`), or a Telegram user id. */
export const PersonRef = z.union([IdText, TelegramIdNumber]).openapi({
  description: 'Our user id (usr_…) or a Telegram user id',
  example: 'usr_01kahw9d6xq3v7c0mtz8b5r2ny',
});

/** Who an action is for. A person with a session leaves both out; a server names one, or both when they agree. */
export const PERSON_FIELDS = {
  user_id: PersonRef.optional(),
  customer_telegram_id: z
    .union([TelegramIdNumber, TelegramIdText])
    .optional()
    .openapi({ description: 'Telegram user id', example: 100001 }),
};
/** The same in an address, where all is text. */
export const PERSON_QUERY = {
  user_id: IdText.optional().openapi({ description: 'Our user id or a Telegram user id; servers must name someone' }),
  customer_telegram_id: TelegramIdText.optional().openapi({ description: 'Telegram user id' }),
};

export const PAGE_QUERY = {
  cursor: z.string().max(200).optional().openapi({ description: 'next_cursor of the page before' }),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(20),
  status: z.enum(PAYMENT_STATUSES).optional(),
  month: Month.optional().openapi({ description: 'Only this month, UTC', example: '2026-11' }),
};

export const MONEY_FIELDS = {
  amount: Minor,
  currency: CurrencyCode,
  amount_text: z.string().openapi({ description: 'For eyes, in the language of the request', example: '150 ★' }),
};

/** Money under those names. */
export function moneyFields({ amount, currency }: Money, language: Language) {
  return { amount: amount.toString(), currency, amount_text: formatMoney({ amount, currency }, language) };
}

export const FeePart = z
  .object({
    party: z.enum(['developer', 'platform', 'processor']),
    ...MONEY_FIELDS,
    percentage: z.string().openapi({ description: 'Part of the price, rounded to 0.01', example: '30' }),
  })
  .openapi('FeePart');

/** Every refusal, of whatever status. */
export const ErrorBody = z
  .object({
    success: z.literal(false),
    error: z.object({
      kind: z.string().openapi({ example: 'not_found' }),
      reason: z.enum(REASONS).openapi({ example: 'payment_not_found' }),
      text: z
        .string()
        .openapi({ example: 'This payment does not exist. Open the history again to see your payments.' }),
      requestId: z.string().openapi({ example: 'req_01kahw9d6xq3v7c0mtz8b5r2ny' }),
      retryAfterSeconds: z.number().int().nullable(),
      details: z.record(z.string(), z.union([z.string(), z.number()])),
    }),
  })
  .openapi('Error');

/** Basis points as a plain percentage: 3000 → "30", 290 → "2.9". */
export function percentage(bps: number): string {
  const whole = Math.trunc(bps / 100);
  const hundredths = bps % 100;
  if (hundredths === 0) return String(whole);
  return `${whole}.${String(hundredths).padStart(2, '0').replace(/0$/, '')}`;
}

/** What a server says of an order to its buyer. */
export const DETAIL_FIELDS = {
  description: OrderDetails.shape.description.meta({}).openapi({
    description:
      'For the buyer alone: it is sealed to them at once and stands in their encrypted record of the payment. Nobody can ask for it again, and an order that is open already keeps what was said first',
  }),
  metadata: OrderDetails.shape.metadata.meta({}).openapi({
    description: 'At most 20 texts of 500 characters under names of 40, treated as description is',
    example: { order: 'A-1042' },
  }),
};
