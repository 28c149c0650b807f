import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import type { AskedOrder, CheckoutRequest } from '#domain/provider/request.ts';
import { makePayme, type PaymeOptions } from './adapter.ts';
import cardsCheck from './fixtures/cards-check.json';
import cardsRemove from './fixtures/cards-remove.json';
import receiptsCancel from './fixtures/receipts-cancel.json';
import receiptsCreate from './fixtures/receipts-create.json';
import receiptsGet from './fixtures/receipts-get.json';
import receiptsPay from './fixtures/receipts-pay.json';

const RECEIPT = receiptsPay.request.params.id;
const INVOICE = receiptsCreate.request.params.account.order_id;
const { token } = cardsCheck.request.params;

/** What each method is answered: an answer, an HTTP status, or a connection that breaks. */
type Said = object | number | 'down';
let answers: Record<string, Said> = {};
let asked: unknown[] = [];
let apiUrl = '';
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const call = JSON.parse(Buffer.concat(chunks).toString()) as { method: string };
    asked.push(call);
    const said = answers[call.method] ?? { error: { code: -32601 } };
    if (said === 'down') return void request.socket.destroy();
    response.writeHead(typeof said === 'number' ? said : 200).end(typeof said === 'number' ? '' : JSON.stringify(said));
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
  answers = {
    'cards.check': cardsCheck.answer,
    'cards.remove': cardsRemove.answer,
    'receipts.create': receiptsCreate.answer,
    'receipts.pay': receiptsPay.answer,
    'receipts.get': receiptsGet.answer,
    'receipts.cancel': receiptsCancel.answer,
  };
  asked = [];
});

const make = (change: Partial<PaymeOptions> = {}) =>
  makePayme({
    merchantId: '587f72c72cac0d162c722ae2',
    checkoutUrl: 'https://checkout.paycom.uz',
    apiUrl,
    subscribe: true,
    keys: { current: 'key', previous: null, onPrevious: () => undefined },
    allowedAddresses: null,
    feeBps: 200,
    ...change,
  });
const failureOf = (work: Promise<unknown> | undefined) =>
  Promise.resolve(work).then(
    (value) => value,
    (error: unknown) => (error instanceof ProviderError ? [error.failure, error.code] : error),
  );
const refusal = (code: number) => ({ error: { code, message: 'no' } });
const inState = (state: number) => ({
  result: { receipt: { ...receiptsGet.answer.result.receipt, state, pay_time: 0 } },
});

const BEGUN = { id: 'stm_1', pageUrl: 'https://hoshi.example', returnUrl: 'https://hoshi.example', language: 'uz' };

describe('without the Subscribe API', () => {
  it('the adapter stores nothing and is asked nothing', async () => {
    const provider = make({ subscribe: false });
    expect([provider.storedMethods, provider.find, provider.closeCheckout]).toEqual([undefined, undefined, undefined]);
    const charge = provider.createCheckout(order(token));
    expect(await failureOf(charge)).toEqual(['invalid', 'NO_STORED_CARDS']);
    expect(asked).toEqual([]);
  });
});

describe('storing a card', () => {
  it('is begun by nobody: the browser gets a token by the register’s public id', async () => {
    const { storedMethods } = make();
    expect(storedMethods).toMatchObject({ method: 'credit_card', currencies: ['UZS'] });
    expect(await storedMethods?.begin(BEGUN)).toEqual({
      url: null,
      reference: null,
      client: { endpoint: apiUrl, publicId: '587f72c72cac0d162c722ae2' },
    });
    expect(asked).toEqual([]);
  });

  const confirm = (given: string | null = token) =>
    failureOf(make().storedMethods?.confirm({ reference: null, token: given, code: null }));

  it('is confirmed by asking Payme about the token', async () => {
    expect(await confirm()).toEqual({
      token: `${token}_newest`,
      brand: 'Uzcard',
      last4: '6311',
      expires: '2099-03',
    });
    expect(asked).toEqual([cardsCheck.request]);
  });

  it('is refused for a card that was not verified, or is good for one payment', async () => {
    const { card } = cardsCheck.answer.result;
    answers['cards.check'] = { result: { card: { ...card, verify: false } } };
    expect(await confirm()).toEqual(['declined', 'CARD_NOT_VERIFIED']);
    answers['cards.check'] = { result: { card: { ...card, recurrent: false } } };
    expect(await confirm()).toEqual(['declined', 'CARD_NOT_RECURRENT']);
    answers['cards.check'] = refusal(-31400);
    expect(await confirm()).toEqual(['declined', '-31400']);
  });

  it('without a token is no question', async () => {
    expect(await confirm(null)).toEqual(['invalid', 'TOKEN_MISSING']);
    expect(asked).toEqual([]);
  });

  it('is undone at Payme', async () => {
    expect(await failureOf(make().storedMethods?.remove(token))).toBeUndefined();
    expect(asked).toEqual([cardsRemove.request]);
  });
});

function order(given: string | null): CheckoutRequest {
  return {
    invoiceId: INVOICE,
    attemptId: 'att_1',
    method: 'credit_card',
    price: { amount: 50_000_000n, currency: 'UZS' },
    title: 'Line Basic',
    description: 'Basic.',
    language: 'uz',
    renewalDays: null,
    chatId: null,
    returnUrl: 'https://hoshi.example/paid',
    expiresAt: new Date('2026-11-20T10:30:00Z'),
    token: given,
  };
}

describe('charging a stored card', () => {
  const charge = (change: Partial<CheckoutRequest> = {}) =>
    failureOf(make().createCheckout({ ...order(token), ...change }));
  const begun = { url: null, reference: RECEIPT };

  it('makes a receipt for the order in tiyin, and pays it', async () => {
    expect(await charge()).toEqual(begun);
    expect(asked).toEqual([receiptsCreate.request, receiptsPay.request]);
  });

  it.each([1, 2, 3, 5, 20, 30])('may be on the way: state %d', async (state) => {
    answers['receipts.pay'] = inState(state);
    expect(await charge()).toEqual(begun);
  });

  it.each([21, 50])('came to nothing: state %d', async (state) => {
    answers['receipts.pay'] = inState(state);
    expect(await charge()).toEqual(['declined', 'processing_error']);
  });

  it.each([
    [-31303, 'insufficient_funds'],
    [-31630, 'insufficient_funds'],
    [-31400, 'card_data_wrong'],
    [-31301, 'card_declined'],
    [-31008, 'card_declined'],
    [-31002, 'processing_error'],
    [-12345, 'card_declined'],
  ])('that Payme refuses is declined: %d, %s', async (code, failure) => {
    answers['receipts.pay'] = refusal(code);
    expect(await charge()).toEqual(['declined', failure]);
  });

  it.each([
    ['a broken connection', 'down'],
    ['an error of the server', 500],
    ['a gateway that gave up', 504],
    ['an answer nobody can read', { result: {} }],
    ['a failure of Payme’s system', refusal(-32400)],
  ] as const)('is not tried elsewhere after %s: it may be done', async (_name, said) => {
    answers['receipts.pay'] = said;
    expect(await charge()).toEqual(begun);
    expect(asked).toHaveLength(2);
  });

  it('is surely not done when there were too many requests, or the key is wrong', async () => {
    answers['receipts.pay'] = 429;
    expect(await charge()).toEqual(['unavailable', 'HTTP_429']);
    answers['receipts.pay'] = refusal(-32504);
    expect(await charge()).toEqual(['misconfigured', '-32504']);
  });

  it.each([
    ['a broken connection', 'down', ['unavailable', 'NO_ANSWER']],
    ['a failure of Payme’s system', refusal(-32400), ['unavailable', '-32400']],
    ['an amount that is too small', refusal(-31611), ['declined', 'limit_exceeded']],
    ['our own refusal of the order', refusal(-31051), ['declined', 'processing_error']],
  ] as const)('without a receipt takes no money: %s', async (_name, said, failure) => {
    answers['receipts.create'] = said;
    expect(await charge()).toEqual(failure);
    expect(asked).toHaveLength(1);
  });

  it('is no call for another currency, or what renews by itself', async () => {
    expect(await charge({ price: { amount: 999n, currency: 'USD' } })).toEqual(['invalid', 'CURRENCY_IS_NOT_UZS']);
    expect(await charge({ renewalDays: 30 })).toEqual(['invalid', 'NO_RENEWALS']);
    expect(asked).toEqual([]);
  });

  it('leaves the pay link as it is', async () => {
    const link = await make().createCheckout(order(null));
    expect(link).toEqual(await make({ subscribe: false }).createCheckout(order(null)));
    expect([link.reference, asked]).toEqual([null, []]);
  });
});

describe('closing a charge', () => {
  const close = () => failureOf(make().closeCheckout?.({ reference: RECEIPT, voidsTransfer: false }));
  const methods = () => asked.map((call) => (call as { method: string }).method);

  it('that nobody has begun to pay cancels its receipt', async () => {
    answers['receipts.get'] = inState(0);
    expect(await close()).toBe('closed');
    expect(asked).toEqual([receiptsGet.request, receiptsCancel.request]);
  });

  it.each([1, 2, 3, 4, 5, 6, 20, 30])('that is paid or on the way cancels nothing: state %d', async (state) => {
    answers['receipts.get'] = inState(state);
    expect(await close()).toBe('busy');
    expect(methods()).toEqual(['receipts.get']);
  });

  it.each([21, 50])('that was cancelled before is done: state %d', async (state) => {
    answers['receipts.get'] = inState(state);
    expect(await close()).toBe('closed');
    expect(methods()).toEqual(['receipts.get']);
  });

  it('that was paid at the same instant is busy', async () => {
    answers['receipts.get'] = inState(0);
    answers['receipts.cancel'] = inState(4);
    expect(await close()).toBe('busy');
  });

  it('fails when Payme cannot be asked', async () => {
    answers['receipts.get'] = 'down';
    expect(await close()).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('asking about an order', () => {
  const chargeId = '673db0a2e51de5b3a1f0c6d4';
  const price = { amount: 50_000_000n, currency: 'UZS' } as const;
  const held: AskedOrder = {
    invoiceId: INVOICE,
    reference: RECEIPT,
    chargeId: null,
    createdAt: new Date('2026-11-20T10:00:00Z'),
    reservation: { chargeId, reference: null, price },
  };
  const find = (change: Partial<AskedOrder> = {}) => failureOf(make().find?.({ ...held, ...change }));

  it('with a receipt tells what came of it', async () => {
    expect(await find()).toMatchObject([{ type: 'payment_succeeded', invoiceId: INVOICE, chargeId, paid: price }]);
    expect(asked).toEqual([receiptsGet.request]);
    answers['receipts.get'] = inState(2);
    expect(await find()).toEqual([]);
    answers['receipts.get'] = inState(50);
    expect(await find()).toMatchObject([{ type: 'payment_failed', isFinal: true }]);
  });

  it('without one is no question: Payme itself tells of the pay link', async () => {
    expect(await find({ reference: null })).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('that is paid without our knowing is an error, not silence', async () => {
    expect(await find({ reservation: null })).toEqual(['invalid', 'UNMATCHED_RECEIPT']);
  });
});
