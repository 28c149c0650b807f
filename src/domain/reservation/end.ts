import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';

const BATCH = 200;
/** Held, or lapsed here without a word of the provider's: its code then still counts. */
const STILL_CANCELLABLE = { OR: [{ status: 'reserved' as const }, { status: 'cancelled' as const, code: null }] };

/**
 * Ends a reservation in the transaction of `tx`: cancelled when no money moved, refunded when it went back. `code` is the
 * provider's, null for one whose time ran out here. False when it is not in the state before that any more.
 */
export async function endReservation(
  tx: Ctx,
  end: { id: string; status: 'cancelled' | 'refunded'; code: number | null },
): Promise<boolean> {
  const { code, id, status } = end;
  const { count } = await tx.db.reservation.updateMany({
    where: { id, ...(status === 'refunded' ? { status: 'paid' } : STILL_CANCELLABLE) },
    data: { status, code, cancelledAt: tx.clock.now() },
  });
  if (count === 0) return false;
  await recordAudit(tx, { action: `reservation.${status}`, objectId: id, data: { code } });
  return true;
}

/** Ends one reservation whose time has run out. Ending it twice changes nothing. */
export async function lapseReservation(ctx: Ctx, { id, code }: { id: string; code: number | null }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.reservation.updateMany({
      where: { id, status: 'reserved' },
      data: { status: 'cancelled', code, cancelledAt: tx.clock.now() },
    });
    if (count === 1) await recordAudit(tx, { action: 'reservation.cancelled', objectId: id, data: { code } });
  });
}

/** Frees an order whose holder's time has run out. False when somebody still holds it. */
export async function lapseHolder(ctx: Ctx, invoiceId: string): Promise<boolean> {
  const holder = await ctx.db.reservation.findFirst({ where: { invoiceId, status: 'reserved' } });
  if (!holder) return true;
  const rule = ctx.providers.get(holder.provider)?.reservations;
  if (!rule || ctx.clock.now().getTime() - holder.askedAt.getTime() < rule.lastMs) return false;
  await lapseReservation(ctx, { id: holder.id, code: rule.lapseCode });
  return true;
}

/** Ends reservations whose time has run out, a batch at a time; returns how many. Several workers may run it at once. */
export async function lapseReservations(ctx: Ctx): Promise<number> {
  let ended = 0;
  for (const { id: provider, reservations } of ctx.providers.values()) {
    if (!reservations) continue;
    const before = new Date(ctx.clock.now().getTime() - reservations.lastMs);
    ended += await inTransaction(ctx, async (tx) => {
      const rows = await tx.db.$queryRaw<Array<{ id: string }>>`
        SELECT id FROM reservation WHERE provider = ${provider} AND status = 'reserved' AND asked_at <= ${before}
        ORDER BY asked_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
      for (const { id } of rows) await endReservation(tx, { id, status: 'cancelled', code: reservations.lapseCode });
      return rows.length;
    });
  }
  return ended;
}
