import { startCheckout } from '#domain/checkout/start.ts';
import { concealReferences } from '#domain/context/conceal-references.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Capability } from '#domain/provider/capability.ts';
import type { OrderHint, Provider, ProviderReading } from '#domain/provider/contract.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import { type Received, receiveWebhook } from '#domain/webhook/receive.ts';
import { AMOUNTS, CATALOG } from './catalog.ts';
import { type Buyer, DAY_MS, type PriceId, STARS, type World } from './world.ts';

/** A provider beside Stars that can do everything the contract has words for. Its messages are our own events as JSON. */
export const RAIL = 'rail';

export type Hint = Readonly<{ hint: OrderHint; eventId: string }>;
export type Placed = Readonly<{ buyer: Buyer; invoiceId: string; priceId: PriceId }>;
export type Charge = Placed & Readonly<{ chargeId: string; amount: bigint; currency: 'XTR' | 'USD' }>;

export type Rail = Readonly<{
  /** The world of `ctx` in which this provider takes money too. */
  in(ctx: Ctx): Ctx;
  /** What the provider does otherwise from now on. */
  change(part: Partial<Provider>): void;
  /** Undoes all changes. */
  reset(): void;
  /** An order of a buyer of its own that this provider offered. */
  place(priceId?: PriceId): Promise<Placed>;
  order(buyer: Buyer, priceId: PriceId): ReturnType<typeof startCheckout>;
  /** An order that was paid and told. */
  buy(priceId?: PriceId): Promise<Charge>;
  /** Brings a message of the provider through the webhook door. */
  tell(message: ProviderEvent | Hint): Promise<Received>;
  /** That a charge was paid, as the provider tells it. */
  paid(placed: Placed, chargeId: string): ProviderEvent;
  /** A name nobody has used. */
  name(prefix: string): string;
}>;

const SURFACES = ['browser', 'api', 'mini_app', 'bot'] as const;
const capability = (currency: 'XTR' | 'USD', method: Capability['method'], isKept: boolean): Capability => ({
  method,
  currency,
  fee: { bps: 290, fixed: 3n, network: false, isKept },
  privacy: 'medium',
  renewalDays: [],
  surfaces: SURFACES,
  maxAmount: { oneTime: 1_000_000n, renewing: 0n },
  settlesInMinutes: 1,
});

let names = 0;
function name(prefix: string): string {
  names += 1;
  return `${prefix}_${names}`;
}

/** Adds the provider to a world. `isFeeKept`: it keeps its fee when money goes back. Used inside tests and hooks only. */
export function makeRail(world: World, options: { isFeeKept?: boolean } = {}): Rail {
  let changed: Partial<Provider> = {};
  const isKept = options.isFeeKept ?? false;
  const provider = (): Provider => {
    const stars = world.door.providers.get(STARS);
    if (!stars) throw new Error('not registered');
    const { listTransactions: _, setRenewal: __, ...rest } = stars;
    return {
      ...rest,
      id: RAIL,
      accepts: [capability('XTR', 'telegram_stars', isKept), capability('USD', 'credit_card', isKept)],
      refunds: 'parts',
      reservations: { lastMs: 31 * DAY_MS, lapseCode: null },
      createCheckout: async ({ attemptId }) => ({
        url: `https://pay.example/${attemptId}`,
        reference: `cs_${attemptId}`,
      }),
      closeCheckout: async () => 'closed',
      read: ({ body }) => readMessage(body),
      readStored: readMessage,
      refund: async ({ refundId }) => ({ status: 'done', reference: `re_${refundId}`, claimUrl: null }),
      ...changed,
    };
  };
  const within = (ctx: Ctx): Ctx => ({
    ...ctx,
    providers: new Map([...ctx.providers, [RAIL, concealReferences(provider(), ctx.vault)]]),
  });
  const order: Rail['order'] = (buyer, priceId) =>
    startCheckout(within(buyer.ctx), {
      userId: buyer.id,
      priceId,
      surface: 'browser',
      method: priceId === CATALOG.proYearUsd ? 'credit_card' : 'telegram_stars',
      providerId: RAIL,
      language: 'en',
    });
  const place: Rail['place'] = async (priceId = CATALOG.pluginOnce) => {
    const buyer = await world.newBuyer();
    return { buyer, priceId, invoiceId: (await order(buyer, priceId)).invoiceId };
  };
  const tell: Rail['tell'] = (message) => {
    const request = { method: 'POST', headers: {}, body: Buffer.from(write(message)), remoteAddress: null };
    const ctx = within(world.as({ kind: 'provider', providerId: RAIL }));
    return receiveWebhook(ctx, { providerId: RAIL, request, explain: (reason) => reason });
  };
  const paid: Rail['paid'] = ({ invoiceId, priceId }, chargeId) => ({
    type: 'payment_succeeded',
    eventId: `paid:${chargeId}`,
    occurredAt: world.clock.now(),
    invoiceId,
    chargeId,
    payerId: null,
    paid: { amount: BigInt(AMOUNTS[priceId]), currency: currencyOf(priceId) },
    ...PLAIN_CHARGE,
  });
  return {
    in: within,
    change(part) {
      changed = { ...changed, ...part };
    },
    reset() {
      changed = {};
    },
    order,
    place,
    async buy(priceId = CATALOG.pluginOnce) {
      const placed = await place(priceId);
      const chargeId = name('ch');
      await tell(paid(placed, chargeId));
      return { ...placed, chargeId, amount: BigInt(AMOUNTS[priceId]), currency: currencyOf(priceId) };
    },
    tell,
    paid,
    name,
  };
}

function currencyOf(priceId: PriceId): 'XTR' | 'USD' {
  return priceId === CATALOG.proYearUsd ? 'USD' : 'XTR';
}

function write(message: ProviderEvent | Hint): string {
  return JSON.stringify(message, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

function readMessage(body: Uint8Array): ProviderReading {
  const message = JSON.parse(Buffer.from(body).toString('utf8'), revive) as ProviderEvent | Hint;
  if ('hint' in message) return { kind: 'hint', type: 'order.changed', eventId: message.eventId, about: message.hint };
  return { kind: 'event', event: message };
}

function revive(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^-?\d+n$/.test(value)) return BigInt(value.slice(0, -1));
  return key === 'occurredAt' || key === 'paidUntil' ? new Date(value) : value;
}

/** All that a charge of this provider came to. */
export type Outcome = Readonly<{
  status: string;
  returned: bigint;
  /** By status, then by sum. */
  refunds: ReadonlyArray<readonly [status: string, amount: number]>;
  disputes: ReadonlyArray<readonly [status: string, returned: number]>;
  /** What the developer is owed of it, held or not, and what of that is held. */
  owed: bigint;
  held: bigint;
  hasRight: boolean;
}>;

/** Reads what stands of a charge. */
export async function outcomeOf(world: World, chargeId: string): Promise<Outcome> {
  const [row] = await world.sql<Outcome>(OUTCOME, [RAIL, chargeId]);
  if (!row) throw new Error(`no payment of ${chargeId}`);
  return { ...row, returned: BigInt(row.returned), owed: BigInt(row.owed), held: BigInt(row.held) };
}

const OUTCOME = `
  SELECT p.status::text AS status, p.returned_amount AS returned,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(r.status, r.amount) ORDER BY r.status::text, r.amount), '[]') FROM refund r WHERE r.payment_id = p.id) AS refunds,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(d.status, d.returned_amount) ORDER BY d.status::text, d.returned_amount), '[]') FROM dispute d WHERE d.payment_id = p.id) AS disputes,
    -sums.owed AS owed, -sums.held AS held,
    EXISTS (SELECT 1 FROM entitlement e WHERE e.payment_id = p.id AND e.revoked_at IS NULL) AS "hasRight"
  FROM payment p, LATERAL (
    SELECT coalesce(sum(l.amount) FILTER (WHERE l.account IN ('developer_payable', 'dispute_hold')), 0) AS owed,
      coalesce(sum(l.amount) FILTER (WHERE l.account = 'dispute_hold'), 0) AS held
    FROM ledger_entry l WHERE split_part(l.transaction_id, '/', 1) IN (
      SELECT p.id UNION ALL SELECT id FROM refund WHERE payment_id = p.id UNION ALL SELECT id FROM dispute WHERE payment_id = p.id)) AS sums
  WHERE p.provider = $1 AND p.charge_id = $2`;
