import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { databaseCode, inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { refusalFor } from '#domain/payment-method/add.ts';
import {
  describeMethod,
  getMethod,
  hashSecret,
  hashToken,
  lockMethods,
  type StoredMethod,
  sealMethod,
} from '#domain/payment-method/records.ts';
import { queueForgetting } from '#domain/payment-method/remove.ts';
import { canFinish, MAX_METHODS, MAX_PAGE_QUESTIONS, MAX_TOKENS_TRIED } from '#domain/payment-method/rules.ts';
import type { StoredCard } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/** From when its owner brings the token of a card it is theirs; any other card waits until they claim it, by a secret. */
type Kept = Readonly<{ status: 'active' } | { status: 'confirming'; confirmation: Uint8Array<ArrayBuffer> | null }>;

/**
 * Finishes adding a method: asks its provider what became of the page, or of the `token` that the person's client got there.
 * It is `active` when its owner themselves brought the token; else `confirming` until they claim it with `secret`, that of the
 * client which brought the token, or with that of the browser which comes back from the page. Null while the person has not
 * finished. Finishing twice changes nothing. Throws not_found payment_method_not_found, also a day after it was begun,
 * precondition_failed provider_declined for a token that is no good, too_many_codes at the fifth of them, too_many_methods,
 * conflict method_stored_before, unavailable provider_unavailable, invalid malformed_request where a secret is needed.
 */
export async function confirmMethod(
  ctx: Ctx,
  request: { methodId: string; token: string | null; code: string | null; secret?: string | null },
): Promise<StoredMethod | null> {
  const { code, methodId, secret = null, token } = request;
  const row = await getMethod(ctx, methodId, 'payments:write');
  if (row.status === 'active' || row.status === 'confirming') return describeMethod(ctx, row);
  if (row.status !== 'adding' || !canFinish(row, ctx.clock.now())) throw gone();
  if (row.reference === null && token === null) return null;
  const kept = row.reference === null ? keptFor(ctx, row, secret) : FROM_A_PAGE;
  const card = row.reference === null ? await tryToken(ctx, row, { token, code }) : await askPage(ctx, row);
  if (!card) return null;
  const refusal = await keepCard(ctx, row, card, kept);
  if (refusal) throw refusal;
  const now = await getMethod(ctx, methodId, 'payments:write');
  if (now.status !== 'active' && now.status !== 'confirming') throw gone();
  return describeMethod(ctx, now);
}

/** Whoever asks about a page need not be who gave a card there. */
const FROM_A_PAGE: Kept = { status: 'confirming', confirmation: null };

/** Without a secret nobody could ever claim what another brings: its provider is not asked to keep it. */
function keptFor({ actor }: Ctx, { userId }: PaymentMethod, secret: string | null): Kept {
  if (actor.kind === 'user' && actor.userId === userId) return { status: 'active' };
  if (secret === null) throw new AppError('invalid', 'malformed_request', { details: { fields: 'secret' } });
  return { status: 'confirming', confirmation: hashSecret(secret) };
}

/** What a provider's message does when it is about a method that is being added; false when it is about something else. */
export async function finishAdding(ctx: Ctx, told: { providerId: string; reference: string }): Promise<boolean> {
  const { providerId: provider, reference } = told;
  const row = await ctx.db.paymentMethod.findUnique({ where: { provider_reference: { provider, reference } } });
  if (!row) return false;
  // One that was removed may have been finished on its page all the same: its provider has the card then, and must not.
  if (row.page === null) return true;
  try {
    const card = await ctx.providers.get(provider)?.storedMethods?.confirm({ reference, token: null, code: null });
    if (card) await keepCard(ctx, row, card, FROM_A_PAGE);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.failure !== 'declined') throw error;
    // Its page ended without a method: nothing comes of it, however often it is asked about.
    await endAdding(ctx, row.id);
  }
  return true;
}

function gone(): AppError {
  return new AppError('not_found', 'payment_method_not_found');
}

async function endAdding(ctx: Ctx, id: string): Promise<void> {
  const data = { status: 'removed' as const, removedAt: ctx.clock.now() };
  await ctx.db.paymentMethod.updateMany({ where: { id, status: 'adding' }, data });
}

type Answer = Readonly<{ token: string | null; code: string | null }>;

/** Each try counts before its provider is asked, so that many at once are no more than their number allows. */
async function tryToken(ctx: Ctx, row: PaymentMethod, answer: Answer): Promise<StoredCard | null> {
  const tried = await countQuestion(ctx, row.id, MAX_TOKENS_TRIED);
  const tooMany = new AppError('precondition_failed', 'too_many_codes');
  if (tried === null) throw tooMany;
  try {
    return await ask(ctx, row, answer);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.failure === 'unavailable')
      await ctx.db.paymentMethod.updateMany({ where: { id: row.id }, data: { questions: { decrement: 1 } } });
    if (error.failure !== 'declined' || tried < MAX_TOKENS_TRIED) throw refusalFor(error);
    await endAdding(ctx, row.id);
    throw tooMany;
  }
}

async function askPage(ctx: Ctx, row: PaymentMethod): Promise<StoredCard | null> {
  if ((await countQuestion(ctx, row.id, MAX_PAGE_QUESTIONS)) === null) return null;
  try {
    return await ask(ctx, row, { token: null, code: null });
  } catch (error) {
    throw error instanceof ProviderError ? refusalFor(error) : error;
  }
}

/** The number of this question; null when as many were asked as may be. */
async function countQuestion(ctx: Ctx, id: string, most: number): Promise<number | null> {
  const counted = await ctx.db.paymentMethod.updateManyAndReturn({
    where: { id, questions: { lt: most } },
    data: { questions: { increment: 1 } },
    select: { questions: true },
  });
  return counted[0]?.questions ?? null;
}

async function ask(ctx: Ctx, { provider, reference }: PaymentMethod, answer: Answer): Promise<StoredCard | null> {
  const stored = ctx.providers.get(provider)?.storedMethods;
  if (!stored) throw new AppError('invalid', 'method_unavailable');
  return stored.confirm({ reference, ...answer });
}

/**
 * Keeps a card that its provider told of. One that may not be kept, because adding it was ended, took too long or others came
 * first, is forgotten at its provider; returned is why. One that is stored already stays where it is.
 */
async function keepCard(ctx: Ctx, row: PaymentMethod, card: StoredCard, kept: Kept): Promise<AppError | null> {
  const { id, provider } = row;
  const told = {
    sealed: sealMethod(ctx, card),
    tokenHash: hashToken(ctx, { provider, token: card.token }),
    page: null,
  };
  try {
    return await inTransaction(ctx, async (tx) => {
      await lockMethods(tx, row.userId);
      const refusal = await judgeKeeping(tx, row);
      if (!refusal) {
        const where = { id, status: 'adding' } as const;
        const { count } = await tx.db.paymentMethod.updateMany({ where, data: { ...told, ...kept } });
        if (count === 1) {
          const action = kept.status === 'active' ? 'payment_method.added' : 'payment_method.given';
          await recordAudit(tx, { action, objectId: id, data: { provider } });
          return null;
        }
      }
      const { count } = await tx.db.paymentMethod.updateMany({
        where: { id, status: { in: ['adding', 'removed'] }, page: { not: null } },
        data: { ...told, status: 'removing', removedAt: null },
      });
      // It was told before, and is kept or forgotten since.
      if (count === 0) return null;
      await queueForgetting(tx, row, 'not_kept');
      return refusal ?? gone();
    });
  } catch (error) {
    if (databaseCode(error) !== UNIQUE_VIOLATION) throw error;
    return new AppError('conflict', 'method_stored_before');
  }
}

/** A token that stands with another method. */
const UNIQUE_VIOLATION = '23505';

/** What speaks against keeping one more: since it was begun its day may have passed, and others may have come. */
async function judgeKeeping(tx: Ctx, { createdAt, id, userId }: PaymentMethod): Promise<AppError | null> {
  if (!canFinish({ createdAt }, tx.clock.now())) return gone();
  const kept = await tx.db.paymentMethod.count({
    where: { userId, status: { in: ['active', 'confirming'] }, id: { not: id } },
  });
  return kept < MAX_METHODS ? null : new AppError('precondition_failed', 'too_many_methods');
}
