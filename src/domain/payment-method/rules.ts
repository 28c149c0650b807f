import { z } from 'zod';

/** What is kept of a stored payment method, sealed: the provider's token and what tells it from others. */
export const SealedMethod = z.object({
  token: z.string().min(1).max(500),
  brand: z.string().max(40),
  last4: z.string().max(4),
  expires: z.string().max(7).nullable(),
});
export type SealedMethod = z.infer<typeof SealedMethod>;

/** How many methods one person may keep: enough for anyone, and no place to try cards out. */
export const MAX_METHODS = 10;
/** A method that was begun and not finished is forgotten after this long. */
export const ADDING_FOR_MS = 86_400_000;
