import { setTimeout as sleep } from 'node:timers/promises';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { CHANNEL, type JobName } from '#domain/context/queue.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { describeError } from '#lib/log.ts';
import { MAX_ATTEMPTS, retryDelaySeconds } from './rules.ts';
import { writeSurely } from './surely.ts';
import { type JobHandlers, type JobOutcome, type Prolong, SCHEDULE } from './table.ts';

const PARALLEL_JOBS = 8;
const POLL_MS = 1_000;
/**
 * Longer than a job takes by rule: network calls end after 8 s. A killed worker's jobs run again after it, and so does a job of
 * several slow calls beside itself: what must not be done twice has a mark of its own (a refund, asked_at).
 */
const LEASE_SECONDS = 20;
/** A lease is treated as over this long before it is: clocks of the two machines need not agree to the second. */
const LEASE_MARGIN_SECONDS = 4;
const DATABASE_RETRY_MS = 1_000;

type JobRow = { id: bigint; name: JobName; payload: never; attempts: number; was_interrupted: boolean };

// Only the oldest open job of a lane may run. Leases are on the database's own clock, because ours can be moved.
const CLAIM = {
  name: 'claim_jobs',
  text: `
    WITH due AS (
      SELECT j.id, j.locked_until FROM job j
      WHERE j.done_at IS NULL AND j.run_at > '-infinity' AND j.run_at <= $1 AND (j.locked_until IS NULL OR j.locked_until < now())
        AND NOT EXISTS (SELECT 1 FROM job earlier WHERE earlier.lane = j.lane AND earlier.done_at IS NULL AND earlier.id < j.id)
      ORDER BY j.run_at, j.id LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE job SET locked_until = now() + make_interval(secs => ${LEASE_SECONDS}), attempts = attempts + 1
    FROM due WHERE job.id = due.id
    RETURNING job.id, name, payload, attempts, due.locked_until IS NOT NULL AS was_interrupted`,
};

export type Engine = { stop(): Promise<void> };

/**
 * Runs queued jobs and the schedule until stopped. Any number of engines may run on one database. `stop` lets running
 * jobs finish; a killed engine's jobs are run again by another after their lease.
 */
export function startEngine(ctx: Ctx, handlers: JobHandlers): Engine {
  const abort = new AbortController();
  const running = new Set<Promise<void>>();
  let wake = () => {};
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const loop = async () => {
    while (!abort.signal.aborted) {
      try {
        const free = PARALLEL_JOBS - running.size;
        const jobs = free > 0 ? await claim(ctx, free) : [];
        for (const job of jobs) {
          const work: Promise<void> = runJob(ctx, handlers, job)
            .catch((error: unknown) =>
              ctx.log.error(
                { job: job.name, error: describeError(error) },
                'the end of a job could not be written; its lease will end',
              ),
            )
            .finally(() => {
              running.delete(work);
              wake();
            });
          running.add(work);
        }
        if (jobs.length < free || free === 0) await pause(POLL_MS);
      } catch (error) {
        ctx.log.error({ error: describeError(error) }, 'jobs could not be claimed');
        await pause(DATABASE_RETRY_MS);
      }
    }
  };
  const looping = loop();
  const listening = listen(ctx, abort.signal, () => wake());
  const scheduling = runSchedule(ctx, abort.signal);
  return {
    async stop() {
      abort.abort();
      wake();
      await Promise.all([looping, listening, scheduling]);
      await Promise.all(running);
    },
  };
}

async function claim(ctx: Ctx, limit: number): Promise<JobRow[]> {
  const { rows } = await ctx.pool.query<JobRow>({ ...CLAIM, values: [ctx.clock.now(), limit] });
  return rows;
}

/** Until when a lease of so many seconds counts, on the clock of `performance.now`. */
const leaseEnd = (seconds: number) => performance.now() + (seconds - LEASE_MARGIN_SECONDS) * 1000;

async function runJob(ctx: Ctx, handlers: JobHandlers, job: JobRow): Promise<void> {
  const forJob = asActor(ctx, { kind: 'system', name: job.name });
  let leaseEndsAt = leaseEnd(LEASE_SECONDS);
  const prolong: Prolong = async (seconds) => {
    await ctx.pool.query({
      name: 'prolong_job',
      text: 'UPDATE job SET locked_until = now() + make_interval(secs => $2) WHERE id = $1 AND done_at IS NULL',
      values: [job.id, seconds],
    });
    leaseEndsAt = leaseEnd(seconds);
  };
  if (job.was_interrupted) {
    // Nobody knows how far it came. A notice may arrive twice now: Telegram has no way to ask whether it took the first.
    ctx.metrics.jobs.inc({ name: job.name, outcome: 'interrupted' });
    forJob.log.warn(
      { job: job.name, attempts: job.attempts },
      'a worker ended in the middle of this job; it runs again',
    );
  }
  let outcome: JobOutcome;
  try {
    const handler = handlers[job.name] as (ctx: Ctx, payload: unknown, prolong: Prolong) => Promise<JobOutcome>;
    outcome = await handler(forJob, job.payload, prolong);
  } catch (error) {
    forJob.log.warn({ job: job.name, attempts: job.attempts, error: describeError(error) }, 'job failed');
    const afterSeconds = error instanceof ProviderError ? (error.retryAfterSeconds ?? null) : null;
    outcome = {
      kind: 'retry',
      afterSeconds,
      code: error instanceof ProviderError ? error.code : error instanceof Error ? error.name : 'unknown',
    };
  }
  // Lest another worker do it once more.
  await writeSurely(forJob, leaseEndsAt, () => finish(forJob, job, outcome));
  if (outcome.kind === 'done') await outcome.afterwards?.();
}

async function finish(ctx: Ctx, job: JobRow, outcome: JobOutcome): Promise<void> {
  const now = ctx.clock.now();
  const isSpent = outcome.kind === 'retry' && job.attempts >= MAX_ATTEMPTS;
  const isDead = isSpent && outcome.isKept !== true;
  if (outcome.kind === 'done' || isSpent) {
    await ctx.pool.query({
      name: 'finish_job',
      text: 'UPDATE job SET done_at = $2, outcome = $3, error = $4, locked_until = NULL WHERE id = $1',
      values: [job.id, now, isDead ? 'dead' : 'done', outcome.kind === 'retry' ? outcome.code : null],
    });
    if (isDead) ctx.log.error({ job: job.name, jobId: job.id.toString() }, 'job is dead: look at it');
  } else {
    const delay = outcome.afterSeconds ?? retryDelaySeconds(job.attempts);
    await ctx.pool.query({
      name: 'delay_job',
      text: 'UPDATE job SET run_at = $2, error = $3, locked_until = NULL WHERE id = $1',
      values: [job.id, new Date(now.getTime() + delay * 1000), outcome.code],
    });
  }
  ctx.metrics.jobs.inc({ name: job.name, outcome: isDead ? 'dead' : outcome.kind });
}

/** Hears of new jobs as they are committed. Polling finds them as well, so a lost connection only costs a second. */
async function listen(ctx: Ctx, signal: AbortSignal, onJob: () => void): Promise<void> {
  while (!signal.aborted) {
    try {
      const client = await ctx.pool.connect();
      const lost = new AbortController();
      client.on('error', () => lost.abort());
      client.on('end', () => lost.abort());
      client.on('notification', onJob);
      try {
        await client.query(`LISTEN ${CHANNEL}`);
        await untilAborted(AbortSignal.any([signal, lost.signal]));
      } finally {
        client.removeAllListeners('notification');
        client.release(true);
      }
    } catch (error) {
      ctx.log.warn({ error: describeError(error) }, 'listening for jobs was interrupted');
    }
    await pauseUnless(signal, DATABASE_RETRY_MS);
  }
}

/** Resolves once `signal` is aborted, at once when it is already: the engine may be stopped before it listens. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/**
 * Starts what is due by the clock; a row per name makes several engines take turns. Runs of different names go on side by
 * side, so that a slow provider holds up nothing else.
 */
async function runSchedule(ctx: Ctx, signal: AbortSignal): Promise<void> {
  const running = new Map<string, Promise<void>>();
  while (!signal.aborted) {
    for (const { everySeconds, name, run } of SCHEDULE) {
      if (running.has(name)) continue;
      const forRun = asActor(ctx, { kind: 'system', name });
      const work = takeTurn(forRun, name, everySeconds)
        .then((isOurs) => (isOurs ? run(forRun) : 0))
        .then(
          () => {},
          (error: unknown) =>
            forRun.log.error(
              { schedule: name, error: describeError(error) },
              'scheduled work failed; it runs again at its next time',
            ),
        )
        .finally(() => running.delete(name));
      running.set(name, work);
    }
    await pauseUnless(signal, POLL_MS);
  }
  await Promise.all(running.values());
}

/** Waits, or not at all once the engine is stopping. */
async function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/**
 * Whether this engine is the one that runs the entry now. A last run further ahead than the time between two means that
 * the clock was moved back; one that is less ahead was written by a machine whose clock goes a little differently.
 */
async function takeTurn(ctx: Ctx, name: string, everySeconds: number): Promise<boolean> {
  const now = ctx.clock.now();
  const before = new Date(now.getTime() - everySeconds * 1000);
  const ahead = new Date(now.getTime() + everySeconds * 1000);
  const turns = await ctx.db.$executeRaw`
    INSERT INTO schedule (name, last_run_at) VALUES (${name}, ${now})
    ON CONFLICT (name) DO UPDATE SET last_run_at = excluded.last_run_at
      WHERE schedule.last_run_at <= ${before} OR schedule.last_run_at > ${ahead}`;
  return turns === 1;
}
