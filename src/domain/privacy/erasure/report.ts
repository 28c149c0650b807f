import { z } from 'zod';
import { readChainHead } from '#domain/audit/heads.ts';
import type { Ctx } from '#domain/context/context.ts';
import { METHODS } from '#domain/privacy/erasure/classes.ts';
import { listRetained } from '#domain/privacy/erasure/retained.ts';
import { ERASED_CLASSES, ErasureReport } from '#domain/privacy/erasure/rules.ts';
import type { Erasure } from '#lib/generated/prisma/client.ts';

const Counts = z.record(z.string(), z.int());

/** The report of an erasure before its last step, from what was counted as it went and from what is there. */
export async function makeReport(ctx: Ctx, { id, requestedAt, userId }: Erasure): Promise<ErasureReport> {
  const row = await ctx.db.erasure.findUniqueOrThrow({ where: { id }, select: { counts: true } });
  // What the last step does beside the deletions: one row each.
  const counts: z.infer<typeof Counts> = { ...Counts.parse(row.counts), settings: 1, identity_link: 1 };
  const [retained, head, thirdParties] = await Promise.all([
    listRetained(ctx, userId, counts['audit']),
    readChainHead(ctx),
    listThirdParties(ctx, userId, counts),
  ]);
  return ErasureReport.parse({
    request_id: id,
    type: 'erasure',
    status: thirdParties.some(({ action }) => action === UNCONFIRMED) ? 'completed_partially' : 'completed',
    requested_at: requestedAt.toISOString(),
    completed_at: ctx.clock.now().toISOString(),
    erased: ERASED_CLASSES.map((name) => ({ class: name, count: counts[name] ?? 0, method: METHODS[name] })).filter(
      ({ count }) => count > 0,
    ),
    retained,
    third_parties: thirdParties,
    audit_head: head ? `sha256:${head.hash.toString('hex')}` : 'none',
  });
}

const UNCONFIRMED = 'card_removal_not_confirmed';

/** Who else has something of the person, and what became of it or is theirs to do. */
async function listThirdParties(ctx: Ctx, userId: string, counts: Readonly<Record<string, number>>) {
  // Also where nothing was paid in the end: a page that was opened there may have been told who somebody is.
  const told = await ctx.db.$queryRaw<Array<{ provider: string }>>`
    SELECT provider FROM payment WHERE user_id = ${userId} UNION SELECT provider FROM payment_attempt WHERE user_id = ${userId}
    ORDER BY provider`;
  const named = (prefix: string) =>
    Object.keys(counts)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  const unforgotten = named('unforgotten:');
  const forgotten = named('cards:').filter((provider) => !unforgotten.includes(provider));
  return [
    ...forgotten.map((processor) => ({ processor, action: 'card_removed' })),
    ...unforgotten.map((processor) => ({ processor, action: UNCONFIRMED })),
    ...told.map(({ provider }) => ({ processor: provider, action: 'keeps_its_own_payment_records' })),
    { processor: 'telegram', action: 'user_deletes_chat_and_topic' },
  ];
}
