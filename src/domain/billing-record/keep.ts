import { findOwner } from '#domain/billing-record/owner.ts';
import type { BillingRecord, RecordType } from '#domain/billing-record/rules.ts';
import { sealRecords } from '#domain/billing-record/seal.ts';
import type { Ctx } from '#domain/context/context.ts';
import { queueJobs } from '#domain/context/queue.ts';

/**
 * Keeps a record of what happened for a person, in the transaction that wrote it down; it is encrypted before it reaches the
 * database. `objectId` says what it is about and is told once for each type. Nothing is kept for who was erased.
 */
export async function keepRecord(
  tx: Ctx,
  told: Readonly<{
    userId: string;
    type: RecordType;
    objectId: string;
    facts: Omit<BillingRecord, 'hoshi' | 'record' | 'type' | 'about' | 'at'>;
  }>,
): Promise<void> {
  const { facts, objectId, type, userId } = told;
  const owner = await findOwner(tx, userId);
  if (!owner) return;
  const { jobs, rows } = await sealRecords(tx, [{ owner, type, objectId, facts, at: tx.clock.now() }]);
  await tx.db.$executeRaw`SELECT write_billing_records(${JSON.stringify(rows)}::jsonb)`;
  await queueJobs(tx, jobs);
}
