import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { sealAccount } from '#domain/identity/account.ts';

const BATCH = 500;

/**
 * Moves accounts that stand in the table of people, as before they were kept apart, into links of their own. Returns how
 * many. Several processes may do so at once; one that starts after it finds nothing to do.
 */
export async function moveAccounts(ctx: Ctx): Promise<number> {
  let moved = 0;
  for (;;) {
    const count = await inTransaction(ctx, moveSome);
    moved += count;
    if (count < BATCH) return moved;
  }
}

async function moveSome(tx: Ctx): Promise<number> {
  const rows = await tx.db.$queryRaw<Array<{ id: string; telegram_id: bigint }>>`
    SELECT id, telegram_id FROM users WHERE telegram_id IS NOT NULL ORDER BY telegram_id LIMIT ${BATCH} FOR UPDATE`;
  await tx.db.identityLink.createMany({
    data: rows.map(({ id, telegram_id }) => ({
      userId: id,
      ...sealAccount(tx, telegram_id),
      createdAt: tx.clock.now(),
    })),
  });
  await tx.db.$executeRaw`UPDATE users SET telegram_id = NULL WHERE id = ANY(${rows.map(({ id }) => id)})`;
  return rows.length;
}
