import { checkRoom } from '#domain/billing-key/add.ts';
import {
  describeKey,
  getKey,
  lockKeys,
  type OwnKey,
  openKey,
  recordUsable,
  sealKey,
} from '#domain/billing-key/records.ts';
import { MAX_CODE_TRIES, readCode } from '#domain/billing-key/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { isEqualSecret, sha256 } from '#lib/crypto.ts';
import type { BillingKey } from '#lib/generated/prisma/client.ts';

/**
 * Takes a key into use once its owner read the code that was encrypted to it. Doing so twice changes nothing. Throws not_found
 * billing_key_not_found, also for one that was taken out of use, precondition_failed key_codes_used_up, too_many_billing_keys
 * and key_encryption_expired, invalid key_code_wrong with the tries `left`.
 */
export async function proveKey(ctx: Ctx, proof: { keyId: string; code: string }): Promise<OwnKey> {
  const row = await getKey(ctx, proof.keyId);
  const dataKey = await dataKeyOf(ctx, row.userId);
  if (row.status === 'active') return describeKey(row, dataKey, ctx.clock.now());
  if (row.status === 'retired') throw gone();
  await tryCode(ctx, row, proof.code);
  return inTransaction(ctx, async (tx) => {
    await lockKeys(tx, row.userId);
    const now = tx.clock.now();
    const current = await getKey(tx, row.id);
    if (current.status === 'active') return describeKey(current, dataKey, now);
    // Meanwhile it was taken out of use, or begun anew: then the code was that of another message.
    if (current.status === 'retired' || !isSame(current.challenge, row.challenge)) throw gone();
    if (current.expiresAt && current.expiresAt <= now)
      throw new AppError('precondition_failed', 'key_encryption_expired');
    await checkRoom(tx, row.userId);
    const sealed = sealKey({ ...openKey(current, dataKey), message: null }, dataKey);
    const proven = await tx.db.billingKey.update({
      where: { id: row.id },
      data: { status: 'active', sealed, challenge: null, provenAt: now },
    });
    await recordUsable(tx, proven, 'billing_key.proven');
    return describeKey(proven, dataKey, now);
  });
}

function gone(): AppError {
  return new AppError('not_found', 'billing_key_not_found');
}

function isSame(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one !== null && other !== null && Buffer.from(one).equals(other);
}

/** Each try counts before the code is looked at, so that many at once are no more than their number allows. */
async function tryCode(ctx: Ctx, { challenge, id }: BillingKey, code: string): Promise<void> {
  if (!challenge) throw gone();
  const counted = await ctx.db.billingKey.updateManyAndReturn({
    where: { id, status: 'unproven', tries: { lt: MAX_CODE_TRIES } },
    data: { tries: { increment: 1 } },
    select: { tries: true },
  });
  const tries = counted[0]?.tries;
  if (tries === undefined) throw new AppError('precondition_failed', 'key_codes_used_up');
  if (isEqualSecret(sha256(readCode(code)), challenge)) return;
  const left = MAX_CODE_TRIES - tries;
  if (left === 0) throw new AppError('precondition_failed', 'key_codes_used_up');
  throw new AppError('invalid', 'key_code_wrong', { details: { left } });
}
