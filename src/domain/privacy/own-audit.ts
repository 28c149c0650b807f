import type { Ctx } from '#domain/context/context.ts';
import { Prisma } from '#lib/generated/prisma/client.ts';

/** What the audit says of a person: how many entries name them, from when to when, and what they most often say. */
export type OwnAudit = Readonly<{
  count: number;
  oldest: Date | null;
  newest: Date | null;
  /** There are more than were counted. */
  isMore: boolean;
  actions: ReadonlyArray<string>;
}>;

/** A query of the `id` of each thing an audit entry can be about and that is the person's, they themselves among them. */
export const ownObjects = (userId: string): Prisma.Sql => Prisma.sql`
  SELECT ${userId}::text AS id
  UNION ALL SELECT id FROM payment WHERE user_id = ${userId}
  UNION ALL SELECT r.id FROM payment p JOIN refund r ON r.payment_id = p.id WHERE p.user_id = ${userId}
  UNION ALL SELECT d.id FROM payment p JOIN dispute d ON d.payment_id = p.id WHERE p.user_id = ${userId}
  UNION ALL SELECT id FROM invoice WHERE user_id = ${userId}
  UNION ALL SELECT id FROM payment_attempt WHERE user_id = ${userId}
  UNION ALL SELECT h.id FROM invoice i JOIN reservation h ON h.invoice_id = i.id WHERE i.user_id = ${userId}
  UNION ALL SELECT id FROM subscription WHERE user_id = ${userId}
  UNION ALL SELECT id FROM entitlement WHERE user_id = ${userId}
  UNION ALL SELECT id FROM payment_method WHERE user_id = ${userId}
  UNION ALL SELECT id FROM billing_key WHERE user_id = ${userId}
  UNION ALL SELECT id FROM billing_record WHERE user_id = ${userId}
  UNION ALL SELECT id FROM data_export WHERE user_id = ${userId}
  UNION ALL SELECT id FROM erasure WHERE user_id = ${userId}`;

/**
 * A query of the time and action of the audit entries that name a person, each once: what they did, and what others did to them or
 * to something of theirs. OFFSET 0 has each thing looked up by itself, so that the audit is never read from end to end; what
 * people did has an index of its own, which is meant by LIKE.
 */
const namingEntries = (userId: string, limit: number | null): Prisma.Sql => Prisma.sql`
  SELECT * FROM (
    SELECT at, action FROM audit_event WHERE actor = ${userId} AND actor LIKE 'usr_%'
    UNION ALL SELECT e.at, e.action FROM (${ownObjects(userId)}) AS own, LATERAL (
      SELECT at, action FROM audit_event WHERE object_id = own.id AND actor <> ${userId} OFFSET 0) AS e) AS named
  LIMIT ${limit}::int`;

/** Looks at no more than `limit` of the audit entries that name a person, and names their `shown` most frequent actions. */
export async function seeOwnAudit(
  ctx: Ctx,
  userId: string,
  { limit, shown }: { limit: number; shown: number },
): Promise<OwnAudit> {
  const [found] = await ctx.db.$queryRaw<Array<Omit<OwnAudit, 'isMore' | 'actions'> & { actions: string[] | null }>>`
    WITH counted AS (${namingEntries(userId, limit + 1)})
    SELECT count(*)::int AS count, min(at) AS oldest, max(at) AS newest,
      (SELECT array_agg(action) FROM (SELECT action FROM counted GROUP BY action ORDER BY count(*) DESC, action LIMIT ${shown}) AS most) AS actions
    FROM counted`;
  if (!found) throw new Error('a count answered no row');
  const { actions, count, ...span } = found;
  return { ...span, count: Math.min(count, limit), isMore: count > limit, actions: actions ?? [] };
}

/** How many audit entries name a person: as many index reads as they have things, and entries. */
export async function countOwnAudit(ctx: Ctx, userId: string): Promise<number> {
  const [found] = await ctx.db.$queryRaw<Array<{ count: number }>>`
    SELECT count(*)::int AS count FROM (${namingEntries(userId, null)}) AS counted`;
  return found?.count ?? 0;
}
