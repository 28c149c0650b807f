import { createHash } from 'node:crypto';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { makeGate } from './gate.ts';
import { renderReceiptPdf } from './receipt-pdf.ts';
import type { ReceiptView } from './views.ts';

/** A receipt as it is handed out. `etag` is of its bytes (RFC 9110 § 8.8.3), so it is the same from every process. */
export type PrintedReceipt = Readonly<{ bytes: Uint8Array; etag: string }>;

/** One takes about 20 ms of this process's only thread: two at once would be ready no sooner and hold it longer. */
const enter = makeGate({ atOnce: 1, waiting: 16, perCaller: 6 });
const RETRY_SECONDS = 2;

/** The last ones, of at most 40 kB each: whoever asks for the same again costs nothing. */
const KEPT = 128;
const kept = new Map<string, Promise<PrintedReceipt>>();

/**
 * The receipt of a payment as a PDF. `caller` is whoever asks, of whom no more than a few wait at once. Throws `unavailable busy`
 * where too many wait already.
 */
export function printReceipt(view: ReceiptView, language: Language, caller: string): Promise<PrintedReceipt> {
  const key = digestOf(JSON.stringify([language, view]));
  const known = kept.get(key);
  if (known) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  const printing = enter(caller, async () => {
    const bytes = await renderReceiptPdf(view, language);
    return { bytes, etag: `"${digestOf(bytes)}"` };
  });
  if (!printing) throw new AppError('unavailable', 'busy', { retryAfterSeconds: RETRY_SECONDS });
  kept.set(key, printing);
  // What failed is tried again by the next who asks; the failure itself goes to who asked for this one.
  printing.catch(() => kept.delete(key));
  const [oldest] = kept.keys();
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
  return printing;
}

function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('base64url');
}
