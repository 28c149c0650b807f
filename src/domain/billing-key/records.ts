import { recordAudit } from '#domain/audit/record.ts';
import { type KeyState, keyState, MAX_CODE_TRIES, SealedKey } from '#domain/billing-key/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireSelf } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { AppError } from '#domain/errors.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { hmacSha256, openBytes, sealBytes } from '#lib/crypto.ts';
import type { BillingKey } from '#lib/generated/prisma/client.ts';

/** A key as its owner sees it. */
export type OwnKey = Readonly<{
  id: string;
  state: KeyState;
  fingerprint: string;
  userIds: ReadonlyArray<string>;
  algorithm: string;
  expiresAt: Date | null;
  createdAt: Date;
  provenAt: Date | null;
  retiredAt: Date | null;
  /** The message with the code that is waited for; null when none is, also when it was tried too often. */
  message: string | null;
  triesLeft: number;
}>;

const MAX_LISTED = 50;

/** A person's keys, newest first: those in use, those to be proven, and those that once were in use. */
export async function listKeys(ctx: Ctx, userId: string): Promise<OwnKey[]> {
  requireSelf(ctx, userId);
  const dataKey = await dataKeyOf(ctx, userId);
  const rows = await ctx.db.billingKey.findMany({
    where: { userId, OR: [{ status: { not: 'retired' } }, { provenAt: { not: null } }] },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: MAX_LISTED,
  });
  return rows.map((row) => describeKey(row, dataKey, ctx.clock.now()));
}

/** What a row shows of its key to its owner. */
export function describeKey(row: BillingKey, dataKey: Uint8Array, now: Date): OwnKey {
  const { algorithm, fingerprint, message, userIds } = openKey(row, dataKey);
  const triesLeft = Math.max(0, MAX_CODE_TRIES - row.tries);
  return {
    id: row.id,
    state: keyState(row, now),
    fingerprint,
    userIds,
    algorithm,
    expiresAt: row.expiresAt,
    createdAt: row.createdAt,
    provenAt: row.provenAt,
    retiredAt: row.retiredAt,
    message: row.status === 'unproven' && triesLeft > 0 ? message : null,
    triesLeft,
  };
}

/** A key by id, for its owner. A stranger's looks like none: `not_found billing_key_not_found`. */
export async function getKey(ctx: Ctx, keyId: string): Promise<BillingKey> {
  const hidden = new AppError('not_found', 'billing_key_not_found');
  const row = await ctx.db.billingKey.findUnique({ where: { id: keyId } });
  if (!row) throw hidden;
  requireSelf(ctx, row.userId, hidden);
  return row;
}

export function openKey({ sealed }: Pick<BillingKey, 'sealed'>, dataKey: Uint8Array): SealedKey {
  return SealedKey.parse(JSON.parse(openBytes(dataKey, sealed).toString('utf8')));
}

/** As `openKey` reads it. */
export function sealKey(key: SealedKey, dataKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sealBytes(dataKey, Buffer.from(JSON.stringify(key))));
}

/** By which the same key of the same person is found again, and nothing else learned. */
export function markOf(fingerprint: string, dataKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hmacSha256(dataKey, `billing-key:${fingerprint}`));
}

/** The one place where a key becomes one that can be encrypted to, or goes on being one. */
export async function recordUsable(
  tx: Ctx,
  { id, userId }: Pick<BillingKey, 'id' | 'userId'>,
  action: 'billing_key.proven' | 'billing_key.updated',
): Promise<void> {
  await recordAudit(tx, { action, objectId: id });
  // What waited for it.
  await queueJobs(tx, [{ name: 'reseal_records', lane: `log:${userId}`, payload: { userId } }]);
}

/** In a transaction: two at once must not both be the last that is allowed to a person. */
export async function lockKeys(tx: Ctx, userId: string): Promise<void> {
  await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('billing_keys:' || ${userId}, 0))`;
}
