import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { describeMethod, getMethod, openPage } from '#domain/payment-method/records.ts';
import { type AddingPage, canFinish } from '#domain/payment-method/rules.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/** A method that is being added, as whoever holds its id sees it: how to go on, and at the end which card it became. */
export type OpenAdding = Readonly<{
  provider: string;
  status: 'adding' | 'active' | 'removed';
  url: string | null;
  client: AddingPage['client'];
  card: Readonly<{ brand: string; last4: string }> | null;
}>;

/**
 * Where a method that was begun goes on, in a browser without a session: its id holds 80 random bits, and for a day whoever
 * was given it may finish what was begun. Throws not_found payment_method_not_found, also after that day.
 */
export async function openAdding(ctx: Ctx, methodId: string): Promise<OpenAdding> {
  const holder = asHolder(ctx);
  const row = await getBegun(holder, methodId);
  if (row.status !== 'adding') return describe(holder, row);
  if (!ctx.providers.get(row.provider)?.storedMethods) throw new AppError('invalid', 'method_unavailable');
  // As it was begun, in whatever language that was: nobody is asked, however often the link is opened.
  const { client, url } = openPage(holder, row);
  return { provider: row.provider, status: 'adding', url, client, card: null };
}

/** Finishes such a method. Throws as confirmMethod. */
export async function finishOpenAdding(
  ctx: Ctx,
  answer: { methodId: string; token: string | null; code: string | null },
): Promise<OpenAdding> {
  const holder = asHolder(ctx);
  const { status } = await getBegun(holder, answer.methodId);
  if (status === 'adding') await confirmMethod(holder, answer);
  return describe(holder, await getBegun(holder, answer.methodId));
}

function asHolder(ctx: Ctx): Ctx {
  return asActor(ctx, { kind: 'system', name: 'link' }, ctx.requestId);
}

async function getBegun(holder: Ctx, methodId: string): Promise<PaymentMethod> {
  const row = await getMethod(holder, methodId, 'payments:write');
  if (!canFinish(row, holder.clock.now())) throw new AppError('not_found', 'payment_method_not_found');
  return row;
}

function describe(holder: Ctx, row: PaymentMethod): OpenAdding {
  const { provider, status } = row;
  const closed = { provider, url: null, client: null };
  if (status === 'active') {
    const { brand, last4 } = describeMethod(holder, row);
    return { ...closed, status, card: { brand, last4 } };
  }
  return { ...closed, status: status === 'adding' ? 'adding' : 'removed', card: null };
}
