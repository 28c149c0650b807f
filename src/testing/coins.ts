import { expect } from 'vitest';
import type { StartRequest } from '#domain/checkout/request.ts';
import { DONE, jobHandlers } from '../jobs/table.ts';
import type {
  SimBtcpayDelivery,
  SimBtcpayInvoice,
  SimBtcpayPayout,
  SimCryptoPayDelivery,
  SimCryptoPayPayResult,
} from '../sandbox/control-crypto.ts';
import { CATALOG } from './catalog.ts';
import type { Buyer, PriceId, World } from './world.ts';

export const BTCPAY = 'btcpay';
export const CRYPTO_PAY = 'crypto-pay';

/** An order whose checkout a provider of coins has opened. `reference` is the provider's id of it. */
export type Placed = Readonly<{ buyer: Buyer; invoiceId: string; providerId: string; url: string; reference: string }>;

/** Opens a checkout in a browser, of a buyer of its own unless one is given. */
export async function placeCoins(
  world: World,
  providerId: string,
  { buyer, priceId = CATALOG.pluginUsd, ...rest }: Partial<StartRequest> & { buyer?: Buyer; priceId?: PriceId } = {},
): Promise<Placed> {
  const payer = buyer ?? (await world.newBuyer());
  const ways = { surface: 'browser', method: 'cryptocurrency', providerId, ...rest } as const;
  const opened = await world.order(payer, priceId, ways);
  const [attempt] = await world.sql<{ reference: string }>(
    "SELECT reference FROM payment_attempt WHERE invoice_id = $1 AND status = 'live'",
    [opened.invoiceId],
  );
  const { invoiceId, providerId: chosen, url } = opened;
  return { buyer: payer, invoiceId, providerId: chosen, url: url ?? '', reference: attempt?.reference ?? '' };
}

type Sending = Readonly<{
  amount?: string;
  outcome?: 'exact' | 'under' | 'over';
  method?: 'BTC-CHAIN' | 'BTC-LN';
  confirmations?: number;
  rbf?: boolean;
}>;

/** What buyers, blocks and the operator do at the simulated BTCPay Server. Each resolves when its webhooks are out. */
export function btcpayHand(world: World) {
  const ask = <Answer>(path: string, body: object = {}) => world.sandbox.ask<Answer>('POST', `/btcpay/${path}`, body);
  return {
    pay: ({ url }: Placed, sending: Sending = {}) => ask<SimBtcpayInvoice>('pay', { url, ...sending }),
    confirm: ({ reference }: Placed, confirmations = 6) =>
      ask<SimBtcpayInvoice>(`invoices/${reference}/confirm`, { confirmations }),
    drop: ({ reference }: Placed) => ask<SimBtcpayInvoice>(`invoices/${reference}/drop`),
    mark: ({ reference }: Placed, status: 'Settled' | 'Invalid') =>
      ask<SimBtcpayInvoice>(`invoices/${reference}/mark`, { status }),
    look: ({ reference }: Placed) => world.sandbox.ask<SimBtcpayInvoice>('GET', `/btcpay/invoices/${reference}`),
    claim: (pullPayment: string, amount?: string) =>
      ask<SimBtcpayPayout>(`pull-payments/${pullPayment}/claim`, amount === undefined ? {} : { amount }),
    payout: (id: string, action: 'approve' | 'start' | 'complete' | 'cancel') =>
      ask<SimBtcpayPayout>(`payouts/${id}/${action}`),
  };
}

/** Waits until BTCPay has nothing left to tell. */
async function untilTold(world: World): Promise<void> {
  const untold = async () => {
    const chain = await world.sandbox.ask<SimBtcpayDelivery[]>('GET', '/btcpay/deliveries?limit=500');
    return chain.filter(({ status }) => status === 'Pending');
  };
  await expect.poll(untold, { interval: 5, timeout: 10_000 }).toEqual([]);
}

/** Moves the clock, and waits until what BTCPay has to tell of it is told. */
export async function passTime(world: World, ms: number): Promise<void> {
  await world.advance(ms);
  await untilTold(world);
}

/** Ends all accidents, and waits for what comes again because of them: it must not meet the accidents of another test. */
export async function calmDown(world: World): Promise<void> {
  await world.sandbox.setFaults({});
  await untilTold(world);
  const untaken = async () => {
    const updates = await world.sandbox.ask<SimCryptoPayDelivery[]>('GET', '/crypto-pay/deliveries?limit=500');
    return updates.filter(({ status }) => status === 'pending');
  };
  await expect.poll(untaken, { interval: 20, timeout: 10_000 }).toEqual([]);
}

/** A buyer pays an invoice of the simulated Crypto Pay. */
export function payCryptoPay(world: World, { url }: Placed, asset?: string): Promise<SimCryptoPayPayResult> {
  return world.sandbox.ask('POST', '/crypto-pay/pay', { url, ...(asset === undefined ? {} : { asset }) });
}

export type Standing = Readonly<{
  order: string;
  /** What each is of its checkout (empty: the whole), its kind, status and irregularity. */
  payments: ReadonlyArray<readonly [part: string, kind: string, status: string, irregularity: string | null]>;
  rights: number;
  holds: ReadonlyArray<readonly [provider: string, status: string, progress: string | null]>;
  attempts: ReadonlyArray<readonly [provider: string, status: string, failure: string | null]>;
  refunds: ReadonlyArray<readonly [status: string, amount: number, failure: string | null]>;
}>;

/** All that an order came to. */
export async function standingOf(world: World, { invoiceId }: Pick<Placed, 'invoiceId'>): Promise<Standing> {
  const [row] = await world.sql<Standing>(STANDING, [invoiceId]);
  if (!row) throw new Error(`no order ${invoiceId}`);
  const payments = row.payments.map(([chargeId, ...rest]) => [chargeId.split(':')[1] ?? '', ...rest] as const);
  const order = ([part, kind]: (typeof payments)[number]) => `${kind} ${part}`;
  return { ...row, payments: payments.sort((one, other) => (order(one) < order(other) ? -1 : 1)) };
}

const STANDING = `
  SELECT i.status::text AS "order",
    (SELECT coalesce(jsonb_agg(jsonb_build_array(p.charge_id, p.kind, p.status, p.irregularity)), '[]')
      FROM payment p WHERE p.invoice_id = i.id) AS payments,
    (SELECT count(*)::int FROM entitlement e JOIN payment p ON p.id = e.payment_id
      WHERE p.invoice_id = i.id AND e.revoked_at IS NULL) AS rights,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(r.provider, r.status, r.progress) ORDER BY r.number), '[]') FROM reservation r
      WHERE r.invoice_id = i.id) AS holds,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(a.provider, a.status, a.failure) ORDER BY a.created_at, a.provider), '[]') FROM payment_attempt a
      WHERE a.invoice_id = i.id) AS attempts,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(r.status, r.amount, r.failure) ORDER BY r.created_at, r.status::text, r.amount), '[]') FROM refund r
      JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = i.id) AS refunds
  FROM invoice i WHERE i.id = $1`;

/** The payments of an order, the one that bought it first. */
export async function paymentsOf(world: World, { invoiceId }: Pick<Placed, 'invoiceId'>) {
  const rows = await world.sql<{ id: string; charge_id: string; kind: string; amount: bigint; currency: string }>(
    'SELECT id, charge_id, kind, amount, currency FROM payment WHERE invoice_id = $1 ORDER BY kind',
    [invoiceId],
  );
  const order = ({ charge_id, kind }: (typeof rows)[number]) => `${kind === 'surplus' ? 1 : 0} ${charge_id}`;
  return rows.sort((one, other) => (order(one) < order(other) ? -1 : 1));
}

/** The refunds of an order, oldest first. */
export function refundsOf(world: World, { invoiceId }: Pick<Placed, 'invoiceId'>) {
  return world.sql<{ id: string; reference: string | null; claim_url: string | null; amount: bigint; status: string }>(
    `SELECT r.id, r.reference, r.claim_url, r.amount, r.status FROM refund r JOIN payment p ON p.id = r.payment_id
     WHERE p.invoice_id = $1 ORDER BY r.created_at, r.id`,
    [invoiceId],
  );
}

/** What operators were told about payments and refunds of an order. */
export async function attentionsOf(world: World, { invoiceId }: Pick<Placed, 'invoiceId'>): Promise<string[]> {
  const rows = await world.sql<{ what: string }>(
    `SELECT j.payload->>'what' AS what FROM job j WHERE j.name = 'tell_operators' AND j.payload->>'objectId' IN (
       SELECT id FROM payment WHERE invoice_id = $1
       UNION ALL SELECT r.id FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = $1
       UNION ALL SELECT d.id FROM dispute d JOIN payment p ON p.id = d.payment_id WHERE p.invoice_id = $1)
     ORDER BY j.id`,
    [invoiceId],
  );
  return rows.map(({ what }) => what);
}

const OUTSIDE = ['execute_refund', 'close_checkout', 'forget_method', 'stop_renewal', 'cancel_surplus_renewal'];

/**
 * Does the queued work that calls providers, once each, as the worker would. Returns the codes of what failed and is to be
 * tried again when the clock has moved on.
 */
export async function workOutside(world: World): Promise<string[]> {
  const handlers = jobHandlers({
    send_notice: async () => DONE,
    deliver_record: async () => DONE,
    export_data: async () => DONE,
    run_erasure: async () => DONE,
  });
  const failed: string[] = [];
  const jobs = await world.sql<{ id: bigint; name: keyof typeof handlers; payload: never }>(
    'SELECT id, name, payload FROM job WHERE done_at IS NULL AND run_at <= $1 AND name = ANY($2) ORDER BY id',
    [world.clock.now(), OUTSIDE],
  );
  for (const { id, name, payload } of jobs) {
    try {
      await handlers[name](world.system, payload, async () => undefined);
      await world.sql("UPDATE job SET done_at = $2, outcome = 'done' WHERE id = $1", [id, world.clock.now()]);
    } catch (error) {
      failed.push(error instanceof Error && 'code' in error ? String(error.code) : String(error));
    }
  }
  return failed;
}
