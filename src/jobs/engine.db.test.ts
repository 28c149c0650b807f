import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { CATALOG } from '../testing/catalog.ts';
import { DAY_MS, openWorld } from '../testing/world.ts';
import { type Engine, startEngine } from './engine.ts';
import { purge } from './purge.ts';
import { MAX_ATTEMPTS } from './rules.ts';
import { DONE, type JobHandlers, type JobOutcome, jobHandlers, SCHEDULE } from './table.ts';

const world = openWorld();
const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await world.sql('DELETE FROM job');
  vi.useRealTimers();
});

type Sent = { objectId: string; lane: string };
/** An engine whose notices are handed to `send`. */
function start(send: (notice: Sent) => Promise<JobOutcome> | JobOutcome, ctx: Ctx = world.door): Engine {
  const handlers: JobHandlers = jobHandlers({
    send_notice: async (_ctx, { objectId, userId }) => send({ objectId, lane: userId }),
    deliver_record: async () => ({ kind: 'done' }),
    export_data: async () => ({ kind: 'done' }),
    run_erasure: async () => ({ kind: 'done' }),
  });
  const engine = startEngine(ctx, handlers);
  engines.push(engine);
  return engine;
}
const queue = (lane: string, ...objects: string[]) =>
  queueJobs(
    world.system,
    objects.map((objectId) => noticeJob({ userId: lane, kind: 'paid', objectId })),
  );
const open = async () =>
  (await world.sql<{ n: number }>('SELECT count(*)::int AS n FROM job WHERE done_at IS NULL'))[0]?.n;
const UNTIL = { timeout: 10_000, interval: 20 };

describe('the engine', () => {
  it('keeps the order of a lane, and runs lanes side by side', async () => {
    const seen: Sent[] = [];
    let running = 0;
    let most = 0;
    await queue('a', 'a1', 'a2', 'a3');
    await queue('b', 'b1', 'b2', 'b3');
    await queue('c', 'c1');
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    start(async (notice) => {
      running += 1;
      most = Math.max(most, running);
      seen.push(notice);
      if (most === 3) release();
      await gate;
      running -= 1;
      return DONE;
    });
    await expect.poll(open, UNTIL).toBe(0);
    expect(most).toBe(3);
    for (const lane of ['a', 'b'])
      expect(seen.filter((notice) => notice.lane === lane).map(({ objectId }) => objectId)).toEqual([
        `${lane}1`,
        `${lane}2`,
        `${lane}3`,
      ]);
  });

  it('leaves a job that takes long to its worker for as long as that asks', async () => {
    const payload = { exportId: 'exp_1' };
    await queueJobs(world.system, [{ name: 'export_data', lane: 'export:a', payload }]);
    let secondsLeft = 0;
    const handlers = jobHandlers({
      send_notice: async () => DONE,
      deliver_record: async () => DONE,
      run_erasure: async () => DONE,
      export_data: async (_ctx, _job, prolong) => {
        await prolong(300);
        const [job] = await world.sql<{ left: number }>(
          'SELECT extract(epoch FROM locked_until - now())::int AS left FROM job WHERE done_at IS NULL',
        );
        secondsLeft = job?.left ?? 0;
        return DONE;
      },
    });
    engines.push(startEngine(world.door, handlers));
    await expect.poll(open, UNTIL).toBe(0);
    expect(secondsLeft).toBeGreaterThan(290);
  });

  it('two engines share two hundred jobs without doing one twice', async () => {
    for (let lane = 0; lane < 20; lane += 1)
      await queue(`lane${lane}`, ...Array.from({ length: 10 }, (_, index) => `${lane}-${index}`));
    const seen: string[] = [];
    const by = [0, 0];
    for (const engine of [0, 1])
      start(({ objectId }) => {
        seen.push(objectId);
        by[engine] = (by[engine] ?? 0) + 1;
        return DONE;
      });
    await expect.poll(open, { timeout: 20_000, interval: 50 }).toBe(0);
    expect(seen).toHaveLength(200);
    expect(new Set(seen).size).toBe(200);
    expect(Math.min(...by)).toBeGreaterThan(0);
  });

  it('leaves a killed worker’s job alone while its lease lasts, and takes it after', async () => {
    await queue('a', 'held', 'behind');
    await queue('b', 'dead');
    await world.sql(
      "UPDATE job SET locked_until = now() + interval '1 hour', attempts = 1 WHERE payload->>'objectId' = 'held'",
    );
    await world.sql(
      "UPDATE job SET locked_until = now() - interval '1 second', attempts = 1 WHERE payload->>'objectId' = 'dead'",
    );
    const seen: string[] = [];
    start(({ objectId }) => {
      seen.push(objectId);
      return DONE;
    });
    await expect.poll(() => seen, UNTIL).toEqual(['dead']);
    await expect.poll(open, UNTIL).toBe(2);
    await world.sql('UPDATE job SET locked_until = now()');
    await expect.poll(() => seen, UNTIL).toEqual(['dead', 'held', 'behind']);
    expect(await world.sql("SELECT attempts FROM job WHERE payload->>'objectId' IN ('held', 'dead')")).toEqual([
      { attempts: 2 },
      { attempts: 2 },
    ]);
  });

  it('is woken by the commit, not by its next look', async () => {
    // Only the engine's own waiting is made to stand still; what happens now happens because it was woken.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const seen: string[] = [];
    start(({ objectId }) => {
      seen.push(objectId);
      return DONE;
    });
    const listening = () =>
      world.sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN job'");
    await expect.poll(listening, UNTIL).toHaveLength(1);
    // A commit in the moment between looking and waiting is missed; the next one is not.
    await expect
      .poll(async () => {
        await queue('a', 'now');
        return seen.length;
      }, UNTIL)
      .toBeGreaterThan(0);
    vi.useRealTimers();
  });

  it('tries again when a handler asks or throws, later each time, and gives up after the last try', async () => {
    const answers: Array<() => JobOutcome> = [
      () => ({ kind: 'retry', afterSeconds: 7, code: 'LATER' }),
      () => {
        throw new ProviderError('unavailable', 'FLOOD', { retryAfterSeconds: 30 });
      },
      () => {
        throw new ProviderError('unavailable', 'DOWN');
      },
      () => {
        throw new TypeError('a bug');
      },
      () => {
        throw 'not even an error';
      },
    ];
    let tries = 0;
    await queue('a', 'x');
    start(() => (answers[tries++] ?? (() => DONE))());
    for (const [error, seconds] of [
      ['LATER', 7],
      ['FLOOD', 30],
      ['DOWN', 8],
      ['TypeError', 16],
      ['unknown', 32],
    ] as const) {
      await expect.poll(() => world.sql('SELECT error FROM job'), UNTIL).toEqual([{ error }]);
      const [job] = await world.sql<{ run_at: Date }>('SELECT run_at FROM job');
      expect(((job?.run_at.getTime() ?? 0) - world.clock.now().getTime()) / 1000).toBe(seconds);
      world.clock.advance(seconds * 1000);
    }
    await expect.poll(open, UNTIL).toBe(0);
    expect(await world.sql('SELECT outcome, error, attempts FROM job')).toEqual([
      { outcome: 'done', error: null, attempts: 6 },
    ]);

    answers[tries] = () => ({ kind: 'retry', afterSeconds: null, code: 'NEVER' });
    const runAt = new Date(world.clock.now().getTime() + DAY_MS);
    await queueJobs(world.system, [noticeJob({ userId: 'a', kind: 'paid', objectId: 'hopeless' }, { runAt })]);
    await world.sql('UPDATE job SET attempts = $1 WHERE done_at IS NULL', [MAX_ATTEMPTS - 1]);
    world.clock.advance(DAY_MS);
    await expect.poll(open, UNTIL).toBe(0);
    expect(await world.sql("SELECT outcome, error FROM job WHERE payload->>'objectId' = 'hopeless'")).toEqual([
      { outcome: 'dead', error: 'NEVER' },
    ]);
  });

  it('waits for the time of a job, and queues a key once, ever', async () => {
    const job = noticeJob(
      { userId: 'a', kind: 'paid', objectId: 'once' },
      { key: 'k', runAt: new Date(world.clock.now().getTime() + DAY_MS) },
    );
    await Promise.all([
      queueJobs(world.system, [job]),
      queueJobs(world.system, [job, job]),
      queueJobs(world.system, []),
    ]);
    const seen: string[] = [];
    start(({ objectId }) => {
      seen.push(objectId);
      return DONE;
    });
    await queue('b', 'other');
    await expect.poll(() => seen, UNTIL).toEqual(['other']);
    world.clock.advance(DAY_MS);
    await expect.poll(() => seen, UNTIL).toEqual(['other', 'once']);
    await queueJobs(world.system, [job]);
    expect(await world.sql("SELECT count(*)::int AS n FROM job WHERE key = 'k'")).toEqual([{ n: 1 }]);
  });

  it('lets a running job finish before it stops', async () => {
    await queue('a', 'long', 'next');
    let finish: () => void = () => undefined;
    let begun = false;
    const engine = start(async () => {
      begun = true;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return DONE;
    });
    await expect.poll(() => begun, UNTIL).toBe(true);
    const stopping = engine.stop();
    finish();
    await stopping;
    expect(await open()).toBe(1);
  });

  it('goes on after it lost its connections', async () => {
    const seen: string[] = [];
    start(({ objectId }) => {
      seen.push(objectId);
      return DONE;
    });
    const listeners = () =>
      world.sql<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN job'",
      );
    await expect.poll(listeners, UNTIL).toHaveLength(1);
    const [before] = await listeners();
    await world.sql('SELECT pg_terminate_backend($1)', [before?.pid]);
    await expect.poll(async () => (await listeners()).filter(({ pid }) => pid !== before?.pid), UNTIL).toHaveLength(1);
    await queue('a', 'after');
    await expect.poll(() => seen, UNTIL).toEqual(['after']);
  });
});

describe('the schedule', () => {
  it('takes turns: two engines run each entry once per time', async () => {
    await world.sql('DELETE FROM schedule');
    start(() => DONE);
    start(() => DONE);
    const ran = () =>
      world.sql<{ name: string; last_run_at: Date }>('SELECT name, last_run_at FROM schedule ORDER BY name');
    await expect
      .poll(async () => (await ran()).map(({ name }) => name), UNTIL)
      .toEqual(SCHEDULE.map(({ name }) => name).toSorted());
    const first = world.clock.now();
    expect((await ran()).every(({ last_run_at }) => last_run_at.getTime() === first.getTime())).toBe(true);
    world.clock.advance(15_000);
    const due = ['expire_invoices', 'retry_webhooks'];
    await expect
      .poll(async () => (await ran()).filter(({ last_run_at }) => last_run_at > first).map(({ name }) => name), UNTIL)
      .toEqual(due);
    // A third machine, whose clock is four seconds behind: none of its looks is a turn.
    const before = await ran();
    const behind = { ...world.clock, now: () => new Date(world.clock.now().getTime() - 4_000) };
    await start(() => DONE, { ...world.door, clock: behind }).stop();
    expect(await ran()).toEqual(before);
    // Further than the longest time between two runs.
    world.clock.set(new Date(first.getTime() - 2 * DAY_MS));
    await expect.poll(async () => (await ran()).every(({ last_run_at }) => last_run_at < first), UNTIL).toBe(true);
    world.clock.set(first);
  });

  it('does the whole work of a day by itself: a surplus goes back, an order expires', async () => {
    await world.connect();
    const buyer = await world.newBuyer();
    const { invoiceId, url } = await world.order(buyer, CATALOG.basicMonth);
    const pay = () => world.sandbox.pay(url ?? '', Number(buyer.telegramId));
    // Both are asked about before either is known to be paid.
    await world.sandbox.setFaults({
      updates: { type: 'successful_payment', kind: 'delay', delay_ms: 60_000, remaining: 2 },
    });
    expect([await pay(), await pay()]).toMatchObject([{ status: 'paid' }, { status: 'paid' }]);
    await world.sandbox.advance(60);
    const open = await world.order(buyer, CATALOG.proYear);
    const told: string[] = [];
    start(({ objectId }) => {
      told.push(objectId);
      return DONE;
    });
    await expect
      .poll(() => world.sql('SELECT kind, status FROM payment WHERE invoice_id = $1 ORDER BY kind', [invoiceId]), UNTIL)
      .toEqual([
        { kind: 'first', status: 'succeeded' },
        { kind: 'surplus', status: 'refunded' },
      ]);
    await expect
      .poll(
        async () => (await world.sandbox.subscriptions(Number(buyer.telegramId))).map(({ state }) => state).toSorted(),
        UNTIL,
      )
      .toEqual(['active', 'canceled_by_bot']);
    await expect.poll(() => told.length, UNTIL).toBe(2);
    world.clock.advance(1_800_000);
    await expect
      .poll(() => world.sql('SELECT status FROM invoice WHERE id = $1', [open.invoiceId]), UNTIL)
      .toEqual([{ status: 'expired' }]);
  });
});

describe('purge', () => {
  it('deletes what has served, and nothing that waits', async () => {
    await queue('a', 'old', 'recent', 'waiting');
    const ago = (days: number) => new Date(world.clock.now().getTime() - days * DAY_MS);
    await world.sql("UPDATE job SET done_at = $1 WHERE payload->>'objectId' = 'old'", [ago(31)]);
    await world.sql("UPDATE job SET done_at = $1 WHERE payload->>'objectId' = 'recent'", [ago(29)]);
    await world.sql(
      "INSERT INTO idempotency_key (scope, key, request_hash, locked_until, created_at) VALUES ('s', 'old', '', $1, $1), ('s', 'new', '', $2, $2)",
      [ago(3), ago(1)],
    );
    expect(await purge(world.system)).toBe(2);
    expect(await world.sql("SELECT payload->>'objectId' AS id FROM job ORDER BY id")).toEqual([
      { id: 'recent' },
      { id: 'waiting' },
    ]);
  });

  it('forgets events after ninety days, but none that an operator must see', async () => {
    const ago = (ms: number) => new Date(world.clock.now().getTime() - ms);
    const write = (status: string, receivedAt: Date, age: string) =>
      world.sql(
        `INSERT INTO webhook_event (id, provider, event_id, kind, status, received_at, processed_at)
         VALUES ($1, 'p', '~' || $1, 'payment_succeeded', $2::webhook_status, $3::timestamptz, CASE WHEN $4 THEN $3::timestamptz END)`,
        [`whe_${status}_${age}`, status, receivedAt, status === 'processed' || status === 'ignored'],
      );
    await world.sql('DELETE FROM webhook_event');
    for (const status of ['processed', 'ignored', 'failed', 'dead']) {
      await write(status, ago(90 * DAY_MS + 1), 'old');
      await write(status, ago(90 * DAY_MS), 'young');
    }
    expect(await purge(world.system)).toBe(2);
    expect((await world.sql<{ id: string }>('SELECT id FROM webhook_event ORDER BY id')).map(({ id }) => id)).toEqual([
      'whe_dead_old',
      'whe_dead_young',
      'whe_failed_old',
      'whe_failed_young',
      'whe_ignored_young',
      'whe_processed_young',
    ]);
    expect(await purge(world.system)).toBe(0);
  });
});
