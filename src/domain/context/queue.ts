import type { Pool } from 'pg';
import { describeError } from '#lib/log.ts';
import type { Ctx } from './context.ts';

/** What people are told about in the chat. The texts stand in the message files under `notice.<kind>`. */
export const NOTICE_KINDS = [
  'paid',
  'refunded',
  'part_refunded',
  'refund_to_claim',
  'surplus_refunded',
  'payment_waiting',
  'payment_failed',
  'subscription_cancelled',
  'subscription_resumed',
  'renewal_ahead',
  'end_ahead',
  'renewed',
  'renewal_failed',
  'subscription_ended',
  'sale',
  'dispute_opened',
  'dispute_won',
  'dispute_lost',
  'share_held',
  'share_released',
  'share_lost',
  'log_broken',
  'attention',
  'key_expiring',
  'erasure_asked',
  'erasure_failed',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** A message for one person about one object. The text is made when it is sent, in the language they have then. */
export type NoticeJob = { userId: string; kind: NoticeKind; objectId: string };

/** Every kind of work that is done after a commit, with what it needs. Ids only: payloads lie in the database. */
export type JobPayloads = {
  send_notice: NoticeJob;
  execute_refund: { refundId: string };
  stop_renewal: { subscriptionId: string };
  /** `firstChargeId`: by which the provider knows the subscription, where that is not the payment's own charge. */
  cancel_surplus_renewal: { paymentId: string; firstChargeId?: string };
  close_checkout: { attemptId: string };
  forget_method: { methodId: string };
  tell_operators: { objectId: string; what: string };
  deliver_record: { recordId: string };
  reseal_records: { userId: string };
  resume_records: { userId: string };
  export_data: { exportId: string };
  run_erasure: { erasureId: string };
};
export type JobName = keyof JobPayloads;

/**
 * `lane`: jobs of one lane run one after the other. `key`: the same key is queued once, ever. `runAt`: not before.
 */
export type JobRequest = {
  [Name in JobName]: { name: Name; lane: string; key?: string; payload: JobPayloads[Name]; runAt?: Date };
}[JobName];

/** The row form that the hot-path functions take. */
export function toJobRow(job: JobRequest, now: Date) {
  return {
    name: job.name,
    lane: job.lane,
    key: job.key ?? null,
    payload: job.payload,
    run_at: (job.runAt ?? now).toISOString(),
    created_at: now.toISOString(),
  };
}

/** A notice in the lane of its reader, so that they read what happened in the order it happened. */
export function noticeJob(notice: NoticeJob, options: { key?: string; runAt?: Date } = {}): JobRequest {
  return { name: 'send_notice', lane: `chat:${notice.userId}`, payload: notice, ...options };
}

/** What could not be delivered to a person is queued again: they can be written to. */
export function resumeJob(userId: string): JobRequest {
  return { name: 'resume_records', lane: `log:${userId}`, payload: { userId } };
}

/** Something an operator should know of: a refund, a dispute, a payment that came late or with another sum, or its hold. */
export function attentionJob(objectId: string, what: string): JobRequest {
  return { name: 'tell_operators', lane: 'operators', payload: { objectId, what } };
}

/** Queues work in the transaction of `ctx`: it exists exactly if the transaction commits. */
export async function queueJobs(ctx: Ctx, jobs: ReadonlyArray<JobRequest>): Promise<void> {
  if (jobs.length === 0) return;
  const rows = JSON.stringify(jobs.map((job) => toJobRow(job, ctx.clock.now())));
  await ctx.db.$executeRaw`SELECT write_jobs(${rows}::jsonb), pg_notify(${CHANNEL}, '')`;
}

/** Where workers hear of new jobs. */
export const CHANNEL = 'job';
const ANNOUNCE_EVERY_MS = 20;
const announcing = new WeakSet<Pool>();

/**
 * Wakes the workers after jobs were committed on the hot path. Not in the commit itself: Postgres lets transactions that
 * notify commit only one after the other, each waiting for the other's flush, which made every payment wait for all
 * others. A wake-up that is lost (a kill in between) costs a second: workers look by themselves as well.
 */
export function announceJobs(ctx: Ctx): void {
  const { pool } = ctx;
  if (announcing.has(pool)) return;
  announcing.add(pool);
  setTimeout(() => {
    announcing.delete(pool);
    pool.query('SELECT pg_notify($1, $2)', [CHANNEL, '']).catch((error: unknown) => {
      ctx.log.warn({ error: describeError(error) }, 'workers were not woken; they will look by themselves');
    });
  }, ANNOUNCE_EVERY_MS).unref();
}
