import { asActor, type Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { getMethod, hashSecret, isGivenIn, openMethod, openPage } from '#domain/payment-method/records.ts';
import { giveUp } from '#domain/payment-method/remove.ts';
import { type AddingPage, canFinish } from '#domain/payment-method/rules.ts';
import { isEqualSecret } from '#lib/crypto.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/** A method that is being added, as whoever holds its id sees it: how to go on, and at the end which card it became. */
export type OpenAdding = Readonly<{
  provider: string;
  status: 'adding' | 'confirming' | 'active' | 'removed';
  url: string | null;
  client: AddingPage['client'];
  /** Of one that waits for its owner, to the browser alone in which it was given. */
  card: Readonly<{ brand: string; last4: string }> | null;
}>;

/**
 * Where a method that was begun goes on, in a browser without a session: its id holds 80 random bits, and for a day whoever
 * was given it may go on with what was begun. Throws not_found payment_method_not_found, also after that day.
 */
export async function openAdding(ctx: Ctx, methodId: string): Promise<OpenAdding> {
  const holder = asHolder(ctx);
  const row = await getBegun(holder, methodId);
  if (row.status !== 'adding') return describe(holder, row, null);
  if (!ctx.providers.get(row.provider)?.storedMethods) throw new AppError('invalid', 'method_unavailable');
  // As it was begun, in whatever language that was: nobody is asked, however often the link is opened.
  const { client, url } = openPage(holder, row);
  return { provider: row.provider, status: 'adding', url, client, card: null };
}

/**
 * Finishes such a method, so that its owner can claim it with `secret`: one that this browser made for itself. It counts for
 * whoever brings a token, or `back`, which only the address holds by which the provider's page leads back. Throws as
 * confirmMethod.
 */
export async function finishOpenAdding(
  ctx: Ctx,
  answer: { methodId: string; token: string | null; code: string | null; secret: string; back: string | null },
): Promise<OpenAdding> {
  const { back, methodId, secret } = answer;
  const holder = asHolder(ctx);
  const { status } = await getBegun(holder, methodId);
  if (status === 'adding') await confirmMethod(holder, answer);
  if (back !== null) await welcomeBack(holder, { methodId, secret, back });
  return describe(holder, await getBegun(holder, methodId), secret);
}

/**
 * The browser that comes back from the provider's page is the one in which the card was given. A second one with the same
 * address has read it from that page, which tells it to whoever opens it: then nobody can know whose card it is, and it goes.
 */
async function welcomeBack(
  holder: Ctx,
  { back, methodId, secret }: { methodId: string; secret: string; back: string },
): Promise<void> {
  const { returnSecret } = await getBegun(holder, methodId);
  if (returnSecret === null || !isEqualSecret(hashSecret(back), returnSecret)) return;
  await inTransaction(holder, async (tx) => {
    const { count } = await tx.db.paymentMethod.updateMany({
      where: { id: methodId, status: 'confirming', confirmation: null },
      data: { confirmation: hashSecret(secret) },
    });
    if (count === 1) return;
    const row = await getMethod(tx, methodId, 'payments:write');
    if (row.confirmation === null || isGivenIn(row, secret)) return;
    await giveUp(tx, row, { from: ['confirming', 'active'], because: 'two_browsers' });
  });
}

function asHolder(ctx: Ctx): Ctx {
  return asActor(ctx, { kind: 'system', name: 'link' }, ctx.requestId);
}

async function getBegun(holder: Ctx, methodId: string): Promise<PaymentMethod> {
  const row = await getMethod(holder, methodId, 'payments:write');
  if (!canFinish(row, holder.clock.now())) throw new AppError('not_found', 'payment_method_not_found');
  return row;
}

function describe(holder: Ctx, row: PaymentMethod, secret: string | null): OpenAdding {
  const { provider, status } = row;
  const closed = { provider, url: null, client: null };
  if (status === 'adding') return { ...closed, status, card: null };
  if (status !== 'active' && status !== 'confirming') return { ...closed, status: 'removed', card: null };
  const isShown = status === 'active' || (secret !== null && isGivenIn(row, secret));
  if (!isShown) return { ...closed, status, card: null };
  const { brand, last4 } = openMethod(holder, row);
  return { ...closed, status, card: { brand, last4 } };
}
