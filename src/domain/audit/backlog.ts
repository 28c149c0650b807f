import type { Ctx } from '#domain/context/context.ts';

/** How much waits, and what waits for an operator, by name; ages in seconds, null when there is none. */
export type Backlog = Readonly<{
  counts: Readonly<Record<string, number>>;
  oldestSeconds: Readonly<Record<string, number | null>>;
}>;

type Row = {
  jobs_due: number;
  jobs_dead: number;
  events_failed: number;
  events_dead: number;
  refunds_open: number;
  disputes_open: number;
  differences_reported: number;
  oldest_job: Date | null;
  last_reconciliation: Date | null;
  last_signature: Date | null;
};

const MEASURE = {
  name: 'measure_backlog',
  text: `
    SELECT
      (SELECT count(*)::int FROM job WHERE done_at IS NULL AND run_at <= $1) AS jobs_due,
      (SELECT count(*)::int FROM job WHERE outcome = 'dead') AS jobs_dead,
      (SELECT count(*)::int FROM webhook_event WHERE status IN ('received', 'failed') AND (status = 'failed' OR next_attempt_at <= $1)) AS events_failed,
      (SELECT count(*)::int FROM webhook_event WHERE status = 'dead') AS events_dead,
      (SELECT count(*)::int FROM refund WHERE status = 'requested') AS refunds_open,
      (SELECT count(*)::int FROM dispute WHERE status = 'open') AS disputes_open,
      (SELECT count(*)::int FROM reconciliation_difference WHERE status = 'reported') AS differences_reported,
      (SELECT min(run_at) FROM job WHERE done_at IS NULL AND run_at <= $1) AS oldest_job,
      (SELECT min(coalesce(finished_at, begun_at)) FROM reconciliation_cursor) AS last_reconciliation,
      (SELECT created_at FROM audit_signature ORDER BY day DESC LIMIT 1) AS last_signature`,
};

/** Looks at every queue from its open end: one round trip, on partial indexes. For the metrics. */
export async function measureBacklog(ctx: Ctx): Promise<Backlog> {
  const now = ctx.clock.now();
  const { rows } = await ctx.pool.query<Row>({ ...MEASURE, values: [now] });
  const [row] = rows;
  if (!row) throw new Error('a query without FROM answered no row');
  const { oldest_job, last_reconciliation, last_signature, ...counts } = row;
  const age = (since: Date | null) => since && Math.max(0, (now.getTime() - since.getTime()) / 1000);
  const oldestSeconds = {
    job: age(oldest_job),
    reconciliation: age(last_reconciliation),
    audit_signature: age(last_signature),
  };
  return { counts, oldestSeconds };
}
