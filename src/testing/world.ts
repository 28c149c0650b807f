import { randomBytes } from 'node:crypto';
import type { DestinationStream } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import type { OpenInvoice, StartRequest } from '#domain/checkout/request.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import { concealAll } from '#domain/context/conceal-references.ts';
import { type Actor, asActor, type Ctx, SCOPES } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { type Received, receiveWebhook } from '#domain/webhook/receive.ts';
import type { Clock } from '#lib/clock.ts';
import type { Database } from '#lib/db.ts';
import type { User } from '#lib/generated/prisma/client.ts';
import { makeLogger } from '#lib/log.ts';
import { makeMetrics } from '#lib/metrics.ts';
import { useTestDatabase as openTestDatabase } from '#lib/testing/database.ts';
import { TEST_SIGNER, TEST_VAULT } from '#lib/testing/vault.ts';
import { makeProviders, PROVIDERS } from '#providers/registry.ts';
import { type Sandbox, startSandbox } from '../sandbox/start.ts';
import { AMOUNTS, type CATALOG, seedCatalog } from './catalog.ts';
import { concealCompared, revealAll } from './plain.ts';
import { controlSandbox, type Door, openDoor, type SandboxControl } from './sandbox.ts';
import { successfulPayment } from './updates.ts';

export const STARS = 'telegram-stars';
export const SECRET = 'test-webhook-secret';
export const BOT_TOKEN = '7000000001:AAHoshiSandboxDevelopmentToken00000000';
/** The public values of the sandbox's Payme and Click. */
export const PAYME = {
  merchantId: '686f7368692d73616e64626f',
  key: 'HoshiSandboxPaymeKey0000000000000000',
  checkoutUrl: 'https://checkout.paycom.uz',
  subscribe: true,
  allowedAddresses: null,
  feeBps: 200,
} as const;
export const CLICK = {
  serviceId: '90001',
  merchantId: '90002',
  merchantUserId: '90003',
  secretKey: 'HoshiSandboxClickSecret',
  checkoutUrl: 'https://my.click.uz',
  feeBps: 100,
  storedCards: true,
} as const;
/** Every world begins here: a Friday, long before any leap day. */
export const START = new Date('2026-11-20T10:00:00.000Z');
export const DAY_MS = 86_400_000;
export const MONTH_MS = 30 * DAY_MS;

export type TestClock = Clock & { set(to: Date): void; advance(ms: number): void };
export type Buyer = User & { ctx: Ctx; telegramId: bigint };

/**
 * A whole small Hoshi for a test file: own Postgres database, the small catalogue, the real Telegram Stars adapter talking
 * to a real sandbox in this process, and one clock for both that stands still until it is moved.
 */
export type World = {
  readonly database: Database;
  readonly clock: TestClock;
  readonly sandbox: SandboxControl;
  readonly sandboxUrl: string;
  readonly initDataPublicKey: string;
  /** Speaks for our own system, which may do everything. */
  readonly system: Ctx;
  /** Speaks for nobody, as a door does before it knows who is there. */
  readonly door: Ctx;
  as(actor: Actor): Ctx;
  /** A server with these scopes, all of them by default. */
  asServer(scopes?: ReadonlyArray<(typeof SCOPES)[number]>): Ctx;
  /** A person we know, who has Stars in the sandbox. */
  newBuyer(balance?: number): Promise<Buyer>;
  order(buyer: Buyer, priceId: PriceId, rest?: Partial<StartRequest>): Promise<OpenInvoice>;
  /** An order that was paid by an update, with the facts of its charge. */
  buy(buyer: Buyer, priceId: PriceId): Promise<Bought>;
  /** Brings an update through the webhook door as Telegram would. */
  deliver(update: object, secret?: string): Promise<Received>;
  nextUpdateId(): number;
  /** Moves the clock of both sides; renewals that fall due happen and are delivered. */
  advance(ms: number): Promise<void>;
  /** Lets the sandbox deliver its updates to us from now on. */
  connect(): Promise<void>;
  /** Runs a query on the raw pool. */
  sql<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
};

export type PriceId = keyof typeof AMOUNTS & (typeof CATALOG)[keyof typeof CATALOG];
export type Bought = { invoiceId: string; chargeId: string; amount: number; at: Date; until: Date };

type Parts = {
  database: Database;
  ctx: Ctx;
  clock: TestClock;
  sandbox: Sandbox;
  control: SandboxControl;
  move(ms: number): Promise<void>;
  doors: Door[];
};

let updates = 500_000_000;
let people = 1_000_000;

function nextUpdateId(): number {
  updates += 1;
  return updates;
}

/** A charge id as Telegram makes them: opaque, about 140 characters. */
export function newChargeId(): string {
  return `stx${randomBytes(48).toString('base64url')}`;
}

type Receive = typeof receiveFor;

/**
 * `variables`: what the providers are set up with instead of the sandbox's own values, by its address. `log`: where everything is
 * logged; nowhere by default. `receive`: the door to which providers speak over HTTP, instead of the domain's own.
 */
type WorldOptions = {
  policy?: Partial<Ctx['policy']>;
  variables?: (sandboxUrl: string) => Record<string, string>;
  log?: DestinationStream;
  receive?: Receive;
};

/** Makes a world for all tests of the file or `describe` in which it is called. Its fields are for tests and hooks only. */
export function openWorld(options: WorldOptions = {}): World {
  const test = openTestDatabase();
  let parts: Parts | undefined;
  beforeAll(async () => {
    parts = await makeParts(test.database, options);
    await seedCatalog(test.database.prisma);
  });
  afterAll(async () => {
    await parts?.sandbox.close();
    await Promise.all((parts?.doors ?? []).map((door) => door.close()));
  });
  return makeWorld(options.receive ?? receiveFor, () => {
    if (!parts) throw new Error('the world exists inside tests and hooks only');
    return parts;
  });
}

async function makeParts(database: Database, options: WorldOptions): Promise<Parts> {
  const { log, policy = {}, receive = receiveFor, variables } = options;
  let baseMs = START.getTime();
  // The sandbox adds its own offset to the base; both sides show the same time at every moment, also while it moves.
  const clock: TestClock = {
    now: () => new Date(sandbox.nowMs()),
    stop: () => undefined,
    set: (to) => {
      baseMs += to.getTime() - sandbox.nowMs();
    },
    advance: (ms) => {
      baseMs += ms;
    },
  };
  // The webhooks of every provider but Telegram, which is told its address by `connect`.
  const rails = await openDoor((headers, body, path) => receive(ctx, path.split('/').at(-1) ?? '', headers, body));
  const sandbox = await startSandbox({
    port: 0,
    now: () => baseMs,
    botToken: BOT_TOKEN,
    retryScale: 0.001,
    appUrl: new URL(rails.url).origin,
  });
  const control = controlSandbox(sandbox.url);
  const ctx: Ctx = {
    db: database.prisma,
    isInTransaction: false,
    pool: database.pool,
    clock,
    policy: {
      publicUrl: 'http://localhost:3000',
      surfacePolicy: 'strict',
      invoiceTtlMinutes: 30,
      platformFeeBps: 3_000,
      webhookBodyRetentionDays: 7,
      retentionYears: 7,
      adminTelegramIds: [],
      ...policy,
    },
    vault: TEST_VAULT,
    signer: TEST_SIGNER,
    sessionSecret: 'a-session-secret-for-tests-only-000000',
    telegram: {
      botToken: BOT_TOKEN,
      botId: Number(BOT_TOKEN.split(':')[0]),
      initDataPublicKey: sandbox.initDataPublicKey,
    },
    providers: concealAll(
      makeProviders({
        telegram: {
          apiRoot: sandbox.url,
          botToken: BOT_TOKEN,
          secrets: { current: SECRET, previous: null, onPrevious: () => undefined },
        },
        // Every other provider with the sandbox's public values, at the sandbox of this world.
        source: {
          ...Object.assign({}, ...PROVIDERS.map(({ variables }) => variables.sandboxDefaults(sandbox.url))),
          PAYME_CHECKOUT_URL: PAYME.checkoutUrl,
          CLICK_CHECKOUT_URL: CLICK.checkoutUrl,
          ...variables?.(sandbox.url),
        },
        surround: () => ({ clock: () => clock.now(), onPreviousSecret: () => undefined, warn: () => undefined }),
      }),
      TEST_VAULT,
    ),
    log: makeLogger({ name: 'test', level: log ? 'trace' : 'silent' }, log),
    metrics: makeMetrics(),
    actor: { kind: 'stranger' },
    requestId: 'req_test',
    outside: { ms: 0 },
  };
  const move = async (ms: number) => {
    await control.advance(ms / 1000);
  };
  return { database, ctx, clock, sandbox, control, move, doors: [rails] };
}

async function receiveFor(ctx: Ctx, providerId: string, headers: Record<string, string | undefined>, body: Uint8Array) {
  const request = { method: 'POST', headers, body, remoteAddress: null };
  const stranger = asActor(ctx, { kind: 'stranger' });
  try {
    return (await receiveWebhook(stranger, { providerId, request, explain: (reason) => reason })).reply;
  } catch (error) {
    const isRefused = error instanceof AppError && (error.kind === 'unauthenticated' || error.kind === 'invalid');
    if (!isRefused) throw error;
    return { status: 400, contentType: 'application/json', body: '{}' };
  }
}

function makeWorld(receive: Receive, parts: () => Parts): World {
  const as = (actor: Actor) => asActor(parts().ctx, actor);
  const deliver: World['deliver'] = (update, secret = SECRET) => {
    const headers = { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret };
    const request = { method: 'POST', headers, body: Buffer.from(JSON.stringify(update)), remoteAddress: null };
    return receiveWebhook(as({ kind: 'stranger' }), { providerId: STARS, request, explain: (reason) => reason });
  };
  const order: World['order'] = (buyer, priceId, rest = {}) =>
    startCheckout(buyer.ctx, {
      userId: buyer.id,
      priceId,
      surface: 'mini_app',
      method: 'telegram_stars',
      language: 'en',
      ...rest,
    });
  return {
    get database() {
      return parts().database;
    },
    get clock() {
      return parts().clock;
    },
    get sandbox() {
      return parts().control;
    },
    get sandboxUrl() {
      return parts().sandbox.url;
    },
    get initDataPublicKey() {
      return parts().sandbox.initDataPublicKey;
    },
    get system() {
      return as({ kind: 'system', name: 'test' });
    },
    get door() {
      return parts().ctx;
    },
    as,
    asServer: (scopes = SCOPES) => as({ kind: 'api_key', keyId: 'key_test', scopes }),
    async newBuyer(balance = 1_000_000) {
      people += 1;
      const id = people;
      await parts().control.createUser({ id, first_name: 'Mina', language_code: 'en', balance });
      const user = await ensureUser(parts().ctx, { telegramId: BigInt(id), languageCode: 'en' });
      return { ...user, telegramId: BigInt(id), ctx: as({ kind: 'user', userId: user.id, role: 'user' }) };
    },
    order,
    async buy(buyer, priceId) {
      const { invoiceId } = await order(buyer, priceId);
      const at = parts().clock.now();
      const bought = {
        invoiceId,
        chargeId: newChargeId(),
        amount: AMOUNTS[priceId],
        at,
        until: new Date(at.getTime() + MONTH_MS),
      };
      const recurring = priceId.endsWith('month') ? { recurring: { isFirst: true, until: bought.until } } : {};
      await deliver(successfulPayment(nextUpdateId(), { payer: buyer, ...bought, ...recurring }));
      return bought;
    },
    deliver,
    nextUpdateId,
    advance: (ms) => parts().move(ms),
    async connect() {
      const own = await openDoor((headers, body) => receive(parts().ctx, STARS, headers, body));
      parts().doors.push(own);
      const { body } = await postWebhook(parts().sandbox.url, own.url);
      if (!body.ok) throw new Error(`setWebhook: ${JSON.stringify(body)}`);
    },
    async sql<Row extends Record<string, unknown>>(text: string, values: unknown[] = []) {
      const { rows } = await parts().database.pool.query<Row>(text, concealCompared(text, values));
      // Several statements at once have no rows; a row is made by the driver and has no prototype of ours.
      return (rows ?? []).map((row) => revealAll({ ...row }));
    },
  };
}

async function postWebhook(sandboxUrl: string, url: string): Promise<{ body: { ok: boolean } }> {
  const response = await fetch(`${sandboxUrl}/bot${BOT_TOKEN}/setWebhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      url,
      secret_token: SECRET,
      allowed_updates: ['message', 'pre_checkout_query', 'subscription'],
    }),
  });
  return { body: (await response.json()) as { ok: boolean } };
}
