import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import type { ReconciliationDifference } from '#lib/generated/prisma/client.ts';

const MAX_PAGE = 100;

/** The differences that could not be settled, newest first, by what the provider calls the charge. `before` is an id of an earlier page. */
export async function listDifferences(
  ctx: Ctx,
  page: { before: string | null; limit: number },
): Promise<{ rows: ReconciliationDifference[]; next: string | null }> {
  requireScope(ctx, 'audit:read');
  const limit = Math.min(Math.max(page.limit, 1), MAX_PAGE);
  const found = await ctx.db.reconciliationDifference.findMany({
    where: { status: 'reported', ...(page.before === null ? {} : { id: { lt: page.before } }) },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  const rows = found.slice(0, limit).map((row) => ({ ...row, chargeId: ctx.vault.reveal(row.chargeId) }));
  return { rows, next: found.length > limit ? (rows.at(-1)?.id ?? null) : null };
}
