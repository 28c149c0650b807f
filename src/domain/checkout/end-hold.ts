import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';

/** Held, or lapsed here without a word of the provider's: its code then still counts. */
const STILL_CANCELLABLE = { OR: [{ status: 'reserved' as const }, { status: 'cancelled' as const, code: null }] };
/** A provider without codes of its own for the end of a hold: its word all the same. */
const FAILED_CODE = 0;

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

/** Ends a hold whose money will not come, with what its payer should have read. False when it has ended already. */
export async function dropHold(tx: Ctx, id: string): Promise<boolean> {
  if (!(await endReservation(tx, { id, status: 'cancelled', code: FAILED_CODE }))) return false;
  await tx.db.reservation.update({ where: { id }, data: { missing: null, instructionsUrl: null } });
  return true;
}
