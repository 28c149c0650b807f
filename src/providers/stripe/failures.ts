import Stripe from 'stripe';
import { ProviderError } from '#domain/provider/error.ts';
import type { PaymentFailure } from '#domain/provider/event.ts';

/*
 * What Stripe's refusals mean: decline codes of issuers and error codes of the API (docs.stripe.com/declines/codes,
 * docs.stripe.com/error-codes). Only codes are kept: messages are free text and may name a person.
 */

/** Issuers' decline codes first, then the error codes that say it themselves. What is not here was simply declined. */
const FAILURES: Readonly<Record<string, PaymentFailure>> = {
  insufficient_funds: 'insufficient_funds',
  expired_card: 'card_expired',
  expired_payment_method: 'card_expired',
  incorrect_number: 'card_data_wrong',
  invalid_number: 'card_data_wrong',
  incorrect_cvc: 'card_data_wrong',
  invalid_cvc: 'card_data_wrong',
  incorrect_pin: 'card_data_wrong',
  invalid_expiry_month: 'card_data_wrong',
  invalid_expiry_year: 'card_data_wrong',
  incorrect_address: 'card_data_wrong',
  incorrect_zip: 'card_data_wrong',
  incorrect_postal_code: 'card_data_wrong',
  postal_code_invalid: 'card_data_wrong',
  invalid_account: 'card_data_wrong',
  authentication_required: 'authentication_failed',
  authentication_failure: 'authentication_failed',
  authentication_not_handled: 'authentication_failed',
  payment_intent_authentication_failure: 'authentication_failed',
  setup_intent_authentication_failure: 'authentication_failed',
  payment_intent_action_required: 'authentication_failed',
  card_velocity_exceeded: 'limit_exceeded',
  card_decline_rate_limit_exceeded: 'limit_exceeded',
  withdrawal_count_limit_exceeded: 'limit_exceeded',
  charge_exceeds_source_limit: 'limit_exceeded',
  charge_exceeds_transaction_limit: 'limit_exceeded',
  processing_error: 'processing_error',
  issuer_not_available: 'processing_error',
  reenter_transaction: 'processing_error',
  try_again_later: 'processing_error',
  payment_method_provider_timeout: 'processing_error',
  payment_method_customer_decline: 'cancelled_by_payer',
  payment_intent_payment_attempt_expired: 'checkout_expired',
  setup_intent_setup_attempt_expired: 'checkout_expired',
  bank_account_declined: 'transfer_failed',
  bank_account_restricted: 'transfer_failed',
  bank_account_unusable: 'transfer_failed',
  debit_not_authorized: 'transfer_failed',
  account_closed: 'transfer_failed',
  no_account: 'transfer_failed',
};

const TRANSFERS: ReadonlySet<string> = new Set(['customer_balance', 'konbini', 'us_bank_account', 'sepa_debit']);

/** Whether a payment method of Stripe is a transfer of the payer's own making. */
export const isTransfer = (type: string): boolean => TRANSFERS.has(type);

/** Why a payment did not come. `type` is that of the payment method, null when Stripe does not say. */
export function toPaymentFailure(
  error: { code?: string | undefined; decline_code?: string | undefined },
  type: string | null,
): PaymentFailure {
  const known = FAILURES[error.decline_code ?? ''] ?? FAILURES[error.code ?? ''];
  return known ?? (type !== null && isTransfer(type) ? 'transfer_failed' : 'card_declined');
}

/** Codes that say "no" to this very sum or charge, in answers that else mean a wrong request. */
const REFUSALS: ReadonlySet<string> = new Set([
  'amount_too_small',
  'amount_too_large',
  'balance_insufficient',
  'charge_already_refunded',
  'charge_disputed',
  'charge_not_refundable',
  'payment_intent_unexpected_state',
  'refund_disputed_payment',
]);

/** What a call that failed says. The cause is dropped on purpose: it holds the request and free text. */
export function toProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  const { errors } = Stripe;
  if (!(error instanceof errors.StripeError)) return new ProviderError('unavailable', 'UNREADABLE_ANSWER');
  if (error instanceof errors.StripeConnectionError) return new ProviderError('unavailable', 'NO_ANSWER');
  const code = codeOf(error);
  if (error instanceof errors.StripeRateLimitError)
    return new ProviderError('unavailable', code, retryAfterOf(error.headers?.['retry-after']));
  if (error instanceof errors.StripeAuthenticationError || error instanceof errors.StripePermissionError)
    return new ProviderError('misconfigured', code);
  if (error instanceof errors.StripeCardError)
    return new ProviderError('declined', toPaymentFailure(error, error.payment_method?.type ?? null));
  // 409: another request has the object or the key at this moment. An answer that is no JSON has no status.
  const status = error.statusCode ?? 500;
  if (status === 409 || status >= 500) return new ProviderError('unavailable', code);
  return new ProviderError(REFUSALS.has(code) ? 'declined' : 'invalid', code);
}

function codeOf(error: { code?: string; rawType?: string; statusCode?: number }): string {
  const word = error.code ?? error.rawType ?? '';
  return /^[a-z0-9_]{1,64}$/.test(word) ? word : `HTTP_${error.statusCode ?? 'NONE'}`;
}

function retryAfterOf(header: string | undefined): { retryAfterSeconds?: number } {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfterSeconds: seconds } : {};
}
