import type { Policy } from './context.ts';

/**
 * For how many days each class of rows stays: the code reads it here, and so do the privacy texts. Two times are the operator's
 * own: how long the books are kept (RETENTION_YEARS) and raw messages of payment services (WEBHOOK_BODY_RETENTION_DAYS).
 */
export const RETENTION = {
  /** What was bought is named after its end: until then money may come late, and a renewal may bring it back. */
  pastDays: 30,
  /** Jobs and notices that were done. Their keys must outlive every period that could queue them again. */
  finishedJobDays: 30,
  /** Answers that a server gets again when it repeats itself. */
  storedAnswerDays: 2,
  /** That a provider's message came. Providers repeat one for a day at most; the inbox remembers far longer. */
  handledMessageDays: 90,
  /** The sealed body of a message that nothing came of: it waits for an operator. */
  uncaredBodyDays: 30,
  /** That somebody asked for a copy of their data, and what became of it. */
  exportDays: 30,
  /** This server's copy of a record that arrived, unless its owner says otherwise. */
  deliveredCopyDays: 30,
} as const;

/** All times as texts name them: in days, of the books in years. */
export function retentionTimes({ retentionYears, webhookBodyRetentionDays }: Policy) {
  return { ...RETENTION, bookYears: retentionYears, rawMessageDays: webhookBodyRetentionDays };
}
export type RetentionTimes = ReturnType<typeof retentionTimes>;

/** What was over before this is no longer to be named in plaintext. */
export function pastBefore(now: Date): Date {
  return new Date(now.getTime() - RETENTION.pastDays * 86_400_000);
}
