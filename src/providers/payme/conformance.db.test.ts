import { describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { lapseReservations } from '#domain/reservation/end.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import {
  basic,
  clickCaller,
  codeOf,
  doorWith,
  doorWithoutDatabase,
  factsOf,
  HOUR_MS,
  knock,
  MINUTE_MS,
  newShopTransaction,
  newTransaction,
  PAYCOM,
  type Placed,
  paymeCaller,
  placeOrder,
  type RpcAnswer,
  stepsOf,
  TIYIN,
} from '../../testing/callers.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import { openWorld, PAYME } from '../../testing/world.ts';

const world = openWorld();
const payme = paymeCaller(world);
const click = clickCaller(world);

const TIMEOUT_MS = 12 * HOUR_MS;
const UNKNOWN = '0'.repeat(24);
const ACCOUNT_CODES = { min: -31_099, max: -31_050 };
const ABSENT_ORDER = 'inv_00000000000000000000000000';

const now = () => world.clock.now().getTime();
const newOrder = () => placeOrder(world, 'payme');
const many = <T>(count: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));
const withoutId = ({ error, result }: RpcAnswer) => ({ error, result });
const distinct = (answers: ReadonlyArray<RpcAnswer>) =>
  new Set(answers.map((answer) => JSON.stringify(withoutId(answer)))).size;

function expectAccountError(answer: RpcAnswer): void {
  const code = Number(codeOf(answer));
  expect(code).toBeGreaterThanOrEqual(ACCOUNT_CODES.min);
  expect(code).toBeLessThanOrEqual(ACCOUNT_CODES.max);
  expect(answer.error?.data).toBe('order_id');
}

/** An order with a transaction of state 1. */
async function created(rest: { time?: number } = {}): Promise<Placed & { id: string; answer: RpcAnswer }> {
  const order = await newOrder();
  const id = newTransaction();
  return { ...order, id, answer: await payme.create(id, order.invoiceId, rest) };
}

async function performed() {
  const order = await created();
  return { ...order, answer: await payme.perform(order.id) };
}

/** A transaction whose twelve hours end in `leftMs`, by Payme's own time. */
const createdLongAgo = (leftMs: number) => created({ time: now() - TIMEOUT_MS + leftMs });

/** A debit of Click for an order that it prepared and whose half hour is over. */
async function lateDebit(invoiceId: string, transId: string, prepareId: string | null) {
  return click.complete(transId, invoiceId, prepareId);
}

describe('the pay link of an order', () => {
  it('is the base64 of the register, the order, the exact amount in tiyin and the currency', async () => {
    const { invoiceId, url } = await newOrder();
    const link = new URL(url);
    expect(link.origin).toBe(PAYME.checkoutUrl);
    const decoded = Buffer.from(link.pathname.slice(1), 'base64').toString('utf8');
    const values = new Map(decoded.split(';').map((pair) => pair.split(/=(.*)/s, 2) as [string, string]));
    expect(values.get('m')).toBe(PAYME.merchantId);
    expect(values.get('ac.order_id')).toBe(invoiceId);
    expect(values.get('a')).toBe('36000000');
    expect(['ru', 'uz', 'en']).toContain(values.get('l'));
    expect(decoded).not.toContain(PAYME.key);
  });

  it('names an order and an amount that CheckPerformTransaction allows', async () => {
    const decoded = Buffer.from(new URL((await newOrder()).url).pathname.slice(1), 'base64').toString();
    const order = /ac\.order_id=([^;]+)/.exec(decoded)?.[1];
    const amount = Number(/(?:^|;)a=(\d+)/.exec(decoded)?.[1]);
    expect((await payme.check(order, amount)).result).toMatchObject({ allow: true });
  });
});

type Ask = (invoiceId: unknown, amount?: unknown) => Promise<RpcAnswer>;
const GATES: ReadonlyArray<readonly [string, Ask]> = [
  ['CheckPerformTransaction', (invoiceId, amount = TIYIN) => payme.check(invoiceId, amount)],
  [
    'CreateTransaction',
    (invoiceId, amount = TIYIN) =>
      payme.call('CreateTransaction', {
        id: newTransaction(),
        time: now(),
        amount,
        account: { order_id: invoiceId },
      }),
  ],
];

describe.each(GATES)('%s judges the order and the amount', (_method, ask) => {
  it.each([
    ['one tiyin less', TIYIN - 1],
    ['one tiyin more', TIYIN + 1],
    ['the amount in so’m', TIYIN / 100],
    ['a hundred times the amount', TIYIN * 100],
    ['nothing', 0],
    ['less than nothing', -TIYIN],
    ['a part of a tiyin', TIYIN + 0.5],
    ['more than a safe integer', 2 ** 60],
  ])('%s is a wrong amount: -31001', async (_name, amount) => {
    const { invoiceId } = await newOrder();
    expect(codeOf(await ask(invoiceId, amount))).toBe(-31_001);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', holds: [], events: 0 });
  });

  it.each([
    ['text', '36000000'],
    ['null', null],
    ['a list', [TIYIN]],
  ])('an amount that is %s is refused', async (_name, amount) => {
    const { invoiceId } = await newOrder();
    expect([-32_600, -31_001]).toContain(codeOf(await ask(invoiceId, amount)));
  });

  it.each([
    ['an unknown order', ABSENT_ORDER],
    ['an empty order', ''],
    ['a number', 197],
    ['null', null],
    ['an object', { id: 1 }],
    ['SQL', "inv_1' OR '1'='1"],
    ['a NUL', 'inv_1\u0000'],
    ['a text of 100,000 characters', `inv_${'a'.repeat(50_000)}`],
  ])('%s is an error of the account and names its field', async (_name, invoiceId) => {
    expectAccountError(await ask(invoiceId));
  });

  it('a paid order is refused', async () => {
    const { invoiceId } = await performed();
    expectAccountError(await ask(invoiceId));
  });

  it('a refunded order is refused', async () => {
    const { id, invoiceId } = await performed();
    await payme.cancel(id, 5);
    expectAccountError(await ask(invoiceId));
  });

  it('an order that the buyer withdrew is refused', async () => {
    const { buyer, invoiceId } = await newOrder();
    await cancelInvoice(buyer.ctx, invoiceId);
    expectAccountError(await ask(invoiceId));
  });

  it.each([
    ['before', false],
    ['after', true],
  ])('an expired order is refused, %s our own job closed it', async (_name, isClosed) => {
    const { invoiceId } = await newOrder();
    world.clock.advance(30 * MINUTE_MS);
    if (isClosed) await expireInvoices(world.system);
    expectAccountError(await ask(invoiceId));
  });

  it('an order that another transaction holds is refused', async () => {
    const { invoiceId } = await created();
    const answer = await ask(invoiceId);
    if (codeOf(answer) !== -31_008) expectAccountError(answer);
  });

  it('an order that Click holds is refused', async () => {
    const { invoiceId } = await newOrder();
    expect((await click.prepare(newShopTransaction(), invoiceId)).error).toBe(0);
    const answer = await ask(invoiceId);
    if (codeOf(answer) !== -31_008) expectAccountError(answer);
  });

  it('an order held by a transaction whose twelve hours are over is free again, though no job came by', async () => {
    const { invoiceId } = await createdLongAgo(1_000);
    world.clock.advance(1_000);
    expect((await ask(invoiceId)).error).toBeUndefined();
  });

  it('an account without order_id is an error of the account; no account at all is -32600', async () => {
    const rest = { id: newTransaction(), time: now(), amount: TIYIN };
    expectAccountError(await payme.call(_method, { ...rest, account: { other: 1 } }));
    for (const account of [undefined, null, 'x', 5])
      expect(codeOf(await payme.call(_method, { ...rest, account }))).toBe(-32_600);
  });
});

describe('CheckPerformTransaction', () => {
  it('allows an open order, as often as it is asked, and changes nothing', async () => {
    const { invoiceId } = await newOrder();
    for (const answer of await many(5, () => payme.check(invoiceId)))
      expect(answer.result).toMatchObject({ allow: true });
    expect(await factsOf(world, invoiceId)).toEqual({ order: 'open', payments: [], rights: 0, holds: [], events: 0 });
  });

  it('lets further fields through', async () => {
    const { invoiceId } = await newOrder();
    const account = { order_id: invoiceId, phone: '998901234567' };
    const answer = await payme.call('CheckPerformTransaction', { amount: TIYIN, account, extra: [1] });
    expect(answer.result).toMatchObject({ allow: true });
  });
});

describe('CreateTransaction', () => {
  it('answers create_time, transaction and state 1; the time is ours, not Payme’s', async () => {
    const time = now() - 60_000;
    const { answer, invoiceId } = await created({ time });
    expect(answer.result).toMatchObject({ create_time: now(), state: 1 });
    expect(answer.result?.['transaction']).toEqual(expect.stringMatching(/./));
    expect(await factsOf(world, invoiceId)).toEqual({
      order: 'open',
      payments: [],
      rights: 0,
      holds: [['payme', 'reserved']],
      events: 1,
    });
  });

  it('repeated later is answered the same, and writes nothing', async () => {
    const { answer, id, invoiceId } = await created({ time: now() });
    world.clock.advance(5_000);
    const again = await payme.create(id, invoiceId, { time: now() - 5_000 });
    expect(withoutId(again)).toEqual(withoutId(answer));
    expect(await stepsOf(world, id)).toEqual(['reserve']);
  });

  it('repeated is answered the same after the order’s own half hour: the order is held', async () => {
    const { answer, id, invoiceId } = await created({ time: now() });
    world.clock.advance(31 * MINUTE_MS);
    await expireInvoices(world.system);
    const again = await payme.create(id, invoiceId, { time: now() - 31 * MINUTE_MS });
    expect(withoutId(again)).toEqual(withoutId(answer));
  });

  it('a second transaction for a held order is -31008 and leaves no trace', async () => {
    const { id, invoiceId } = await created();
    const second = newTransaction();
    expect(codeOf(await payme.create(second, invoiceId))).toBe(-31_008);
    expect(codeOf(await payme.look(second))).toBe(-31_003);
    expect(codeOf(await payme.look(id))).toBe(1);
    expect(await stepsOf(world, second)).toEqual([]);
  });

  it('a transaction that holds one order cannot take another, nor change its amount', async () => {
    const { id, invoiceId } = await created();
    const other = await newOrder();
    expect(codeOf(await payme.create(id, other.invoiceId))).toBe(-31_008);
    expect([-31_001, -31_008]).toContain(codeOf(await payme.create(id, invoiceId, { amount: TIYIN + 1 })));
    expect(await factsOf(world, other.invoiceId)).toMatchObject({ holds: [] });
    expect(codeOf(await payme.look(id))).toBe(1);
  });

  it('a cancelled attempt frees the order for a new transaction, however often', async () => {
    const { invoiceId } = await newOrder();
    for (const reason of [1, 2, 3, 10]) {
      const lost = newTransaction();
      expect(codeOf(await payme.create(lost, invoiceId))).toBe(1);
      expect(codeOf(await payme.cancel(lost, reason))).toBe(-1);
      expect((await payme.check(invoiceId)).result).toMatchObject({ allow: true });
    }
    const won = newTransaction();
    expect(codeOf(await payme.create(won, invoiceId))).toBe(1);
    expect(codeOf(await payme.perform(won))).toBe(2);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1, holds: { length: 5 } });
    await expectWholeBooks(world.system);
  });

  it.each([
    ['cancelled before it was performed', async (id: string) => payme.cancel(id, 3)],
    ['performed', async (id: string) => payme.perform(id)],
    [
      'refunded',
      async (id: string) => {
        await payme.perform(id);
        return payme.cancel(id, 5);
      },
    ],
  ])('of a transaction that was %s is -31008', async (_name, end) => {
    const { id, invoiceId } = await created();
    await end(id);
    const before = await factsOf(world, invoiceId);
    expect(codeOf(await payme.create(id, invoiceId))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toEqual(before);
  });

  it('of a transaction that Payme began more than twelve hours ago is -31008: it is over before it begins', async () => {
    const { answer } = await createdLongAgo(0);
    expect(codeOf(answer)).toBe(-31_008);
  });

  it('takes a time that is ahead of our clock', async () => {
    const { answer, id } = await created({ time: now() + MINUTE_MS });
    expect(answer.result).toMatchObject({ create_time: now(), state: 1 });
    expect(codeOf(await payme.perform(id))).toBe(2);
  });

  it.each([
    ['no id', { id: undefined }],
    ['an id that is a number', { id: 5 }],
    ['an empty id', { id: '' }],
    ['no time', { time: undefined }],
    ['a time that is text', { time: '1764000000000' }],
    ['a time in seconds', { time: 1_764_000_000 }],
    ['no amount', { amount: undefined }],
  ])('%s is -32600 and changes nothing', async (_name, changed) => {
    const { invoiceId } = await newOrder();
    const params = { id: newTransaction(), time: now(), amount: TIYIN, account: { order_id: invoiceId }, ...changed };
    expect(codeOf(await payme.call('CreateTransaction', params))).toBe(-32_600);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: [] });
  });
});

describe('twelve hours, counted from Payme’s own time', () => {
  it('leave the transaction alive until the last millisecond', async () => {
    const { id } = await createdLongAgo(1_000);
    world.clock.advance(999);
    expect(codeOf(await payme.look(id))).toBe(1);
    expect(codeOf(await payme.perform(id))).toBe(2);
  });

  it('do not run from our own create_time', async () => {
    const { id } = await created({ time: now() + HOUR_MS });
    world.clock.advance(TIMEOUT_MS);
    expect(codeOf(await payme.look(id))).toBe(1);
  });

  it.each([
    ['PerformTransaction', -31_008, (id: string) => payme.perform(id)],
    ['CheckTransaction', -1, (id: string) => payme.look(id)],
    ['CancelTransaction', -1, (id: string) => payme.cancel(id, 3)],
    [
      'SetFiscalData',
      'ok',
      (id: string) =>
        payme.call('SetFiscalData', { id, type: 'CANCEL', fiscal_data: { receipt_id: 1, status_code: 0 } }),
    ],
  ])('are over when %s comes first: state -1, reason 4', async (_method, expected, first) => {
    const { id, invoiceId } = await createdLongAgo(1_000);
    world.clock.advance(1_000);
    const endedAt = now();
    expect(codeOf(await first(id))).toBe(expected);
    world.clock.advance(1_000);
    expect((await payme.look(id)).result).toMatchObject({
      state: -1,
      reason: 4,
      perform_time: 0,
      cancel_time: endedAt,
    });
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', payments: [], rights: 0 });
  });

  it('are over when the same Create comes again: -31008', async () => {
    const { id, invoiceId } = await createdLongAgo(1_000);
    world.clock.advance(1_000);
    expect(codeOf(await payme.create(id, invoiceId, { time: now() - TIMEOUT_MS }))).toBe(-31_008);
    expect((await payme.look(id)).result).toMatchObject({ state: -1, reason: 4 });
  });

  it('are over by the job when nobody asks, and a new transaction may begin', async () => {
    const { id, invoiceId } = await createdLongAgo(1_000);
    world.clock.advance(1_000);
    await lapseReservations(world.system);
    const endedAt = now();
    world.clock.advance(1_000);
    expect((await payme.look(id)).result).toMatchObject({ state: -1, reason: 4, cancel_time: endedAt });
    expect(codeOf(await payme.create(newTransaction(), invoiceId))).toBe(1);
  });

  it('stand in the statement as they ended', async () => {
    const { id } = await createdLongAgo(1_000);
    const time = now() - TIMEOUT_MS + 1_000;
    world.clock.advance(1_000);
    const rows = await payme.statement(time, time);
    expect(rows.find((row) => row['id'] === id)).toMatchObject({ state: -1, reason: 4 });
  });

  it('keep reason 4 and cancel_time when Payme’s own Cancel comes afterwards, twice', async () => {
    const { id } = await createdLongAgo(1_000);
    world.clock.advance(1_000);
    await payme.look(id);
    const endedAt = now();
    world.clock.advance(HOUR_MS);
    for (const reason of [4, 3])
      expect((await payme.cancel(id, reason)).result).toMatchObject({ state: -1, cancel_time: endedAt });
    expect((await payme.look(id)).result).toMatchObject({ reason: 4, cancel_time: endedAt });
  });

  it('do not end a transaction that was performed', async () => {
    const { answer, id } = await performed();
    world.clock.advance(2 * TIMEOUT_MS);
    await lapseReservations(world.system);
    expect(withoutId(await payme.perform(id))).toEqual(withoutId(answer));
  });

  it('end once however many ask at the same instant', async () => {
    const { id } = await createdLongAgo(1_000);
    world.clock.advance(1_000);
    const answers = await many(30, () => payme.look(id));
    expect(distinct(answers)).toBe(1);
    expect(answers[0]?.result).toMatchObject({ state: -1, reason: 4 });
  });
});

describe('PerformTransaction', () => {
  it('answers transaction, perform_time and state 2, and grants exactly once', async () => {
    const { answer: begun, id, invoiceId } = await created();
    world.clock.advance(2_000);
    const answer = await payme.perform(id);
    expect(answer.result).toMatchObject({
      transaction: begun.result?.['transaction'],
      perform_time: now(),
      state: 2,
    });
    expect(await factsOf(world, invoiceId)).toEqual({
      order: 'paid',
      payments: [['payme', 'one_time', 'succeeded']],
      rights: 1,
      holds: [['payme', 'paid']],
      events: 2,
    });
    const [payment] = await world.sql('SELECT charge_id, amount, currency FROM payment WHERE invoice_id = $1', [
      invoiceId,
    ]);
    expect(payment).toEqual({ charge_id: id, amount: BigInt(TIYIN), currency: 'UZS' });
    await expectWholeBooks(world.system);
  });

  it('repeated a day later keeps the first perform_time and grants nothing more', async () => {
    const { answer, id, invoiceId } = await performed();
    const before = await factsOf(world, invoiceId);
    world.clock.advance(24 * HOUR_MS);
    expect(withoutId(await payme.perform(id))).toEqual(withoutId(answer));
    expect(await factsOf(world, invoiceId)).toEqual(before);
  });

  it('of an unknown transaction is -31003', async () => {
    expect(codeOf(await payme.perform(UNKNOWN))).toBe(-31_003);
  });

  it('of a cancelled transaction is -31008 and takes nothing', async () => {
    const { id, invoiceId } = await created();
    await payme.cancel(id, 3);
    expect(codeOf(await payme.perform(id))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', payments: [], rights: 0 });
  });

  it('of a refunded transaction is -31008 and grants nothing again', async () => {
    const { id, invoiceId } = await performed();
    await payme.cancel(id, 5);
    expect(codeOf(await payme.perform(id))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ payments: [['payme', 'one_time', 'refunded']], rights: 0 });
  });

  it('of an order that the buyer withdrew meanwhile is -31008: nothing is taken, and Payme may cancel', async () => {
    const { buyer, id, invoiceId } = await created();
    await cancelInvoice(buyer.ctx, invoiceId);
    expect(codeOf(await payme.perform(id))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'cancelled', payments: [], rights: 0 });
    expect(codeOf(await payme.cancel(id, 3))).toBe(-1);
  });

  it('is taken hours after the order’s own half hour, because the order is held', async () => {
    const { id, invoiceId } = await created();
    world.clock.advance(11 * HOUR_MS);
    await expireInvoices(world.system);
    expect(codeOf(await payme.perform(id))).toBe(2);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1 });
  });

  it('of an order that Click was paid for meanwhile is -31008 and takes nothing', async () => {
    const order = await placeOrder(world, 'payme', { terms: { expiresInMinutes: 60 } });
    const [transId, id] = [newShopTransaction(), newTransaction()];
    const { number } = await click.prepare(transId, order.invoiceId);
    world.clock.advance(31 * MINUTE_MS);
    await lapseReservations(world.system);
    expect(codeOf(await payme.create(id, order.invoiceId))).toBe(1);
    expect((await lateDebit(order.invoiceId, transId, number)).error).toBe(0);
    expect(codeOf(await payme.perform(id))).toBe(-31_008);
    expect(await factsOf(world, order.invoiceId)).toMatchObject({ payments: [['click', 'one_time', 'succeeded']] });
  });

  it('of a right that the buyer got for good meanwhile is -31008: nothing is owed for the money', async () => {
    const buyer = await world.newBuyer();
    const request = {
      userId: buyer.id,
      priceId: CATALOG.pluginUzs,
      surface: 'api',
      method: 'credit_card',
      providerId: 'payme',
      language: 'en',
    } as const;
    const { invoiceId } = await startCheckout(buyer.ctx, request);
    const id = newTransaction();
    expect(codeOf(await payme.create(id, invoiceId, { amount: AMOUNTS[CATALOG.pluginUzs] }))).toBe(1);
    await world.buy(buyer, CATALOG.pluginOnce);
    expect(codeOf(await payme.perform(id))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ payments: [] });
  });
});

describe('CancelTransaction', () => {
  it('before Perform answers transaction, cancel_time and state -1, and the order is open again', async () => {
    const { answer: begun, id, invoiceId } = await created();
    world.clock.advance(3_000);
    expect((await payme.cancel(id, 3)).result).toMatchObject({
      transaction: begun.result?.['transaction'],
      cancel_time: now(),
      state: -1,
    });
    expect(await factsOf(world, invoiceId)).toEqual({
      order: 'open',
      payments: [],
      rights: 0,
      holds: [['payme', 'cancelled']],
      events: 2,
    });
  });

  it('after Perform is a refund: state -2, the right ends, payment and books go back', async () => {
    const { id, invoiceId } = await performed();
    world.clock.advance(3_000);
    expect((await payme.cancel(id, 5)).result).toMatchObject({ cancel_time: now(), state: -2 });
    expect(await factsOf(world, invoiceId)).toMatchObject({
      payments: [['payme', 'one_time', 'refunded']],
      rights: 0,
      holds: [['payme', 'refunded']],
      events: 3,
    });
    const refunds = await world.sql(
      'SELECT r.status, r.amount FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = $1',
      [invoiceId],
    );
    expect(refunds).toEqual([{ status: 'succeeded', amount: BigInt(TIYIN) }]);
    await expectWholeBooks(world.system);
  });

  it.each([
    ['before Perform', created, 3],
    ['after Perform', performed, 5],
  ])('repeated %s keeps the first cancel_time and the first reason', async (_name, make, reason) => {
    const { id, invoiceId } = await make();
    const first = await payme.cancel(id, reason);
    const before = await factsOf(world, invoiceId);
    world.clock.advance(HOUR_MS);
    expect(withoutId(await payme.cancel(id, reason))).toEqual(withoutId(first));
    expect(withoutId(await payme.cancel(id, 10))).toEqual(withoutId(first));
    expect((await payme.look(id)).result).toMatchObject({ reason, cancel_time: first.result?.['cancel_time'] });
    expect(await factsOf(world, invoiceId)).toEqual(before);
  });

  it('of an unknown transaction is -31003', async () => {
    expect(codeOf(await payme.cancel(UNKNOWN, 3))).toBe(-31_003);
  });

  it.each([1, 2, 3, 4, 5, 10])('takes reason %i and CheckTransaction repeats it', async (reason) => {
    const { id } = await created();
    expect(codeOf(await payme.cancel(id, reason))).toBe(-1);
    expect((await payme.look(id)).result).toMatchObject({ reason });
  });

  it.each([undefined, null, '3', 1.5, {}])('a reason that is %o is -32600 and cancels nothing', async (reason) => {
    const { id } = await created();
    expect(codeOf(await payme.call('CancelTransaction', { id, reason }))).toBe(-32_600);
    expect(codeOf(await payme.look(id))).toBe(1);
  });

  it('of a payment whose refund we asked for ourselves ends that refund: one refund, not two', async () => {
    const { id, invoiceId } = await performed();
    const [payment] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [id]);
    const paymentId = payment?.id ?? '';
    await expect(requestRefund(world.system, { paymentId })).rejects.toMatchObject({ reason: 'refund_at_provider' });
    // As it stands where it was asked for before that was refused.
    await world.sql("UPDATE payment SET status = 'refunding' WHERE id = $1", [paymentId]);
    await world.sql(
      `INSERT INTO refund (id, payment_id, status, reason, amount, currency, requested_by, created_at)
       SELECT 'ref_ours', id, 'requested', 'requested', amount, currency, 'test', created_at FROM payment WHERE id = $1`,
      [paymentId],
    );
    expect(codeOf(await payme.cancel(id, 5))).toBe(-2);
    const refunds = await world.sql<{ id: string; status: string }>(
      'SELECT r.id, r.status FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = $1',
      [invoiceId],
    );
    expect(refunds.map(({ status }) => status)).toEqual(['succeeded']);
    expect(await executeRefund(world.system, refunds[0]?.id ?? '')).toBe('nothing_to_do');
    await expectWholeBooks(world.system);
  });
});

describe('CheckTransaction', () => {
  it.each([
    ['created', created, { state: 1, perform_time: 0, cancel_time: 0, reason: null }],
    ['performed', performed, { state: 2, cancel_time: 0, reason: null }],
  ] as const)(
    'of a transaction that is %s has zeros and null for what has not happened',
    async (_name, make, expected) => {
      const { answer, id } = await make();
      const { result } = await payme.look(id);
      expect(result).toMatchObject({ ...expected, transaction: answer.result?.['transaction'] });
      expect(Object.keys(result ?? {}).sort()).toEqual([
        'cancel_time',
        'create_time',
        'perform_time',
        'reason',
        'state',
        'transaction',
      ]);
    },
  );

  it('of a cancelled one has no perform_time, of a refunded one has all three', async () => {
    const lost = await created();
    await payme.cancel(lost.id, 3);
    expect((await payme.look(lost.id)).result).toMatchObject({
      state: -1,
      create_time: now(),
      perform_time: 0,
      cancel_time: now(),
      reason: 3,
    });
    const { id } = await created();
    const createTime = now();
    world.clock.advance(1_000);
    await payme.perform(id);
    const performTime = now();
    world.clock.advance(1_000);
    await payme.cancel(id, 5);
    expect((await payme.look(id)).result).toMatchObject({
      state: -2,
      create_time: createTime,
      perform_time: performTime,
      cancel_time: now(),
      reason: 5,
    });
  });

  it('writes nothing and is answered the same again', async () => {
    const { id } = await performed();
    const answers = await many(10, () => payme.look(id));
    expect(distinct(answers)).toBe(1);
    expect(await stepsOf(world, id)).toHaveLength(2);
  });

  it('of an unknown transaction is -31003', async () => {
    expect(codeOf(await payme.look(UNKNOWN))).toBe(-31_003);
  });

  it('of an id of 23 characters is refused', async () => {
    expect([-31_003, -32_600]).toContain(codeOf(await payme.look('0'.repeat(23))));
  });
});

describe('GetStatement', () => {
  /** A time of Payme's that no other transaction of this file has. */
  const quietTime = () => {
    world.clock.advance(13 * HOUR_MS);
    return now() - HOUR_MS;
  };

  it('goes by Payme’s time, from and to included, and is ascending', async () => {
    const base = quietTime();
    const ids: string[] = [];
    for (const offset of [3, 1, 2, 0, 4]) ids[offset] = (await created({ time: base + offset })).id;
    const rows = await payme.statement(base + 1, base + 3);
    expect(rows.map((row) => [row['id'], row['time']])).toEqual([
      [ids[1], base + 1],
      [ids[2], base + 2],
      [ids[3], base + 3],
    ]);
    expect(await payme.statement(base, base)).toHaveLength(1);
  });

  it('does not go by our own create_time', async () => {
    const time = quietTime();
    await created({ time });
    expect(await payme.statement(now(), now() + 1)).toEqual([]);
    expect(await payme.statement(time, time)).toHaveLength(1);
  });

  it('has every field of a transaction, in tiyin, with the account as it came', async () => {
    const time = quietTime();
    const { answer, id, invoiceId } = await created({ time });
    const createTime = now();
    world.clock.advance(1_000);
    await payme.perform(id);
    expect(await payme.statement(time, time)).toEqual([
      {
        id,
        time,
        amount: TIYIN,
        account: { order_id: invoiceId },
        create_time: createTime,
        perform_time: now(),
        cancel_time: 0,
        transaction: answer.result?.['transaction'],
        state: 2,
        reason: null,
        receivers: null,
      },
    ]);
  });

  it('has those that were created, performed, cancelled and refunded, and never a failed Create', async () => {
    const time = quietTime();
    await created({ time });
    await payme.perform((await created({ time: time + 1 })).id);
    await payme.cancel((await created({ time: time + 2 })).id, 3);
    const refunded = await created({ time: time + 3 });
    await payme.perform(refunded.id);
    await payme.cancel(refunded.id, 5);
    await payme.create(newTransaction(), (await newOrder()).invoiceId, { time: time + 1, amount: 1 });
    await payme.create(newTransaction(), ABSENT_ORDER, { time: time + 1 });
    await payme.create(newTransaction(), refunded.invoiceId, { time: time + 1 });
    const rows = await payme.statement(time, time + 10);
    expect(rows.map((row) => [row['state'], row['reason']])).toEqual([
      [1, null],
      [2, null],
      [-1, 3],
      [-2, 5],
    ]);
  });

  it('has no payment of another provider', async () => {
    const time = quietTime();
    await click.prepare(newShopTransaction(), (await newOrder()).invoiceId);
    expect(await payme.statement(time, now() + 1)).toEqual([]);
  });

  it('is an empty list where there is nothing, and for a time that ends before it begins', async () => {
    const time = quietTime();
    expect(await payme.statement(time, time + 1)).toEqual([]);
    await created({ time });
    expect(await payme.statement(time + 1, time - 1)).toEqual([]);
  });

  it.each([
    ['no from', { from: undefined }],
    ['no to', { to: undefined }],
    ['texts', { from: '1764000000000', to: '1764000000001' }],
    ['null', { from: null }],
  ])('with %s is -32600', async (_name, changed) => {
    expect(codeOf(await payme.call('GetStatement', { from: now(), to: now(), ...changed }))).toBe(-32_600);
  });
});

describe('SetFiscalData', () => {
  const RECEIPT = {
    receipt_id: 121,
    status_code: 0,
    message: 'accepted',
    terminal_id: 'EP000000000025',
    fiscal_sign: '800031554082',
    qr_code_url: 'https://ofd.soliq.uz/check?t=EP000000000025&r=121',
    date: '20221028124428',
  };
  const setReceipt = (params: Readonly<Record<string, unknown>>) => payme.call('SetFiscalData', params);

  it('keeps the receipt of the payment and that of the refund apart', async () => {
    const { id } = await performed();
    const give = (type: string, fiscal_sign: string) =>
      setReceipt({ id, type, fiscal_data: { ...RECEIPT, fiscal_sign } });
    expect((await give('PERFORM', '1')).result).toEqual({ success: true });
    await payme.cancel(id, 5);
    expect((await give('CANCEL', '2')).result).toEqual({ success: true });
    expect((await give('CANCEL', '2')).result).toEqual({ success: true });
    const [row] = await world.sql<{ receipts: unknown }>('SELECT receipts FROM reservation WHERE charge_id = $1', [id]);
    expect(row?.receipts).toEqual({
      charge: JSON.stringify({ ...RECEIPT, fiscal_sign: '1' }),
      refund: JSON.stringify({ ...RECEIPT, fiscal_sign: '2' }),
    });
  });

  it('of an unknown transaction is -32001', async () => {
    expect(codeOf(await setReceipt({ id: UNKNOWN, type: 'PERFORM', fiscal_data: RECEIPT }))).toBe(-32_001);
  });

  it.each([
    ['another type', { type: 'REFUND' }],
    ['no type', { type: undefined }],
    ['no receipt', { fiscal_data: undefined }],
    ['a receipt that is text', { fiscal_data: 'x' }],
    ['an address that is a script', { fiscal_data: { ...RECEIPT, qr_code_url: 'javascript:alert(1)' } }],
  ])('with %s is -32602', async (_name, changed) => {
    const { id } = await performed();
    expect(codeOf(await setReceipt({ id, type: 'PERFORM', fiscal_data: RECEIPT, ...changed }))).toBe(-32_602);
  });
});

describe('the protocol around the methods', () => {
  const METHODS = [
    'CheckPerformTransaction',
    'CreateTransaction',
    'PerformTransaction',
    'CancelTransaction',
    'CheckTransaction',
    'GetStatement',
    'SetFiscalData',
  ] as const;
  const paramsFor = (id: string, invoiceId: string) => ({
    id,
    time: now(),
    amount: TIYIN,
    account: { order_id: invoiceId },
    reason: 3,
    from: now(),
    to: now(),
    type: 'PERFORM',
    fiscal_data: { receipt_id: 1 },
  });

  it.each(METHODS)('%s without credentials is -32504, before and after an order has a transaction', async (method) => {
    for (const { id, invoiceId } of [{ ...(await newOrder()), id: newTransaction() }, await created()]) {
      const before = await factsOf(world, invoiceId);
      const answer = await payme.call(method, paramsFor(id, invoiceId), { headers: {} });
      expect(codeOf(answer)).toBe(-32_504);
      expect(await factsOf(world, invoiceId)).toEqual(before);
    }
  });

  it.each<[string, string | string[]]>([
    ['a wrong key', basic('Paycom:wrong')],
    ['a wrong login', basic(`Payme:${PAYME.key}`)],
    ['a login in another case', basic(`paycom:${PAYME.key}`)],
    ['no login', basic(`:${PAYME.key}`)],
    ['the key alone', basic(PAYME.key)],
    ['a key that lacks its last character', basic(`Paycom:${PAYME.key.slice(0, -1)}`)],
    ['a key with one character more', basic(`Paycom:${PAYME.key}0`)],
    ['a key among other text', basic(`x Paycom:${PAYME.key} y`)],
    ['an empty key', basic('Paycom:')],
    ['Basic and nothing', 'Basic '],
    ['Basic and no base64', 'Basic %%%'],
    ['the pair in the clear', `Basic Paycom:${PAYME.key}`],
    ['another scheme', PAYCOM.replace('Basic', 'Bearer')],
    ['no scheme', PAYCOM.replace('Basic ', '')],
    ['the header twice', [PAYCOM, PAYCOM]],
    ['an empty header', ''],
  ])('%s is -32504', async (_name, authorization) => {
    const { invoiceId } = await newOrder();
    const answer = await payme.call('CheckPerformTransaction', paramsFor(UNKNOWN, invoiceId), {
      headers: { authorization },
    });
    expect(codeOf(answer)).toBe(-32_504);
  });

  it('the scheme may be written in lower case', async () => {
    const headers = { authorization: PAYCOM.replace('Basic', 'basic') };
    expect(codeOf(await payme.call('CheckTransaction', { id: UNKNOWN }, { headers }))).toBe(-31_003);
  });

  it.each(['GET', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'])('%s is -32300, with HTTP 200', async (method) => {
    const answer = await payme.send({ method, body: '' });
    expect(codeOf(answer)).toBe(-32_300);
    expect(answer.id).toBeNull();
  });

  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['a form', 'method=CheckTransaction'],
    ['half an object', '{"method":"CheckTransaction","params":{"id":"'],
    ['single quotes', "{'method':'CheckTransaction'}"],
    ['a comma too many', '{"id":1,}'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ['objects without end', '{"a":'.repeat(10_000)],
  ])('%s is no JSON: -32700', async (_name, body) => {
    expect(withoutId(await payme.send({ body })).error?.code).toBe(-32_700);
  });

  it.each([
    ['a list', '[]'],
    ['a batch', '[{"method":"CheckTransaction","params":{"id":"000000000000000000000000"},"id":1}]'],
    ['null', 'null'],
    ['a number', '5'],
    ['a text', '"CheckTransaction"'],
    ['an empty object', '{}'],
    ['no method', '{"params":{},"id":1}'],
    ['a method that is a number', '{"method":5,"params":{},"id":1}'],
    ['no params', '{"method":"CheckTransaction","id":1}'],
    ['params that are a list', '{"method":"CheckTransaction","params":["000000000000000000000000"],"id":1}'],
    ['params that are null', '{"method":"CheckTransaction","params":null,"id":1}'],
  ])('%s is -32600', async (_name, body) => {
    expect(codeOf(await payme.send({ body }))).toBe(-32_600);
  });

  it.each(['ChangePassword', 'checkTransaction', 'CheckTransaction ', 'Foo', '__proto__', 'constructor', 'toString'])(
    '%s is no method: -32601 with its name',
    async (method) => {
      const { error } = await payme.call(method, { password: 'new' });
      expect(error).toMatchObject({ code: -32_601, data: method });
    },
  );

  it.each([0, 1, -7, 2_032, 2 ** 53 - 1])('the id %i comes back', async (id) => {
    const body = JSON.stringify({ method: 'CheckTransaction', params: { id: UNKNOWN }, id });
    expect((await payme.send({ body })).id).toBe(id);
    expect((await payme.send({ body, headers: {} })).id).toBe(id);
    expect((await payme.send({ body: body.replace('CheckTransaction', 'Foo') })).id).toBe(id);
  });

  it('a member jsonrpc and any content type are welcome', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'CheckTransaction', params: { id: UNKNOWN }, id: 3 });
    for (const type of ['application/json', 'text/plain', 'text/json; charset=UTF-8'])
      expect(codeOf(await payme.send({ body, headers: { authorization: PAYCOM, 'content-type': type } }))).toBe(
        -31_003,
      );
  });

  it('an answer is JSON and says so', async () => {
    const body = JSON.stringify({ method: 'CheckTransaction', params: { id: UNKNOWN }, id: 3 });
    const { contentType } = await knock(world, 'payme', { headers: { authorization: PAYCOM }, body });
    expect(contentType).toMatch(/^application\/json/);
  });

  it('a body of more than a megabyte is answered with HTTP 200, with and without credentials', async () => {
    const body = JSON.stringify({ method: 'CheckTransaction', params: { id: 'a'.repeat(1_100_000) }, id: 4 });
    for (const headers of [{ authorization: PAYCOM }, {}])
      expect((await payme.send({ body, headers })).error?.code).toBeLessThan(0);
  });

  it('every refusal has a sentence in Russian, Uzbek and English', async () => {
    const held = await created();
    const answers = [
      await payme.check(ABSENT_ORDER),
      await payme.check(held.invoiceId, 1),
      await payme.create(newTransaction(), held.invoiceId),
      await payme.perform(UNKNOWN),
      await payme.call('Foo', {}),
      await payme.call('CheckTransaction', {}),
      await payme.call('CheckTransaction', {}, { headers: {} }),
      await payme.send({ body: '{' }),
      await payme.send({ body: '', method: 'GET' }),
      await payme.perform(held.id, doorWithoutDatabase(world)),
    ];
    for (const { error } of answers) {
      const { en = '', ru = '', uz = '' } = error?.message ?? {};
      expect([en, ru, uz].every((text) => text.length > 5)).toBe(true);
      expect(ru).toMatch(/[а-я]/i);
      expect(new Set([en, ru, uz])).toHaveProperty('size', 3);
    }
  });

  it.each(METHODS)('%s is -32400 with HTTP 200 while the database is away, and changes nothing', async (method) => {
    const { id, invoiceId } = await created();
    const before = await factsOf(world, invoiceId);
    const params = paramsFor(method === 'CreateTransaction' ? newTransaction() : id, invoiceId);
    expect(codeOf(await payme.call(method, params, { door: doorWithoutDatabase(world) }))).toBe(-32_400);
    expect(await factsOf(world, invoiceId)).toEqual(before);
  });

  it('a step whose answer was lost with the database is answered from what stands when it comes again', async () => {
    const { invoiceId } = await newOrder();
    const id = newTransaction();
    expect(codeOf(await payme.create(id, invoiceId, { door: doorWithoutDatabase(world, 2) }))).toBe(-32_400);
    expect(codeOf(await payme.create(id, invoiceId))).toBe(1);
    expect(codeOf(await payme.perform(id, doorWithoutDatabase(world, 3)))).toBe(-32_400);
    expect(codeOf(await payme.perform(id))).toBe(2);
    expect(codeOf(await payme.cancel(id, 5, doorWithoutDatabase(world, 1)))).toBe(-32_400);
    expect(codeOf(await payme.cancel(id, 5))).toBe(-2);
    expect((await stepsOf(world, id)).sort()).toEqual(['capture', 'release', 'reserve']);
    await expectWholeBooks(world.system);
  });

  it('the inbox has one message of each step however often it came, and none of questions', async () => {
    const { id, invoiceId } = await created();
    await payme.create(id, invoiceId);
    for (const step of [payme.look, payme.perform, payme.perform, payme.look, payme.cancel, payme.cancel])
      await step(id);
    expect((await stepsOf(world, id)).sort()).toEqual(['capture', 'release', 'reserve']);
  });
});

describe('between our look at the order and our writing', () => {
  it('the buyer withdraws it: a Create is refused', async () => {
    const { buyer, invoiceId } = await newOrder();
    const door = doorWith(world, () => cancelInvoice(buyer.ctx, invoiceId));
    expectAccountError(await payme.create(newTransaction(), invoiceId, { door }));
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'cancelled', holds: [] });
  });

  it('another transaction takes it: a Create is -31008', async () => {
    const { invoiceId } = await newOrder();
    const door = doorWith(world, () => payme.create(newTransaction(), invoiceId));
    expect(codeOf(await payme.create(newTransaction(), invoiceId, { door }))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: [['payme', 'reserved']] });
  });

  it('the same Create comes through: the answer is the same', async () => {
    const { invoiceId } = await newOrder();
    const id = newTransaction();
    const answers: RpcAnswer[] = [];
    const door = doorWith(world, async () => answers.push(await payme.create(id, invoiceId)));
    answers.push(await payme.create(id, invoiceId, { door }));
    expect([distinct(answers), answers.length]).toEqual([1, 2]);
  });

  it('a Cancel comes through: Perform is -31008', async () => {
    const { id, invoiceId } = await created();
    expect(
      codeOf(
        await payme.perform(
          id,
          doorWith(world, () => payme.cancel(id, 3)),
        ),
      ),
    ).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', payments: [], rights: 0 });
  });

  it('a Perform comes through: Cancel gives the money back, -2', async () => {
    const { id, invoiceId } = await created();
    expect(
      codeOf(
        await payme.cancel(
          id,
          5,
          doorWith(world, () => payme.perform(id)),
        ),
      ),
    ).toBe(-2);
    expect(await factsOf(world, invoiceId)).toMatchObject({
      payments: [['payme', 'one_time', 'refunded']],
      rights: 0,
    });
    await expectWholeBooks(world.system);
  });

  it('the same Perform comes through: the answer is the same and the right is one', async () => {
    const { id, invoiceId } = await created();
    const answers: RpcAnswer[] = [];
    answers.push(
      await payme.perform(
        id,
        doorWith(world, async () => answers.push(await payme.perform(id))),
      ),
    );
    expect([distinct(answers), answers.length]).toEqual([1, 2]);
    expect(await factsOf(world, invoiceId)).toMatchObject({ rights: 1, payments: { length: 1 } });
  });

  it('the buyer withdraws it: Perform is -31008, nothing is taken', async () => {
    const { buyer, id, invoiceId } = await created();
    const door = doorWith(world, () => cancelInvoice(buyer.ctx, invoiceId));
    expect(codeOf(await payme.perform(id, door))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'cancelled', payments: [], rights: 0 });
  });

  it('a late debit of Click pays it: Perform is -31008, for Payme can still be told no', async () => {
    const { invoiceId } = await placeOrder(world, 'payme', { terms: { expiresInMinutes: 60 } });
    const [transId, id] = [newShopTransaction(), newTransaction()];
    const { number } = await click.prepare(transId, invoiceId);
    world.clock.advance(31 * MINUTE_MS);
    await lapseReservations(world.system);
    expect(codeOf(await payme.create(id, invoiceId))).toBe(1);
    const door = doorWith(world, () => lateDebit(invoiceId, transId, number));
    expect(codeOf(await payme.perform(id, door))).toBe(-31_008);
    expect(await factsOf(world, invoiceId)).toMatchObject({ payments: [['click', 'one_time', 'succeeded']] });
  });
});

describe('at the same instant', () => {
  it('50 identical Creates, then Performs, then Cancels get identical answers and have one effect', async () => {
    const { invoiceId } = await newOrder();
    const id = newTransaction();
    const time = now();
    const begun = await many(50, () => payme.create(id, invoiceId, { time }));
    expect([distinct(begun), begun[0] && codeOf(begun[0])]).toEqual([1, 1]);
    const paid = await many(50, () => payme.perform(id));
    expect([distinct(paid), paid[0] && codeOf(paid[0])]).toEqual([1, 2]);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    const back = await many(50, () => payme.cancel(id, 5));
    expect([distinct(back), back[0] && codeOf(back[0])]).toEqual([1, -2]);
    expect(await factsOf(world, invoiceId)).toEqual({
      order: 'paid',
      payments: [['payme', 'one_time', 'refunded']],
      rights: 0,
      holds: [['payme', 'refunded']],
      events: 3,
    });
    await expectWholeBooks(world.system);
  });

  it('50 identical Cancels before Perform end the transaction once', async () => {
    const { id, invoiceId } = await created();
    const answers = await many(50, () => payme.cancel(id, 3));
    expect([distinct(answers), answers[0] && codeOf(answers[0])]).toEqual([1, -1]);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', payments: [], events: 2 });
  });

  it('two transactions race for one order: one wins, the other is -31008', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { invoiceId } = await newOrder();
      const codes = (await many(2, () => payme.create(newTransaction(), invoiceId))).map(codeOf);
      expect(codes.sort()).toEqual([-31_008, 1]);
    }
  });

  it('fifty transactions race for one order: one wins, the others are -31008', async () => {
    const { invoiceId } = await newOrder();
    const codes = (await many(50, () => payme.create(newTransaction(), invoiceId))).map(codeOf);
    expect(codes.filter((code) => code === 1)).toHaveLength(1);
    expect(codes.filter((code) => code === -31_008)).toHaveLength(49);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: { length: 1 } });
  });

  it('Perform and Cancel race: what stands at the end agrees with both answers', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id, invoiceId } = await created();
      const [perform, cancel] = await Promise.all([payme.perform(id), payme.cancel(id, 3)]);
      const end = codeOf(await payme.look(id));
      expect(codeOf(cancel)).toBe(end);
      expect(codeOf(perform)).toBe(end === -1 ? -31_008 : 2);
      expect(await factsOf(world, invoiceId)).toMatchObject(
        end === -1
          ? { order: 'open', payments: [], rights: 0 }
          : { payments: [['payme', 'one_time', 'refunded']], rights: 0 },
      );
    }
    await expectWholeBooks(world.system);
  });

  it('Cancel of one transaction and Create of the next race: never two hold the order', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id, invoiceId } = await created();
      const next = newTransaction();
      const [cancel, create] = await Promise.all([payme.cancel(id, 3), payme.create(next, invoiceId)]);
      expect(codeOf(cancel)).toBe(-1);
      expect([1, -31_008]).toContain(codeOf(create));
      expect(codeOf(await payme.create(next, invoiceId))).toBe(1);
    }
  });

  it('Perform and the buyer’s withdrawal race: taken and granted, or neither', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { buyer, id, invoiceId } = await created();
      const [perform] = await Promise.all([payme.perform(id), cancelInvoice(buyer.ctx, invoiceId).catch(() => null)]);
      const isTaken = codeOf(perform) === 2;
      expect(await factsOf(world, invoiceId)).toMatchObject(
        isTaken ? { order: 'paid', rights: 1 } : { order: 'cancelled', rights: 0, payments: [] },
      );
    }
    await expectWholeBooks(world.system);
  });

  it('Perform and the job that ends transactions race at the twelfth hour: taken and granted, or neither', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id, invoiceId } = await createdLongAgo(1_000);
      world.clock.advance(1_000);
      const [perform] = await Promise.all([payme.perform(id), lapseReservations(world.system)]);
      expect(codeOf(perform)).toBe(-31_008);
      expect(await factsOf(world, invoiceId)).toMatchObject({ payments: [], rights: 0 });
    }
  });

  it('many buyers pay many orders: each gets what it paid for', async () => {
    const orders = await many(20, () => newOrder());
    const ids = orders.map(() => newTransaction());
    await many(20, async (n) => payme.create(ids[n] ?? '', orders[n]?.invoiceId ?? ''));
    const paid = await many(20, async (n) => payme.perform(ids[n] ?? ''));
    expect(paid.map(codeOf)).toEqual(Array.from({ length: 20 }, () => 2));
    for (const { invoiceId } of orders)
      expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1, events: 2 });
    await expectWholeBooks(world.system);
  });
});
