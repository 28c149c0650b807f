import { recordAudit, toAuditRow } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { closeInbox, type InboxEntry } from '#domain/context/inbox.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { Reservation } from '#lib/generated/prisma/client.ts';

export type PendingEvent = Extract<ProviderEvent, { type: 'payment_pending' }>;

/**
 * Holds an order for money that is on its way, so that it neither expires nor is paid a second time meanwhile, and keeps what
 * the payer should read. Told again it only brings that up to date; told of money that came already it changes nothing. An
 * order that is closed or held by another charge is left as it is: what comes for it is booked when it comes.
 */
export async function holdOrder(
  ctx: Ctx,
  { event, inbox, providerId }: { providerId: string; event: PendingEvent; inbox: InboxEntry | null },
): Promise<'applied' | 'duplicate' | 'ignored'> {
  return inTransaction(ctx, async (tx) => {
    const key = { provider: providerId, chargeId: event.chargeId };
    await tx.db
      .$queryRaw`SELECT id FROM reservation WHERE provider = ${providerId} AND charge_id = ${event.chargeId} FOR UPDATE`;
    const standing = await tx.db.reservation.findUnique({ where: { provider_chargeId: key } });
    const outcome = await hold(tx, standing, { event, providerId });
    await closeInbox(tx, inbox, outcome);
    return outcome;
  });
}

async function hold(
  tx: Ctx,
  standing: Reservation | null,
  { event, providerId }: { providerId: string; event: PendingEvent },
): Promise<'applied' | 'duplicate' | 'ignored'> {
  if (standing?.status === 'paid' || standing?.status === 'refunded') return 'duplicate';
  if (standing?.status === 'reserved') return refresh(tx, standing, event);
  if (!standing && (await hasCome(tx, providerId, event))) return 'duplicate';
  const held = standing ? await holdAgain(tx, standing, event) : await holdNow(tx, providerId, event);
  if (!held) return standing ? 'ignored' : refreshOther(tx, providerId, event);
  await refresh(tx, held, event);
  await queueJobs(tx, await waitingNotice(tx, held, event));
  return 'applied';
}

/** Whether a charge was booked without a hold: also as surplus, which leaves its order open. */
async function hasCome(tx: Ctx, provider: string, { chargeId }: PendingEvent): Promise<boolean> {
  return (await tx.db.payment.count({ where: { provider, chargeId } })) > 0;
}

/** The first hold of a charge; null when the order is not open or is held already. */
async function holdNow(tx: Ctx, providerId: string, event: PendingEvent): Promise<Reservation | null> {
  const { chargeId, invoiceId, occurredAt, price } = event;
  const id = newId(tx, 'rsv');
  const amount = price.amount.toString();
  const now = tx.clock.now().toISOString();
  const reservation = {
    id,
    provider: providerId,
    charge_id: chargeId,
    reference: null,
    invoice_id: invoiceId,
    amount,
    currency: price.currency,
    asked_at: occurredAt.toISOString(),
    created_at: now,
  };
  const data = { invoice: invoiceId, provider: providerId, amount, currency: price.currency };
  const audit = toAuditRow(tx, { action: 'reservation.opened', objectId: id, data });
  const rows = await tx.db.$queryRaw<Array<{ outcome: 'reserved' | 'stale' }>>`
    SELECT reserve_order(${JSON.stringify({ reservation, audit, event: null })}::jsonb) AS outcome`;
  return rows[0]?.outcome === 'reserved' ? tx.db.reservation.findUnique({ where: { id } }) : null;
}

/** Told twice at the same instant: the other message made the hold, and this one may know more. */
async function refreshOther(
  tx: Ctx,
  provider: string,
  event: PendingEvent,
): Promise<'applied' | 'duplicate' | 'ignored'> {
  const { chargeId } = event;
  const own = await tx.db.reservation.findUnique({ where: { provider_chargeId: { provider, chargeId } } });
  return own?.status === 'reserved' ? refresh(tx, own, event) : 'ignored';
}

/** A payment that was dropped and sent again is the same charge to its provider: its hold begins anew. */
async function holdAgain(tx: Ctx, { id, invoiceId }: Reservation, event: PendingEvent): Promise<Reservation | null> {
  const rows = await tx.db.$queryRaw<Array<{ id: string }>>`
    UPDATE reservation r SET status = 'reserved', cancelled_at = NULL, code = NULL, asked_at = ${event.occurredAt}, questions = 0
    WHERE r.id = ${id} AND EXISTS (SELECT 1 FROM invoice i WHERE i.id = ${invoiceId} AND i.status = 'open')
      AND NOT EXISTS (SELECT 1 FROM reservation o WHERE o.invoice_id = ${invoiceId} AND o.status = 'reserved')
    RETURNING r.id`;
  if (rows.length === 0) return null;
  await recordAudit(tx, { action: 'reservation.opened', objectId: id, data: { again: true } });
  return tx.db.reservation.findUnique({ where: { id } });
}

async function refresh(tx: Ctx, held: Reservation, event: PendingEvent): Promise<'applied' | 'duplicate'> {
  const { instructionsUrl, missing, progress } = event;
  if (held.progress === progress && held.missing === missing && held.instructionsUrl === instructionsUrl)
    return 'duplicate';
  await tx.db.reservation.update({ where: { id: held.id }, data: { progress, missing, instructionsUrl } });
  return 'applied';
}

/** Whoever has to do something outside is told where they read it, since the page may be closed by then. */
async function waitingNotice(tx: Ctx, held: Reservation, { progress }: PendingEvent) {
  if (progress !== 'awaiting_transfer' && progress !== 'underpaid') return [];
  const { userId } = await tx.db.invoice.findUniqueOrThrow({ where: { id: held.invoiceId }, select: { userId: true } });
  return [noticeJob({ userId, kind: 'payment_waiting', objectId: held.id })];
}
