import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { AskedOrder, CheckoutRequest, RefundRequest } from '#domain/provider/request.ts';
import { type ClickOptions, makeClick } from './adapter.ts';

const INVOICE = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
const TRANS_ID = '9007199254740993';
const PAYMENT_ID = '9007199254740995';
const now = new Date('2026-11-20T10:00:05Z');
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url));

/** Answers by the call they stand for; `down` is a connection that breaks. */
type Answers = Partial<Record<'status_by_mti' | 'status' | 'reversal' | 'partial_reversal' | 'next_day', string>>;
let answers: Answers = {};
let lines: string[] = [];
let apiUrl = '';
const server = createServer((request, response) => {
  const url = request.url ?? '';
  lines.push(`${request.method} ${url}`);
  const name = url.split('/')[4] as keyof Answers;
  const text = url.endsWith('/2026-11-21') ? (answers.next_day ?? answers[name]) : answers[name];
  if (text === 'down') return void request.socket.destroy();
  response.end(text ?? '{"error_code":-1,"error_note":"not arranged"}');
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  answers = {};
  lines = [];
});

const makeProvider = (change: Partial<ClickOptions> = {}): Provider =>
  makeClick({
    serviceId: '85335',
    merchantId: '4321',
    merchantUserId: '123',
    checkoutUrl: 'https://my.click.uz',
    apiUrl,
    secrets: { current: 'click-fixture-secret', previous: null, onPrevious: () => undefined },
    clock: () => now,
    feeBps: 200,
    storedCards: false,
    ...change,
  });
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof ProviderError ? [error.failure, error.code] : error),
  );
const merchant = (name: string) => fixture(`merchant-${name}`).toString();

describe('what Click can do', () => {
  it('is one thing: cards in so’m, paid once', () => {
    expect(makeProvider().accepts).toEqual([
      {
        method: 'credit_card',
        currency: 'UZS',
        fee: { bps: 200, fixed: 0n, network: false, isKept: false },
        privacy: 'medium',
        renewalDays: [],
        surfaces: ['mini_app', 'bot', 'browser', 'api'],
        maxAmount: { oneTime: 10_000_000_000n, renewing: 0n },
        settlesInMinutes: 1,
      },
    ]);
  });

  it('has no list of payments and renews nothing', () => {
    const provider = makeProvider();
    expect([provider.id, provider.listTransactions, provider.setRenewal]).toEqual(['click', undefined, undefined]);
  });
});

describe('the pay link', () => {
  const request: CheckoutRequest = {
    invoiceId: INVOICE,
    attemptId: 'att_1',
    method: 'credit_card',
    price: { amount: 3_840_050n, currency: 'UZS' },
    title: 'Line Basic',
    description: 'Basic.',
    language: 'uz',
    renewalDays: null,
    chatId: null,
    returnUrl: 'https://hoshi.example/pay?invoice=1&x=ё',
    expiresAt: now,
    token: null,
  };

  it('is made without a call: amount in so’m, our order, where to go afterwards', async () => {
    const { reference, url } = await makeProvider().createCheckout(request);
    const link = new URL(url ?? '');
    expect(reference).toBeNull();
    expect(`${link.origin}${link.pathname}`).toBe('https://my.click.uz/services/pay');
    expect(Object.fromEntries(link.searchParams)).toEqual({
      service_id: '85335',
      merchant_id: '4321',
      amount: '38400.50',
      transaction_param: INVOICE,
      return_url: 'https://hoshi.example/pay?invoice=1&x=ё',
    });
    expect(lines).toEqual([]);
  });

  it.each([
    [3_840_000n, '38400.00'],
    [1n, '0.01'],
    [9_999_999_999n, '99999999.99'],
  ])('of %d tiyin has two decimals', async (amount, text) => {
    const { url } = await makeProvider().createCheckout({ ...request, price: { amount, currency: 'UZS' } });
    expect(url).toContain(`&amount=${text}&`);
  });

  it('holds no secret and nothing about the person', async () => {
    const { url } = await makeProvider().createCheckout({ ...request, chatId: 7_000_000_101n });
    expect(url).not.toMatch(/secret|7000000101|merchant_user_id|Line/);
  });

  it('twice is the same link', async () => {
    expect(await makeProvider().createCheckout(request)).toEqual(
      await makeProvider().createCheckout({ ...request, attemptId: 'att_2' }),
    );
  });

  it('is refused for another currency, which Click would take for so’m', async () => {
    const dollars = { ...request, price: { amount: 999n, currency: 'USD' } } as const;
    expect(await failureOf(makeProvider().createCheckout(dollars))).toEqual(['invalid', 'CURRENCY_NOT_UZS']);
  });
});

describe('messages', () => {
  it.each([
    ['prepare', 'reserve'],
    ['complete', 'capture'],
    ['complete-cancelled', 'release'],
  ])('%s asks to %s', (name, type) => {
    const request = { method: 'POST', headers: {}, body: fixture(name), remoteAddress: '127.0.0.1' };
    expect(makeProvider().read(request, now)).toMatchObject({ kind: 'inquiry', inquiry: { type, chargeId: TRANS_ID } });
    expect(makeProvider({ serviceId: '1' }).read(request, now)).toMatchObject({ kind: 'rejected' });
  });

  it('are answered in Click’s words', () => {
    const inquiry = { type: 'look_up', inquiryId: '1', chargeId: '1' } as const;
    expect(makeProvider().reply(inquiry, { ok: true, reservation: null, reservations: [] })).toBeNull();
  });

  it('are never stored, so none can be read again', () => {
    expect(makeProvider().readStored(fixture('complete'), now)).toMatchObject({ kind: 'unreadable' });
  });
});

describe('asking about an order', () => {
  const order: AskedOrder = {
    invoiceId: INVOICE,
    reference: null,
    chargeId: null,
    createdAt: now,
    reservation: null,
  };
  const price = { amount: 3_840_000n, currency: 'UZS' } as const;
  const reserved = { ...order, reservation: { chargeId: TRANS_ID, reference: PAYMENT_ID, price } };
  const find = async (asked: typeof order, clock = () => now) => makeProvider({ clock }).find?.(asked);
  const tomorrow = () => new Date('2026-11-20T19:30:00Z');

  it('that is paid tells of the charge that was reserved', async () => {
    answers = { status_by_mti: merchant('status-paid') };
    expect(await find(reserved)).toMatchObject([
      { type: 'payment_succeeded', invoiceId: INVOICE, chargeId: TRANS_ID, paid: price, occurredAt: now },
    ]);
    expect(lines).toEqual([`GET /v2/merchant/payment/status_by_mti/85335/${INVOICE}/2026-11-20`]);
  });

  it('that is paid, with a status only in the second answer', async () => {
    answers = { status_by_mti: merchant('status-by-order'), status: merchant('status-paid') };
    expect(await find(reserved)).toHaveLength(1);
  });

  it.each([['status-processing'], ['status-reversed'], ['refused']])(
    'that is not paid tells nothing: %s',
    async (name) => {
      answers = { status_by_mti: merchant(name) };
      expect(await find(reserved)).toEqual([]);
    },
  );

  it('that is booked tells of its reversal, and nothing where a part went back', async () => {
    const booked = { ...reserved, chargeId: TRANS_ID };
    const charge = { chargeId: TRANS_ID, amount: price.amount, goesBackInParts: false, isDisputed: false };
    answers = { status: merchant('status-reversed') };
    expect(await find({ ...booked, booked: [charge] })).toMatchObject([
      { type: 'payment_refunded', chargeId: TRANS_ID, paid: price, reference: PAYMENT_ID, refundId: null },
    ]);
    expect(await find({ ...booked, booked: [{ ...charge, goesBackInParts: true }] })).toEqual([]);
    answers = { status: merchant('status-paid') };
    expect(await find({ ...booked, booked: [charge] })).toMatchObject([{ type: 'payment_succeeded' }]);
    answers = { status: merchant('status-processing') };
    expect(await find({ ...booked, booked: [charge] })).toEqual([]);
    const calls = [`GET /v2/merchant/payment/status/85335/${PAYMENT_ID}`];
    expect(new Set(lines)).toEqual(new Set(calls));
  });

  it('looks at the next day once it is there', async () => {
    answers = { status_by_mti: merchant('refused'), next_day: merchant('status-paid') };
    expect(await find(reserved)).toEqual([]);
    expect(await find(reserved, tomorrow)).toHaveLength(1);
    expect(lines.map((line) => line.slice(-10))).toEqual(['2026-11-20', '2026-11-20', '2026-11-21']);
  });

  it('that is paid by a payment we hold no reservation for is an error, not silence', async () => {
    answers = { status_by_mti: merchant('status-paid') };
    const unmatched = ['invalid', 'UNMATCHED_PAYMENT'];
    expect(await failureOf(find(order))).toEqual(unmatched);
    const other = { ...reserved, reservation: { ...reserved.reservation, reference: '9007199254740996' } };
    expect(await failureOf(find(other))).toEqual(unmatched);
  });

  it('of nobody is no question', async () => {
    expect(await find({ ...order, invoiceId: null })).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('fails when Click cannot be asked', async () => {
    answers = { status_by_mti: 'down' };
    expect(await failureOf(find(reserved))).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('a refund', () => {
  const request: RefundRequest = {
    refundId: 'ref_1',
    chargeId: TRANS_ID,
    reference: PAYMENT_ID,
    invoiceId: INVOICE,
    payerId: 7_000_000_101n,
    amount: { amount: 3_840_000n, currency: 'UZS' },
    isWhole: true,
    isRepeat: false,
    known: [],
    paidAt: now,
  };
  const part: RefundRequest = { ...request, isWhole: false, amount: { amount: 100_050n, currency: 'UZS' } };
  const DONE = { status: 'done', reference: null, claimUrl: null };
  const refund = (asked: RefundRequest) => makeProvider().refund(asked);
  const reversal = `DELETE /v2/merchant/payment/reversal/85335/${PAYMENT_ID}`;
  const partialReversal = `DELETE /v2/merchant/payment/partial_reversal/85335/${PAYMENT_ID}/1000.50`;
  const status = `GET /v2/merchant/payment/status/85335/${PAYMENT_ID}`;

  it('of the whole reverses the payment by its number at Click', async () => {
    answers = { reversal: merchant('reversed') };
    expect(await refund(request)).toEqual(DONE);
    expect(lines).toEqual([reversal]);
  });

  it('of a part names it in so’m', async () => {
    answers = { partial_reversal: merchant('reversed') };
    expect(await refund(part)).toEqual(DONE);
    expect(lines).toEqual([partialReversal]);
  });

  it.each([
    ['the whole', request, reversal],
    ['a part', part, partialReversal],
  ])('of %s that was reversed before is done', async (_name, asked, line) => {
    answers = {
      reversal: merchant('refused'),
      partial_reversal: merchant('refused'),
      status: merchant('status-reversed'),
    };
    expect(await refund(asked)).toEqual(DONE);
    expect(lines).toEqual([line, status]);
  });

  it.each([['status-paid'], ['status-processing']])(
    'that Click refuses is declined with its code: %s',
    async (name) => {
      answers = { reversal: merchant('refused'), status: merchant(name) };
      expect(await failureOf(refund(request))).toEqual(['declined', '-500']);
    },
  );

  it('that Click refuses while its status cannot be seen is tried later', async () => {
    answers = { reversal: merchant('refused'), status: 'down' };
    expect(await failureOf(refund(request))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('of the whole that got no answer is tried later, and found done then', async () => {
    answers = { reversal: 'down', status: merchant('status-reversed') };
    expect(await failureOf(refund(request))).toEqual(['unavailable', 'NO_ANSWER']);
    expect(lines).toEqual([reversal]);
    answers = { reversal: merchant('refused'), status: merchant('status-reversed') };
    expect(await refund(request)).toEqual(DONE);
  });

  it('of a part that got no answer is left to a person: a second try could give it twice', async () => {
    answers = { partial_reversal: 'down', status: 'down' };
    expect(await failureOf(refund(part))).toEqual(['declined', 'PARTIAL_REVERSAL_OUTCOME_UNKNOWN']);
    expect(lines).toEqual([partialReversal]);
  });

  it('of a part that was asked for before is left to a person, without a call', async () => {
    expect(await failureOf(refund({ ...part, isRepeat: true }))).toEqual([
      'declined',
      'PARTIAL_REVERSAL_OUTCOME_UNKNOWN',
    ]);
    expect(lines).toEqual([]);
  });

  it('of the whole that was asked for before is asked for again', async () => {
    answers = { reversal: merchant('refused'), status: merchant('status-reversed') };
    expect(await refund({ ...request, isRepeat: true })).toEqual(DONE);
  });

  it('of a payment whose number is not known is no call', async () => {
    expect(await failureOf(refund({ ...request, reference: null }))).toEqual(['invalid', 'PAYMENT_ID_UNKNOWN']);
    expect(lines).toEqual([]);
  });

  it('of another currency is no call', async () => {
    const yen = { ...part, amount: { amount: 100n, currency: 'JPY' } } as const;
    expect(await failureOf(refund(yen))).toEqual(['invalid', 'CURRENCY_NOT_UZS']);
    expect(lines).toEqual([]);
  });
});
