import { z } from 'zod';
import type { Ctx } from '#domain/context/context.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/** What is told of a card, of all that lies sealed with it: never its provider's token. */
const Card = z.object({ brand: z.string(), last4: z.string(), expires: z.string().nullable() });

/** What the server can read of a stored card; null for one that is not its owner's yet, or not any more. */
export function openCard(
  ctx: Ctx,
  { sealed, status }: Pick<PaymentMethod, 'sealed' | 'status'>,
): z.infer<typeof Card> | null {
  if (status !== 'active' || !sealed) return null;
  return Card.parse(JSON.parse(ctx.vault.open(sealed).toString('utf8')));
}
