import { z } from 'zod';
import type { StoredCard } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { PaymentFailure, ProviderEvent } from '#domain/provider/event.ts';
import type { ClickPayment } from './wire.ts';

/*
 * Cards that are charged by a token over Click's Merchant API (docs.click.uz/merchant-api/requests, 6 to 9), as far as it
 * is a pure translation.
 */

/** A UUID in the samples. What else it could be must not change the address that it becomes a part of. */
const TOKEN = /^[0-9A-Za-z_-]{1,128}$/;
const CODE = /^\d{1,9}$/;

/** Where a browser asks for a card's token. */
export function cardTokenUrl(apiUrl: string): string {
  return `${apiUrl}/v2/merchant/card_token/request`;
}

/** What the browser brings to be confirmed. Throws ProviderError `declined` for what cannot be Click's. */
export function checkConfirmation(answer: { token: string | null; code: string | null }): {
  token: string;
  code: string;
} {
  const { code, token } = answer;
  if (token === null || !TOKEN.test(token)) throw new ProviderError('declined', 'TOKEN_MALFORMED');
  if (code === null || !CODE.test(code)) throw new ProviderError('declined', 'CODE_MALFORMED');
  return { token, code };
}

/** Click's documentation has no token in this answer, published clients read one: the newest is kept. */
const Verified = z.object({
  card_number: z
    .string()
    .transform((number) => number.replaceAll(' ', ''))
    .refine((number) => /\d{4}$/.test(number)),
  card_token: z.string().regex(TOKEN).optional(),
});

/** The card of a token that was confirmed. Click does not say how long it is good for. */
export function readCard(body: unknown, token: string): StoredCard {
  const answer = Verified.safeParse(body);
  if (!answer.success) throw new ProviderError('unavailable', 'UNREADABLE_CARD');
  const { card_number: number, card_token: newest = token } = answer.data;
  return { token: newest, brand: brandOf(number), last4: number.slice(-4), expires: null };
}

/** By the first digits, which a masked number keeps. */
function brandOf(number: string): string {
  if (/^(8600|5614)/.test(number)) return 'Uzcard';
  return number.startsWith('9860') ? 'Humo' : 'card';
}

/** Too little money on the card, as Complete has it; the codes -1 to -9 are our own refusals of Prepare coming back. */
const INSUFFICIENT_FUNDS = -5017;

/** A refused charge in the contract's words. Click publishes no table of these codes: any other is the card's. */
export function toPaymentFailure(code: string): PaymentFailure {
  const number = Number(code);
  if (number === INSUFFICIENT_FUNDS) return 'insufficient_funds';
  return number >= -9 && number <= -1 ? 'processing_error' : 'card_declined';
}

/** The event of a charge that came to nothing. Click's answer holds neither a reason nor a time. */
export function toFailedEvent(payment: ClickPayment, invoiceId: string, now: Date): ProviderEvent {
  return {
    type: 'payment_failed',
    eventId: `payment:${payment.id}:failed`,
    occurredAt: now,
    invoiceId,
    chargeId: null,
    attemptId: null,
    failure: 'card_declined',
    isFinal: true,
  };
}
