import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import pino from 'pino';
import { afterAll, beforeAll } from 'vitest';
import { concealAll } from '#domain/context/conceal-references.ts';
import { type Ctx, type Policy, type Role, SCOPES, type Scope } from '#domain/context/context.ts';
import { registerApiKey } from '#domain/identity/api-key.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { issueSession } from '#domain/identity/session.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { fixedClock } from '#lib/clock.ts';
import { makeMetrics } from '#lib/metrics.ts';
import { useTestDatabase } from '#lib/testing/database.ts';
import { TEST_SIGNER, TEST_VAULT } from '#lib/testing/vault.ts';
import { makeTelegramStars } from '#providers/telegram-stars/adapter.ts';
import { makeRest } from '../rest.ts';
import { makeTrpcHandler, TRPC_PATH } from '../trpc-handler.ts';

/*
 * The doors over real HTTP on a real Postgres. Only the far side of Telegram is played here: what the Bot API would answer
 * stands in `telegram`, and its updates are posted with the real secret.
 */

export const SECRET = 'a-webhook-secret-for-tests';
export const METRICS_TOKEN = 'metrics-token-for-tests';
export const BOT_TOKEN = '7000000001:AAHoshiSandboxDevelopmentToken00000000';
export const CONTACT = { botUsername: 'hoshi_test_bot', supportContact: '@hoshi_support' };

export type Person = Readonly<{ userId: string; telegramId: number; token: string }>;
export type Answer<Body = Record<string, unknown>> = Readonly<{
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}>;

const START = new Date('2026-11-20T10:00:00.000Z');
let nextNumber = 1;

/** A number that no other call of this process gets. */
function unique(): number {
  nextNumber += 1;
  return nextNumber;
}

async function listen(fetch: (request: Request) => Promise<Response>): Promise<{ server: ServerType; url: string }> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) =>
      resolve({ server, url: `http://127.0.0.1:${port}` }),
    );
  });
}

/** The doors for all tests of a file, on an own database with a small catalogue. `others`: providers beside Stars. */
export function useWorld({
  others = () => [],
  surfacePolicy = 'strict',
}: {
  others?: (stars: Provider) => Provider[];
  surfacePolicy?: Policy['surfacePolicy'];
} = {}) {
  const opened = useTestDatabase();
  const clock = fixedClock(START);
  const telegram = {
    calls: [] as { method: string; parameters: Record<string, unknown> }[],
    failure: null as ProviderError | null,
    delayMs: 0,
  };
  const botUpdates: unknown[] = [];
  const bot = { failure: null as Error | null, delayMs: 0 };
  const lines: string[] = [];
  let running: { server: ServerType; url: string } | undefined;
  let ctx: Ctx | undefined;

  beforeAll(async () => {
    ctx = makeCtx();
    const rest = makeRest({
      ctx,
      metricsToken: METRICS_TOKEN,
      handleBotUpdate: async (update) => {
        if (bot.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, bot.delayMs));
        if (bot.failure) throw bot.failure;
        botUpdates.push(update);
      },
    });
    const trpc = makeTrpcHandler({ ctx, contact: CONTACT });
    running = await listen((request) =>
      new URL(request.url).pathname.startsWith(TRPC_PATH) ? trpc(request) : rest.fetch(request),
    );
    await seedCatalog(ctx);
  });
  afterAll(() => {
    running?.server.close();
  });

  function makeCtx(): Ctx {
    const { prisma, pool } = opened.database;
    const provider = makeTelegramStars({
      secrets: { current: SECRET, previous: null, onPrevious: () => {} },
      api: {
        call: async (method, parameters) => {
          telegram.calls.push({ method, parameters });
          if (telegram.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, telegram.delayMs));
          if (telegram.failure) throw telegram.failure;
          return method === 'createInvoiceLink' ? `https://t.me/$test${unique()}` : true;
        },
      },
    });
    return {
      db: prisma,
      isInTransaction: false,
      pool,
      clock,
      policy: {
        publicUrl: 'http://localhost:3000',
        surfacePolicy,
        invoiceTtlMinutes: 30,
        platformFeeBps: 3000,
        webhookBodyRetentionDays: 7,
        retentionYears: 7,
        adminTelegramIds: [],
      },
      vault: TEST_VAULT,
      signer: TEST_SIGNER,
      sessionSecret: 'a-session-secret-for-tests-of-32-characters',
      telegram: { botToken: BOT_TOKEN, botId: 7_000_000_001, initDataPublicKey: '00'.repeat(32) },
      providers: concealAll(new Map([provider, ...others(provider)].map((each) => [each.id, each])), TEST_VAULT),
      log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      metrics: makeMetrics(),
      actor: { kind: 'stranger' },
      requestId: 'none',
      outside: { ms: 0 },
    };
  }

  const world = {
    clock,
    telegram,
    bot,
    botUpdates,
    /** What was logged so far. */
    lines,
    get ctx(): Ctx {
      if (!ctx) throw new Error('the world exists inside tests and hooks only');
      return ctx;
    },
    get url(): string {
      return running?.url ?? '';
    },

    /** A person with a session. */
    async person(role: Role = 'user', languageCode = 'en'): Promise<Person> {
      const telegramId = 100_000 + unique();
      const user = await ensureUser(world.ctx, { telegramId: BigInt(telegramId), languageCode });
      if (role !== 'user') await world.ctx.db.user.update({ where: { id: user.id }, data: { role } });
      const { token } = await issueSession(world.ctx, { id: user.id, role });
      return { userId: user.id, telegramId, token };
    },

    /** A server's key. */
    async key(scopes: ReadonlyArray<Scope> = SCOPES): Promise<string> {
      const secret = `hoshi_test_key_${createHash('sha256').update(String(unique())).digest('hex')}`;
      await registerApiKey(world.ctx, { name: 'test', secret, scopes });
      return secret;
    },

    async send(
      method: string,
      path: string,
      options: { headers?: Record<string, string>; body?: BodyInit | null } = {},
    ): Promise<Answer> {
      const response = await fetch(`${world.url}${path}`, { method, ...options });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
      return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
    },

    /** Sends JSON. `as`: a session token or an API key. */
    call(
      method: string,
      path: string,
      options: { as?: string | undefined; json?: unknown; headers?: Record<string, string> } = {},
    ): Promise<Answer> {
      const { as, headers = {}, json } = options;
      return world.send(method, path, {
        headers: {
          ...(as !== undefined && { authorization: `Bearer ${as}` }),
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      });
    },

    /** One update of Telegram, at its own address. */
    update(update: Record<string, unknown>, options: { path?: string; secret?: string } = {}): Promise<Answer> {
      const { path = '/webhooks/telegram', secret = SECRET } = options;
      const body = { update_id: unique(), ...update };
      return world.call('POST', path, { json: body, headers: { 'x-telegram-bot-api-secret-token': secret } });
    },

    /** Orders a price for somebody and pays it, as Telegram would tell it. */
    async buy(buyer: Person, price: SeedPriceKey): Promise<{ invoiceId: string; paymentId: string; chargeId: string }> {
      const order = await world.call('POST', '/api/v1/payments/create', { as: buyer.token, json: orderOf(price) });
      const invoiceId = String(order.body['payment_id']);
      const chargeId = `charge_${unique()}`;
      const renews =
        PRICES[price].interval === 'month'
          ? {
              is_recurring: true,
              is_first_recurring: true,
              subscription_expiration_date: seconds(clock.now()) + 2_592_000,
            }
          : {};
      const payment = {
        currency: 'XTR',
        total_amount: PRICES[price].amount,
        invoice_payload: invoiceId,
        telegram_payment_charge_id: chargeId,
        ...renews,
      };
      const said = await world.update({
        message: {
          date: seconds(clock.now()),
          chat: { id: buyer.telegramId },
          from: { id: buyer.telegramId },
          successful_payment: payment,
        },
      });
      if (order.status !== 201 || said.status !== 200) throw new Error(`not bought: ${order.text} ${said.text}`);
      const { id } = await world.ctx.db.payment.findFirstOrThrow({
        where: { chargeId: TEST_VAULT.conceal(chargeId) },
      });
      return { invoiceId, paymentId: id, chargeId };
    },
  };
  return world;
}

export function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}

/** What is for sale: a line with a month and a year, and a plugin of a developer. */
export const PRICES = {
  month: { plan: 'log-pro', amount: 150, interval: 'month' },
  year: { plan: 'log-pro', amount: 1500, interval: 'year' },
  plugin: { plan: 'tool-license', amount: 101, interval: 'once' },
} as const;
export type SeedPriceKey = keyof typeof PRICES;
export const DEVELOPER_TELEGRAM_ID = 99_001;

/** The body of `create` for one of the prices. */
export function orderOf(price: SeedPriceKey): Record<string, unknown> {
  const { amount, interval, plan } = PRICES[price];
  return { amount, currency: 'XTR', payment_method: 'telegram_stars', item_id: plan, interval };
}

async function seedCatalog(ctx: Ctx): Promise<void> {
  const developer = await ensureUser(ctx, { telegramId: BigInt(DEVELOPER_TELEGRAM_ID), languageCode: 'en' });
  const text = (name: string) => ({
    ja: { name: `${name}（日）`, description: '説明' },
    en: { name, description: 'What it is' },
  });
  const planText = (name: string) => ({
    ja: { ...text(name).ja, features: ['機能'], privacy: ['暗号化'] },
    en: { ...text(name).en, features: ['A feature'], privacy: ['Encrypted'] },
  });
  const { db } = ctx;
  await db.product.createMany({
    data: [
      { id: 'prd_log', code: 'log', kind: 'plan_line', position: 0, texts: text('Log') },
      { id: 'prd_tool', code: 'tool', kind: 'plugin', position: 0, texts: text('Tool'), developerUserId: developer.id },
    ],
  });
  await db.plan.createMany({
    data: [
      {
        id: 'pln_log_free',
        productId: 'prd_log',
        code: 'log-free',
        rank: 0,
        texts: planText('Free'),
        limits: { notes: 10 },
      },
      {
        id: 'pln_log_pro',
        productId: 'prd_log',
        code: 'log-pro',
        rank: 1,
        texts: planText('Pro'),
        limits: { notes: 1000 },
      },
      { id: 'pln_tool', productId: 'prd_tool', code: 'tool-license', rank: 1, texts: planText('Tool') },
    ],
  });
  await db.price.createMany({
    data: [
      { id: 'prc_log_month', planId: 'pln_log_pro', currency: 'XTR', amount: 150n, interval: 'month' },
      { id: 'prc_log_year', planId: 'pln_log_pro', currency: 'XTR', amount: 1500n, interval: 'year' },
      { id: 'prc_log_usd', planId: 'pln_log_pro', currency: 'USD', amount: 999n, interval: 'month' },
      { id: 'prc_tool', planId: 'pln_tool', currency: 'XTR', amount: 101n, interval: 'once' },
    ],
  });
}

/** A provider that cannot be reached. */
export const UNREACHABLE = new ProviderError('unavailable', 'NO_ANSWER');
