import { z } from 'zod';
import type { Currency, Money } from '#domain/money.ts';
import type { StoredCard } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { ProviderTransaction } from '#domain/provider/request.ts';
import { toPaymentFailure } from './failures.ts';
import { invoiceOf } from './wire.ts';

/*
 * What we read of Stripe's objects (docs.stripe.com/api, version 2026-10-28.endive). Times are seconds, amounts minor units
 * of the currency: whole yen, which have none.
 */

/** Reads an answer of the SDK: the compiler holds our fields against its types, this function the answer against both. */
export function readAnswer<S extends z.ZodType>(schema: S, answer: z.input<S>): z.output<S> {
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw new ProviderError('unavailable', 'UNREADABLE_ANSWER');
  return parsed.data;
}

const Time = z.int().transform((seconds) => new Date(seconds * 1_000));
const Amount = z.int().transform(BigInt);
/** Shown to people as a link: no other scheme than these may stand in it. */
const Link = z.url({ protocol: /^https?$/ });
const Metadata = z.record(z.string(), z.string()).nullable();
/** The id of an object that Stripe was not asked to expand, or the object. */
const expanded = <S extends z.ZodType>(object: S) => z.union([z.string(), object]);
export const Identified = z.object({ id: z.string() });
export const idOf = (value: string | Readonly<{ id: string }>) => (typeof value === 'string' ? value : value.id);

const BalanceTransaction = z.object({ amount: Amount, fee: Amount, currency: z.string(), created: Time });

const PaidCharge = z.object({
  id: z.string(),
  created: Time,
  balance_transaction: expanded(BalanceTransaction).nullable(),
  payment_method_details: z
    .object({ type: z.string(), card: z.object({ wallet: z.object({ type: z.string() }).nullable() }).optional() })
    .nullable(),
});
export type PaidCharge = z.output<typeof PaidCharge>;

const NextAction = z.object({
  type: z.string(),
  redirect_to_url: z.object({ url: Link.nullable() }).optional(),
  display_bank_transfer_instructions: z
    .object({ amount_remaining: Amount.nullable(), hosted_instructions_url: Link.nullable() })
    .optional(),
  konbini_display_details: z.object({ hosted_voucher_url: Link.nullable() }).optional(),
});

export const PaymentIntent = z.object({
  id: z.string(),
  status: z.string(),
  amount: Amount,
  amount_received: Amount,
  currency: z.string(),
  created: Time,
  canceled_at: Time.nullable(),
  cancellation_reason: z.string().nullable(),
  metadata: Metadata,
  latest_charge: expanded(PaidCharge).nullable(),
  next_action: NextAction.nullable(),
  last_payment_error: z
    .object({
      code: z.string().optional(),
      decline_code: z.string().optional(),
      charge: z.string().optional(),
      payment_method: z.object({ type: z.string() }).optional(),
    })
    .nullable(),
});
export type PaymentIntent = z.output<typeof PaymentIntent>;

const SetupIntent = z.object({
  status: z.string(),
  last_setup_error: z.object({ code: z.string().optional(), decline_code: z.string().optional() }).nullable(),
  payment_method: expanded(
    z.object({
      id: z.string(),
      card: z.object({ brand: z.string(), last4: z.string(), exp_month: z.int(), exp_year: z.int() }).optional(),
    }),
  ).nullable(),
});

export const CheckoutSession = z.object({
  id: z.string(),
  status: z.string().nullable(),
  url: Link.nullable(),
  expires_at: Time,
  metadata: Metadata,
  customer: expanded(Identified).nullable(),
  payment_intent: expanded(PaymentIntent).nullable(),
  setup_intent: expanded(SetupIntent).nullable(),
});
export type CheckoutSession = z.output<typeof CheckoutSession>;

/** As much of a payment as says whose it is. */
const PaymentOf = z.object({ id: z.string(), metadata: Metadata });

export const Refund = z.object({
  id: z.string(),
  status: z.string().nullable(),
  amount: Amount,
  currency: z.string(),
  created: Time,
  failure_reason: z.string().optional(),
  metadata: Metadata,
  payment_intent: expanded(PaymentOf).nullable(),
});
export type Refund = z.output<typeof Refund>;

export const Dispute = z.object({
  id: z.string(),
  status: z.string(),
  amount: Amount,
  currency: z.string(),
  created: Time,
  balance_transactions: z.array(BalanceTransaction),
  payment_intent: expanded(PaymentOf).nullable(),
});
export type Dispute = z.output<typeof Dispute>;

export const ListedCharge = z.object({
  id: z.string(),
  status: z.string(),
  amount_captured: Amount,
  currency: z.string(),
  created: Time,
  metadata: Metadata,
  payment_intent: expanded(Identified).nullable(),
});
export type ListedCharge = z.output<typeof ListedCharge>;

const CURRENCIES: Readonly<Record<string, Currency>> = { usd: 'USD', eur: 'EUR', jpy: 'JPY' };

/** Throws ProviderError `invalid` for a currency we never ask for. */
export function toMoney(amount: bigint, code: string): Money {
  const currency = CURRENCIES[code];
  if (!currency) throw new ProviderError('invalid', 'CURRENCY_UNKNOWN');
  return { amount, currency };
}

/** A row of the list of charges; null for one that is not ours or did not come. */
export function toChargeRow(charge: ListedCharge): ProviderTransaction | null {
  const invoiceId = invoiceOf(charge.metadata);
  if (invoiceId === null || charge.payment_intent === null || charge.status !== 'succeeded') return null;
  const amount = toMoney(charge.amount_captured, charge.currency);
  return {
    ...row(idOf(charge.payment_intent), invoiceId),
    direction: 'charge',
    reference: null,
    amount,
    occurredAt: charge.created,
  };
}

/** A row of the list of refunds, whose PaymentIntents were expanded; null for one that is not ours or not done. */
export function toRefundRow(refund: Refund): ProviderTransaction | null {
  return refund.status === 'succeeded' ? toReturnRow(refund, 'refund') : null;
}

/** A row of what takes money from a charge, whose PaymentIntent was expanded; null for one that is not ours. */
export function toReturnRow(
  { amount, created, currency, id, payment_intent: intent }: Refund | Dispute,
  direction: Exclude<ProviderTransaction['direction'], 'charge'>,
): ProviderTransaction | null {
  if (intent === null || typeof intent === 'string') return null;
  const invoiceId = invoiceOf(intent.metadata);
  if (invoiceId === null) return null;
  const money = toMoney(amount, currency);
  return { ...row(intent.id, invoiceId), direction, reference: id, amount: money, occurredAt: created };
}

const row = (chargeId: string, invoiceId: string) => ({ chargeId, invoiceId, payerId: null, renewalDays: null });

/**
 * The card that a setup page stored; null while it is not known. Throws ProviderError `declined`, with a PaymentFailure as
 * code, when the page ended without one.
 */
export function toStoredCard({ customer, setup_intent: setup, status }: CheckoutSession): StoredCard | null {
  if (status === 'expired') throw new ProviderError('declined', 'checkout_expired');
  if (status !== 'complete') return null;
  if (customer === null || setup === null || typeof setup === 'string') throw unreadable();
  if (setup.status === 'processing') return null;
  if (setup.status !== 'succeeded')
    throw new ProviderError('declined', toPaymentFailure(setup.last_setup_error ?? {}, 'card'));
  const { payment_method: method } = setup;
  if (method === null || typeof method === 'string') throw unreadable();
  if (!method.card) throw new ProviderError('declined', 'NOT_A_CARD');
  const { brand, exp_month: month, exp_year: year, last4 } = method.card;
  const expires = `${year}-${String(month).padStart(2, '0')}`;
  return { token: `${idOf(customer)}/${method.id}`, brand, last4, expires };
}

const unreadable = () => new ProviderError('unavailable', 'UNREADABLE_ANSWER');
