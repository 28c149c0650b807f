import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { handleWebhook, type WebhookAnswer } from '#api/webhook.ts';
import type { StartRequest } from '#domain/checkout/request.ts';
import type { Ctx } from '#domain/context/context.ts';
import { CATALOG } from './catalog.ts';
import { type Buyer, CLICK, PAYME, type World } from './world.ts';

/** The price of an order in what Payme counts in, and as Click writes it. */
export const TIYIN = 36_000_000;
export const SOM = '360000.00';
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

export type Placed = Readonly<{ buyer: Buyer; invoiceId: string; url: string }>;

/** An order of 360,000 so'm that can be paid now, of a buyer of its own. */
export async function placeOrder(world: World, providerId: string, rest: Partial<StartRequest> = {}): Promise<Placed> {
  const buyer = await world.newBuyer();
  const ways = { surface: 'api', method: 'credit_card', providerId } as const;
  const { invoiceId, url } = await world.order(buyer, CATALOG.proYearUzs, { ...ways, ...rest });
  return { buyer, invoiceId, url: url ?? '' };
}

export type Facts = Readonly<{
  order: string;
  payments: ReadonlyArray<readonly [provider: string, kind: string, status: string]>;
  /** Rights that stand. */
  rights: number;
  /** Holds in the order in which they were made. */
  holds: ReadonlyArray<readonly [provider: string, status: string]>;
  events: number;
}>;

/** Everything that providers' messages changed about an order. */
export async function factsOf(world: World, invoiceId: string): Promise<Facts | undefined> {
  const [row] = await world.sql<Omit<Facts, 'events'> & { charges: string[] }>(
    `SELECT i.status::text AS "order",
      (SELECT coalesce(jsonb_agg(jsonb_build_array(p.provider, p.kind, p.status) ORDER BY p.kind, p.provider), '[]') FROM payment p
        WHERE p.invoice_id = i.id) AS payments,
      (SELECT count(*)::int FROM entitlement e JOIN payment p ON p.id = e.payment_id
        WHERE p.invoice_id = i.id AND e.revoked_at IS NULL) AS rights,
      (SELECT coalesce(jsonb_agg(jsonb_build_array(r.provider, r.status) ORDER BY r.number), '[]') FROM reservation r
        WHERE r.invoice_id = i.id) AS holds,
      ARRAY(SELECT r.charge_id FROM reservation r WHERE r.invoice_id = i.id) AS charges
    FROM invoice i WHERE i.id = $1`,
    [invoiceId],
  );
  if (!row) return undefined;
  const { charges, ...facts } = row;
  const steps = await Promise.all(charges.map((chargeId) => stepsOf(world, chargeId)));
  return { ...facts, events: steps.flat().length };
}

const STEPS = ['reserve', 'capture', 'release', 'keep_receipt'] as const;

/** The messages of one charge that the inbox keeps, oldest first. */
export async function stepsOf(world: World, chargeId: string): Promise<string[]> {
  const rows = await world.sql<{ kind: string }>(
    'SELECT kind FROM webhook_event WHERE event_id = ANY($1) ORDER BY received_at, id',
    [STEPS.map((step) => `${step}:${chargeId}`)],
  );
  return rows.map(({ kind }) => kind);
}

type RunQuery = () => Promise<unknown>;

/** A door whose queries go through `around`, which is told how many came before. */
function doorWithQueries(world: World, around: (run: RunQuery, before: number) => Promise<unknown>): Ctx {
  const { pool } = world.door;
  let count = 0;
  const query = (...args: unknown[]) => {
    count += 1;
    return around(() => Reflect.apply(pool.query, pool, args), count - 1);
  };
  const watched = new Proxy(pool, { get: (target, name) => (name === 'query' ? query : Reflect.get(target, name)) });
  return { ...world.door, pool: watched };
}

/** A door whose database goes away after `queries` more of them. */
export function doorWithoutDatabase(world: World, queries = 0): Ctx {
  const gone = () => Promise.reject(new Error('connect ECONNREFUSED db.internal:5432'));
  return doorWithQueries(world, (run, before) => (before < queries ? run() : gone()));
}

/** A door at which `meanwhile` happens after a step has looked at the order, and before it writes what it decided. */
export function doorWith(world: World, meanwhile: () => Promise<unknown>): Ctx {
  return doorWithQueries(world, async (run, before) => {
    const result = await run();
    if (before === 0) await meanwhile();
    return result;
  });
}

const SECRETS = [
  PAYME.key,
  CLICK.secretKey,
  Buffer.from(`Paycom:${PAYME.key}`).toString('base64'),
  'ECONNREFUSED',
  'db.internal',
];

type Sent = Readonly<{
  method?: string;
  headers?: Record<string, string | string[]>;
  body: string | Uint8Array;
  door?: Ctx | undefined;
}>;

/** Brings bytes through the real door. No answer may show a secret or the words of a failure. */
export async function knock(world: World, providerId: string, sent: Sent): Promise<WebhookAnswer> {
  const request = {
    method: sent.method ?? 'POST',
    headers: sent.headers ?? {},
    body: Buffer.from(sent.body),
    remoteAddress: null,
  };
  const answer = await handleWebhook(sent.door ?? world.door, providerId, request, async () => {
    throw new Error('a payment message was taken for a chat message');
  });
  for (const secret of SECRETS) expect(answer.body).not.toContain(secret);
  return answer;
}

export type RpcAnswer = Readonly<{
  id: number | null;
  result?: Readonly<Record<string, unknown>>;
  error?: Readonly<{ code: number; message: Readonly<Record<string, string>>; data?: string }>;
}>;
type Params = Readonly<Record<string, unknown>>;

export const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;
export const PAYCOM = basic(`Paycom:${PAYME.key}`);

let requests = 0;
let transactions = 0;

/** An id as Payme makes them: 24 hexadecimal digits. */
export function newTransaction(): string {
  transactions += 1;
  return transactions.toString(16).padStart(24, '5f0a');
}

/** Payme as it calls us. Each answer is held to HTTP 200, the id of its request, and either a result or an error. */
export function paymeCaller(world: World) {
  const send = async (sent: Partial<Sent> & { body: string | Uint8Array }): Promise<RpcAnswer> => {
    const headers = { authorization: PAYCOM, 'content-type': 'text/json; charset=UTF-8' };
    const answer = await knock(world, 'payme', { headers, ...sent });
    expect(answer.status).toBe(200);
    const said: RpcAnswer = JSON.parse(answer.body);
    expect([said.result, said.error].filter(Boolean)).toHaveLength(1);
    return said;
  };
  const call = async (method: string, params: Params, rest: Omit<Sent, 'body'> = {}): Promise<RpcAnswer> => {
    requests += 1;
    const id = requests;
    const said = await send({ ...rest, body: JSON.stringify({ method, params, id }) });
    expect(said.id).toBe(id);
    return said;
  };
  return {
    send,
    call,
    check: (invoiceId: unknown, amount: unknown = TIYIN) =>
      call('CheckPerformTransaction', { amount, account: { order_id: invoiceId } }),
    create: (id: string, invoiceId: string, rest: { amount?: number; time?: number; door?: Ctx } = {}) => {
      const { amount = TIYIN, door, time = world.clock.now().getTime() } = rest;
      return call('CreateTransaction', { id, time, amount, account: { order_id: invoiceId } }, { door });
    },
    perform: (id: string, door?: Ctx) => call('PerformTransaction', { id }, { door }),
    cancel: (id: string, reason = 3, door?: Ctx) => call('CancelTransaction', { id, reason }, { door }),
    look: (id: string) => call('CheckTransaction', { id }),
    statement: async (from: number, to: number) => {
      const { result } = await call('GetStatement', { from, to });
      return result?.['transactions'] as ReadonlyArray<Readonly<Record<string, unknown>>>;
    },
  };
}

/** What an answer of ours comes to: the code of its error, else the state of the transaction, else `ok`. */
export function codeOf({ error, result }: RpcAnswer): unknown {
  return error ? error.code : (result?.['state'] ?? 'ok');
}

export type ShopAnswer = Readonly<{ text: string; error: number; error_note: string; number: string | null }>;
export type Fields = Readonly<Record<string, string>>;

/** The signature of docs.click.uz: texts as they are sent, without separators; Prepare has no merchant_prepare_id in it. */
export function signatureOf(fields: Fields, secret: string = CLICK.secretKey): string {
  const { action, amount, click_trans_id, merchant_prepare_id, merchant_trans_id, service_id, sign_time } = fields;
  const prepared = action === '0' ? '' : (merchant_prepare_id ?? '');
  const text = `${click_trans_id}${service_id}${secret}${merchant_trans_id}${prepared}${amount}${action}${sign_time}`;
  return createHash('md5').update(text).digest('hex');
}

export const signed = (fields: Fields, secret?: string): Fields => ({
  ...fields,
  sign_string: signatureOf(fields, secret),
});

let shopTransactions = 2_800_000_000n;

export function newShopTransaction(): string {
  shopTransactions += 1n;
  return shopTransactions.toString();
}

/** Fields of a Prepare as Click sends them, and with `merchant_prepare_id` those of a Complete; not signed yet. */
export function shopFields(transId: string, invoiceId: string, prepareId: string | null = null): Fields {
  return {
    click_trans_id: transId,
    service_id: CLICK.serviceId,
    click_paydoc_id: `1${transId.slice(1)}`,
    merchant_trans_id: invoiceId,
    ...(prepareId !== null && { merchant_prepare_id: prepareId }),
    amount: SOM,
    action: prepareId === null ? '0' : '1',
    error: '0',
    error_note: 'Success',
    sign_time: '2026-11-20 15:00:00',
  };
}

/** Click as it calls us. Each answer is held to HTTP 200, JSON, and an error code with a note. */
export function clickCaller(world: World) {
  const post = async (body: string | Uint8Array, rest: Omit<Sent, 'body'> = {}): Promise<ShopAnswer> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { body: text, status } = await knock(world, 'click', { headers, ...rest, body });
    expect(status).toBe(200);
    const { error, error_note } = JSON.parse(text) as { error: unknown; error_note: unknown };
    if (typeof error !== 'number' || typeof error_note !== 'string')
      throw new Error(`no answer of the protocol: ${text}`);
    const number = /"merchant_(?:prepare|confirm)_id":(\d+)[,}]/.exec(text)?.[1] ?? null;
    return { text, error, error_note, number };
  };
  const send = (fields: Fields, rest: Omit<Sent, 'body'> = {}) => post(new URLSearchParams(fields).toString(), rest);
  return {
    post,
    send,
    prepare: (transId: string, invoiceId: string, changed: Fields = {}, door?: Ctx) =>
      send(signed({ ...shopFields(transId, invoiceId), ...changed }), { door }),
    complete: (transId: string, invoiceId: string, prepareId: string | null, changed: Fields = {}, door?: Ctx) =>
      send(signed({ ...shopFields(transId, invoiceId, prepareId ?? '0'), ...changed }), { door }),
  };
}
