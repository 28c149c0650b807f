import type { Ctx } from './context.ts';

/** What people are told about in the chat. The texts stand in the message files under `notice.<kind>`. */
export const NOTICE_KINDS = [
  'paid',
  'refunded',
  'surplus_refunded',
  'subscription_cancelled',
  'subscription_resumed',
  'renewal_ahead',
  'renewed',
  'renewal_failed',
  'subscription_ended',
  'sale',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** A message for one person about one object. The text is made when it is sent, in the language they have then. */
export type NoticeJob = { userId: string; kind: NoticeKind; objectId: string };

/** Every kind of work that is done after a commit, with what it needs. Ids only: payloads lie in the database. */
export type JobPayloads = {
  send_notice: NoticeJob;
  execute_refund: { refundId: string };
  stop_renewal: { subscriptionId: string };
  cancel_surplus_renewal: { paymentId: string };
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

/** Queues work in the transaction of `ctx`: it exists exactly if the transaction commits. */
export async function queueJobs(ctx: Ctx, jobs: ReadonlyArray<JobRequest>): Promise<void> {
  if (jobs.length === 0) return;
  const rows = JSON.stringify(jobs.map((job) => toJobRow(job, ctx.clock.now())));
  await ctx.db.$executeRaw`SELECT write_jobs(${rows}::jsonb)`;
}
