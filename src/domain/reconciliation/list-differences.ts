import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';

const MAX_PAGE = 100;

/** A difference that waits for somebody, by what its provider calls the charge. */
export type OpenDifference = Readonly<{
  id: string;
  provider: string;
  chargeId: string;
  kind: string;
  createdAt: Date;
}>;

/** The differences that could not be settled, newest first. `before` is the id where an earlier page ended. Needs `audit:read`. */
export async function listDifferences(
  ctx: Ctx,
  page: { before: string | null; limit: number },
): Promise<{ rows: OpenDifference[]; next: string | null }> {
  requireScope(ctx, 'audit:read');
  const limit = Math.min(Math.max(page.limit, 1), MAX_PAGE);
  // The status stands in the text, so that the index of those that are reported is meant.
  const { rows: found } = await ctx.pool.query<OpenDifference>({
    name: 'list_differences',
    text: `SELECT id, provider, charge_id AS "chargeId", kind, created_at AS "createdAt" FROM reconciliation_difference
      WHERE status = 'reported' AND ($1::text IS NULL OR id < $1) ORDER BY id DESC LIMIT $2`,
    values: [page.before, limit + 1],
  });
  const rows = found.slice(0, limit).map((row) => ({ ...row, chargeId: ctx.vault.reveal(row.chargeId) }));
  return { rows, next: found.length > limit ? (rows.at(-1)?.id ?? null) : null };
}
