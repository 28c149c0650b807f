import { describe, expect, it } from 'vitest';
import { useTestDatabase } from '#lib/testing/database.ts';
import { makeMarks, tracesIn, tracesInDatabase } from './canary.ts';

/** A search that finds nothing proves nothing unless it finds what is there. */
describe('the search for marks', () => {
  const test = useTestDatabase();
  const marks = makeMarks();
  const mark = marks.of('name');
  const id = marks.id('Telegram id');
  const plant = (sql: string, ...values: unknown[]) => test.database.pool.query(sql, values);

  it('finds nothing where nothing is', async () => {
    expect(await tracesInDatabase(test.database.pool, marks)).toEqual([]);
    expect(tracesIn('log', '{"msg":"request","route":"/webhooks/stripe"}', marks)).toEqual([]);
  });

  it('says where in the database something lies, in whatever form', async () => {
    const job = 'INSERT INTO job (name, lane, payload, run_at, created_at) VALUES ($1, $2, $3, now(), now())';
    await plant(job, 'send_notice', `chat:${mark}`, { userId: 'usr_1', telegramId: id });
    await plant(job, 'send_notice', 'chat:usr_1', { text: Buffer.from(`to ${mark}, thanks`).toString('base64') });
    await plant(
      `INSERT INTO webhook_event (id, provider, event_id, kind, status, body, received_at)
       VALUES ('whe_1', 'stripe', '~' || $1, 'x', 'processed', $2, now())`,
      Buffer.from(mark).toString('hex').toUpperCase(),
      Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(`{"name":"${mark}"}`)]),
    );
    await plant("INSERT INTO users (id, language) VALUES ($1, 'en')", mark.toLowerCase());
    expect((await tracesInDatabase(test.database.pool, marks)).sort()).toEqual([
      'job.lane: name as plain',
      'job.payload: Telegram id as plain',
      'job.payload: name as base64',
      'users.id: name as plain',
      'webhook_event.body: name as hex',
      'webhook_event.body: name as plain',
      'webhook_event.event_id: name as hex',
    ]);
  });

  it.each([0, 1, 2, 3])('finds what base64 holds behind %i bytes, for addresses too', (before) => {
    const text = Buffer.from(`${'?'.repeat(before)}${mark}\u00ff`);
    for (const alphabet of ['base64', 'base64url'] as const)
      expect(tracesIn('log', text.toString(alphabet), marks)).toEqual(['log: name as base64']);
  });

  it('finds what stands in a log line or a metric', () => {
    expect(tracesIn('metrics', `hoshi_requests{route="/u/${id}"} 1`, marks)).toEqual(['metrics: Telegram id as plain']);
    expect(tracesIn('log', `{"error":{"message":"no user ${mark}"}}`, marks)).toEqual(['log: name as plain']);
  });
});
