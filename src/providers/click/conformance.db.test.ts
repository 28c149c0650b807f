import { describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { lapseReservations } from '#domain/reservation/end.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import {
  clickCaller,
  codeOf,
  doorWith,
  doorWithoutDatabase,
  type Fields,
  factsOf,
  knock,
  MINUTE_MS,
  newShopTransaction,
  newTransaction,
  type Placed,
  paymeCaller,
  placeOrder,
  type ShopAnswer,
  SOM,
  shopFields,
  signatureOf,
  signed,
  stepsOf,
} from '../../testing/callers.ts';
import { CLICK, openWorld } from '../../testing/world.ts';

const world = openWorld();
const click = clickCaller(world);
const payme = paymeCaller(world);

const HOLD_MS = 30 * MINUTE_MS;
const ABSENT_ORDER = 'inv_00000000000000000000000000';
/** 2^53 + 1, which a JavaScript number cannot hold. */
const BEYOND_NUMBER = 9_007_199_254_740_993n;

type Held = Placed & Readonly<{ transId: string; prepared: ShopAnswer; number: string }>;

const newOrder = () => placeOrder(world, 'click');
const many = <T>(count: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));
const distinct = (answers: ReadonlyArray<ShopAnswer>) => new Set(answers.map(({ text }) => text)).size;
const errors = (answers: ReadonlyArray<ShopAnswer>) => answers.map(({ error }) => error).sort((a, b) => a - b);

/** An order that Click has prepared. */
async function prepared(order?: Placed, transId = newShopTransaction()): Promise<Held> {
  const placed = order ?? (await newOrder());
  const answer = await click.prepare(transId, placed.invoiceId);
  if (answer.error !== 0 || answer.number === null) throw new Error(`not prepared: ${answer.text}`);
  return { ...placed, transId, prepared: answer, number: answer.number };
}

async function confirmed() {
  const held = await prepared();
  return { ...held, answer: await click.complete(held.transId, held.invoiceId, held.number) };
}

/** An order that was prepared, and let go when our half hour was over; it may still be paid another way. */
async function released() {
  const held = await prepared(await placeOrder(world, 'click', { terms: { expiresInMinutes: 60 } }));
  world.clock.advance(HOLD_MS);
  await lapseReservations(world.system);
  return held;
}

const complete = ({ invoiceId, number, transId }: Held, changed: Fields = {}) =>
  click.complete(transId, invoiceId, number, changed);

describe('the pay link of an order', () => {
  it('has the service, the merchant, the order, and the amount in so’m', async () => {
    const { invoiceId, url } = await newOrder();
    const link = new URL(url);
    expect(link.origin + link.pathname).toBe(`${CLICK.checkoutUrl}/services/pay`);
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      service_id: CLICK.serviceId,
      merchant_id: CLICK.merchantId,
      transaction_param: invoiceId,
      amount: '360000.00',
    });
    expect(url).not.toContain(CLICK.secretKey);
  });

  it('names an order and an amount that Prepare takes', async () => {
    const { searchParams } = new URL((await newOrder()).url);
    const amount = searchParams.get('amount') ?? '';
    const answer = await click.prepare(newShopTransaction(), searchParams.get('transaction_param') ?? '', { amount });
    expect(answer.error).toBe(0);
  });
});

describe('Prepare', () => {
  it('answers click_trans_id, merchant_trans_id, merchant_prepare_id, error 0 and a note, and holds the order', async () => {
    const { invoiceId, number, prepared: answer, transId } = await prepared();
    expect(JSON.parse(answer.text)).toEqual({
      click_trans_id: Number(transId),
      merchant_trans_id: invoiceId,
      merchant_prepare_id: Number(number),
      error: 0,
      error_note: 'Success',
    });
    expect(await factsOf(world, invoiceId)).toEqual({
      order: 'open',
      payments: [],
      rights: 0,
      holds: [['click', 'reserved']],
      events: 1,
    });
  });

  it('repeated later is answered the same and writes nothing', async () => {
    const { invoiceId, prepared: answer, transId } = await prepared();
    world.clock.advance(5_000);
    expect((await click.prepare(transId, invoiceId)).text).toBe(answer.text);
    expect((await click.prepare(transId, invoiceId, { sign_time: '2026-11-20 15:00:07' })).text).toBe(answer.text);
    expect(await stepsOf(world, transId)).toEqual(['reserve']);
  });

  it.each(['360000', '360000.0', '360000.00', '360000.000'])('takes the amount written as %s', async (amount) => {
    const { invoiceId } = await newOrder();
    expect((await click.prepare(newShopTransaction(), invoiceId, { amount })).error).toBe(0);
  });

  it.each([
    ['one tiyin less', '359999.99'],
    ['one tiyin more', '360000.01'],
    ['a tenth of a tiyin more', '360000.001'],
    ['one so’m less', '359999'],
    ['tiyin instead of so’m', '36000000'],
    ['nothing', '0'],
    ['less than nothing', '-360000.00'],
    ['a sign', '+360000'],
    ['an exponent', '3.6e5'],
    ['a comma', '360000,00'],
    ['a space', ' 360000.00'],
    ['a hexadecimal number', '0x57e40'],
    ['a word', 'NaN'],
    ['too much for 64 bits', '99999999999999999999'],
  ])('%s is a wrong amount: -2', async (_name, amount) => {
    const { invoiceId } = await newOrder();
    expect((await click.prepare(newShopTransaction(), invoiceId, { amount })).error).toBe(-2);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: [], events: 0 });
  });

  it.each([
    ['an unknown order', ABSENT_ORDER],
    ['an order that is a number', '197'],
    ['SQL', "inv_1' OR '1'='1"],
    ['no order', ''],
    ['an order in another alphabet', 'заказ'],
  ])('of %s is -5', async (_name, invoiceId) => {
    const answer = await click.prepare(newShopTransaction(), invoiceId);
    expect([answer.error, answer.number]).toEqual([-5, null]);
  });

  it.each<[string, number, () => Promise<Placed>]>([
    ['a paid order', -4, confirmed],
    [
      'an order that Payme was paid for',
      -4,
      async () => {
        const order = await newOrder();
        const id = newTransaction();
        await payme.create(id, order.invoiceId);
        await payme.perform(id);
        return order;
      },
    ],
    [
      'an order that the buyer withdrew',
      -9,
      async () => {
        const order = await newOrder();
        await cancelInvoice(order.buyer.ctx, order.invoiceId);
        return order;
      },
    ],
    [
      'an order whose time is over',
      -9,
      async () => {
        const order = await newOrder();
        world.clock.advance(HOLD_MS);
        return order;
      },
    ],
    [
      'an order that our job has expired',
      -9,
      async () => {
        const order = await newOrder();
        world.clock.advance(HOLD_MS);
        await expireInvoices(world.system);
        return order;
      },
    ],
    ['an order that another click_trans_id holds', -9, prepared],
    [
      'an order that Payme holds',
      -9,
      async () => {
        const order = await newOrder();
        await payme.create(newTransaction(), order.invoiceId);
        return order;
      },
    ],
  ])('of %s is %i, without a number of ours', async (_name, error, make) => {
    const { invoiceId } = await make();
    const before = await factsOf(world, invoiceId);
    const answer = await click.prepare(newShopTransaction(), invoiceId);
    expect([answer.error, answer.number]).toEqual([error, null]);
    expect(await factsOf(world, invoiceId)).toEqual(before);
  });

  it('of the same click_trans_id after it was confirmed is -4: Click lost our answer, and may confirm again', async () => {
    const held = await confirmed();
    expect((await click.prepare(held.transId, held.invoiceId)).error).toBe(-4);
    expect((await complete(held)).error).toBe(-4);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ rights: 1, payments: { length: 1 } });
  });

  it('of the same click_trans_id after it was cancelled is -9', async () => {
    const held = await prepared();
    await complete(held, { error: '-5017' });
    expect((await click.prepare(held.transId, held.invoiceId)).error).toBe(-9);
  });

  it('of the same click_trans_id for another order is refused and leaves that order free', async () => {
    const { transId } = await prepared();
    const other = await newOrder();
    expect((await click.prepare(transId, other.invoiceId)).error).toBeLessThan(0);
    expect(await factsOf(world, other.invoiceId)).toMatchObject({ holds: [] });
    await prepared(other);
  });

  it('of the same click_trans_id with another amount is -2', async () => {
    const { invoiceId, transId } = await prepared();
    expect((await click.prepare(transId, invoiceId, { amount: '1.00' })).error).toBe(-2);
  });

  it('with a negative error lets go what that click_trans_id holds: -9', async () => {
    const { invoiceId, transId } = await prepared();
    expect((await click.prepare(transId, invoiceId, { error: '-1' })).error).toBe(-9);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', holds: [['click', 'cancelled']] });
  });

  it('with a negative error never takes an order', async () => {
    const { invoiceId } = await newOrder();
    expect((await click.prepare(newShopTransaction(), invoiceId, { error: '-1' })).error).toBe(-9);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: [] });
  });

  it('of an order that another charge held until its half hour was over is taken, though no job came by', async () => {
    const { invoiceId } = await prepared(await placeOrder(world, 'click', { terms: { expiresInMinutes: 60 } }));
    world.clock.advance(HOLD_MS);
    expect((await click.prepare(newShopTransaction(), invoiceId)).error).toBe(0);
  });
});

type Step = Readonly<{ name: string; fields: () => Promise<Fields> }>;
const STEPS: ReadonlyArray<Step> = [
  { name: 'Prepare', fields: async () => shopFields(newShopTransaction(), (await newOrder()).invoiceId) },
  {
    name: 'Complete',
    fields: async () => {
      const { invoiceId, number, transId } = await prepared();
      return shopFields(transId, invoiceId, number);
    },
  },
];
const without = (fields: Fields, name: string): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));

describe.each(STEPS)('the form and the signature of $name', ({ fields: make, name: step }) => {
  const settled = async (fields: Fields) => factsOf(world, fields['merchant_trans_id'] ?? '');

  async function expectRefused(error: number | ReadonlyArray<number>, change: (fields: Fields) => Fields) {
    const fields = await make();
    const before = await settled(fields);
    const answer = await click.send(change(fields));
    expect([error].flat()).toContain(answer.error);
    expect(await settled(fields)).toEqual(before);
  }

  it('the signature of the texts as they came is taken, in either case of its digits', async () => {
    const fields = await make();
    const sign_string = signatureOf(fields).toUpperCase();
    expect((await click.send({ ...fields, sign_string })).error).toBe(0);
  });

  it.each<[string, (fields: Fields) => string]>([
    ['by another secret', (fields) => signatureOf(fields, 'wrong')],
    ['by no secret', (fields) => signatureOf(fields, '')],
    ['that is empty', () => ''],
    ['of zeros', () => '0'.repeat(32)],
    ['that PHP takes for zero', () => '0e462097431906509019562988736854'],
    ['that lacks its last digit', (fields) => signatureOf(fields).slice(0, -1)],
    ['with a digit more', (fields) => `${signatureOf(fields)}0`],
    ['between spaces', (fields) => ` ${signatureOf(fields)} `],
    ['with separators', (fields) => signatureOf({ ...fields, amount: `:${fields['amount']}:` })],
    ['of the amount written otherwise', (fields) => signatureOf({ ...fields, amount: '360000' })],
    ['of the other action', (fields) => signatureOf({ ...fields, action: fields['action'] === '0' ? '1' : '0' })],
    ['that is the secret', () => CLICK.secretKey],
  ])('a signature %s is -1', async (_name, forge) => {
    await expectRefused(-1, (fields) => ({ ...fields, sign_string: forge(fields) }));
  });

  it.each<[string, string]>([
    ['click_trans_id', '2800999999'],
    ['service_id', '90002'],
    ['merchant_trans_id', ABSENT_ORDER],
    ['amount', '1.00'],
    ['sign_time', '2026-11-20 15:00:01'],
    ...(step === 'Complete' ? [['merchant_prepare_id', '999999'] satisfies [string, string]] : []),
  ])('%s changed after it was signed is -1', async (name, value) => {
    await expectRefused(-1, (fields) => ({ ...signed(fields), [name]: value }));
  });

  it('a wrong signature tells nothing of the order: the answer is the same for a known and an unknown one', async () => {
    const fields = { ...(await make()), sign_string: 'f'.repeat(32) };
    const known = await click.send(fields);
    expect((await click.send({ ...fields, merchant_trans_id: ABSENT_ORDER })).text).toBe(known.text);
  });

  it.each(['2', '3', '-1', '99'])('action %s is -3', async (action) => {
    await expectRefused(-3, (fields) => signed({ ...fields, action }));
  });

  it.each(['', 'prepare', '0.0', ' 0', '00x'])('action "%s" is refused', async (action) => {
    await expectRefused([-3, -8], (fields) => signed({ ...fields, action }));
  });

  it.each([
    'click_trans_id',
    'service_id',
    'click_paydoc_id',
    'merchant_trans_id',
    'amount',
    'action',
    'error',
    'sign_time',
    'sign_string',
    ...(step === 'Complete' ? ['merchant_prepare_id'] : []),
  ])('without %s is -8', async (name) => {
    await expectRefused(-8, (fields) => without(signed(fields), name));
  });

  it.each([
    ['click_trans_id', 'abc'],
    ['click_trans_id', '9223372036854775808'],
    ['click_trans_id', '-5'],
    ['error', 'none'],
    ['error', '1'],
    ['sign_time', 'yesterday'],
    ['service_id', '90009'],
  ])('%s "%s" is -8, though it is signed', async (name, value) => {
    await expectRefused(-8, (fields) => signed({ ...fields, [name]: value }));
  });

  it('the same field twice is -8', async () => {
    const fields = signed(await make());
    const body = `${new URLSearchParams(fields)}&amount=1.00`;
    expect((await click.post(body)).error).toBe(-8);
  });

  it('further fields are let through', async () => {
    expect((await click.send(signed({ ...(await make()), card_type: 'uzcard', phone: '+998901234567' }))).error).toBe(
      0,
    );
  });

  it('a note in Cyrillic is let through', async () => {
    expect((await click.send(signed({ ...(await make()), error_note: 'Успешно' }))).error).toBe(0);
  });

  it('is -7 with HTTP 200 while the database is away, and changes nothing', async () => {
    const fields = await make();
    const before = await settled(fields);
    expect((await click.send(signed(fields), { door: doorWithoutDatabase(world) })).error).toBe(-7);
    expect(await settled(fields)).toEqual(before);
    expect((await click.send(signed(fields))).error).toBe(0);
  });

  it('is answered from what stands when our answer was lost with the database', async () => {
    const fields = signed(await make());
    expect((await click.send(fields, { door: doorWithoutDatabase(world, step === 'Prepare' ? 2 : 3) })).error).toBe(-7);
    expect([0, -4]).toContain((await click.send(fields)).error);
    expect((await settled(fields))?.events).toBe(step === 'Prepare' ? 1 : 2);
  });
});

describe('what is no form', () => {
  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['JSON', '{"action":0}'],
    ['a broken escape', 'click_trans_id=%zz'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0x3d, 0xfe])],
    ['a thousand fields', 'a=1&'.repeat(1_000)],
    ['100,000 characters', `merchant_trans_id=${'a'.repeat(100_000)}`],
  ])('%s is -8', async (_name, body) => {
    expect((await click.post(body)).error).toBe(-8);
  });

  it.each(['GET', 'PUT'])('%s is -8', async (method) => {
    expect((await click.post('', { method })).error).toBe(-8);
  });

  it('an answer is JSON and says so', async () => {
    expect((await knock(world, 'click', { body: 'x' })).contentType).toMatch(/^application\/json/);
  });
});

describe('Complete', () => {
  it('answers click_trans_id, merchant_trans_id, merchant_confirm_id and error 0, and grants once', async () => {
    const { answer, invoiceId, transId } = await confirmed();
    expect(JSON.parse(answer.text)).toEqual({
      click_trans_id: Number(transId),
      merchant_trans_id: invoiceId,
      merchant_confirm_id: expect.any(Number),
      error: 0,
      error_note: 'Success',
    });
    expect(await factsOf(world, invoiceId)).toEqual({
      order: 'paid',
      payments: [['click', 'one_time', 'succeeded']],
      rights: 1,
      holds: [['click', 'paid']],
      events: 2,
    });
    const [payment] = await world.sql('SELECT charge_id, amount, currency FROM payment WHERE invoice_id = $1', [
      invoiceId,
    ]);
    expect(payment).toEqual({ charge_id: transId, amount: 36_000_000n, currency: 'UZS' });
    await expectWholeBooks(world.system);
  });

  it('repeated is -4, however often and late, and grants nothing more', async () => {
    const held = await confirmed();
    const before = await factsOf(world, held.invoiceId);
    for (const ms of [0, 1_000, 24 * 60 * MINUTE_MS]) {
      world.clock.advance(ms);
      expect((await complete(held)).error).toBe(-4);
    }
    expect(await factsOf(world, held.invoiceId)).toEqual(before);
  });

  it.each<[string, (held: Held) => string]>([
    ['one more', ({ number }) => `${BigInt(number) + 1_000n}`],
    ['nothing', () => '0'],
    ['the click_trans_id', ({ transId }) => transId],
  ])('with a merchant_prepare_id that is %s is -6 and takes nothing', async (_name, wrong) => {
    const held = await prepared();
    const answer = await click.complete(held.transId, held.invoiceId, wrong(held));
    expect(answer.error).toBe(-6);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ order: 'open', payments: [], rights: 0 });
    expect((await complete(held)).error).toBe(0);
  });

  it('with the merchant_prepare_id of another order is -6, for both orders', async () => {
    const [one, two] = [await prepared(), await prepared()];
    expect((await click.complete(one.transId, one.invoiceId, two.number)).error).toBe(-6);
    expect((await click.complete(two.transId, two.invoiceId, one.number)).error).toBe(-6);
    for (const { invoiceId } of [one, two]) expect(await factsOf(world, invoiceId)).toMatchObject({ payments: [] });
  });

  it('of a prepared click_trans_id for another order is -5 or -6 and takes nothing', async () => {
    const held = await prepared();
    const other = await newOrder();
    expect([-5, -6]).toContain((await click.complete(held.transId, other.invoiceId, held.number)).error);
    expect(await factsOf(world, other.invoiceId)).toMatchObject({ payments: [], holds: [] });
  });

  it.each(['359999.99', '360000.01', '1', '36000000', '0'])('with the amount changed to %s is -2', async (amount) => {
    const held = await prepared();
    expect((await complete(held, { amount })).error).toBe(-2);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ order: 'open', payments: [] });
  });

  it('with the amount written otherwise, but the same, is taken', async () => {
    expect((await complete(await prepared(), { amount: '360000' })).error).toBe(0);
  });

  it.each(['0', '1', '999999999'])(
    'without Prepare is -6, merchant_prepare_id %s, and makes nothing',
    async (number) => {
      const { invoiceId } = await newOrder();
      const transId = newShopTransaction();
      expect((await click.complete(transId, invoiceId, number)).error).toBe(-6);
      expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', holds: [], payments: [] });
      expect((await click.prepare(transId, invoiceId)).error).toBe(0);
    },
  );

  it('with a negative error and without Prepare is refused and makes nothing', async () => {
    const { invoiceId } = await newOrder();
    const answer = await click.complete(newShopTransaction(), invoiceId, '5', { error: '-1' });
    expect([-6, -9]).toContain(answer.error);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', holds: [], events: 0 });
  });

  it.each(['abc', '-1', '1.0', '', '9223372036854775808'])('with merchant_prepare_id "%s" is -8', async (number) => {
    const held = await prepared();
    expect((await click.complete(held.transId, held.invoiceId, number)).error).toBe(-8);
  });

  it('of an unknown order is refused', async () => {
    expect([-5, -6]).toContain((await click.complete(newShopTransaction(), ABSENT_ORDER, '1')).error);
  });

  it('after the buyer withdrew the order is taken: the money left their card', async () => {
    const held = await prepared();
    await cancelInvoice(held.buyer.ctx, held.invoiceId);
    expect((await complete(held)).error).toBe(0);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ payments: [['click', 'one_time', 'succeeded']] });
    await expectWholeBooks(world.system);
  });
});

describe('a Complete with a negative error', () => {
  it.each(['-1', '-2', '-4', '-5', '-9', '-5017', '-999999'])(
    'of %s cancels: -9, and so does each repeat',
    async (error) => {
      const held = await prepared();
      const answer = await complete(held, { error });
      expect(answer.error).toBe(-9);
      expect((await complete(held, { error })).text).toBe(answer.text);
      expect(await factsOf(world, held.invoiceId)).toEqual({
        order: 'open',
        payments: [],
        rights: 0,
        holds: [['click', 'cancelled']],
        events: 2,
      });
    },
  );

  it('frees the order for another click_trans_id, as often as it takes', async () => {
    const order = await newOrder();
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect((await complete(await prepared(order), { error: '-5017' })).error).toBe(-9);
    expect((await complete(await prepared(order))).error).toBe(0);
    expect(await factsOf(world, order.invoiceId)).toMatchObject({ order: 'paid', rights: 1, holds: { length: 4 } });
    await expectWholeBooks(world.system);
  });

  it('frees the order for Payme', async () => {
    const held = await prepared();
    await complete(held, { error: '-5017' });
    expect(codeOf(await payme.create(newTransaction(), held.invoiceId))).toBe(1);
  });

  it('cannot be turned into a payment by the same message with error 0: -9', async () => {
    const held = await prepared();
    await complete(held, { error: '-5017' });
    expect((await complete(held)).error).toBe(-9);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ order: 'open', payments: [], rights: 0 });
  });

  it('cannot be turned into a payment either when our half hour was over before it came', async () => {
    const held = await released();
    expect((await complete(held, { error: '-5017' })).error).toBe(-9);
    expect((await complete(held)).error).toBe(-9);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ payments: [], rights: 0 });
  });

  it('of Prepare cannot be turned into a payment either when our half hour was over before it came', async () => {
    const held = await released();
    expect((await click.prepare(held.transId, held.invoiceId, { error: '-5017' })).error).toBe(-9);
    expect((await complete(held)).error).toBe(-9);
  });

  it('after a confirmation revokes nothing and is raised once: -9', async () => {
    const held = await confirmed();
    const before = await factsOf(world, held.invoiceId);
    const raised = () =>
      world.sql(
        `SELECT j.payload->>'what' AS what FROM job j JOIN reservation r ON r.id = j.payload->>'objectId'
         WHERE j.name = 'tell_operators' AND r.invoice_id = $1`,
        [held.invoiceId],
      );
    expect(await raised()).toEqual([]);
    expect([-9, -4]).toContain((await complete(held, { error: '-1' })).error);
    expect([-9, -4]).toContain((await click.prepare(held.transId, held.invoiceId, { error: '-1' })).error);
    expect(await raised()).toEqual([{ what: 'cancelled' }]);
    expect(await factsOf(world, held.invoiceId)).toEqual(before);
    await expectWholeBooks(world.system);
  });

  it('with a wrong merchant_prepare_id cancels nothing: -6', async () => {
    const held = await prepared();
    const answer = await click.complete(held.transId, held.invoiceId, '999999999', { error: '-1' });
    expect(answer.error).toBe(-6);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ holds: [['click', 'reserved']] });
  });

  it('with a wrong signature cancels nothing: -1', async () => {
    const { invoiceId, number, transId } = await prepared();
    const fields = { ...shopFields(transId, invoiceId, number), error: '-1', sign_string: 'f'.repeat(32) };
    expect((await click.send(fields)).error).toBe(-1);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: [['click', 'reserved']] });
  });
});

describe('our half hour', () => {
  it('is not over before its last millisecond', async () => {
    const held = await prepared(await placeOrder(world, 'click', { terms: { expiresInMinutes: 60 } }));
    world.clock.advance(HOLD_MS - 1);
    await lapseReservations(world.system);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ holds: [['click', 'reserved']] });
  });

  it.each([
    ['and our job came by', true],
    ['and nobody came by', false],
  ])('is over %s: a Complete that comes late is honoured, once', async (_name, isJobRun) => {
    const held = await prepared();
    world.clock.advance(24 * 60 * MINUTE_MS);
    if (isJobRun) {
      await lapseReservations(world.system);
      await expireInvoices(world.system);
    }
    expect((await complete(held)).error).toBe(0);
    expect((await complete(held)).error).toBe(-4);
    expect(await factsOf(world, held.invoiceId)).toEqual({
      order: 'paid',
      payments: [['click', 'one_time', 'succeeded']],
      rights: 1,
      holds: [['click', 'paid']],
      events: 2,
    });
    await expectWholeBooks(world.system);
  });

  it('frees the order for another click_trans_id and for Payme', async () => {
    expect((await complete(await prepared(await released()))).error).toBe(0);
    const { invoiceId } = await released();
    expect(codeOf(await payme.create(newTransaction(), invoiceId))).toBe(1);
  });

  it('frees the order for Payme though no job came by', async () => {
    const { invoiceId } = await prepared(await placeOrder(world, 'click', { terms: { expiresInMinutes: 60 } }));
    world.clock.advance(HOLD_MS);
    expect(codeOf(await payme.create(newTransaction(), invoiceId))).toBe(1);
  });

  it.each<[string, (order: Placed) => Promise<unknown>, string]>([
    [
      'Payme',
      async ({ invoiceId }) => {
        const id = newTransaction();
        await payme.create(id, invoiceId);
        await payme.perform(id);
      },
      'payme',
    ],
    ['another click_trans_id', async (order) => complete(await prepared(order)), 'click'],
  ])(
    'and %s paid: money that is debited late all the same is booked as surplus and goes back',
    async (_name, pay, by) => {
      const held = await released();
      await pay(held);
      expect((await complete(held)).error).toBe(0);
      const facts = await factsOf(world, held.invoiceId);
      expect(facts).toMatchObject({ order: 'paid', rights: 1 });
      expect(facts?.payments).toEqual([
        [by, 'one_time', 'succeeded'],
        ['click', 'surplus', 'refunding'],
      ]);
      const refunds = await world.sql<{ id: string; status: string }>(
        'SELECT r.id, r.status FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.charge_id = $1',
        [held.transId],
      );
      expect(refunds.map(({ status }) => status)).toEqual(['requested']);
      const jobs = await world.sql("SELECT 1 FROM job WHERE name = 'execute_refund' AND payload->>'refundId' = $1", [
        refunds[0]?.id,
      ]);
      expect(jobs).toHaveLength(1);
      expect((await complete(held)).error).toBe(-4);
      await expectWholeBooks(world.system);
    },
  );

  it('and another click_trans_id holds the order: the late debit is honoured, the later one goes back', async () => {
    const late = await released();
    const rival = await prepared(late);
    expect((await complete(late)).error).toBe(0);
    expect((await complete(rival)).error).toBe(0);
    expect(await factsOf(world, late.invoiceId)).toMatchObject({
      rights: 1,
      payments: [
        ['click', 'one_time', 'succeeded'],
        ['click', 'surplus', 'refunding'],
      ],
    });
    await expectWholeBooks(world.system);
  });
});

describe('ids above 2^53', () => {
  it.each([BEYOND_NUMBER, 9_223_372_036_854_775_807n])('%s comes back digit for digit', async (id) => {
    const { invoiceId } = await newOrder();
    const transId = id.toString();
    const answer = await click.prepare(transId, invoiceId);
    expect(answer.text).toMatch(new RegExp(`"click_trans_id": ?"?${transId}"?[,}]`));
    const done = await click.complete(transId, invoiceId, answer.number);
    expect([done.error, done.text.includes(transId)]).toEqual([0, true]);
    const [payment] = await world.sql('SELECT charge_id FROM payment WHERE invoice_id = $1', [invoiceId]);
    expect(payment).toEqual({ charge_id: transId });
  });

  it('two that a JavaScript number takes for one are two', async () => {
    const [one, two] = [await newOrder(), await newOrder()];
    const [first, second] = [2n ** 53n + 10n, 2n ** 53n + 11n].map(String) as [string, string];
    await prepared(one, first);
    const rival = await prepared(two, second);
    expect((await click.complete(first, two.invoiceId, rival.number)).error).toBe(-6);
    expect((await complete(rival)).error).toBe(0);
    expect(await factsOf(world, one.invoiceId)).toMatchObject({ payments: [], holds: [['click', 'reserved']] });
  });

  it('a click_paydoc_id is kept digit for digit: refunds name it', async () => {
    const { invoiceId } = await newOrder();
    const click_paydoc_id = (BEYOND_NUMBER + 2n).toString();
    await click.prepare(newShopTransaction(), invoiceId, { click_paydoc_id });
    const rows = await world.sql('SELECT reference FROM reservation WHERE invoice_id = $1', [invoiceId]);
    expect(rows).toEqual([{ reference: click_paydoc_id }]);
  });
});

describe('between our look at the order and our writing', () => {
  it('the buyer withdraws it: Prepare is -9', async () => {
    const { buyer, invoiceId } = await newOrder();
    const door = doorWith(world, () => cancelInvoice(buyer.ctx, invoiceId));
    expect((await click.prepare(newShopTransaction(), invoiceId, {}, door)).error).toBe(-9);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'cancelled', holds: [] });
  });

  it('Payme takes it: Prepare is -9', async () => {
    const { invoiceId } = await newOrder();
    const door = doorWith(world, () => payme.create(newTransaction(), invoiceId));
    expect((await click.prepare(newShopTransaction(), invoiceId, {}, door)).error).toBe(-9);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: [['payme', 'reserved']] });
  });

  it('the same Prepare comes through: the answer is the same', async () => {
    const { invoiceId } = await newOrder();
    const transId = newShopTransaction();
    const answers: ShopAnswer[] = [];
    const door = doorWith(world, async () => answers.push(await click.prepare(transId, invoiceId)));
    answers.push(await click.prepare(transId, invoiceId, {}, door));
    expect([distinct(answers), answers.length]).toEqual([1, 2]);
  });

  it('a cancel comes through: a Complete of error 0 is -9', async () => {
    const held = await prepared();
    const door = doorWith(world, () => complete(held, { error: '-5017' }));
    expect((await click.complete(held.transId, held.invoiceId, held.number, {}, door)).error).toBe(-9);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ order: 'open', payments: [] });
  });

  it('a confirmation comes through: a cancel revokes nothing', async () => {
    const held = await prepared();
    const door = doorWith(world, () => complete(held));
    const answer = await click.complete(held.transId, held.invoiceId, held.number, { error: '-1' }, door);
    expect([-4, -9]).toContain(answer.error);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({
      order: 'paid',
      rights: 1,
      holds: [['click', 'paid']],
    });
  });

  it('the half hour ends: a Complete is honoured', async () => {
    const held = await prepared();
    const door = doorWith(world, async () => {
      world.clock.advance(HOLD_MS);
      await lapseReservations(world.system);
    });
    expect((await click.complete(held.transId, held.invoiceId, held.number, {}, door)).error).toBe(0);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({
      order: 'paid',
      rights: 1,
      holds: [['click', 'paid']],
    });
  });

  it('the half hour ends and Payme takes the order: a Complete is honoured, and Payme hears -31008', async () => {
    const held = await prepared(await placeOrder(world, 'click', { terms: { expiresInMinutes: 60 } }));
    const id = newTransaction();
    const door = doorWith(world, async () => {
      world.clock.advance(HOLD_MS);
      await lapseReservations(world.system);
      await payme.create(id, held.invoiceId);
    });
    expect((await click.complete(held.transId, held.invoiceId, held.number, {}, door)).error).toBe(0);
    expect(codeOf(await payme.perform(id))).toBe(-31_008);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ payments: [['click', 'one_time', 'succeeded']] });
  });
});

describe('at the same instant', () => {
  it('50 identical Prepares get identical answers and hold once', async () => {
    const { invoiceId } = await newOrder();
    const transId = newShopTransaction();
    const answers = await many(50, () => click.prepare(transId, invoiceId));
    expect([distinct(answers), answers[0]?.error]).toEqual([1, 0]);
    expect(await factsOf(world, invoiceId)).toMatchObject({ holds: { length: 1 }, events: 1 });
  });

  it('50 identical Completes grant once; each hears 0 or -4', async () => {
    const held = await prepared();
    const answers = await many(50, () => complete(held));
    for (const { error } of answers) expect([0, -4]).toContain(error);
    expect(answers.some(({ error }) => error === 0)).toBe(true);
    expect(await factsOf(world, held.invoiceId)).toEqual({
      order: 'paid',
      payments: [['click', 'one_time', 'succeeded']],
      rights: 1,
      holds: [['click', 'paid']],
      events: 2,
    });
    await expectWholeBooks(world.system);
  });

  it('50 identical cancels end the hold once, all -9', async () => {
    const held = await prepared();
    const answers = await many(50, () => complete(held, { error: '-5017' }));
    expect([distinct(answers), answers[0]?.error]).toEqual([1, -9]);
    expect(await factsOf(world, held.invoiceId)).toMatchObject({ order: 'open', payments: [], events: 2 });
  });

  it('two click_trans_ids race for one order: one holds it, the other is -9', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { invoiceId } = await newOrder();
      expect(errors(await many(2, () => click.prepare(newShopTransaction(), invoiceId)))).toEqual([-9, 0]);
    }
  });

  it('Payme and Click race for one order: exactly one holds it, and only that one is paid', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { invoiceId } = await newOrder();
      const codes = await many(20, async (n) => {
        if (n % 2 === round % 2) return codeOf(await payme.create(newTransaction(), invoiceId)) === 1 ? 'payme' : null;
        return (await click.prepare(newShopTransaction(), invoiceId)).error === 0 ? 'click' : null;
      });
      const winners = codes.filter((code) => code !== null);
      expect(winners).toHaveLength(1);
      expect(await factsOf(world, invoiceId)).toMatchObject({ holds: [[winners[0], 'reserved']] });
    }
  });

  it('a confirmation and a cancel race: confirmed and granted, or cancelled and free', async () => {
    for (let round = 0; round < 10; round += 1) {
      const held = await prepared();
      const [confirm, cancel] = await Promise.all([complete(held), complete(held, { error: '-5017' })]);
      const isTaken = confirm.error === 0;
      expect([-4, -9]).toContain(cancel.error);
      if (!isTaken) expect(confirm.error).toBe(-9);
      expect(await factsOf(world, held.invoiceId)).toMatchObject(
        isTaken ? { order: 'paid', rights: 1 } : { order: 'open', rights: 0, payments: [] },
      );
    }
    await expectWholeBooks(world.system);
  });

  it('two debits of one order race: one buys it, the other goes back', async () => {
    for (let round = 0; round < 5; round += 1) {
      const late = await released();
      const rival = await prepared(late);
      expect(errors(await Promise.all([complete(late), complete(rival)]))).toEqual([0, 0]);
      const facts = await factsOf(world, late.invoiceId);
      expect(facts?.rights).toBe(1);
      expect(facts?.payments.map(([, kind]) => kind)).toEqual(['one_time', 'surplus']);
    }
    await expectWholeBooks(world.system);
  });

  it('many buyers pay many orders: each gets what it paid for', async () => {
    const held = await many(20, () => prepared());
    expect(errors(await many(20, async (n) => complete(held[n] as Held)))).toEqual(Array.from({ length: 20 }, () => 0));
    for (const { invoiceId } of held)
      expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1, events: 2 });
    await expectWholeBooks(world.system);
  });
});

describe('the inbox', () => {
  it('has one message of each step however often it came, and none that was refused', async () => {
    const held = await prepared();
    await click.prepare(held.transId, held.invoiceId);
    await click.complete(held.transId, held.invoiceId, '999999999');
    await complete(held, { amount: '1' });
    await complete(held);
    await complete(held);
    await complete(held, { error: '-1' });
    expect((await stepsOf(world, held.transId)).sort()).toEqual(['capture', 'reserve']);
  });

  it('keeps no message in the clear', async () => {
    const { transId } = await prepared();
    const rows = await world.sql<{ body: Buffer }>('SELECT body FROM webhook_event WHERE event_id = $1', [
      `reserve:${transId}`,
    ]);
    expect(rows.map(({ body }) => body.includes('sign_string') || body.includes(SOM))).toEqual([false]);
  });
});
