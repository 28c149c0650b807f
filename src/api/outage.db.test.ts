import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '#lib/db.ts';
import { makeRest, type Rest } from './rest.ts';
import { METRICS_TOKEN, orderOf, SECRET, useWorld } from './testing/world.ts';
import { makeTrpcHandler } from './trpc-handler.ts';

describe('while Postgres is away', () => {
  const world = useWorld();
  let silent: Server;
  const opened: Database[] = [];

  beforeAll(async () => {
    silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await Promise.allSettled(opened.map((database) => database.close()));
    silent.close();
  });

  /** The doors on a database that is not there (nothing listens), or does not answer. */
  function doorsOn(port: number): { rest: Rest; trpc: (request: Request) => Promise<Response> } {
    const url = `postgres://nobody:nothing@127.0.0.1:${port}/none`;
    const database = openDatabase({ url, applicationName: 'test', onConnectionLost: () => {} });
    opened.push(database);
    const ctx = { ...world.ctx, pool: database.pool, db: database.prisma };
    const contact = { botUsername: 'bot', supportContact: null };
    return {
      rest: makeRest({ ctx, metricsToken: METRICS_TOKEN, handleBotUpdate: async () => {} }),
      trpc: makeTrpcHandler({ ctx, contact }),
    };
  }
  const post = (path: string, json: unknown, headers: Record<string, string>) =>
    new Request(`http://localhost${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(json),
    });

  it('every door says so, when to come again, and nothing else', async () => {
    const { rest, trpc } = doorsOn(1);
    const { token, telegramId } = await world.person();
    const authorization = `Bearer ${token}`;
    const secret = { 'x-telegram-bot-api-secret-token': SECRET };
    const payment = { currency: 'XTR', total_amount: 150, invoice_payload: 'inv_1', telegram_payment_charge_id: 'c' };
    const answers = await Promise.all([
      rest.fetch(new Request('http://localhost/health/ready')),
      rest.fetch(new Request('http://localhost/api/v1/payments/health')),
      rest.fetch(post('/api/v1/payments/create', orderOf('month'), { authorization })),
      rest.fetch(post('/api/v1/payments/create', orderOf('month'), { authorization, 'idempotency-key': 'k' })),
      rest.fetch(post('/webhooks/telegram', { update_id: 1, message: { text: '/start' } }, secret)),
      rest.fetch(
        post(
          '/webhooks/telegram',
          { update_id: 2, message: { date: 1, chat: { id: telegramId }, successful_payment: payment } },
          secret,
        ),
      ),
      trpc(new Request('http://localhost/api/trpc/me.get', { headers: { authorization } })),
    ]);
    for (const answer of answers) {
      const text = await answer.text();
      expect([answer.status, answer.headers.get('retry-after')], text).toEqual([503, '5']);
      expect(text).toContain('service_unavailable');
      expect(text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|prisma/i);
    }
  });

  it('is alive all the same', async () => {
    const { rest } = doorsOn(1);
    expect((await rest.fetch(new Request('http://localhost/health/live'))).status).toBe(200);
  });

  it('is not ready after a second of silence', async () => {
    const address = silent.address();
    const { rest } = doorsOn(typeof address === 'object' && address ? address.port : 0);
    const startedAt = performance.now();
    expect((await rest.fetch(new Request('http://localhost/health/ready'))).status).toBe(503);
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });
});
