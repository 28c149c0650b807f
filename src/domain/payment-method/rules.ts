import { z } from 'zod';

/** What is kept of a stored payment method, sealed: the provider's token and what tells it from others. */
export const SealedMethod = z.object({
  token: z.string().min(1).max(500),
  brand: z.string().max(40),
  last4: z.string().max(4),
  expires: z.string().max(7).nullable(),
});
export type SealedMethod = z.infer<typeof SealedMethod>;

/** Where adding goes on, as its provider said when it was begun. Who has the page can add a card there: it is kept sealed. */
export const AddingPage = z.object({
  url: z.string().nullable(),
  client: z.object({ endpoint: z.string(), publicId: z.string() }).nullable(),
});
export type AddingPage = z.infer<typeof AddingPage>;

/** Whether a method that was begun can still be finished. */
export function canFinish({ createdAt }: { createdAt: Date }, now: Date): boolean {
  return createdAt.getTime() + ADDING_FOR_MS > now.getTime();
}

/** How many methods one person may keep: enough for anyone, and no place to try cards out. */
export const MAX_METHODS = 10;
/** A method that was begun and not finished, or whose owner has not said that it is theirs, is forgotten after this long. */
export const ADDING_FOR_MS = 86_400_000;
/** How often one person may begin within a day, whatever came of it: each time its provider is asked. */
export const MAX_BEGUN = 10;
export const BEGUN_WINDOW_MS = 86_400_000;
/** How often a token of a person's client is tried: a code of an SMS must not be guessed. */
export const MAX_TOKENS_TRIED = 5;
/** How often a provider is asked what became of its page; after that its own message finishes the method. */
export const MAX_PAGE_QUESTIONS = 50;
