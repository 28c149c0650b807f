import type { RecordType } from '#domain/billing-record/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireSelf } from '#domain/context/permission.ts';

/** Bytes of messages in one answer, after which no further record is begun. */
const MAX_BYTES = 786_432;
const MAX_RECORDS = 200;

/** What became of a record: `dropped`, it was delivered and this server's copy is gone. */
export type RecordState = 'waiting' | 'sealed' | 'delivered' | 'dropped';

/** A record of a payment as the server has it: what it says only its owner's key tells. */
export type PaymentRecordCopy = Readonly<{
  id: string;
  /** The payment it belongs to, also where it tells of a refund. */
  paymentId: string;
  type: RecordType;
  state: RecordState;
  /** The OpenPGP message; null while it waits for a key, and once it was dropped. */
  ciphertext: Uint8Array | null;
}>;

type Row = {
  id: string;
  payment_id: string;
  type: RecordType;
  state: RecordState;
  ciphertext: Uint8Array | null;
  before: bigint | null;
};

/**
 * The records of a person's own payments and of what went back of them, newest first. A payment of somebody else has none here.
 * `isWhole` false: there are more than fit into one answer; ask for fewer payments. Throws `forbidden not_yours` for others.
 */
export async function listPaymentRecords(
  ctx: Ctx,
  { paymentIds, userId }: { userId: string; paymentIds: ReadonlyArray<string> },
): Promise<{ records: PaymentRecordCopy[]; isWhole: boolean }> {
  requireSelf(ctx, userId);
  // A refund's record is about the refund, the dispute that was lost, or a refund that was undone.
  const rows = await ctx.db.$queryRaw<Row[]>`
    WITH own AS (SELECT id FROM payment WHERE id = ANY(${[...paymentIds]}) AND user_id = ${userId}),
    about AS (
      SELECT id AS payment_id, id AS object_id FROM own
      UNION ALL SELECT f.payment_id, unnest(ARRAY[f.id, f.id || '/undo']) FROM refund f JOIN own ON own.id = f.payment_id
      UNION ALL SELECT d.payment_id, d.id FROM dispute d JOIN own ON own.id = d.payment_id)
    SELECT r.id, about.payment_id, r.type, r.ciphertext,
      CASE WHEN r.dropped_at IS NULL THEN r.status::text ELSE 'dropped' END AS state,
      sum(length(r.ciphertext)) OVER (ORDER BY r.created_at DESC, r.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        AS before
    FROM about JOIN billing_record r ON r.user_id = ${userId} AND r.object_id = about.object_id
      AND r.type IN ('payment', 'renewal', 'refund')
    ORDER BY r.created_at DESC, r.id DESC LIMIT ${MAX_RECORDS + 1}`;
  const fitting = rows.filter(({ before }, index) => index < MAX_RECORDS && (before ?? 0n) < BigInt(MAX_BYTES));
  return {
    records: fitting.map(({ ciphertext, id, payment_id: paymentId, state, type }) => ({
      id,
      paymentId,
      type,
      state,
      ciphertext,
    })),
    isWhole: fitting.length === rows.length,
  };
}
