import { z } from 'zod';
import type { PaymentCursor } from '#domain/payment/records.ts';
import { malformedRequest } from './errors.ts';

/** Years that Postgres and people agree on: a hostile cursor must not reach the database as an impossible date. */
const PaidAt = z
  .string()
  .regex(/^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}Z$/)
  .refine((text) => !Number.isNaN(Date.parse(text)));
const Parts = z.tuple([PaidAt, z.string().regex(/^pay_[0-9a-z]{1,36}$/)]);

const MAX_LENGTH = 200;

/** A page's end as an opaque text, for clients to hand back. */
export function encodeCursor(cursor: PaymentCursor): string {
  return Buffer.from(JSON.stringify([cursor.paidAt.toISOString(), cursor.id])).toString('base64url');
}

/** Reads what `encodeCursor` made. Throws `invalid malformed_request` for anything else. */
export function decodeCursor(text: string): PaymentCursor {
  const parts = Parts.safeParse(text.length <= MAX_LENGTH ? parse(text) : null);
  if (!parts.success) throw malformedRequest({ fields: 'cursor' });
  const [paidAt, id] = parts.data;
  return { paidAt: new Date(paidAt), id };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    // Not ours: the schema refuses it.
    return null;
  }
}

/** A month of the calendar in UTC, `YYYY-MM`. */
export const Month = z.string().regex(/^20\d\d-(0[1-9]|1[0-2])$/);
