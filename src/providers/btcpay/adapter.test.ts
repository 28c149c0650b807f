import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { AskedOrder, CheckoutRequest, KnownRefund, RefundRequest } from '#domain/provider/request.ts';
import { type BtcpayOptions, makeBtcpay } from './adapter.ts';

const ID = '8MpvJ1h3Xk2QeQzB6nT4aR';
const PULL = '3tXkPq9sYd2Vw5mN8hLr4cBfZaJe';
const ORDER = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
const now = new Date('2026-11-20T09:00:05Z');
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');
const changed = (name: string, change: Record<string, unknown>) =>
  JSON.stringify({ ...JSON.parse(fixture(name)), ...change });
const invoice = (change: Record<string, unknown> = {}) => changed('invoice', change);
const settled = invoice({ status: 'Settled', paidAmount: '29.99' });

const STORE = '/api/v1/stores/s1';
const ONE = `GET ${STORE}/invoices/${ID}`;
const CREATE = `POST ${STORE}/invoices`;
const OF_ORDER = `GET ${STORE}/invoices?orderId=${ORDER}&includeArchived=true`;
const PAYMENTS = `${ONE}/payment-methods?onlyAccountedPayments=false`;
const MARK = `POST ${STORE}/invoices/${ID}/status`;
const REFUND = `POST ${STORE}/invoices/${ID}/refund`;
const PULLS = `GET ${STORE}/pull-payments?includeArchived=true`;
const PAYOUTS = `GET /api/v1/pull-payments/${PULL}/payouts?includeCancelled=true`;

/** Answers by line, used up one by one, the last for good: a text, a status with a code, or a broken connection. */
type Answer = string | readonly [number, string] | 'down';
let answers: Record<string, Answer[]> = {};
let calls: Array<[string, unknown]> = [];
let url = '';
const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => {
    const line = `${request.method} ${request.url}`;
    calls.push([line, text === '' ? null : JSON.parse(text)]);
    const queue = answers[line] ?? [[500, 'not-arranged'] as const];
    const answer = (queue.length > 1 ? queue.shift() : queue[0]) ?? '';
    if (answer === 'down') return void request.socket.destroy();
    if (typeof answer === 'string') return void response.end(answer);
    response.writeHead(answer[0]).end(JSON.stringify({ code: answer[1], message: 'a sentence' }));
  });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  answers = {};
  calls = [];
});

const makeProvider = (change: Partial<BtcpayOptions> = {}): Provider =>
  makeBtcpay({
    storeId: 's1',
    apiKey: 'btcpay-key',
    url,
    secrets: { current: 'whsec', previous: null, onPrevious: () => undefined },
    clock: () => now,
    speedPolicy: 'MediumSpeed',
    monitoringMinutes: 1_440,
    ...change,
  });
const failureOf = (work: Promise<unknown> | undefined) =>
  Promise.resolve(work).then(
    () => null,
    (error: unknown) => (error instanceof ProviderError ? [error.failure, error.code] : error),
  );
const lines = () => calls.map(([line]) => line);

describe('what BTCPay can do', () => {
  it('is Bitcoin for four currencies, paid once, for the network’s fee', () => {
    const provider = makeProvider();
    expect(provider.accepts.map(({ currency, maxAmount }) => [currency, maxAmount.oneTime])).toEqual([
      ['USD', 10_000_000n],
      ['EUR', 10_000_000n],
      ['JPY', 15_000_000n],
      ['BTC', 100_000_000n],
    ]);
    for (const accepted of provider.accepts)
      expect(accepted).toMatchObject({
        method: 'cryptocurrency',
        fee: { bps: 0, fixed: 0n, network: true, isKept: true },
        privacy: 'very_high',
        renewalDays: [],
        surfaces: ['mini_app', 'bot', 'browser', 'api'],
        settlesInMinutes: 30,
      });
    expect([provider.id, provider.refunds]).toEqual(['btcpay', 'parts']);
    expect(provider.reservations).toEqual({ lastMs: 172_800_000, lapseCode: null });
  });

  it('asks nothing of us, and has no words for an answer', () => {
    const inquiry = { type: 'look_up', inquiryId: '1', chargeId: '1' } as const;
    expect(makeProvider().reply(inquiry, { ok: true, reservation: null, reservations: [] })).toBeNull();
  });

  it('reads an event of its store, and again from what was stored', () => {
    const body = Buffer.from(fixture('invoice-settled'));
    const headers = { 'btcpay-sig': `sha256=${createHmac('sha256', 'whsec').update(body).digest('hex')}` };
    const request = { method: 'POST', headers, body, remoteAddress: null };
    expect(makeProvider().read(request, now)).toMatchObject({ kind: 'hint', eventId: 'd1' });
    expect(makeProvider({ storeId: 's2' }).read(request, now)).toMatchObject({ kind: 'ignored' });
    expect(makeProvider().readStored(body, now)).toMatchObject({ kind: 'hint' });
  });
});

describe('a checkout', () => {
  const request: CheckoutRequest = {
    invoiceId: ORDER,
    attemptId: 'att_1',
    method: 'cryptocurrency',
    price: { amount: 2_999n, currency: 'USD' },
    title: 'Channels Pro',
    description: 'One month.',
    language: 'ja',
    renewalDays: null,
    chatId: 7_000_000_101n,
    returnUrl: 'https://hoshi.example/pay?invoice=1',
    expiresAt: new Date('2026-11-20T09:30:05Z'),
    token: null,
  };
  const asked = {
    amount: '29.99',
    currency: 'USD',
    metadata: { orderId: ORDER, attemptId: 'att_1' },
    checkout: {
      speedPolicy: 'MediumSpeed',
      expirationMinutes: 30,
      monitoringMinutes: 1_440,
      paymentTolerance: 0,
      redirectURL: 'https://hoshi.example/pay?invoice=1',
      redirectAutomatically: true,
      defaultLanguage: 'ja-JP',
    },
  };
  const link = { url: `https://btcpay.example/i/${ID}`, reference: ID };
  const made = () => calls.find(([line]) => line === CREATE)?.[1];
  beforeEach(() => {
    answers = { [OF_ORDER]: ['[]'], [CREATE]: [invoice()] };
  });

  it('is an invoice with the order and nothing about the person', async () => {
    expect(await makeProvider().createCheckout(request)).toEqual(link);
    expect(calls).toEqual([
      [OF_ORDER, null],
      [CREATE, asked],
    ]);
  });

  it('of the same attempt is the same, of another attempt another', async () => {
    answers[OF_ORDER] = [`[${invoice({ id: 'other', metadata: { orderId: ORDER } })},${invoice()}]`];
    expect(await makeProvider().createCheckout(request)).toEqual(link);
    expect(lines()).toEqual([OF_ORDER]);
    await makeProvider().createCheckout({ ...request, attemptId: 'att_2' });
    expect(made()).toMatchObject({ metadata: { attemptId: 'att_2' } });
  });

  it.each([
    [{ amount: 3_000n, currency: 'JPY' }, '3000'],
    [{ amount: 31_000n, currency: 'BTC' }, '0.00031000'],
    [{ amount: 1n, currency: 'EUR' }, '0.01'],
  ] as const)('asks for %o as %s', async (price, amount) => {
    await makeProvider().createCheckout({ ...request, price });
    expect(made()).toMatchObject({ amount, currency: price.currency });
  });

  it.each([
    ['2026-11-20T09:00:00Z', 1],
    ['2026-11-20T09:01:05Z', 1],
    ['2026-11-20T09:02:04.999Z', 1],
    ['2026-11-20T09:02:05Z', 2],
  ])('that ends at %s runs %d minutes', async (expiresAt, expirationMinutes) => {
    await makeProvider().createCheckout({ ...request, expiresAt: new Date(expiresAt) });
    expect(made()).toMatchObject({ checkout: { expirationMinutes } });
  });

  it.each([
    ['en', 'en'],
    ['ru', 'ru-RU'],
    ['ja-JP', 'ja-JP'],
    ['uz', 'en'],
    ['', 'en'],
  ])('in the language "%s" is in %s', async (language, defaultLanguage) => {
    await makeProvider().createCheckout({ ...request, language });
    expect(made()).toMatchObject({ checkout: { defaultLanguage } });
  });

  it.each(['tg://resolve?domain=hoshi_bot', 'javascript:alert(1)', ''])(
    'leads nowhere afterwards that is none of the web: "%s"',
    async (returnUrl) => {
      await makeProvider().createCheckout({ ...request, returnUrl });
      const { redirectAutomatically: _automatically, redirectURL: _url, ...checkout } = asked.checkout;
      expect(made()).toEqual({ ...asked, checkout });
    },
  );

  it('of a stored method, or in another currency, is no call', async () => {
    const failure = await failureOf(makeProvider().createCheckout({ ...request, token: 'tok' }));
    expect(failure).toEqual(['invalid', 'NO_STORED_METHODS']);
    for (const currency of ['ETH', 'UZS', 'XTR'] as const)
      expect(await failureOf(makeProvider().createCheckout({ ...request, price: { amount: 1n, currency } }))).toEqual([
        'invalid',
        'CURRENCY_UNSUPPORTED',
      ]);
    expect(calls).toEqual([]);
  });

  it('that is not made fails', async () => {
    answers[CREATE] = ['down'];
    expect(await failureOf(makeProvider().createCheckout(request))).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('closing', () => {
  const close = () => makeProvider().closeCheckout?.({ reference: ID, voidsTransfer: false });

  it('marks an invoice as invalid that nobody paid', async () => {
    answers = { [ONE]: [invoice()], [MARK]: [invoice({ status: 'Invalid', additionalStatus: 'Marked' })] };
    expect(await close()).toBe('closed');
    expect(calls.at(-1)).toEqual([MARK, { status: 'Invalid' }]);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ additionalStatus: 'PaidPartial', paidAmount: '0.01' }, 'busy'],
    [{ status: 'Processing', paidAmount: '29.99' }, 'busy'],
    [{ status: 'Settled' }, 'busy'],
    [{ status: 'Expired', additionalStatus: 'PaidPartial', paidAmount: '9.99' }, 'busy'],
    [{ status: 'Expired', additionalStatus: 'PaidLate', paidAmount: '29.99' }, 'busy'],
    [{ status: 'Expired' }, 'closed'],
    [{ status: 'Invalid', additionalStatus: 'Marked' }, 'closed'],
  ])('of %o: %s, without a mark', async (change, outcome) => {
    answers = { [ONE]: [invoice(change)] };
    expect(await close()).toBe(outcome);
    expect(lines()).toEqual([ONE]);
  });

  it('of what is not there is done', async () => {
    answers = { [ONE]: [[404, 'invoice-not-found']] };
    expect(await close()).toBe('closed');
  });

  it('while money comes in is busy', async () => {
    answers = { [ONE]: [invoice()], [MARK]: [invoice({ status: 'Invalid', paidAmount: '29.99' })] };
    expect(await close()).toBe('busy');
    answers = { [ONE]: [invoice(), invoice({ status: 'Processing' })], [MARK]: [[422, 'invalid-status']] };
    expect(await close()).toBe('busy');
    answers = { [ONE]: [invoice(), invoice({ status: 'Expired' })], [MARK]: [[422, 'invalid-status']] };
    expect(await close()).toBe('closed');
  });

  it('fails when it is still payable afterwards, or nobody answers', async () => {
    answers = { [ONE]: [invoice()], [MARK]: [[422, 'invalid-status']] };
    expect(await failureOf(close())).toEqual(['invalid', 'invalid-status']);
    answers = { [ONE]: [invoice()], [MARK]: ['down'] };
    expect(await failureOf(close())).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('asking about an order', () => {
  const price = { amount: 2_999n, currency: 'USD' } as const;
  const order: AskedOrder = { invoiceId: ORDER, reference: ID, chargeId: null, createdAt: now, reservation: null };
  const held = { reservation: { chargeId: ID, reference: null, price } };
  const find = (change: Partial<AskedOrder> = {}) => makeProvider().find?.({ ...order, ...change });

  it.each([
    ['nothing', {}, {}, []],
    ['money that is gone', {}, held, [{ type: 'payment_failed', failure: 'payment_dropped', isFinal: false }]],
    ['a hold of somebody else', {}, { reservation: { ...held.reservation, chargeId: 'payme' } }, []],
    ['too little', { additionalStatus: 'PaidPartial', paidAmount: '9.99' }, {}, [{ progress: 'underpaid' }]],
    ['money to be confirmed', { status: 'Processing', paidAmount: '29.99' }, held, [{ progress: 'confirming' }]],
    ['an end without money', { status: 'Expired' }, {}, [{ failure: 'checkout_expired', isFinal: true }]],
  ])('that knows %s needs one call', async (_name, change, asked, events) => {
    answers = { [ONE]: [invoice(change)] };
    expect(await find(asked)).toMatchObject(events);
    expect(lines()).toEqual([ONE]);
  });

  it('that settles now needs its payments, and no refunds', async () => {
    answers = { [ONE]: [settled], [PAYMENTS]: [fixture('payment-methods')] };
    expect(await find(held)).toMatchObject([
      { type: 'payment_succeeded', chargeId: ID, paid: price, occurredAt: new Date(1_795_164_600_000) },
    ]);
    expect(lines()).toEqual([ONE, PAYMENTS]);
  });

  const OFFER = `GET /api/v1/pull-payments/${PULL}`;
  const known = (change: Partial<KnownRefund> = {}): KnownRefund => ({
    refundId: 'ref_01kb2v',
    chargeId: ID,
    reference: PULL,
    status: 'requested',
    amount: 2_999n,
    isUnsure: false,
    ...change,
  });
  const booked = [{ chargeId: ID, amount: 2_999n, goesBackInParts: false, isDisputed: false }];

  it('that was settled before reads its open refund by its own id', async () => {
    answers = {
      [ONE]: [settled],
      [PAYMENTS]: [fixture('payment-methods')],
      [OFFER]: [fixture('pull-payment')],
      [PAYOUTS]: [fixture('payouts')],
    };
    const refunds = [known(), known({ status: 'succeeded', reference: 'done' }), known({ chargeId: 'another' })];
    expect(await find({ chargeId: `${ID}:excess`, reference: null, booked, refunds })).toMatchObject([
      { type: 'payment_succeeded' },
      { type: 'payment_refunded', reference: PULL, refundId: 'ref_01kb2v', paid: price },
    ]);
    expect(lines()).toEqual([ONE, PAYMENTS, OFFER, PAYOUTS]);
  });

  it.each<[string, Partial<AskedOrder>, Record<string, unknown>]>([
    ['a refund of it was asked for without an answer', { refunds: [known({ reference: null, isUnsure: true })] }, {}],
    [
      'no charge of it is known, whose refunds would not be either',
      { booked: [{ chargeId: 'another', amount: 1n, goesBackInParts: false, isDisputed: false }] },
      { status: 'Expired', additionalStatus: 'PaidLate' },
    ],
  ])('looks through the list of the store where %s', async (_name, change, found) => {
    const other = changed('pull-payment', { id: 'other', description: 'Refund of another: 1.00 USD' });
    answers = {
      [ONE]: [invoice({ status: 'Settled', paidAmount: '29.99', ...found })],
      [PAYMENTS]: [fixture('payment-methods')],
      [PULLS]: [`[${other},${fixture('pull-payment')},${changed('pull-payment', { description: 'Salary' })}]`],
      [PAYOUTS]: [fixture('payouts')],
    };
    const events = await find({ booked, ...change });
    expect(events?.at(-1)).toMatchObject({ type: 'payment_refunded', reference: PULL, refundId: 'ref_01kb2v' });
    expect(lines()).toEqual([ONE, PAYMENTS, PULLS, PAYOUTS]);
  });

  it('about a refund that our books do not have reads it', async () => {
    answers = {
      [ONE]: [settled],
      [PAYMENTS]: [fixture('payment-methods')],
      [OFFER]: [changed('pull-payment', { name: 'by hand' })],
      [PAYOUTS]: [fixture('payouts')],
    };
    const events = await find({ chargeId: ID, booked, refunds: [], refundReference: PULL });
    expect(events?.at(-1)).toMatchObject({ type: 'payment_refunded', reference: PULL, refundId: 'by hand' });
    expect(lines()).toEqual([ONE, PAYMENTS, OFFER, PAYOUTS]);
  });

  it('by a refund of it, which is all that events about payouts name', async () => {
    answers = {
      [`GET ${STORE}/invoices/${PULL}`]: [[404, 'invoice-not-found']],
      [`GET /api/v1/pull-payments/${PULL}`]: [fixture('pull-payment')],
      [ONE]: [settled],
      [PAYMENTS]: [fixture('payment-methods')],
      [PAYOUTS]: [fixture('payouts')],
    };
    expect(await find({ invoiceId: null, reference: PULL })).toMatchObject([
      { type: 'payment_succeeded', invoiceId: ORDER },
      { type: 'payment_refunded', reference: PULL },
    ]);
  });

  it.each<[string, Record<string, Answer[]>, Partial<AskedOrder>]>([
    ['a checkout that is not there', { [`GET /api/v1/pull-payments/${ID}`]: [[404, 'pullpayment-not-found']] }, {}],
    [
      'a pull payment that is no refund',
      { [`GET /api/v1/pull-payments/${ID}`]: [changed('pull-payment', { description: '' })] },
      {},
    ],
    ['a refund of what is gone', { [`GET /api/v1/pull-payments/${ID}`]: [fixture('pull-payment')] }, {}],
    ['a charge that is not there', {}, { chargeId: ID }],
  ])('that is %s tells nothing', async (_name, more, change) => {
    answers = { [ONE]: [[404, 'invoice-not-found']], ...more };
    expect(await find(change)).toEqual([]);
  });

  it('of which no checkout is known looks for all of them', async () => {
    answers = { [OF_ORDER]: [`[${invoice({ id: 'other', status: 'Expired' })},${invoice({ id: 'third' })}]`] };
    expect(await find({ reference: null })).toMatchObject([{ type: 'payment_failed', chargeId: 'other' }]);
  });

  it('of which nothing is known, or of a charge of somebody else, is no call', async () => {
    expect(await find({ invoiceId: null, reference: null })).toEqual([]);
    expect(await find({ chargeId: 'a/b', reference: null })).toEqual([]);
    expect(calls).toEqual([]);
  });

  it.each([
    ['nobody’s', {}],
    ['one that its payer gave our order’s name to, as at a pay button', { orderId: ORDER }],
    ['one of another program', { orderId: ORDER, attemptId: 'cart 7' }],
  ])('of an invoice that is %s tells nothing', async (_name, metadata) => {
    answers = { [ONE]: [invoice({ status: 'Expired', metadata })] };
    expect(await find()).toEqual([]);
  });

  it('that cannot be answered fails', async () => {
    answers = { [ONE]: ['down'] };
    expect(await failureOf(find())).toEqual(['unavailable', 'NO_ANSWER']);
    answers = { [ONE]: [settled], [PAYMENTS]: [fixture('payment-methods')], [PULLS]: [[403, 'missing-permission']] };
    expect(await failureOf(find({ refunds: [known({ reference: null, isUnsure: true })] }))).toEqual([
      'misconfigured',
      'missing-permission',
    ]);
  });
});

describe('a refund', () => {
  const request: RefundRequest = {
    refundId: 'ref_01kb2v',
    chargeId: ID,
    reference: null,
    invoiceId: ORDER,
    payerId: 7_000_000_101n,
    amount: { amount: 2_999n, currency: 'USD' },
    isWhole: true,
    isRepeat: false,
    known: [],
    paidAt: now,
  };
  const refund = (change: Partial<RefundRequest> = {}) => makeProvider().refund({ ...request, ...change });
  const offered = {
    status: 'pending',
    reference: PULL,
    claimUrl: `https://btcpay.example/pull-payments/${PULL}`,
  };
  const over = invoice({ status: 'Settled', additionalStatus: 'PaidOver', paidAmount: '35.00' });
  const late = invoice({ status: 'Expired', additionalStatus: 'PaidLate', paidAmount: '35.00' });
  const partial = invoice({ status: 'Expired', additionalStatus: 'PaidPartial', paidAmount: '9.99' });
  const usd = (amount: bigint) => ({ amount, currency: 'USD' }) as const;
  const custom = (customAmount: string) => ({ refundVariant: 'Custom', customAmount, customCurrency: 'USD' });

  it.each<[string, string, Partial<RefundRequest>, object, string]>([
    ['all that was paid', settled, {}, { refundVariant: 'CurrentRate' }, `${ID}: 29.99`],
    ['a part', settled, { isWhole: false, amount: usd(500n) }, custom('5.00'), `${ID}: 5.00`],
    ['the price of what was overpaid', over, {}, custom('29.99'), `${ID}: 29.99`],
    [
      'what was overpaid',
      over,
      { chargeId: `${ID}:excess`, amount: usd(501n) },
      { refundVariant: 'OverpaidAmount' },
      `${ID}:excess: 5.01`,
    ],
    [
      'a part of what was overpaid',
      over,
      { chargeId: `${ID}:excess`, amount: usd(1n), isWhole: false },
      custom('0.01'),
      `${ID}:excess: 0.01`,
    ],
    [
      'what was overpaid late',
      late,
      { chargeId: `${ID}:excess`, amount: usd(501n) },
      custom('5.01'),
      `${ID}:excess: 5.01`,
    ],
    [
      'what was too little',
      partial,
      { chargeId: `${ID}:partial`, amount: usd(999n) },
      custom('9.99'),
      `${ID}:partial: 9.99`,
    ],
  ])('of %s', async (_name, found, change, variant, told) => {
    answers = { [ONE]: [found], [REFUND]: [fixture('pull-payment')] };
    expect(await refund(change)).toEqual(offered);
    const asked = { ...variant, name: 'ref_01kb2v', description: `Refund of ${told} USD` };
    expect(calls.at(-1)).toEqual([REFUND, asked]);
  });

  /** Another refund of the invoice, in our books. */
  const other = (amount: bigint, change: Partial<KnownRefund> = {}): KnownRefund => ({
    refundId: 'ref_other',
    chargeId: `${ID}:partial`,
    reference: 'other',
    status: 'succeeded',
    amount,
    isUnsure: false,
    ...change,
  });
  const OTHER = 'GET /api/v1/pull-payments/other';
  const byHand = (paidAmount: string) => invoice({ status: 'Settled', additionalStatus: 'Marked', paidAmount });
  const all = { refundVariant: 'CurrentRate' };

  it.each<[string, KnownRefund[], Partial<RefundRequest>, object, string]>([
    ['all that came', [], {}, all, '29.99 USD, of which 9.99 USD can be claimed'],
    ['what is left of it', [other(400n)], {}, custom('5.99'), '29.99 USD, of which 5.99 USD can be claimed'],
    [
      'what is not offered',
      [other(400n, { status: 'requested' })],
      {},
      custom('5.99'),
      '29.99 USD, of which 5.99 USD can be claimed',
    ],
    [
      'what is not offered any more, although it failed here',
      [other(400n, { status: 'failed' })],
      {},
      custom('5.99'),
      '29.99 USD, of which 5.99 USD can be claimed',
    ],
    [
      'all that came, when another offer was taken back',
      [other(400n, { status: 'failed', reference: 'archived' }), other(1n, { status: 'failed', reference: null })],
      {},
      all,
      '29.99 USD, of which 9.99 USD can be claimed',
    ],
    [
      'all that came, whatever another invoice gave back',
      [other(400n, { chargeId: 'another' })],
      {},
      all,
      '29.99 USD, of which 9.99 USD can be claimed',
    ],
    ['a part that came', [], { isWhole: false, amount: usd(500n) }, custom('5.00'), '5.00 USD'],
    [
      'a part that is more than came',
      [],
      { isWhole: false, amount: usd(1_500n) },
      custom('9.99'),
      '15.00 USD, of which 9.99 USD can be claimed',
    ],
  ])('of what was settled by hand for less offers %s', async (_name, others, change, variant, told) => {
    answers = {
      [OTHER]: [changed('pull-payment', { id: 'other' })],
      'GET /api/v1/pull-payments/archived': [changed('pull-payment', { id: 'archived', archived: true })],
      [ONE]: [byHand('9.99')],
      [REFUND]: [fixture('pull-payment')],
    };
    expect(await refund({ known: others, ...change })).toEqual(offered);
    const asked = { ...variant, name: 'ref_01kb2v', description: `Refund of ${ID}: ${told}` };
    expect(calls.at(-1)).toEqual([REFUND, asked]);
  });

  it.each([
    ['got nothing', [], '0'],
    ['gave back all that came', [other(999n)], '9.99'],
  ])('of what was settled by hand and %s is declined, and nothing is offered', async (_name, others, paidAmount) => {
    answers = { [ONE]: [byHand(paidAmount)] };
    expect(await failureOf(refund({ known: others }))).toEqual(['declined', 'NO_MONEY_TO_RETURN']);
    expect(lines()).not.toContain(REFUND);
  });

  it('that is known by its id is read by it', async () => {
    answers = { [`GET /api/v1/pull-payments/${PULL}`]: [fixture('pull-payment')] };
    const known = [other(2_999n, { refundId: 'ref_01kb2v', chargeId: ID, reference: PULL, status: 'requested' })];
    expect(await refund({ known })).toEqual(offered);
    answers = { [`GET /api/v1/pull-payments/${PULL}`]: [[404, 'pullpayment-not-found']] };
    expect(await failureOf(refund({ known }))).toEqual(['invalid', 'pullpayment-not-found']);
    expect(new Set(lines())).toEqual(new Set([`GET /api/v1/pull-payments/${PULL}`]));
  });

  it('that was offered before is that offer, also when the answer was lost', async () => {
    answers = { [PULLS]: [`[${fixture('pull-payment')}]`], [ONE]: [settled], [REFUND]: ['down'] };
    await expect(refund()).rejects.toMatchObject({ failure: 'unavailable', code: 'NO_ANSWER', mayBeDone: true });
    expect(await refund({ isRepeat: true })).toEqual(offered);
    expect(lines()).toEqual([ONE, REFUND, PULLS]);
  });

  it('while another has no answer counts what the store offers', async () => {
    const description = `Refund of ${ID}:partial: 4.00 USD`;
    const listed = changed('pull-payment', { id: 'other', name: 'ref_other', description });
    const archived = changed('pull-payment', { id: 'archived', name: 'ref_gone', description, archived: true });
    answers = { [PULLS]: [`[${listed},${archived}]`], [ONE]: [byHand('9.99')], [REFUND]: [fixture('pull-payment')] };
    await refund({ known: [other(400n, { reference: null, isUnsure: true, status: 'requested' })] });
    expect(calls.at(-1)?.[1]).toMatchObject(custom('5.99'));
  });

  it('that was not sent, since the list could not be read, is not done', async () => {
    answers = { [PULLS]: ['down'] };
    await expect(refund({ isRepeat: true })).rejects.toMatchObject({
      failure: 'unavailable',
      code: 'NO_ANSWER',
      mayBeDone: false,
    });
  });

  it('that was offered and taken back is declined', async () => {
    answers = { [PULLS]: [`[${changed('pull-payment', { archived: true })}]`] };
    expect(await failureOf(refund({ isRepeat: true }))).toEqual(['declined', 'pull-payment-archived']);
  });

  it('that BTCPay refuses fails with its word', async () => {
    answers = { [ONE]: [settled], [REFUND]: [[400, 'non-refundable']] };
    expect(await failureOf(refund())).toEqual(['declined', 'non-refundable']);
    answers = { [ONE]: [[404, 'invoice-not-found']] };
    expect(await failureOf(refund())).toEqual(['invalid', 'invoice-not-found']);
  });

  it('of a charge of somebody else is no call', async () => {
    expect(await failureOf(refund({ chargeId: 'a/b' }))).toEqual(['invalid', 'CHARGE_UNKNOWN']);
    expect(calls).toEqual([]);
  });
});

describe('the list', () => {
  const since = new Date('2026-11-20T00:00:00Z');
  /** A day of watching and a day for good measure before it. */
  const START = Math.floor(since.getTime() / 1_000) - 2 * 86_400;
  const page = (skip: number) =>
    `GET ${STORE}/invoices?startDate=${START}&includeArchived=true&includePaymentMethods=true&skip=${skip}&take=2`;
  const list = (cursor: string | null) => makeProvider().listTransactions?.({ since, cursor, limit: 2 });
  const paymentMethods = JSON.parse(fixture('payment-methods'));

  it('is of charges, and goes on while pages are full', async () => {
    const listed = changed('invoice', { status: 'Settled', paidAmount: '29.99', paymentMethods });
    answers = { [page(0)]: [`[${listed},${invoice()}]`], [page(2)]: ['[]'], [PULLS]: ['[]'] };
    expect(await list(null)).toMatchObject({
      rows: [{ chargeId: ID, direction: 'charge', occurredAt: new Date(1_795_164_600_000), invoiceId: ORDER }],
      next: '2',
      resume: null,
    });
    expect(await list('2')).toEqual({ rows: [], next: null, resume: null });
    expect(lines()).toEqual([page(0), page(2), PULLS]);
  });

  it('asks for payments that a server leaves out', async () => {
    answers = { [page(0)]: [`[${settled}]`], [PAYMENTS]: [fixture('payment-methods')], [PULLS]: ['[]'] };
    expect(await list(null)).toMatchObject({ rows: [{ occurredAt: new Date(1_795_164_600_000) }], next: null });
  });

  it('does not count twice what came after its first part had gone back', async () => {
    const late = { status: 'Expired', additionalStatus: 'PaidLate', paidAmount: '29.99', paymentMethods };
    const given = changed('pull-payment', { description: `Refund of ${ID}:partial: 9.99 USD` });
    answers = { [page(0)]: [`[${invoice(late)}]`], [PULLS]: [`[${given}]`], [PAYOUTS]: [fixture('payouts')] };
    const charges = [
      [`${ID}:partial`, 999n],
      [`${ID}:rest`, 2_000n],
    ];
    const rows = (await list(null))?.rows.filter((row) => row !== null);
    expect(rows?.map((row) => [row.chargeId, row.amount.amount])).toEqual(charges);
    expect(lines().filter((line) => line === PULLS)).toHaveLength(1);
  });

  it('ends with refunds that somebody made in BTCPay with the description of ours', async () => {
    const startsAt = since.getTime() / 1_000;
    const hand = changed('pull-payment', { id: 'hand', name: 'by hand', startsAt });
    const others = [
      changed('pull-payment', { startsAt }),
      changed('pull-payment', { name: 'Salary', description: 'November', startsAt }),
      changed('pull-payment', { id: 'old', name: 'by hand', startsAt: START - 1 }),
    ];
    answers = { [page(0)]: ['[]'], [PULLS]: [`[${hand},${others}]`] };
    expect((await list(null))?.rows.filter((row) => row !== null)).toEqual([
      {
        chargeId: ID,
        reference: 'hand',
        direction: 'refund',
        amount: { amount: 2_999n, currency: 'USD' },
        occurredAt: since,
        payerId: null,
        invoiceId: null,
        renewalDays: null,
      },
    ]);
  });
});
