import { recordAudit } from '#domain/audit/record.ts';
import {
  describeKey,
  lockKeys,
  markOf,
  type OwnKey,
  openKey,
  recordUsable,
  sealKey,
} from '#domain/billing-key/records.ts';
import {
  CHALLENGE_WINDOW_MS,
  CODE_ALPHABET,
  CODE_LENGTH,
  dueNotice,
  MAX_ACTIVE_KEYS,
  MAX_CHALLENGES,
} from '#domain/billing-key/rules.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { requireSelf } from '#domain/context/permission.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { randomText, sha256 } from '#lib/crypto.ts';
import type { BillingKey } from '#lib/generated/prisma/client.ts';
import { type PublicKey, readPublicKey } from '#lib/openpgp.ts';
import {
  type CheckedKey,
  checkKey,
  encryptText,
  fingerprintOf,
  type KeyFault,
  mergeKey,
  readUploadedKey,
} from '#lib/openpgp-check.ts';

/**
 * What became of an upload. `begun`: its owner has to read the code in `key.message`. `updated`: it was in use, and what the
 * new copy says of its end holds now. `retired`: the new copy revokes it, so it is out of use.
 */
export type Added = Readonly<{ outcome: 'begun' | 'updated' | 'retired'; key: OwnKey }>;

/**
 * Takes a public key that a person uploads. It is kept sealed, and is used once they showed that they can read what is
 * encrypted to it (`proveKey`). A key that is known already is merged with what is uploaded.
 *
 * Throws invalid key_… (see KEY_FAULTS; nothing of the upload is kept), precondition_failed too_many_billing_keys,
 * rate_limited too_many_keys_begun.
 */
export async function addKey(ctx: Ctx, upload: { userId: string; text: string }): Promise<Added> {
  const { text, userId } = upload;
  requireSelf(ctx, userId);
  const read = await readUploadedKey(text);
  if (!read.ok) throw faulty(read.fault);
  const dataKey = await dataKeyOf(ctx, userId);
  const mark = markOf(fingerprintOf(read.key), dataKey);
  return inTransaction(ctx, async (tx) => {
    await lockKeys(tx, userId);
    const known = await tx.db.billingKey.findUnique({ where: { userId_mark: { userId, mark } } });
    const checked = await checkKey(
      known ? await mergeWith(tx, known, { dataKey, newer: read.key }) : read.key,
      tx.clock.now(),
    );
    if (!checked.ok) {
      if (checked.fault !== 'revoked' || !known) throw faulty(checked.fault);
      return revokeKey(tx, known, dataKey);
    }
    if (known?.status === 'active') return updateKey(tx, known, { dataKey, key: checked.key });
    return beginKey(tx, { userId, mark, known, dataKey, key: checked.key });
  });
}

function faulty(fault: KeyFault): AppError {
  return new AppError('invalid', `key_${fault}`);
}

async function mergeWith(
  ctx: Ctx,
  known: BillingKey,
  { dataKey, newer }: { dataKey: Uint8Array; newer: PublicKey },
): Promise<PublicKey> {
  return mergeKey(Buffer.from(openKey(known, dataKey).publicKey, 'base64'), newer, ctx.clock.now());
}

/** What its owner revoked elsewhere is out of use here too. */
async function revokeKey(tx: Ctx, { id, status }: BillingKey, dataKey: Uint8Array): Promise<Added> {
  const now = tx.clock.now();
  if (status !== 'retired') {
    await tx.db.billingKey.update({ where: { id }, data: { status: 'retired', challenge: null, retiredAt: now } });
    await recordAudit(tx, { action: 'billing_key.retired', objectId: id, data: { why: 'revoked' } });
  }
  const row = await tx.db.billingKey.findUniqueOrThrow({ where: { id } });
  return { outcome: 'retired', key: describeKey(row, dataKey, now) };
}

type Keeping = Readonly<{ dataKey: Uint8Array; key: CheckedKey }>;

function sealedFields({ dataKey, key }: Keeping, message: string | null) {
  const { algorithm, encryptionEnds, fingerprint, publicKey, userIds } = key;
  const kept = {
    publicKey: Buffer.from(publicKey).toString('base64'),
    fingerprint,
    userIds: [...userIds],
    algorithm,
    message,
  };
  return { sealed: sealKey(kept, dataKey), expiresAt: encryptionEnds };
}

async function updateKey(tx: Ctx, { id }: BillingKey, keeping: Keeping): Promise<Added> {
  const now = tx.clock.now();
  const toldDays = dueNotice(keeping.key.encryptionEnds, now);
  const row = await tx.db.billingKey.update({ where: { id }, data: { ...sealedFields(keeping, null), toldDays } });
  await recordUsable(tx, row, 'billing_key.updated');
  return { outcome: 'updated', key: describeKey(row, keeping.dataKey, now) };
}

/** Keeps a key with a code that only its owner can read. One that was taken out of use begins anew. */
async function beginKey(
  tx: Ctx,
  begun: Keeping & Readonly<{ userId: string; mark: Uint8Array<ArrayBuffer>; known: BillingKey | null }>,
): Promise<Added> {
  const { known, mark, userId } = begun;
  const now = tx.clock.now();
  await checkRoom(tx, userId);
  await checkBegun(tx, userId);
  const code = randomText(CODE_ALPHABET, CODE_LENGTH);
  const message = await encryptText(await readPublicKey(begun.key.publicKey), `${code}\n`, now);
  const isSameDay = known?.challengedAt && known.challengedAt.getTime() > now.getTime() - CHALLENGE_WINDOW_MS;
  const fields = {
    ...sealedFields(begun, message),
    status: 'unproven' as const,
    challenge: new Uint8Array(sha256(code)),
    tries: 0,
    challengedAt: now,
    challenges: isSameDay ? known.challenges + 1 : 1,
    toldDays: dueNotice(begun.key.encryptionEnds, now),
    retiredAt: null,
  };
  const row = known
    ? await tx.db.billingKey.update({ where: { id: known.id }, data: fields })
    : await tx.db.billingKey.create({ data: { id: newId(tx, 'bky'), userId, mark, createdAt: now, ...fields } });
  await recordAudit(tx, { action: 'billing_key.begun', objectId: row.id });
  return { outcome: 'begun', key: describeKey(row, begun.dataKey, now) };
}

/** Refuses one more than a person may use. */
export async function checkRoom(tx: Ctx, userId: string): Promise<void> {
  const active = await tx.db.billingKey.count({ where: { userId, status: 'active' } });
  if (active >= MAX_ACTIVE_KEYS)
    throw new AppError('precondition_failed', 'too_many_billing_keys', { details: { most: MAX_ACTIVE_KEYS } });
}

/** Refuses who had too many codes made within a day, also for keys that were taken out of use since. */
async function checkBegun(tx: Ctx, userId: string): Promise<void> {
  const now = tx.clock.now().getTime();
  const begun = await tx.db.billingKey.findMany({
    where: { userId, challengedAt: { gt: new Date(now - CHALLENGE_WINDOW_MS) } },
    orderBy: { challengedAt: 'asc' },
    select: { challengedAt: true, challenges: true },
  });
  if (begun.reduce((sum, { challenges }) => sum + challenges, 0) < MAX_CHALLENGES) return;
  const waitMs = (begun[0]?.challengedAt?.getTime() ?? now) + CHALLENGE_WINDOW_MS - now;
  throw new AppError('rate_limited', 'too_many_keys_begun', {
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  });
}
