import { recordAudit } from '#domain/audit/record.ts';
import { endReservation } from '#domain/checkout/end-hold.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';

const BATCH = 200;

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
