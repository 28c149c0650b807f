import type { Ctx } from '#domain/context/context.ts';
import { sealAccount } from '#domain/identity/account.ts';

const BATCH = 500;

type Place = Pick<Ctx, 'db' | 'vault' | 'clock'>;

/**
 * Moves accounts that stand in the table of people, as before they were kept apart, into links of their own. Returns how
 * many. Several starters may do so at once; one that comes after it finds nothing to do.
 */
export async function moveAccounts(place: Place): Promise<number> {
  let moved = 0;
  for (;;) {
    const count = await place.db.$transaction((db) => moveSome({ ...place, db }));
    moved += count;
    if (count < BATCH) return moved;
  }
}

async function moveSome(tx: Place): Promise<number> {
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
