import type { Language } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import type { PaymentRecord } from '#domain/payment/records.ts';
import { METHODS, type Method } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import type { AuditEvent, Dispute, Payment, Refund, Subscription } from '#lib/generated/prisma/client.ts';
import { presentInstant, presentInstantOrNull, presentRowMoney, presentSplit } from './present.ts';
import { presentNames, type SoldPlan } from './present-names.ts';
import type { DisputeView, PaymentView, ReceiptView, RefundView, SubscriptionView, TimelineKind } from './views.ts';

/** How a payment was made. One from before that was kept is told by what its provider takes, else by its currency. */
export function methodOf(
  providers: ReadonlyMap<string, Provider>,
  payment: Readonly<{ method: string | null; provider: string; currency: string }>,
): Method {
  const { currency, provider } = payment;
  const kept = METHODS.find((method) => method === payment.method);
  if (kept) return kept;
  const capability = providers.get(provider)?.accepts.find((accepted) => accepted.currency === currency);
  return capability?.method ?? (currency === 'XTR' ? 'telegram_stars' : 'digital_wallet');
}

/** A payment as a line of the history. */
export function presentPayment(
  payment: Payment,
  sold: SoldPlan | null,
  method: Method,
  language: Language,
): PaymentView {
  const { planName, productName } = presentNames(sold, language);
  return {
    id: payment.id,
    kind: payment.kind,
    status: payment.status,
    money: presentRowMoney(payment, language),
    returned:
      payment.returnedAmount > 0n
        ? presentRowMoney({ amount: payment.returnedAmount, currency: payment.currency }, language)
        : null,
    planName,
    productName,
    method,
    provider: payment.provider,
    paidAt: presentInstant(payment.paidAt, language),
  };
}

/** A payment with everything that belongs to it. */
export function presentReceipt(
  payment: PaymentRecord,
  sold: SoldPlan | null,
  method: Method,
  language: Language,
): ReceiptView {
  const { periodStart, periodEnd } = payment;
  const refunds = payment.refunds.map((refund) => presentRefund(refund, language));
  return {
    ...presentPayment(payment, sold, method, language),
    invoiceId: payment.invoiceId,
    chargeId: payment.chargeId,
    period:
      periodStart && periodEnd
        ? { from: presentInstant(periodStart, language), until: presentInstant(periodEnd, language) }
        : null,
    split: presentSplit(payment, Currency.parse(payment.currency), language),
    refund: refunds[0] ?? null,
    refunds,
    disputes: payment.disputes.map((dispute) => presentDispute(dispute, language)),
    timeline: presentTimeline(payment, language),
  };
}

function presentRefund(refund: Refund, language: Language): RefundView {
  const { claimUrl, id, reason, reference, status } = refund;
  return {
    id,
    status,
    reason,
    reference,
    claimUrl,
    money: presentRowMoney(refund, language),
    at: presentInstant(refund.completedAt ?? refund.createdAt, language),
  };
}

function presentDispute(dispute: Dispute, language: Language): DisputeView {
  return {
    id: dispute.id,
    status: dispute.status,
    money: presentRowMoney(dispute, language),
    openedAt: presentInstant(dispute.createdAt, language),
    closedAt: presentInstantOrNull(dispute.closedAt, language),
  };
}

/** Which audited actions people see in a receipt, and under which name. */
const TIMELINE: Readonly<Record<string, TimelineKind>> = {
  'invoice.opened': 'ordered',
  'invoice.cancelled': 'cancelled',
  'invoice.expired': 'expired',
  'payment.settled': 'paid',
  'payment.surplus': 'surplus',
  'payment.refunded': 'refunded',
  'payment.part_refunded': 'part_refunded',
  'refund.requested': 'refund_requested',
  'refund.failed': 'refund_failed',
  'checkout.declined': 'declined',
  'dispute.opened': 'dispute_opened',
  'dispute.won': 'dispute_won',
  'dispute.lost': 'dispute_lost',
};

function presentTimeline(payment: PaymentRecord, language: Language): ReceiptView['timeline'] {
  // A renewal was not ordered: the order of its subscription was months ago.
  const isAbout = (event: AuditEvent) => payment.kind !== 'renewal' || event.objectId === payment.id;
  return payment.audit.filter(isAbout).flatMap((event) => {
    const kind = TIMELINE[event.action];
    if (!kind) return [];
    const at = presentInstant(event.at, language);
    return kind === 'paid' && payment.kind !== 'surplus'
      ? [
          { kind, at },
          { kind: 'unlocked' as const, at },
        ]
      : [{ kind, at }];
  });
}

/** A subscription with what can be done about it now. */
export function presentSubscription(
  subscription: Subscription,
  sold: SoldPlan | null,
  language: Language,
): SubscriptionView {
  const { status, cancelledBy } = subscription;
  const isCancelling = status === 'cancelling';
  return {
    id: subscription.id,
    ...presentNames(sold, language),
    status,
    money: presentRowMoney(subscription, language),
    startedAt: presentInstant(subscription.createdAt, language),
    currentPeriodEnd: presentInstant(subscription.currentPeriodEnd, language),
    graceUntil: presentInstantOrNull(subscription.graceUntil, language),
    endedAt: presentInstantOrNull(subscription.endedAt, language),
    canCancel: status === 'active' || status === 'past_due',
    canResume: isCancelling && cancelledBy !== 'user',
    resumesInTelegram: isCancelling && cancelledBy === 'user',
  };
}
