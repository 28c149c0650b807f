import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { AddingPage, SealedMethod } from '#domain/payment-method/rules.ts';
import type { Method } from '#domain/provider.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/** A stored payment method as its owner sees it. */
export type StoredMethod = Readonly<{
  id: string;
  provider: string;
  method: Method;
  brand: string;
  last4: string;
  expires: string | null;
  createdAt: Date;
}>;

const MAX_LISTED = 50;

/** A person's stored payment methods that can be used, newest first. */
export async function listMethods(ctx: Ctx, userId: string): Promise<StoredMethod[]> {
  requireOwnerOr(ctx, userId, 'payments:read');
  const rows = await ctx.db.paymentMethod.findMany({
    where: { userId, status: 'active' },
    orderBy: { createdAt: 'desc' },
    take: MAX_LISTED,
  });
  return rows.map((row) => describeMethod(ctx, row));
}

/** What an active row shows of its method. */
export function describeMethod(ctx: Ctx, row: PaymentMethod): StoredMethod {
  const { brand, expires, last4 } = openMethod(ctx, row);
  const method = ctx.providers.get(row.provider)?.storedMethods?.method ?? 'credit_card';
  return { id: row.id, provider: row.provider, method, brand, last4, expires, createdAt: row.createdAt };
}

/** A method by id, for what needs `scope`. A stranger's looks like none: `not_found payment_method_not_found`. */
export async function getMethod(
  ctx: Ctx,
  methodId: string,
  scope: 'payments:read' | 'payments:write',
): Promise<PaymentMethod> {
  const hidden = new AppError('not_found', 'payment_method_not_found');
  const row = await ctx.db.paymentMethod.findUnique({ where: { id: methodId } });
  if (!row) throw hidden;
  requireOwnerOr(ctx, row.userId, scope, hidden);
  return row;
}

/** The token and description of an active method. Throws `not_found payment_method_not_found` for any other. */
export function openMethod(ctx: Ctx, row: PaymentMethod): SealedMethod {
  if (!row.sealed) throw new AppError('not_found', 'payment_method_not_found');
  return SealedMethod.parse(JSON.parse(ctx.vault.open(row.sealed).toString('utf8')));
}

/** As `openMethod` reads it. */
export function sealMethod(ctx: Ctx, method: SealedMethod): Uint8Array<ArrayBuffer> {
  return seal(ctx, method);
}

/** Where a method that was begun goes on. Throws `not_found payment_method_not_found` when nothing was begun. */
export function openPage(ctx: Ctx, row: PaymentMethod): AddingPage {
  if (!row.page) throw new AppError('not_found', 'payment_method_not_found');
  return AddingPage.parse(JSON.parse(ctx.vault.open(row.page).toString('utf8')));
}

/** As `openPage` reads it. */
export function sealPage(ctx: Ctx, { client, url }: AddingPage): Uint8Array<ArrayBuffer> {
  return seal(ctx, { client, url });
}

function seal(ctx: Ctx, content: object): Uint8Array<ArrayBuffer> {
  return ctx.vault.seal(Buffer.from(JSON.stringify(content)));
}

/** In a transaction: two at once must not both be the last that is allowed to a person. */
export async function lockMethods(tx: Ctx, userId: string): Promise<void> {
  await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('methods:' || ${userId}, 0))`;
}
