import { toAuditRow } from '#domain/audit/record.ts';
import { endReservation } from '#domain/checkout/end-hold.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { closeInbox, type InboxEntry, toInboxRow } from '#domain/context/inbox.ts';
import { attentionJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { Currency } from '#domain/money.ts';
import { lockPayment } from '#domain/payment/change.ts';
import { completeRefund } from '#domain/payment/record-refund.ts';
import { settlePayment } from '#domain/payment/settle.ts';
import { PLAIN_CHARGE } from '#domain/provider/event.ts';
import type { InquiryReason, ProviderInquiry, Reservation } from '#domain/provider/inquiry.ts';
import { lapseHolder, lapseReservation, lapseReservations } from '#domain/reservation/end.ts';
import { listReservations, loadReservation } from '#domain/reservation/load.ts';
import {
  isLapsed,
  judgeCapture,
  judgeRelease,
  judgeReserve,
  type ReservationFacts,
} from '#domain/reservation/rules.ts';

type Step<Type extends ProviderInquiry['type']> = Extract<ProviderInquiry, { type: Type }>;
/** Every inquiry about a reservation. */
export type ReservationInquiry = Exclude<ProviderInquiry, { type: 'may_pay' }>;

export type StepAnswer =
  | Readonly<{ ok: true; reservation: Reservation | null; reservations: ReadonlyArray<Reservation> }>
  | Readonly<{ ok: false; reason: InquiryReason; reservation: Reservation | null; language: string | null }>;

type Loaded = ReservationFacts & { language: string | null };

const MAX_TRIES = 5;
/** More reservations than this in one statement are refused: the provider may ask for a shorter time. */
const MAX_LISTED = 20_000;

/**
 * Takes one step of a provider that reserves an order before it takes the money, and says what came of it. What a step
 * changes is durable when this returns; the same step again returns the same reservation. `inbox` is the message itself,
 * written with its effect. Throws database errors; then nothing was changed.
 */
export async function takeStep(
  ctx: Ctx,
  step: { providerId: string; inquiry: ReservationInquiry; inbox: InboxEntry },
): Promise<StepAnswer> {
  const { inbox, inquiry, providerId } = step;
  if (inquiry.type === 'list') return list(ctx, providerId, inquiry);
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const invoiceId = inquiry.type === 'reserve' ? inquiry.invoiceId : null;
    const loaded = await loadCurrent(ctx, { providerId, chargeId: inquiry.chargeId, invoiceId });
    const answer = await act(ctx, { providerId, inquiry, inbox }, loaded);
    if (answer) return answer;
  }
  throw new AppError('conflict', 'busy', { retryAfterSeconds: 1 });
}

/** As loaded, after a reservation whose time has run out was ended: nobody may have come by to do it. */
async function loadCurrent(ctx: Ctx, key: Parameters<typeof loadReservation>[1]): Promise<Loaded> {
  const loaded = await loadReservation(ctx, key);
  const rule = ctx.providers.get(key.providerId)?.reservations;
  if (!rule || !loaded.own || !isLapsed(loaded.own, rule.lastMs, ctx.clock.now())) return loaded;
  await lapseReservation(ctx, { id: loaded.own.id, code: rule.lapseCode });
  return loadReservation(ctx, key);
}

/** Null when somebody else changed the order meanwhile: look again. */
async function act(
  ctx: Ctx,
  step: { providerId: string; inquiry: Exclude<ReservationInquiry, { type: 'list' }>; inbox: InboxEntry },
  loaded: Loaded,
): Promise<StepAnswer | null> {
  const { inquiry } = step;
  switch (inquiry.type) {
    case 'reserve':
      return reserve(ctx, { ...step, inquiry }, loaded);
    case 'capture':
      return capture(ctx, { ...step, inquiry }, loaded);
    case 'release':
      return release(ctx, { ...step, inquiry }, loaded);
    case 'look_up':
      return loaded.own ? done(loaded.own) : refuse('reservation_not_found', loaded);
    case 'keep_receipt':
      return keepReceipt(ctx, inquiry, loaded);
  }
}

type Taken<Type extends ProviderInquiry['type']> = Readonly<{
  providerId: string;
  inquiry: Step<Type>;
  inbox: InboxEntry;
}>;

async function reserve(ctx: Ctx, step: Taken<'reserve'>, loaded: Loaded): Promise<StepAnswer | null> {
  const { inbox, inquiry, providerId } = step;
  const lastMs = ctx.providers.get(providerId)?.reservations?.lastMs ?? 0;
  const verdict = judgeReserve(loaded, inquiry, { now: ctx.clock.now(), lastMs });
  if (verdict.kind === 'refuse' && verdict.reason === 'invoice_reserved' && (await lapseHolder(ctx, inquiry.invoiceId)))
    return null;
  if (verdict.kind === 'refuse') return refuse(verdict.reason, loaded);
  if (verdict.kind === 'repeat') return loaded.own && done(loaded.own);
  const amount = inquiry.price.amount.toString();
  const { currency } = inquiry.price;
  const reservation = {
    id: newId(ctx, 'rsv'),
    provider: providerId,
    charge_id: inquiry.chargeId,
    reference: inquiry.reference,
    invoice_id: inquiry.invoiceId,
    amount,
    currency,
    asked_at: inquiry.askedAt.toISOString(),
    created_at: ctx.clock.now().toISOString(),
  };
  const data = { invoice: inquiry.invoiceId, provider: providerId, amount, currency };
  const audit = toAuditRow(ctx, { action: 'reservation.opened', objectId: reservation.id, data });
  const { rows } = await ctx.pool.query<{ outcome: 'reserved' | 'stale' }>({
    name: 'reserve_order',
    text: 'SELECT reserve_order($1::jsonb) AS outcome',
    values: [JSON.stringify({ reservation, audit, event: toInboxRow(inbox) })],
  });
  if (rows[0]?.outcome !== 'reserved') return null;
  return answerFor(ctx, step);
}

async function capture(ctx: Ctx, step: Taken<'capture'>, loaded: Loaded): Promise<StepAnswer | null> {
  const { inbox, inquiry, providerId } = step;
  const verdict = judgeCapture(loaded, inquiry);
  if (verdict.kind === 'refuse') return refuse(verdict.reason, loaded);
  if (verdict.kind === 'repeat' || !loaded.own) return loaded.own && done(loaded.own);
  const { chargeId, id, invoiceId, price } = loaded.own;
  const settled = settlePayment(ctx, {
    providerId,
    inbox,
    hold: { reservationId: id, isDebited: inquiry.isDebited },
    event: {
      type: 'payment_succeeded',
      eventId: inbox.eventId,
      occurredAt: ctx.clock.now(),
      invoiceId,
      chargeId,
      payerId: null,
      paid: { amount: price.amount, currency: Currency.parse(price.currency) },
      ...PLAIN_CHARGE,
    },
  });
  const outcome = await settled.catch((error: unknown) => {
    // Released at the same instant: what it is now decides.
    if (error instanceof AppError && error.reason === 'reservation_closed') return null;
    throw error;
  });
  if (outcome === null) return null;
  if (outcome === 'applied') ctx.metrics.payments.inc({ provider: providerId, kind: 'none' });
  return answerFor(ctx, step);
}

async function release(ctx: Ctx, step: Taken<'release'>, loaded: Loaded): Promise<StepAnswer | null> {
  const { inbox, inquiry, providerId } = step;
  const verdict = judgeRelease(loaded.own, inquiry);
  if (verdict.kind === 'refuse') {
    if (verdict.reason === 'refund_not_possible' && loaded.own) await raise(ctx, providerId, loaded.own);
    return refuse(verdict.reason, loaded);
  }
  if (verdict.kind === 'repeat' || !loaded.own) return loaded.own && done(loaded.own);
  const { chargeId, id } = loaded.own;
  const isDone = await inTransaction(ctx, async (tx) => {
    const status = verdict.kind === 'refund' ? 'refunded' : 'cancelled';
    if (!(await endReservation(tx, { id, status, code: inquiry.code }))) return false;
    if (verdict.kind === 'refund') {
      const payment = await lockPayment(tx, { provider: providerId, chargeId });
      const amount = payment.amount - payment.returnedAmount;
      await completeRefund(tx, payment, { refundId: null, reference: null, amount });
    }
    await closeInbox(tx, inbox, status);
    return true;
  });
  return isDone ? answerFor(ctx, step) : null;
}

/** A payment that stands is not revoked by a cancel: operators hear of it, once however often it comes. */
async function raise(ctx: Ctx, provider: string, { id }: Reservation): Promise<void> {
  ctx.log.error(
    { provider, reservation: id },
    'a provider cancelled a payment that stands: compare with its statement',
  );
  await queueJobs(ctx, [{ ...attentionJob(id, 'cancelled'), key: `attention:${id}:cancelled` }]);
}

async function keepReceipt(ctx: Ctx, inquiry: Step<'keep_receipt'>, loaded: Loaded): Promise<StepAnswer> {
  if (!loaded.own) return refuse('reservation_not_found', loaded);
  await ctx.pool.query({
    name: 'keep_receipt',
    text: `UPDATE reservation SET receipts = receipts || jsonb_build_object($2::text, $3::text) WHERE id = $1`,
    values: [loaded.own.id, inquiry.side, inquiry.receipt],
  });
  return done(loaded.own);
}

async function list(ctx: Ctx, providerId: string, inquiry: Step<'list'>): Promise<StepAnswer> {
  // What is over is told as over, also when no job came by.
  await lapseReservations(ctx);
  const { from, to } = inquiry;
  const reservations = await listReservations(ctx, { providerId, from, to, limit: MAX_LISTED + 1 });
  if (reservations.length > MAX_LISTED)
    return { ok: false, reason: 'service_unavailable', reservation: null, language: null };
  return { ok: true, reservation: null, reservations };
}

/** What the step has made, read back: the provider is told what stands, to the millisecond. */
async function answerFor(
  ctx: Ctx,
  { inquiry, providerId }: { inquiry: Exclude<ReservationInquiry, { type: 'list' }>; providerId: string },
): Promise<StepAnswer> {
  const loaded = await loadReservation(ctx, { providerId, chargeId: inquiry.chargeId, invoiceId: null });
  return loaded.own ? done(loaded.own) : refuse('reservation_not_found', loaded);
}

function done(reservation: Reservation): StepAnswer {
  return { ok: true, reservation, reservations: [] };
}

function refuse(reason: InquiryReason, { language, own }: Loaded): StepAnswer {
  return { ok: false, reason, reservation: own, language };
}
