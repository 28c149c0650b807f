import type { FailureView } from '#api/views.ts';
import type { Way } from '#ui/ways.ts';

/** A payment that was begun in this browser tab. */
export type Started = Readonly<
  Way & {
    /** Kept only for what is opened from this page, in Telegram. */
    url: string | null;
    /** The failure that stood there when it was begun: only another one is about this try. */
    failedBefore: FailureView['failure'] | null;
  }
>;

const keyOf = (invoiceId: string) => `hoshi.pay.${invoiceId}`;

/** What this tab remembers of the order; null when nothing was begun here, or nothing can be remembered. */
export function readStarted(invoiceId: string): Started | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(keyOf(invoiceId)) ?? 'null') as Started | null;
    return typeof kept?.provider === 'string' && typeof kept.method === 'string' ? kept : null;
  } catch {
    // A browser that keeps nothing still pays: the page only says less while it waits.
    return null;
  }
}

/** Remembers what was begun, or forgets it (null). */
export function keepStarted(invoiceId: string, started: Started | null): void {
  try {
    if (started === null) sessionStorage.removeItem(keyOf(invoiceId));
    else sessionStorage.setItem(keyOf(invoiceId), JSON.stringify(started));
  } catch {
    // As above.
  }
}
