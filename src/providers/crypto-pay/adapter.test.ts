import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { CheckoutRequest, RefundRequest } from '#domain/provider/request.ts';
import { type CryptoPayOptions, makeCryptoPay } from './adapter.ts';

const INVOICE = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
const TOKEN = '12345:AAtestTOKEN';
const TOKENS = { current: TOKEN, previous: null, onPrevious: () => undefined };
const now = new Date('2026-11-20T09:00:05Z');
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');
const changed = (name: string, change: Record<string, unknown>) =>
  JSON.stringify({ ...JSON.parse(fixture(name)), ...change });
const ok = (result: string) => `{"ok":true,"result":${result}}`;
const items = (...rows: string[]) => ok(`{"items":[${rows.join(',')}]}`);
const refused = (name: string) => `{"ok":false,"error":{"code":400,"name":"${name}"}}`;

/** Answers by method, used up one by one, the last for good; `down` is a connection that breaks. */
let answers: Record<string, string[]> = {};
let calls: Array<[string, unknown]> = [];
let apiUrl = '';
const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => {
    const method = (request.url ?? '').replace('/api/', '');
    calls.push([method, JSON.parse(text)]);
    const queue = answers[method] ?? [refused('NOT_ARRANGED')];
    const answer = (queue.length > 1 ? queue.shift() : queue[0]) ?? '';
    if (answer === 'down') return void request.socket.destroy();
    response.writeHead(answer.includes('"ok":false') ? 400 : 200).end(answer);
  });
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
  calls = [];
});

const makeProvider = (change: Partial<CryptoPayOptions> = {}): Provider =>
  makeCryptoPay({ tokens: TOKENS, apiUrl, clock: () => now, replayWindowMs: 600_000, feeBps: 300, ...change });
const failureOf = (work: Promise<unknown> | undefined) =>
  Promise.resolve(work).then(
    () => null,
    (error: unknown) => (error instanceof ProviderError ? [error.failure, error.code] : error),
  );
const methods = () => calls.map(([method]) => method);

describe('what Crypto Pay can do', () => {
  it('is coins for four currencies, paid once', () => {
    const provider = makeProvider();
    expect(provider.accepts.map(({ currency, maxAmount }) => [currency, maxAmount.oneTime])).toEqual([
      ['USD', 2_500_000n],
      ['EUR', 2_000_000n],
      ['BTC', 20_000_000n],
      ['ETH', 5_000_000_000n],
    ]);
    for (const accepted of provider.accepts)
      expect(accepted).toMatchObject({
        method: 'cryptocurrency',
        fee: { bps: 300, fixed: 0n, network: true, isKept: true },
        privacy: 'very_high',
        renewalDays: [],
        surfaces: ['mini_app', 'bot', 'browser', 'api'],
        settlesInMinutes: 5,
      });
    expect([provider.id, provider.refunds, provider.reservations]).toEqual(['crypto-pay', 'whole', undefined]);
  });

  it('asks nothing of us, and has no words for an answer', () => {
    const inquiry = { type: 'look_up', inquiryId: '1', chargeId: '1' } as const;
    expect(makeProvider().reply(inquiry, { ok: true, reservation: null, reservations: [] })).toBeNull();
  });

  it('reads an update by its token, and again from what was stored', () => {
    const body = Buffer.from(fixture('invoice-paid'));
    const key = createHash('sha256').update(TOKEN).digest();
    const headers = { 'crypto-pay-api-signature': createHmac('sha256', key).update(body).digest('hex') };
    const request = { method: 'POST', headers, body, remoteAddress: null };
    expect(makeProvider().read(request, now)).toMatchObject({ kind: 'hint', eventId: 'invoice_paid:528890' });
    expect(makeProvider({ tokens: { ...TOKENS, current: '1:another' } }).read(request, now)).toMatchObject({
      kind: 'rejected',
    });
    expect(makeProvider().readStored(body, now)).toMatchObject({ kind: 'hint' });
  });
});

describe('a checkout', () => {
  const request: CheckoutRequest = {
    invoiceId: INVOICE,
    attemptId: 'att_1',
    method: 'cryptocurrency',
    price: { amount: 2_999n, currency: 'USD' },
    title: 'Channels Pro',
    description: 'One month.',
    language: 'ja',
    renewalDays: null,
    chatId: 7_000_000_101n,
    returnUrl: 'https://hoshi.example/pay?invoice=1',
    expiresAt: new Date('2026-11-20T09:30:05.900Z'),
    token: null,
  };
  const asked = {
    currency_type: 'fiat',
    fiat: 'USD',
    accepted_assets: 'BTC,ETH,TON,USDT',
    amount: '29.99',
    description: 'One month.',
    payload: INVOICE,
    expires_in: 1_800,
    allow_comments: false,
    allow_anonymous: true,
  };
  const button = { paid_btn_name: 'callback', paid_btn_url: 'https://hoshi.example/pay?invoice=1' };
  beforeEach(() => {
    answers = { createInvoice: [ok(fixture('invoice-active'))] };
  });

  it('is an invoice, opened in the bot', async () => {
    expect(await makeProvider().createCheckout(request)).toEqual({
      url: 'https://t.me/CryptoTestnetBot?start=IVDoTcNBYEfk',
      reference: '528890',
    });
    expect(calls).toEqual([['createInvoice', { ...asked, ...button }]]);
  });

  it('priced in a coin asks for that coin', async () => {
    await makeProvider().createCheckout({ ...request, price: { amount: 12_345_678n, currency: 'ETH' } });
    const { accepted_assets: _coins, fiat: _fiat, ...rest } = asked;
    const price = { currency_type: 'crypto', asset: 'ETH', amount: '0.012345678' };
    expect(calls).toEqual([['createInvoice', { ...rest, ...price, ...button }]]);
  });

  it.each(['tg://resolve?domain=hoshi_bot', 'javascript:alert(1)', '', 'hoshi.example'])(
    'has no button to an address that is none of the web: "%s"',
    async (returnUrl) => {
      await makeProvider().createCheckout({ ...request, returnUrl });
      expect(calls).toEqual([['createInvoice', asked]]);
    },
  );

  it.each([
    ['2026-11-20T09:00:05.000Z', 1],
    ['2026-11-20T08:00:00.000Z', 1],
    ['2026-11-20T09:00:06.999Z', 1],
    ['2026-11-20T09:00:07.000Z', 2],
    ['2026-12-21T09:00:05.000Z', 2_678_400],
    ['2027-11-20T09:00:05.000Z', 2_678_400],
  ])('that ends at %s runs %d seconds', async (expiresAt, expires_in) => {
    await makeProvider().createCheckout({ ...request, expiresAt: new Date(expiresAt) });
    expect(calls).toEqual([['createInvoice', { ...asked, ...button, expires_in }]]);
  });

  it('cuts a description where Crypto Pay would refuse it, not inside a letter', async () => {
    await makeProvider().createCheckout({ ...request, description: `${'星'.repeat(1_023)}💰💰` });
    expect(calls[0]?.[1]).toMatchObject({ description: `${'星'.repeat(1_023)}💰` });
  });

  it('of a stored method, or in another currency, is no call', async () => {
    expect(await failureOf(makeProvider().createCheckout({ ...request, token: 'tok' }))).toEqual([
      'invalid',
      'NO_STORED_METHODS',
    ]);
    const yen = { ...request, price: { amount: 3_000n, currency: 'JPY' } } as const;
    expect(await failureOf(makeProvider().createCheckout(yen))).toEqual(['invalid', 'CURRENCY_UNSUPPORTED']);
    expect(calls).toEqual([]);
  });
});

describe('closing', () => {
  const close = () => makeProvider().closeCheckout?.({ reference: '528890', voidsTransfer: false });

  it('deletes an invoice that waits', async () => {
    answers = { getInvoices: [items(fixture('invoice-active'))], deleteInvoice: [ok('true')] };
    expect(await close()).toBe('closed');
    expect(calls.at(-1)).toEqual(['deleteInvoice', { invoice_id: 528_890 }]);
  });

  it.each([
    ['paid', 'busy', items(fixture('invoice-settled'))],
    ['expired', 'closed', items(fixture('invoice-expired'))],
    ['unknown', 'closed', items()],
  ])('of one that is %s: %s, without a deletion', async (_name, outcome, found) => {
    answers = { getInvoices: [found] };
    expect(await close()).toBe(outcome);
    expect(methods()).toEqual(['getInvoices']);
  });

  it.each([
    ['paid', 'busy', items(fixture('invoice-settled'))],
    ['expired', 'closed', items(fixture('invoice-expired'))],
    ['deleted', 'closed', items()],
  ])('of one that was %s in between: %s', async (_name, outcome, found) => {
    answers = {
      getInvoices: [items(fixture('invoice-active')), found],
      deleteInvoice: [refused('INVOICE_NOT_FOUND')],
    };
    expect(await close()).toBe(outcome);
  });

  it('fails when it is still payable afterwards, or nobody answers', async () => {
    answers = { getInvoices: [items(fixture('invoice-active'))], deleteInvoice: [refused('INVOICE_ID_INVALID')] };
    expect(await failureOf(close())).toEqual(['invalid', 'INVOICE_ID_INVALID']);
    answers = { getInvoices: [items(fixture('invoice-active'))], deleteInvoice: ['down'] };
    expect(await failureOf(close())).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('asking about an order', () => {
  const order = { invoiceId: INVOICE, reference: '528890', chargeId: null, createdAt: now, reservation: null };
  const find = (change = {}) => makeProvider().find?.({ ...order, ...change });

  it('that waits or ran out needs one call', async () => {
    answers = { getInvoices: [items(fixture('invoice-active')), items(fixture('invoice-expired'))] };
    expect(await find()).toEqual([]);
    expect(await find()).toMatchObject([{ type: 'payment_failed', failure: 'checkout_expired', isFinal: true }]);
    expect(methods()).toEqual(['getInvoices', 'getInvoices']);
  });

  it('that is paid also asks what went back', async () => {
    answers = { getInvoices: [items(fixture('invoice-settled'))], getTransfers: [items(fixture('transfer'))] };
    const types = [{ type: 'payment_succeeded' }, { type: 'payment_refunded', refundId: 'ref_01kb2v' }];
    expect(await find()).toMatchObject(types);
    expect(await find({ chargeId: '528890', reference: null, invoiceId: null })).toMatchObject(types);
    expect(calls.slice(0, 2)).toEqual([
      ['getInvoices', { invoice_ids: '528890', count: 1 }],
      ['getTransfers', { offset: 0, count: 100 }],
    ]);
  });

  it('reads transfers back to the payment, oldest first, and no further', async () => {
    const other = (id: number, completed_at: string) =>
      changed('transfer', { transfer_id: id, completed_at, comment: null });
    const late = changed('transfer', { transfer_id: 9_000, completed_at: '2026-11-21T00:00:00Z' });
    const page = [late, ...Array.from({ length: 99 }, (_, n) => other(8_999 - n, '2026-11-20T12:00:00Z'))];
    answers = {
      getInvoices: [items(changed('invoice-settled', { paid_at: null }))],
      getTransfers: [items(...page), items(fixture('transfer'), other(1, '2026-11-20T08:00:00Z'))],
    };
    const refunds = (await find())?.filter((event) => event.type === 'payment_refunded');
    expect(refunds?.map((event) => 'reference' in event && event.reference)).toEqual(['7701', '9000']);
    expect(calls.at(-1)).toEqual(['getTransfers', { offset: 100, count: 100 }]);
  });

  it('that cannot see all transfers fails: silence would say "not given back"', async () => {
    const rows = Array.from({ length: 100 }, () => fixture('transfer'));
    answers = { getInvoices: [items(fixture('invoice-settled'))], getTransfers: [items(...rows)] };
    expect(await failureOf(find())).toEqual(['unavailable', 'TOO_MANY_TRANSFERS']);
    expect(calls).toHaveLength(51);
  });

  it.each([
    [{ reference: null, chargeId: null }],
    [{ reference: 'i1Btcpay' }],
    [{ reference: '1,2' }],
    [{ reference: '0' }],
    [{ chargeId: '99999999999999999' }],
  ])('that Crypto Pay cannot know is no call: %o', async (change) => {
    expect(await find(change)).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('that it does not know tells nothing; that it cannot be asked about fails', async () => {
    answers = { getInvoices: [items()] };
    expect(await find()).toEqual([]);
    answers = { getInvoices: ['down'] };
    expect(await failureOf(find())).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('a refund', () => {
  const request: RefundRequest = {
    refundId: 'ref_01kb2v',
    chargeId: '528890',
    reference: '528890',
    invoiceId: INVOICE,
    payerId: 7_000_000_101n,
    amount: { amount: 2_999n, currency: 'USD' },
    isWhole: true,
    isRepeat: false,
    known: [],
    paidAt: now,
  };
  const refund = (change: Partial<RefundRequest> = {}) => makeProvider().refund({ ...request, ...change });
  const done = { status: 'done', reference: '7701', claimUrl: null };
  beforeEach(() => {
    answers = { getInvoices: [items(fixture('invoice-settled'))] };
  });

  it('sends the coin that came to the payer, as often as it is asked: once', async () => {
    answers['transfer'] = [ok(changed('transfer', { spend_id: undefined }))];
    expect(await refund()).toEqual(done);
    expect(calls.at(-1)).toEqual([
      'transfer',
      {
        user_id: 7_000_000_101,
        asset: 'ETH',
        amount: '0.009876543210123456',
        spend_id: 'ref_01kb2v',
        comment: 'Refund ref_01kb2v of invoice 528890',
      },
    ]);
  });

  it('of an order priced in a coin sends what was asked', async () => {
    answers = { getInvoices: [items(fixture('invoice-coin-priced'))], transfer: [ok(fixture('transfer'))] };
    expect(await refund({ chargeId: '528891' })).toEqual(done);
    expect(calls.at(-1)?.[1]).toMatchObject({ asset: 'BTC', amount: '0.00031' });
  });

  it('that was made before is done', async () => {
    answers['transfer'] = [refused('SPEND_ID_ALREADY_USED')];
    answers['getTransfers'] = [items(fixture('transfer'))];
    expect(await refund()).toEqual(done);
    expect(calls.at(-1)).toEqual(['getTransfers', { spend_id: 'ref_01kb2v', count: 1 }]);
  });

  it('that was made before but is not listed yet is tried later', async () => {
    answers['transfer'] = [refused('SPEND_ID_ALREADY_USED')];
    answers['getTransfers'] = [items()];
    expect(await failureOf(refund())).toEqual(['unavailable', 'TRANSFER_NOT_LISTED']);
  });

  it('that got no answer is tried later, and found done then', async () => {
    answers['transfer'] = ['down', refused('SPEND_ID_ALREADY_USED')];
    answers['getTransfers'] = [items(fixture('transfer'))];
    expect(await failureOf(refund())).toEqual(['unavailable', 'NO_ANSWER']);
    expect(await refund()).toEqual(done);
  });

  it.each(['METHOD_DISABLED', 'INSUFFICIENT_FUNDS', 'USER_NOT_FOUND', 'AMOUNT_TOO_SMALL'])(
    'that Crypto Pay refuses is declined with its word: %s',
    async (name) => {
      answers['transfer'] = [refused(name)];
      expect(await failureOf(refund())).toEqual(['declined', name]);
    },
  );

  it.each([
    ['not paid', items(fixture('invoice-active'))],
    ['not there', items()],
  ])('of an invoice that is %s sends nothing', async (_name, found) => {
    answers = { getInvoices: [found] };
    expect(await failureOf(refund())).toEqual(['invalid', 'INVOICE_NOT_PAID']);
    expect(methods()).toEqual(['getInvoices']);
  });

  it('of a part, or of a charge of somebody else, is no call', async () => {
    expect(await failureOf(refund({ isWhole: false }))).toEqual(['invalid', 'PARTS_NOT_SUPPORTED']);
    expect(await failureOf(refund({ chargeId: 'i1Btcpay' }))).toEqual(['invalid', 'INVOICE_NOT_PAID']);
    expect(calls).toEqual([]);
  });
});

describe('the list', () => {
  const since = new Date('2026-11-20T00:00:00Z');
  const list = (cursor: string | null, limit = 2) => makeProvider().listTransactions?.({ since, cursor, limit });
  const settled = fixture('invoice-settled');
  const foreign = changed('invoice-settled', { payload: undefined });
  const old = changed('invoice-settled', { created_at: '2026-11-18T23:59:59Z' });

  it('begins with paid invoices and goes on while pages are full', async () => {
    answers = { getInvoices: [items(settled, foreign)] };
    expect(await list(null)).toMatchObject({
      rows: [{ chargeId: '528890', direction: 'charge' }, null],
      next: 'invoices:2',
      resume: null,
    });
    await list('invoices:2');
    expect(calls).toEqual([
      ['getInvoices', { status: 'paid', offset: 0, count: 2 }],
      ['getInvoices', { status: 'paid', offset: 2, count: 2 }],
    ]);
  });

  it.each([
    ['a short page', items(settled)],
    ['an empty one', items()],
    ['what was made long before', items(settled, old)],
  ])('goes on with the transfers after %s', async (_name, page) => {
    answers = { getInvoices: [page] };
    expect(await list(null)).toMatchObject({ next: 'transfers:0' });
  });

  it('names what transfers gave back by the invoices', async () => {
    const payout = changed('transfer', { comment: 'Payout', spend_id: 'po_1' });
    const gone = changed('transfer', { comment: 'Refund ref_2 of invoice 5', spend_id: 'ref_2' });
    answers = { getTransfers: [items(fixture('transfer'), payout, gone)], getInvoices: [items(settled)] };
    expect(await list('transfers:0', 3)).toMatchObject({
      rows: [{ chargeId: '528890', direction: 'refund', amount: { amount: 2_999n, currency: 'USD' } }, null, null],
      next: 'transfers:3',
    });
    expect(calls).toEqual([
      ['getTransfers', { offset: 0, count: 3 }],
      ['getInvoices', { invoice_ids: '528890,5', count: 2 }],
    ]);
  });

  it.each([
    ['a short page', items()],
    ['what was done before', items(changed('transfer', { completed_at: '2026-11-19T23:59:59Z', comment: null }))],
  ])('ends after %s of transfers', async (_name, page) => {
    answers = { getTransfers: [page] };
    expect(await list('transfers:0', 1)).toMatchObject({ next: null, resume: null });
    expect(methods()).toEqual(['getTransfers']);
  });

  it('asks for no more than Crypto Pay gives', async () => {
    answers = { getInvoices: [items()] };
    await list(null, 5_000);
    expect(calls[0]?.[1]).toMatchObject({ count: 1_000 });
  });
});
