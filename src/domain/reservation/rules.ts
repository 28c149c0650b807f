import { judgeInquiry, type PayableOrder } from '#domain/checkout/rules.ts';
import type { InquiryReason, Reservation, ReservationClaim } from '#domain/provider/inquiry.ts';

/** What a step is judged by: the order, this charge's own reservation, and whether another charge holds the order. */
export type ReservationFacts = Readonly<{
  order: PayableOrder | null;
  holds: 'nothing' | 'lasting_right' | 'renewing_subscription';
  own: Reservation | null;
  isHeldByOther: boolean;
}>;

type Refusal = Readonly<{ kind: 'refuse'; reason: InquiryReason }>;

const refuse = (reason: InquiryReason): Refusal => ({ kind: 'refuse', reason });

/** The time of a reservation runs from the provider's own beginning of it. */
export function isLapsed(reservation: Reservation, lastMs: number, now: Date): boolean {
  return reservation.status === 'reserved' && now.getTime() - reservation.askedAt.getTime() >= lastMs;
}

/**
 * May this charge hold this order? A repeat of a charge that holds it already changes nothing; one that ended cannot begin
 * again under the same id, and while one holds the order nobody else can.
 */
export function judgeReserve(
  facts: ReservationFacts,
  asked: { invoiceId: string; price: { amount: bigint; currency: string }; askedAt: Date },
  { now, lastMs }: { now: Date; lastMs: number },
): Readonly<{ kind: 'reserve' | 'repeat' }> | Refusal {
  const { own } = facts;
  if (own && own.invoiceId !== asked.invoiceId) return refuse('reservation_closed');
  if (own && !isSamePrice(own, asked.price)) return refuse('amount_mismatch');
  if (own?.status === 'paid') return refuse('reservation_closed');
  if (own?.status === 'reserved') return { kind: 'repeat' };
  if (own) return refuse('reservation_closed');
  // Over before it begins: the provider will not capture it any more.
  if (now.getTime() - asked.askedAt.getTime() >= lastMs) return refuse('reservation_closed');
  const payable = judgeInquiry(facts.order, { payer: null, price: asked.price, holds: facts.holds }, now);
  if (!payable.ok) return refuse(payable.reason);
  return facts.isHeldByOther ? refuse('invoice_reserved') : { kind: 'reserve' };
}

/**
 * May this charge take the money it holds? Money that was taken already is never refused for the order's sake: it is
 * booked, and goes back as surplus when nothing is owed for it.
 */
export function judgeCapture(
  facts: Pick<ReservationFacts, 'order' | 'own' | 'holds'>,
  asked: { claim: ReservationClaim | null; isDebited: boolean },
): Readonly<{ kind: 'capture' | 'repeat' }> | Refusal {
  const { holds, order, own } = facts;
  const mismatch = judgeClaim(own, asked.claim);
  if (mismatch) return mismatch;
  if (!own || !order) return refuse('reservation_not_found');
  // Said as a refusal to a provider that tells of money it took: it hears that we know.
  if (own.status === 'paid') return asked.isDebited ? refuse('reservation_closed') : { kind: 'repeat' };
  const hasLapsedHere = own.status === 'cancelled' && own.code === null;
  if (own.status !== 'reserved' && !(hasLapsedHere && asked.isDebited)) return refuse('reservation_closed');
  const isOwed = order.status !== 'cancelled' && order.status !== 'paid' && holds !== 'lasting_right';
  if (!isOwed && !asked.isDebited) return refuse('reservation_closed');
  return { kind: 'capture' };
}

/** What giving a reservation up does: ends it, gives paid money back, or nothing because it ended before. */
export function judgeRelease(
  own: Reservation | null,
  asked: { claim: ReservationClaim | null; undoesPaid: boolean },
): Readonly<{ kind: 'cancel' | 'refund' | 'repeat' }> | Refusal {
  const mismatch = judgeClaim(own, asked.claim);
  if (mismatch) return mismatch;
  if (!own) return refuse('reservation_not_found');
  // Also what had lapsed here: only the provider's own word keeps a captured cancel from being replayed as a payment.
  if (own.status === 'reserved' || (own.status === 'cancelled' && own.code === null)) return { kind: 'cancel' };
  if (own.status !== 'paid') return { kind: 'repeat' };
  return asked.undoesPaid ? { kind: 'refund' } : refuse('refund_not_possible');
}

/** Holds what a provider repeats of a reservation against it. */
function judgeClaim(own: Reservation | null, claim: ReservationClaim | null): Refusal | null {
  if (!claim) return null;
  if (!own || own.number !== claim.number) return refuse('reservation_not_found');
  if (own.invoiceId !== claim.invoiceId) return refuse('invoice_not_found');
  return isSamePrice(own, claim.price) ? null : refuse('amount_mismatch');
}

function isSamePrice(reservation: Reservation, price: { amount: bigint; currency: string }): boolean {
  return reservation.price.amount === price.amount && reservation.price.currency === price.currency;
}
