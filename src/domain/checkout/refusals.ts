import { AppError } from '#domain/errors.ts';
import type { ProviderError } from '#domain/provider/error.ts';
import { PAYMENT_FAILURES, type PaymentFailure } from '#domain/provider/event.ts';

/** More attempts within the window than one person or one link may make. */
export function tooManyAttempts(retryAfterSeconds: number): AppError {
  return new AppError('rate_limited', 'too_many_attempts', { retryAfterSeconds, details: { retryAfterSeconds } });
}

/** Somebody is paying at this moment, or may be. */
export function reserved(): AppError {
  return new AppError('conflict', 'invoice_reserved', { retryAfterSeconds: 60 });
}

/** Why a stored method was refused, where that is what happened. */
export function paymentFailureOf(error: ProviderError): PaymentFailure | null {
  return PAYMENT_FAILURES.find((failure) => failure === error.code) ?? null;
}

/**
 * What a provider's failure means to whoever asked. `invoiceId`: the order that stays open when a stored method was refused,
 * so that it can be shown with the reason.
 */
export function refusalFor(error: ProviderError | null, invoiceId?: string): AppError {
  if (error?.failure === 'misconfigured' || error?.failure === 'invalid')
    return new AppError('internal', 'provider_misconfigured', { cause: error });
  if (error?.failure === 'declined') {
    const failure = paymentFailureOf(error);
    return new AppError('precondition_failed', 'provider_declined', {
      cause: error,
      ...(failure && { details: { failure, ...(invoiceId !== undefined && { invoiceId }) } }),
    });
  }
  return new AppError('unavailable', 'provider_unavailable', {
    retryAfterSeconds: error?.retryAfterSeconds ?? 5,
    cause: error,
  });
}
