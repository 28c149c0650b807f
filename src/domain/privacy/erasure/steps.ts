import { cancelInvoice } from '#domain/checkout/cancel.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { giveUp } from '#domain/payment-method/remove.ts';
import { findBlockers } from '#domain/privacy/erasure/blockers.ts';
import { eraseBatch } from '#domain/privacy/erasure/classes.ts';
import type { ErasedClass } from '#domain/privacy/erasure/rules.ts';
import { cancelSubscription } from '#domain/subscription/cancel.ts';
import type { Erasure } from '#lib/generated/prisma/client.ts';

/*
 * The steps of an erasure before its last. Each looks at what there is and does what is left of it, so that it does not matter
 * where a process died.
 */

/** Nothing more can be done before so many seconds. */
export type Wait = Readonly<{ afterSeconds: number; because: string }>;

/** Shorter than the lease of a job: what takes longer goes on in its next run. */
const WORKING_MS = 8_000;
const NOW: Wait = { afterSeconds: 0, because: 'MORE' };
const MONEY_SECONDS = 600;
const CARD_SECONDS = 30;
/** For so long a payment service is asked to forget a card; after that only it still knows the card. */
const FORGETTING_MS = 7 * 86_400_000;
const LISTED = 100;

/**
 * Money that came in the very moment in which it began: its renewal is ended, and what goes back is waited for. Orders that are
 * still open are closed. Throws what ending a renewal throws, so that it is tried again.
 */
export async function settleOpenMatters(ctx: Ctx, { userId }: Erasure): Promise<Wait | null> {
  const open = await ctx.db.invoice.findMany({
    where: { userId, status: 'open', reservations: { none: { status: 'reserved' } } },
    select: { id: true },
    take: LISTED,
  });
  for (const { id } of open) await cancelInvoice(ctx, id);
  const blockers = await findBlockers(ctx, userId);
  const renewing = blockers.find(({ kind }) => kind === 'subscription');
  if (renewing?.kind === 'subscription') {
    await cancelSubscription(ctx, renewing.subscriptionId);
    return NOW;
  }
  return blockers.length > 0 ? { afterSeconds: MONEY_SECONDS, because: 'MONEY_MOVES' } : null;
}

/** Has the payment services forget every card; the jobs behind it are those of a card that its owner removes. */
export async function forgetCards(ctx: Ctx, erasure: Erasure): Promise<Wait | null> {
  const { userId } = erasure;
  const removedAt = ctx.clock.now();
  await ctx.db.paymentMethod.updateMany({
    where: { userId, status: 'adding' },
    data: { status: 'removed', removedAt },
  });
  const kept = await ctx.db.paymentMethod.findMany({
    where: { userId, status: { in: ['active', 'confirming', 'removing'] } },
    select: { id: true, provider: true, status: true },
    take: LISTED,
  });
  if (kept.length === 0) return null;
  for (const row of kept)
    if (row.status !== 'removing')
      await inTransaction(ctx, (tx) => giveUp(tx, row, { from: ['active', 'confirming'], because: 'erased' }));
  const since = erasure.begunAt ?? erasure.dueAt;
  if (removedAt.getTime() - since.getTime() < FORGETTING_MS) return { afterSeconds: CARD_SECONDS, because: 'CARDS' };
  await dropUnforgotten(ctx, erasure);
  return null;
}

/** The payment service does not answer, or is not set up here any more: its token goes all the same, and the report says so. */
async function dropUnforgotten(ctx: Ctx, { id, userId }: Erasure): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const dropped = await tx.db.paymentMethod.updateManyAndReturn({
      where: { userId, status: 'removing' },
      data: { status: 'removed', sealed: null, tokenHash: null, removedAt: tx.clock.now() },
      select: { id: true, provider: true },
    });
    for (const { id: methodId, provider } of dropped) {
      await addCount(tx, id, `unforgotten:${provider}`, 1);
      tx.log.warn({ methodId, provider }, 'a card was dropped that its payment service did not say it forgot');
    }
  });
}

/** Deletes in batches for as long as a job may take; each batch counts what went in its own transaction. */
export async function eraseSome(ctx: Ctx, erasure: Erasure): Promise<Wait | null> {
  const endsAt = performance.now() + WORKING_MS;
  const { userId } = erasure;
  await noteCards(ctx, erasure);
  for (;;) {
    const count = await eraseBatch(ctx, userId, (tx, name, rows) => addCount(tx, erasure.id, name, rows));
    if (count === 0) return null;
    if (performance.now() > endsAt) return NOW;
  }
}

/** Whose payment services had cards, for the report; once, as their rows go next. */
async function noteCards(ctx: Ctx, { id, userId }: Erasure): Promise<void> {
  const cards = await ctx.db.paymentMethod.groupBy({ by: ['provider'], where: { userId, status: 'removed' } });
  for (const { provider } of cards) await setCount(ctx, id, `cards:${provider}`, 1);
}

/** Adds to what is counted of an erasure, in the transaction of `tx`. */
export async function addCount(tx: Ctx, erasureId: string, name: CountName, count: number): Promise<void> {
  await tx.db.$executeRaw`
    UPDATE erasure SET counts = jsonb_set(counts, ARRAY[${name}], to_jsonb(coalesce((counts->>${name})::int, 0) + ${count}::int))
    WHERE id = ${erasureId} AND status = 'running'`;
}

async function setCount(ctx: Ctx, erasureId: string, name: CountName, count: number): Promise<void> {
  await ctx.db.$executeRaw`
    UPDATE erasure SET counts = jsonb_set(counts, ARRAY[${name}], to_jsonb(${count}::int)) WHERE id = ${erasureId} AND status = 'running'`;
}

type CountName = ErasedClass | 'audit' | `cards:${string}` | `unforgotten:${string}`;
