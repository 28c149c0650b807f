import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { AddingPage, SealedMethod } from '#domain/payment-method/rules.ts';
import type { Method } from '#domain/provider/capability.ts';
import { isEqualSecret, sha256 } from '#lib/crypto.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/**
 * A stored payment method as its owner sees it. Until they have confirmed that it is theirs (`confirming`) it may be somebody
 * else's, who was sent their link: nothing of the card is told then.
 */
export type StoredMethod = Readonly<{
  id: string;
  status: 'confirming' | 'active';
  provider: string;
  method: Method;
  brand: string;
  last4: string;
  expires: string | null;
  createdAt: Date;
}>;

const MAX_LISTED = 50;

/** A person's stored payment methods, newest first: those that can be used, and those that wait for their confirmation. */
export async function listMethods(ctx: Ctx, userId: string): Promise<StoredMethod[]> {
  requireOwnerOr(ctx, userId, 'payments:read');
  const rows = await ctx.db.paymentMethod.findMany({
    where: { userId, status: { in: ['active', 'confirming'] } },
    orderBy: { createdAt: 'desc' },
    take: MAX_LISTED,
  });
  return rows.map((row) => describeMethod(ctx, row));
}

/** What a row that is active, or waits for its owner, shows of its method. */
export function describeMethod(ctx: Ctx, row: PaymentMethod): StoredMethod {
  const { createdAt, id, provider } = row;
  const method = ctx.providers.get(provider)?.storedMethods?.method ?? 'credit_card';
  const shown = { id, provider, method, createdAt };
  if (row.status === 'confirming') return { ...shown, status: 'confirming', brand: '', last4: '', expires: null };
  const { brand, expires, last4 } = openMethod(ctx, row);
  return { ...shown, status: 'active', brand, last4, expires };
}

/** Whether the card was given in the browser that has this secret. */
export function isGivenIn(row: PaymentMethod, secret: string): boolean {
  return row.confirmation !== null && isEqualSecret(sha256(secret), row.confirmation);
}

/** As the database holds the hash of a secret. */
export function hashSecret(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha256(secret));
}

/** By which a token is found again, without being told by it. */
export function hashToken(ctx: Ctx, { provider, token }: { provider: string; token: string }): Uint8Array<ArrayBuffer> {
  return ctx.vault.markOf(`payment method token\0${provider}\0${token}`);
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

/** The token and description of a method that its provider has. Throws `not_found payment_method_not_found` for any other. */
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
