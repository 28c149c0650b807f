import { z } from 'zod';
import type { Ctx } from '#domain/context/context.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { openBytes, sealBytes } from '#lib/crypto.ts';

const MAX_ENTRIES = 20;

/**
 * What a seller's server says of an order. It may name the buyer, so it is for them alone: it lies under their data key while
 * the order may be paid, and stands in their record afterwards.
 */
export const OrderDetails = z.object({
  description: z.string().min(1).max(500).optional(),
  metadata: z
    .record(z.string().min(1).max(40), z.string().max(500))
    .refine((entries) => Object.keys(entries).length <= MAX_ENTRIES)
    .optional(),
});
export type OrderDetails = z.infer<typeof OrderDetails>;

/** Seals what is said of a new order to its buyer; null where nothing is. Throws `not_found user_not_found`. */
export async function sealDetails(ctx: Ctx, userId: string, details: OrderDetails): Promise<Buffer | null> {
  if (details.description === undefined && details.metadata === undefined) return null;
  return sealBytes(await dataKeyOf(ctx, userId), Buffer.from(JSON.stringify(details)));
}

/** What `sealDetails` sealed. Throws when the key is another or a byte was changed. */
export function openDetails(dataKey: Uint8Array, sealed: Uint8Array): OrderDetails {
  return OrderDetails.parse(JSON.parse(openBytes(dataKey, sealed).toString('utf8')));
}
