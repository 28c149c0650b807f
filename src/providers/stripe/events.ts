import type { Method } from '#domain/provider/capability.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE, type Progress, type ProviderEvent } from '#domain/provider/event.ts';
import type { ProviderTransaction } from '#domain/provider/request.ts';
import { isTransfer, toPaymentFailure } from './failures.ts';
import {
  type CheckoutSession,
  type Dispute,
  idOf,
  type PaidCharge,
  type PaymentIntent,
  type Refund,
  toMoney,
  toReturnRow,
} from './objects.ts';
import { attemptOf, invoiceOf } from './wire.ts';

/* What Stripe's objects mean for an order. Pure. */

/** What Stripe says about an order. `session` is null where the charge has none or it makes no difference. */
export type Found = Readonly<{
  intent: PaymentIntent | null;
  session: CheckoutSession | null;
  refunds: ReadonlyArray<Refund>;
  disputes: ReadonlyArray<Dispute>;
}>;

/**
 * The events that lead to what Stripe says, oldest first. None when its metadata names no order of ours: those only our key
 * can write, while whoever pays at another page of the account may set its `client_reference_id`.
 */
export function toEvents(found: Found, asked: { now: Date }): ReadonlyArray<ProviderEvent> {
  const { disputes, intent, refunds, session } = found;
  const invoiceId = invoiceOf(intent?.metadata) ?? invoiceOf(session?.metadata);
  if (invoiceId === null) return [];
  const payment = intent ? eventsOfIntent(intent, session, invoiceId) : [];
  const events = [...payment, ...endOf(payment, session, { invoiceId, now: asked.now })];
  if (intent) {
    events.push(...refunds.flatMap((refund) => eventsOfRefund(refund, intent.id, invoiceId)));
    events.push(...disputes.flatMap((dispute) => eventsOfDispute(dispute, intent.id)));
  }
  // Times are whole seconds: what shares one stays in the order in which it can have happened.
  return events.sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime());
}

function eventsOfIntent(intent: PaymentIntent, session: CheckoutSession | null, invoiceId: string): ProviderEvent[] {
  switch (intent.status) {
    case 'succeeded':
      return [succeeded(intent, invoiceId)];
    case 'processing':
      return [pending(intent, invoiceId, { progress: 'processing', missing: null, instructionsUrl: null })];
    case 'requires_action': {
      const waiting = waitingOf(intent);
      return waiting ? [pending(intent, invoiceId, waiting)] : [];
    }
    case 'requires_payment_method':
      return failed(intent, invoiceId, isLastTry(intent, session));
    case 'canceled':
      return [...failed(intent, invoiceId, false), canceled(intent, invoiceId)];
    default:
      return [];
  }
}

function succeeded(intent: PaymentIntent, invoiceId: string): ProviderEvent {
  const charge = intent.latest_charge;
  if (charge === null || typeof charge === 'string') throw new ProviderError('unavailable', 'UNREADABLE_PAYMENT');
  return {
    type: 'payment_succeeded',
    eventId: `charge:${intent.id}`,
    occurredAt: charge.created,
    invoiceId,
    chargeId: intent.id,
    payerId: null,
    paid: toMoney(intent.amount_received, intent.currency),
    ...PLAIN_CHARGE,
    fee: feeOf(charge, intent.currency),
    method: methodOf(charge),
  };
}

/** Null while Stripe has not settled it, and where it settles in another currency than was paid. */
function feeOf({ balance_transaction: settled }: PaidCharge, currency: string): bigint | null {
  if (settled === null || typeof settled === 'string' || settled.currency !== currency) return null;
  return settled.fee;
}

const WALLETS: ReadonlySet<string> = new Set(['link', 'amazon_pay', 'cashapp', 'paypay', 'revolut_pay', 'alipay']);

/** Apple Pay and Google Pay are cards with a wallet on them. */
function methodOf({ payment_method_details: details }: PaidCharge): Method | null {
  if (!details) return null;
  if (details.type === 'card') return details.card?.wallet ? 'digital_wallet' : 'credit_card';
  if (isTransfer(details.type)) return 'bank_transfer';
  return WALLETS.has(details.type) ? 'digital_wallet' : null;
}

type Waiting = Readonly<{ progress: Progress; missing: bigint | null; instructionsUrl: string | null }>;

function pending(intent: PaymentIntent, invoiceId: string, waiting: Waiting): ProviderEvent {
  return {
    type: 'payment_pending',
    eventId: `pending:${intent.id}:${waiting.progress}:${waiting.missing ?? 'all'}`,
    occurredAt: intent.created,
    invoiceId,
    chargeId: intent.id,
    price: toMoney(intent.amount, intent.currency),
    ...waiting,
  };
}

/** A transfer or voucher that was begun. Other actions are the payer's, who is at them. */
function waitingOf({ amount, next_action: action, status }: PaymentIntent): Waiting | null {
  if (status !== 'requires_action') return null;
  const transfer = action?.display_bank_transfer_instructions;
  if (transfer) {
    const missing = transfer.amount_remaining ?? amount;
    const progress = missing < amount ? 'underpaid' : 'awaiting_transfer';
    return { progress, missing, instructionsUrl: transfer.hosted_instructions_url };
  }
  const voucher = action?.konbini_display_details;
  return voucher
    ? { progress: 'awaiting_transfer', missing: amount, instructionsUrl: voucher.hosted_voucher_url }
    : null;
}

/** A transfer is awaited and nothing of it has come. */
export const isAwaited = (intent: PaymentIntent): boolean => waitingOf(intent)?.progress === 'awaiting_transfer';

/**
 * Without a page, and after one that is complete, there is nowhere to try again; but a stored card whose bank wants to ask
 * its owner is asked for once more, on a page of its own.
 */
function isLastTry({ last_payment_error: error }: PaymentIntent, session: CheckoutSession | null): boolean {
  if (session !== null) return session.status === 'complete';
  return error?.code !== 'authentication_required' && error?.decline_code !== 'authentication_required';
}

function failed(intent: PaymentIntent, invoiceId: string, isFinal: boolean): ProviderEvent[] {
  const { last_payment_error: error, latest_charge: charge } = intent;
  if (!error) return [];
  const tried = charge !== null && typeof charge !== 'string' && charge.id === error.charge ? charge : null;
  return [
    {
      type: 'payment_failed',
      eventId: `failed:${error.charge ?? `${intent.id}:${error.code ?? 'unknown'}`}`,
      // A try that made no charge has no time of its own.
      occurredAt: tried?.created ?? intent.created,
      invoiceId,
      chargeId: intent.id,
      attemptId: attemptOf(intent.metadata),
      failure: toPaymentFailure(error, error.payment_method?.type ?? null),
      isFinal,
    },
  ];
}

/** Why a PaymentIntent was cancelled; Stripe's own reasons are that its time was over. */
const CANCELLATIONS = {
  requested_by_customer: 'cancelled_by_payer',
  abandoned: 'checkout_expired',
  expired: 'checkout_expired',
  automatic: 'checkout_expired',
} as const;

function canceled(intent: PaymentIntent, invoiceId: string): ProviderEvent {
  const reason = intent.cancellation_reason ?? '';
  return {
    type: 'payment_failed',
    eventId: `canceled:${intent.id}`,
    occurredAt: intent.canceled_at ?? intent.created,
    invoiceId,
    chargeId: intent.id,
    attemptId: attemptOf(intent.metadata),
    failure: CANCELLATIONS[reason as keyof typeof CANCELLATIONS] ?? 'processing_error',
    isFinal: true,
  };
}

/** The end of a page that ran out, unless money is on its way or the charge has ended already. */
function endOf(
  payment: ReadonlyArray<ProviderEvent>,
  session: CheckoutSession | null,
  { invoiceId, now }: { invoiceId: string; now: Date },
): ProviderEvent[] {
  if (session?.status !== 'expired') return [];
  if (payment.some((event) => event.type !== 'payment_failed' || event.isFinal)) return [];
  // Closed before its time it keeps the time it would have had.
  const occurredAt = session.expires_at < now ? session.expires_at : now;
  const { payment_intent: intent } = session;
  const chargeId = intent === null ? null : idOf(intent);
  const ended = { type: 'payment_failed', failure: 'checkout_expired', isFinal: true } as const;
  const attemptId = attemptOf(session.metadata);
  return [{ ...ended, eventId: `ended:${session.id}`, occurredAt, invoiceId, chargeId, attemptId }];
}

function eventsOfRefund(refund: Refund, chargeId: string, invoiceId: string): ProviderEvent[] {
  const refundId = refund.metadata?.['refund'] ?? null;
  const told = { occurredAt: refund.created, chargeId, reference: refund.id, refundId };
  if (refund.status === 'succeeded') {
    const paid = toMoney(refund.amount, refund.currency);
    return [{ type: 'payment_refunded', eventId: `refund:${refund.id}`, invoiceId, payerId: null, paid, ...told }];
  }
  if (!hasFailed(refund)) return [];
  const code = refund.failure_reason ?? refund.status ?? 'failed';
  // A bank may send it back days after it counted as done (docs.stripe.com/refunds, "failed refunds").
  return [{ type: 'refund_failed', eventId: `refund_failed:${refund.id}`, code, undoesDone: true, ...told }];
}

/** A refund that came to nothing; every other one is done or on its way. */
export const hasFailed = ({ status }: Refund): boolean => status === 'failed' || status === 'canceled';

/** Inquiries (`warning_…`) move no money, and become disputes of these states if they do. */
const DISPUTES = {
  needs_response: 'open',
  under_review: 'open',
  appeal_needs_response: 'open',
  appeal_under_review: 'open',
  won: 'won',
  lost: 'lost',
  warning_needs_response: null,
  warning_under_review: null,
  warning_closed: null,
} as const;

/** How a dispute stands; null for one that took no money. */
function statusOf({ balance_transactions: movements, status }: Dispute): 'open' | 'won' | 'lost' | null {
  const known = Object.hasOwn(DISPUTES, status) ? DISPUTES[status as keyof typeof DISPUTES] : undefined;
  if (known !== undefined) return known;
  // `prevented` was settled before it began; that, and what we do not know, is judged by whether the money went.
  const isTaken = movements.reduce((sum, { amount }) => sum + amount, 0n) < 0n;
  if (!isTaken) return null;
  return status === 'prevented' ? 'lost' : 'open';
}

/** A row of the list of disputes, whose PaymentIntents were expanded; null for one that is not ours or took no money. */
export function toDisputeRow(dispute: Dispute): ProviderTransaction | null {
  const status = statusOf(dispute);
  return status === null ? null : toReturnRow(dispute, status === 'open' ? 'dispute' : 'dispute_end');
}

function eventsOfDispute(dispute: Dispute, chargeId: string): ProviderEvent[] {
  const movements = dispute.balance_transactions;
  const status = statusOf(dispute);
  if (status === null) return [];
  const last = Math.max(dispute.created.getTime(), ...movements.map(({ created }) => created.getTime()));
  return [
    {
      type: 'payment_disputed',
      eventId: `dispute:${dispute.id}:${status}`,
      occurredAt: status === 'open' ? dispute.created : new Date(last),
      chargeId,
      reference: dispute.id,
      status,
      amount: toMoney(dispute.amount, dispute.currency),
      // A fee in the currency of the account cannot be told as one of the charge.
      fee: movements.reduce((sum, { currency, fee }) => (currency === dispute.currency ? sum + fee : sum), 0n),
    },
  ];
}
