import type { RecordOwner } from '#domain/billing-record/owner.ts';
import { type BillingRecord, type RecordType, writeRecord } from '#domain/billing-record/rules.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import type { JobRequest } from '#domain/context/queue.ts';
import { sealBytes, sha256 } from '#lib/crypto.ts';
import { sealMessage } from '#lib/openpgp.ts';

/** What happened, for one person who is to know it. */
export type RecordDraft = Readonly<{
  owner: RecordOwner;
  type: RecordType;
  objectId: string;
  facts: Omit<BillingRecord, 'hoshi' | 'record' | 'type' | 'about' | 'at'>;
  at: Date;
  /** False: it is not to be delivered. */
  isLogged?: boolean;
}>;

/** A record as the SQL function `write_billing_records` takes it; bytes in base64. */
export type RecordRow = Readonly<{
  id: string;
  user_id: string;
  type: RecordType;
  object_id: string;
  status: 'waiting' | 'sealed';
  ciphertext: string | null;
  waiting: string | null;
  sha256: string | null;
  obstacle: 'not_logged' | null;
  created_at: string;
  sealed_at: string | null;
}>;

/**
 * Encrypts records to their owners' keys and signs them, before the transaction that writes them: what they say never reaches
 * the database. For an owner without a key a record waits under their data key. Also returns the jobs that deliver them.
 */
export async function sealRecords(
  ctx: Ctx,
  drafts: ReadonlyArray<RecordDraft>,
): Promise<{ rows: RecordRow[]; jobs: JobRequest[] }> {
  const rows: RecordRow[] = [];
  // One after the other: each takes a millisecond, and others' requests come in between.
  for (const draft of drafts) rows.push(await sealRecord(ctx, draft));
  return {
    rows,
    jobs: rows.filter(({ obstacle, status }) => status === 'sealed' && obstacle === null).map(deliveryOf),
  };
}

async function sealRecord(ctx: Ctx, draft: RecordDraft): Promise<RecordRow> {
  const { at, facts, isLogged = true, objectId, owner, type } = draft;
  const id = newId(ctx, 'rec');
  const text = writeRecord({ hoshi: 1, record: id, type, about: objectId, at: at.toISOString(), ...facts });
  const now = ctx.clock.now();
  const obstacle = isLogged ? null : ('not_logged' as const);
  const row = { id, user_id: owner.userId, type, object_id: objectId, obstacle, created_at: now.toISOString() };
  if (owner.publicKeys.length === 0)
    return { ...row, status: 'waiting', waiting: base64(sealBytes(owner.dataKey, Buffer.from(text))), ...NOT_SEALED };
  const ciphertext = await encryptRecord(ctx, text, owner);
  return { ...row, status: 'sealed', waiting: null, ...sealedFields(ciphertext, now) };
}

const NOT_SEALED = { ciphertext: null, sha256: null, sealed_at: null };

function sealedFields(ciphertext: Uint8Array, now: Date) {
  return { ciphertext: base64(ciphertext), sha256: base64(sha256(ciphertext)), sealed_at: now.toISOString() };
}

/** The OpenPGP message of a record. */
export function encryptRecord(ctx: Ctx, text: string, { publicKeys }: RecordOwner): Promise<Uint8Array> {
  return sealMessage(text, { keys: publicKeys, signer: ctx.signer, date: ctx.clock.now() });
}

/** A person's records are delivered one after the other, in the order in which they were written. */
export function deliveryOf({ id, user_id }: { id: string; user_id: string }): JobRequest {
  return { name: 'deliver_record', lane: `log:${user_id}`, payload: { recordId: id } };
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
