/** What kind of refusal it is: each door maps a kind once (HTTP status, tRPC code, bot text). */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'precondition_failed'
  | 'rate_limited'
  | 'unavailable'
  | 'internal';

/** Every refusal a person can meet. The message files hold one text per reason, so languages cannot drift. */
export const REASONS = [
  'malformed_request',
  'body_too_large',
  'unsupported_media_type',
  'route_not_found',
  'internal',
  'service_unavailable',
  'session_missing',
  'session_expired',
  'init_data_malformed',
  'init_data_forged',
  'init_data_expired',
  'init_data_from_future',
  'api_key_unknown',
  'scope_missing',
  'not_yours',
  'webhook_secret_wrong',
  'webhook_too_old',
  'webhook_from_future',
  'user_not_found',
  'price_not_found',
  'plan_not_found',
  'plan_not_for_sale',
  'invoice_not_found',
  'payment_not_found',
  'receipt_link_ended',
  'subscription_not_found',
  'payment_method_not_found',
  'too_many_methods',
  'too_many_begun',
  'too_many_codes',
  'method_stored_before',
  'method_of_another',
  'card_data_refused',
  'webhook_event_not_found',
  'webhook_event_body_gone',
  'amount_mismatch',
  'currency_mismatch',
  'currency_unsupported',
  'method_not_allowed_here',
  'method_unavailable',
  'already_owned',
  'already_subscribed',
  'invoice_expired',
  'invoice_cancelled',
  'invoice_already_paid',
  'invoice_too_old',
  'invoice_reserved',
  'reservation_not_found',
  'reservation_closed',
  'payer_is_not_buyer',
  'too_many_attempts',
  'too_many_requests',
  'refund_not_possible',
  'refund_amount_wrong',
  'refund_in_progress',
  'refund_at_provider',
  'refund_whole_only',
  'subscription_not_active',
  'subscription_not_cancelled',
  'resume_in_telegram',
  'provider_unavailable',
  'provider_declined',
  'provider_misconfigured',
  'idempotency_key_reused',
  'idempotency_key_in_progress',
  'fee_not_settable',
  'key_too_large',
  'key_private_block',
  'key_no_block',
  'key_multiple',
  'key_unreadable',
  'key_version',
  'key_no_user_id',
  'key_revoked',
  'key_expired',
  'key_not_yet_valid',
  'key_weak',
  'key_algorithm',
  'key_sign_only',
  'key_encryption_expired',
  'key_invalid',
  'billing_key_not_found',
  'too_many_billing_keys',
  'too_many_keys_begun',
  'key_code_wrong',
  'key_codes_used_up',
  'language_unsupported',
  'log_group_unknown',
  'log_group_not_forum',
  'log_group_not_yours',
  'log_group_no_rights',
  'record_not_found',
  'record_not_held',
  'too_many_exports',
  'erasure_not_found',
  'erasure_begun',
  'erasure_blocked',
  'erasure_waiting',
  'erasure_word_wrong',
  'buyer_erased',
  'busy',
] as const;
export type Reason = (typeof REASONS)[number];

/** Facts a text may name. Never anything personal: they reach logs and clients. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/**
 * A refusal with a reason code that a door can show. Anything else thrown is unknown to clients and becomes `internal`.
 * `retryAfterSeconds` is set with `rate_limited` and `unavailable` where waiting helps.
 */
export class AppError extends Error {
  readonly kind: ErrorKind;
  readonly reason: Reason;
  readonly details: ErrorDetails;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: ErrorKind,
    reason: Reason,
    options: { details?: ErrorDetails; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.kind = kind;
    this.reason = reason;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Verdict of a rule: fine, or refused for a reason. */
export type Verdict<R extends Reason = Reason> = { ok: true } | { ok: false; reason: R };
