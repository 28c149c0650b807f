import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProviderReply } from '#domain/provider/contract.ts';
import type { InquiryAnswer, InquiryReason, ProviderInquiry, Reservation } from '#domain/provider/inquiry.ts';
import cancelTransaction from './fixtures/cancel-transaction.json';
import refundTransaction from './fixtures/cancel-transaction-refund.json';
import changePassword from './fixtures/change-password.json';
import checkPerform from './fixtures/check-perform-transaction.json';
import checkTransaction from './fixtures/check-transaction.json';
import createTransaction from './fixtures/create-transaction.json';
import getStatement from './fixtures/get-statement.json';
import performTransaction from './fixtures/perform-transaction.json';
import setFiscalData from './fixtures/set-fiscal-data.json';
import { NO_TRANSACTION_FOR_RECEIPT, ORDER_IS_BEING_PAID, PROTOCOL_ERRORS, REFUSALS } from './refusals.ts';
import { parseMessage, readMessage, writeAnswer } from './wire.ts';

const INVOICE = 'inv_01jd4q3v7k8m9n0p1q2r3s4t5v';
const CHARGE = '673db0a2e51de5b3a1f0c6d4';
const BEGUN = 1_795_168_800_000;
const HOUR = 3_600_000;

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const read = (value: unknown) => readMessage(parseMessage(value instanceof Uint8Array ? value : bytes(value)));
const opened = (reply: ProviderReply | null) => {
  expect(reply).toMatchObject({ status: 200, contentType: 'application/json; charset=UTF-8' });
  return JSON.parse(reply?.body ?? '') as { id: unknown; result?: object; error?: { code: number; data?: string } };
};
/** The answer to a message that is refused on the wire. */
const refused = (value: unknown) => {
  const reading = read(value);
  if (reading.kind !== 'rejected') throw new Error(`not refused: ${JSON.stringify(reading)}`);
  expect(reading.reason).toBe('malformed_request');
  const answer = opened(reading.reply);
  expect(answer).not.toHaveProperty('result');
  return answer;
};
const codeOf = (value: unknown) => refused(value).error?.code;
const inquiryOf = (value: unknown): ProviderInquiry => {
  const reading = read(value);
  if (reading.kind !== 'inquiry') throw new Error(`not an inquiry: ${JSON.stringify(reading)}`);
  return reading.inquiry;
};

type Json = Readonly<Record<string, unknown>>;
type Change = Readonly<{ params?: Json } & Json>;
const without = (object: Json, key: string): Json =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
/** The fixture's request with some members of `params` replaced. */
const withParams = ({ request }: { request: Change }, change: Json) => ({
  ...request,
  params: { ...request.params, ...change },
});
const withoutParam = ({ request }: { request: Change }, key: string) => ({
  ...request,
  params: without(request.params ?? {}, key),
});

const BY_METHOD: Readonly<Record<ProviderInquiry['type'], { request: Change }>> = {
  may_pay: checkPerform,
  reserve: createTransaction,
  capture: performTransaction,
  release: cancelTransaction,
  look_up: checkTransaction,
  list: getStatement,
  keep_receipt: setFiscalData,
};
const TYPES = Object.keys(BY_METHOD) as ReadonlyArray<ProviderInquiry['type']>;

const reserved: Reservation = {
  id: 'rsv_01jd4q4c2d3e4f5g6h7j8k9m0n',
  number: 17n,
  chargeId: CHARGE,
  invoiceId: INVOICE,
  price: { amount: 50_000_000n, currency: 'UZS' },
  status: 'reserved',
  askedAt: new Date(BEGUN),
  createdAt: new Date(BEGUN + 1_250),
  paidAt: null,
  cancelledAt: null,
  code: null,
};
const paid: Reservation = { ...reserved, status: 'paid', paidAt: new Date(BEGUN + 60_000) };
const ended = { cancelledAt: new Date(BEGUN + HOUR) };
const cancelled: Reservation = { ...reserved, ...ended, status: 'cancelled', code: 3 };
const refunded: Reservation = { ...paid, ...ended, status: 'refunded', code: 5 };

const found = (reservation: Reservation | null, reservations: ReadonlyArray<Reservation> = []): InquiryAnswer => ({
  ok: true,
  reservation,
  reservations,
});
const no = (reason: InquiryReason): InquiryAnswer => ({
  ok: false,
  reason,
  text: 'A sentence of ours in one language.',
  reservation: null,
});
const replyTo = (fixture: { request: unknown }, answer: InquiryAnswer) =>
  opened(writeAnswer(inquiryOf(fixture.request), answer));

describe('a method becomes an inquiry', () => {
  const order = { invoiceId: INVOICE, price: { amount: 50_000_000n, currency: 'UZS' } };

  it.each<[{ request: Json }, ProviderInquiry]>([
    [checkPerform, { type: 'may_pay', inquiryId: '1', ...order, payerId: null, languageCode: null }],
    [
      createTransaction,
      { type: 'reserve', inquiryId: '2', ...order, chargeId: CHARGE, reference: null, askedAt: new Date(BEGUN) },
    ],
    [performTransaction, { type: 'capture', inquiryId: '3', chargeId: CHARGE, claim: null, isDebited: false }],
    [cancelTransaction, { type: 'release', inquiryId: '4', chargeId: CHARGE, claim: null, code: 3, undoesPaid: true }],
    [refundTransaction, { type: 'release', inquiryId: '5', chargeId: CHARGE, claim: null, code: 5, undoesPaid: true }],
    [checkTransaction, { type: 'look_up', inquiryId: '6', chargeId: CHARGE }],
    [getStatement, { type: 'list', inquiryId: '7', from: new Date(BEGUN), to: new Date(BEGUN + HOUR) }],
    [
      setFiscalData,
      {
        type: 'keep_receipt',
        inquiryId: '8',
        chargeId: CHARGE,
        side: 'charge',
        receipt: JSON.stringify(setFiscalData.request.params.fiscal_data),
      },
    ],
  ])('$request.method', ({ request }, inquiry) => {
    expect(read(request)).toEqual({ kind: 'inquiry', inquiry });
  });

  it('takes members it does not know at every level', () => {
    const { account } = checkPerform.request.params;
    const request = withParams(checkPerform, { account: { ...account, phone: '+998901234567' }, terminal: {} });
    expect(inquiryOf({ ...request, jsonrpc: '2.0', extra: [[]] })).toEqual(inquiryOf(checkPerform.request));
  });

  it('does without the jsonrpc member, which Payme does not send', () => {
    expect(checkPerform.request).not.toHaveProperty('jsonrpc');
    expect(read(checkPerform.request).kind).toBe('inquiry');
  });

  it('reads white space and escapes as JSON has them', () => {
    const body = JSON.stringify(performTransaction.request, null, '\t').replace('PerformT', '\\u0050erformT');
    expect(inquiryOf(`\r\n ${body}\n`)).toEqual(inquiryOf(performTransaction.request));
  });

  it('ChangePassword is not in the current list of methods', () => {
    expect(refused(changePassword.request)).toEqual(changePassword.answer);
  });
});

describe('the id of the request comes back as it was', () => {
  it.each([1, 0, -1, 2_147_483_648, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])('%d', (id) => {
    const inquiry = inquiryOf({ ...checkPerform.request, id });
    expect(opened(writeAnswer(inquiry, found(null)))).toEqual({ result: { allow: true }, id });
    expect(opened(writeAnswer(inquiry, no('invoice_expired'))).id).toBe(id);
    expect(refused({ ...changePassword.request, id }).id).toBe(id);
  });

  it.each([
    ['null', null],
    ['a text', '1'],
    ['a fraction', 1.5],
    ['true', true],
    ['a list', [1]],
    ['an object', { id: 1 }],
  ])('%s is no id: the request is refused with id null', (_name, id) => {
    expect(refused({ ...checkPerform.request, id })).toMatchObject({ id: null, error: { code: -32600 } });
  });

  it('absent: refused with id null', () => {
    expect(refused(without(checkPerform.request, 'id'))).toMatchObject({ id: null, error: { code: -32600 } });
  });

  it.each(['9007199254740993', '1e999', '-1e999', '123456789012345678901234567890'])(
    '%s cannot be echoed exactly, and is not echoed wrongly',
    (id) => {
      const body = JSON.stringify(checkPerform.request).replace('"id":1}', `"id":${id}}`);
      expect(refused(body)).toMatchObject({ id: null, error: { code: -32600 } });
    },
  );

  it('an inquiry that was not read here is answered with id null', () => {
    for (const inquiryId of ['', 'x', '1.5', '1e3', '"1"', ' 1'])
      expect(opened(writeAnswer({ type: 'look_up', inquiryId, chargeId: CHARGE }, found(paid))).id).toBeNull();
  });
});

describe('-32700: what is not JSON', () => {
  it.each([
    ['nothing', ''],
    ['a broken object', '{"method":"CheckTransaction","params":{'],
    ['a form', 'method=CheckTransaction&id=1'],
    ['XML', '<methodCall/>'],
    ['single quotes', "{'id':1}"],
    ['a trailing comma', '{"id":1,}'],
    ['a comment', '{"id":1}//'],
    ['NaN', '{"id":NaN}'],
    ['two values', '{"id":1}{"id":2}'],
    ['a byte order mark (RFC 8259 § 8.1)', '\uFEFF{"id":1}'],
    ['a NUL', '{"id":1}\0'],
  ])('%s', (_name, body) => {
    expect(refused(body)).toEqual({ error: PROTOCOL_ERRORS.not_json, id: null });
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['Windows-1251', [0xcf, 0xf0]],
    ['a sequence that is cut off', [0xe2, 0x82]],
  ])('%s inside a text that would be JSON otherwise', (_name, inside) => {
    expect(codeOf(Buffer.concat([Buffer.from('{"id":1,"method":"'), Buffer.from(inside), Buffer.from('"}')]))).toBe(
      -32700,
    );
  });

  it('UTF-16', () => {
    expect(codeOf(Buffer.from(JSON.stringify(checkPerform.request), 'utf16le'))).toBe(-32700);
  });

  it('a message longer than 64 KiB is not parsed at all', () => {
    const padded = (length: number) => JSON.stringify(checkPerform.request).padEnd(length);
    expect(read(padded(65_536)).kind).toBe('inquiry');
    expect(refused(padded(65_537))).toEqual({ error: PROTOCOL_ERRORS.not_json, id: null });
  });
});

describe('-32600: what is JSON and no call', () => {
  it.each(['null', 'true', '7', '"CheckTransaction"', '[]', '{}', `[${JSON.stringify(checkPerform.request)}]`])(
    '%s',
    (body) => {
      expect(refused(body)).toEqual({ error: PROTOCOL_ERRORS.wrong_fields, id: null });
    },
  );

  it.each<[string, Json]>([
    ['no method', without(checkPerform.request, 'method')],
    ['no params', without(checkPerform.request, 'params')],
    ['an empty method', { ...checkPerform.request, method: '' }],
    ...[null, 7, true, [], {}].map((method): [string, Json] => [
      `method ${JSON.stringify(method)}`,
      { ...checkPerform.request, method },
    ]),
    ...[null, 7, 'text', true].map((params): [string, Json] => [
      `params ${JSON.stringify(params)}`,
      { ...checkPerform.request, params },
    ]),
    ['params by position', { ...checkPerform.request, params: [50_000_000, { order_id: INVOICE }] }],
  ])('%s, and the id is known', (_name, request) => {
    expect(refused(request)).toEqual({ error: PROTOCOL_ERRORS.wrong_fields, id: 1 });
  });

  it.each([20_000, 30_000])('nesting %d deep, in the open and in a field nobody reads', (depth) => {
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    expect(codeOf(nested)).toBe(-32600);
    const body = JSON.stringify(checkPerform.request).replace('"params":{', `"params":{"extra":${nested},`);
    expect(read(body).kind).toBe('inquiry');
  });
});

describe('-32601: a method that does not exist', () => {
  it.each([
    'checkPerformTransaction',
    'CheckPerformTransaction ',
    'cards.create',
    'constructor',
    '__proto__',
    'toString',
    'Оплатить',
  ])('%s comes back in data', (method) => {
    const error = { ...PROTOCOL_ERRORS.unknown_method, data: method };
    expect(refused({ ...checkPerform.request, method })).toEqual({ error, id: 1 });
  });

  it('a long name comes back cut to 64 characters, none of them in half', () => {
    expect(refused({ ...checkPerform.request, method: 'x'.repeat(5_000) }).error?.data).toBe('x'.repeat(64));
    expect(refused({ ...checkPerform.request, method: '😀'.repeat(100) }).error?.data).toBe('😀'.repeat(64));
  });
});

describe.each([
  ['CheckPerformTransaction', checkPerform],
  ['CreateTransaction', createTransaction],
])('the order in %s', (_method, fixture) => {
  it.each([
    ['zero', 0],
    ['minus zero', -0],
    ['negative', -50_000_000],
    ['a fraction of a tiyin', 50_000_000.5],
    ['beyond a safe integer', 9_007_199_254_740_992],
  ])('-31001 for an amount that is %s', (_name, amount) => {
    const { error } = refused(withParams(fixture, { amount }));
    expect(error).toEqual(REFUSALS.amount_mismatch);
  });

  it.each(['1e999', '-1e999', '123456789012345678901234567890'])('-31001 for the huge amount %s', (amount) => {
    const body = JSON.stringify(fixture.request).replace('"amount":50000000', `"amount":${amount}`);
    expect(codeOf(body)).toBe(-31001);
  });

  it.each(['50000000.0', '5e7', '500000000e-1'])('%s is the integer it is worth', (amount) => {
    const body = JSON.stringify(fixture.request).replace('"amount":50000000', `"amount":${amount}`);
    expect(inquiryOf(body)).toMatchObject({ price: { amount: 50_000_000n } });
  });

  it.each([1, Number.MAX_SAFE_INTEGER])('takes %d tiyin to the last', (amount) => {
    expect(inquiryOf(withParams(fixture, { amount }))).toMatchObject({ price: { amount: BigInt(amount) } });
  });

  it.each([
    ['a text', '50000000'],
    ['null', null],
    ['true', true],
    ['a list', [50_000_000]],
    ['an object', { tiyin: 50_000_000 }],
  ])('-32600 for an amount that is no number: %s', (_name, amount) => {
    expect(codeOf(withParams(fixture, { amount }))).toBe(-32600);
  });

  it('-32600 for an amount that is missing', () => {
    expect(codeOf(withoutParam(fixture, 'amount'))).toBe(-32600);
  });

  it.each([
    ['nothing', {}],
    ['another field', { invoice: INVOICE }],
    ['null', { order_id: null }],
    ['a number', { order_id: 197 }],
    ['true', { order_id: true }],
    ['a list', { order_id: [INVOICE] }],
    ['an object', { order_id: { $ne: null } }],
    ['an empty text', { order_id: '' }],
    ['a number as a text', { order_id: '197' }],
    ['only the prefix', { order_id: 'inv_' }],
    ['an id of another kind', { order_id: INVOICE.replace('inv_', 'pay_') }],
    ['capitals', { order_id: INVOICE.toUpperCase() }],
    ['white space around it', { order_id: ` ${INVOICE}` }],
    ['a line break after it', { order_id: `${INVOICE}\n` }],
    ['a NUL', { order_id: 'inv_\0' }],
    ['a quote', { order_id: "inv_1'--" }],
    ['more than an id has', { order_id: `inv_${'a'.repeat(65)}` }],
    ['the field under another spelling', { orderId: INVOICE }],
  ])('-31050 with the field’s name when order_id is %s', (_name, account) => {
    expect(refused(withParams(fixture, { account })).error).toEqual(REFUSALS.invoice_not_found);
    expect(REFUSALS.invoice_not_found).toMatchObject({ code: -31050, data: 'order_id' });
  });

  it('-31050 does not come from what objects inherit', () => {
    const body = JSON.stringify(fixture.request).replace('"order_id"', '"__proto__":{"order_id":"inv_1"},"other"');
    expect(codeOf(body)).toBe(-31050);
  });

  it.each([
    ['null', null],
    ['a text', INVOICE],
    ['a list', []],
    ['a number', 1],
  ])('-32600 for an account that is no object: %s', (_name, account) => {
    expect(codeOf(withParams(fixture, { account }))).toBe(-32600);
  });

  it('-32600 for an account that is missing', () => {
    expect(codeOf(withoutParam(fixture, 'account'))).toBe(-32600);
  });

  it('names the order first when order and amount are both wrong', () => {
    expect(codeOf(withParams(fixture, { account: {}, amount: -1 }))).toBe(-31050);
  });
});

const NO_IDS: ReadonlyArray<[string, unknown]> = [
  ['null', null],
  ['a number', 673],
  ['an empty text', ''],
  ['65 characters', 'a'.repeat(65)],
  ['a space in it', `${CHARGE.slice(2)} 1`],
  ['a line break', `${CHARGE.slice(1)}\n`],
  ['letters of another script', 'я'.repeat(24)],
  ['a list', [CHARGE]],
];
const NO_TIMES: ReadonlyArray<[string, unknown]> = [
  ['seconds', 1_795_168_800],
  ['14 digits', 10_000_000_000_000],
  ['zero', 0],
  ['negative', -BEGUN],
  ['a fraction', BEGUN + 0.5],
  ['a text', String(BEGUN)],
  ['an ISO time', '2026-11-20T10:00:00Z'],
  ['null', null],
];

describe.each([
  ['CreateTransaction', createTransaction, -32600],
  ['PerformTransaction', performTransaction, -32600],
  ['CancelTransaction', cancelTransaction, -32600],
  ['CheckTransaction', checkTransaction, -32600],
  ['SetFiscalData', setFiscalData, -32602],
])('the transaction id in %s is a text of visible characters', (_method, fixture, code) => {
  it.each(NO_IDS)('not %s', (_name, id) => {
    expect(codeOf(withParams(fixture, { id }))).toBe(code);
  });

  it('and not missing', () => {
    expect(codeOf(withoutParam(fixture, 'id'))).toBe(code);
  });

  it.each(['a', CHARGE.slice(1), CHARGE.toUpperCase(), `-${CHARGE}`, 'a'.repeat(64)])(
    'also %s: it may be unknown',
    (id) => {
      expect(inquiryOf(withParams(fixture, { id }))).toMatchObject({ chargeId: id });
    },
  );
});

describe.each([
  ['CreateTransaction', createTransaction, 'time', NO_TIMES],
  // A statement may be asked for from the beginning of time.
  ['GetStatement', getStatement, 'from', NO_TIMES.filter(([name]) => name !== 'zero' && name !== 'seconds')],
  ['GetStatement', getStatement, 'to', NO_TIMES.filter(([name]) => name !== 'zero' && name !== 'seconds')],
] as const)('in %s %#, a time is milliseconds of at most 13 digits', (_method, fixture, name, wrong) => {
  it.each(wrong)(`${name} is not %s`, (_name, time) => {
    expect(codeOf(withParams(fixture, { [name]: time }))).toBe(-32600);
  });

  it(`${name} is not missing`, () => {
    expect(codeOf(withoutParam(fixture, name))).toBe(-32600);
  });

  it.each([1_000_000_000_000, 9_999_999_999_999])(`${name} may be %d`, (time) => {
    expect(read(withParams(fixture, { [name]: time })).kind).toBe('inquiry');
  });
});

describe('GetStatement', () => {
  it('hands a span on that ends before it begins: nothing lies in it', () => {
    expect(inquiryOf(withParams(getStatement, { from: BEGUN, to: BEGUN - 1 }))).toMatchObject({
      from: new Date(BEGUN),
      to: new Date(BEGUN - 1),
    });
  });
});

describe('the reason of CancelTransaction', () => {
  it.each([1, 2, 3, 4, 5, 10])('%d is documented and kept', (reason) => {
    expect(inquiryOf(withParams(cancelTransaction, { reason }))).toMatchObject({ code: reason });
  });

  it.each([0, 6, 99, -1, 2_147_483_647])('%d is not, and is kept too: it must not keep an order locked', (reason) => {
    expect(inquiryOf(withParams(cancelTransaction, { reason }))).toMatchObject({ code: reason });
  });

  it.each([['5'], [null], [1.5], [2_147_483_648], [true], [[5]]])('%j is none', (reason) => {
    expect(codeOf(withParams(cancelTransaction, { reason }))).toBe(-32600);
  });

  it('is not missing', () => {
    expect(codeOf(withoutParam(cancelTransaction, 'reason'))).toBe(-32600);
  });
});

describe('the receipt of SetFiscalData', () => {
  const receipt: Json = setFiscalData.request.params.fiscal_data;
  const withReceipt = (change: Json) => withParams(setFiscalData, { fiscal_data: { ...receipt, ...change } });
  const receiptOf = (request: unknown) => {
    const inquiry = inquiryOf(request);
    return inquiry.type === 'keep_receipt' ? JSON.parse(inquiry.receipt) : null;
  };

  it.each([
    ['PERFORM', 'charge'],
    ['CANCEL', 'refund'],
  ])('%s is the receipt of the %s', (type, side) => {
    expect(inquiryOf(withParams(setFiscalData, { type }))).toMatchObject({ type: 'keep_receipt', side });
  });

  it.each([['perform'], ['REFUND'], [''], [null], [1], [['PERFORM']]])('-32602 for the type %j', (type) => {
    expect(refused(withParams(setFiscalData, { type })).error).toEqual(PROTOCOL_ERRORS.wrong_receipt);
  });

  it('takes receipt_id as a text, as the table has it, and as a number, as the example has it', () => {
    expect(receiptOf(withReceipt({ receipt_id: '121' }))).toEqual({ ...receipt, receipt_id: '121' });
    expect(receiptOf(withReceipt({ receipt_id: 121 }))).toEqual(receipt);
  });

  it('takes one that failed, in which there is little', () => {
    const failed = { status_code: 1010, message: 'Ошибка регистрации', receipt_id: null, qr_code_url: '' };
    expect(receiptOf(withParams(setFiscalData, { fiscal_data: failed }))).toEqual(failed);
    expect(receiptOf(withReceipt({ qr_code_url: null }))).toEqual({ ...receipt, qr_code_url: null });
  });

  it('keeps nothing that is not documented', () => {
    expect(receiptOf(withReceipt({ phone: '+998901234567', nested: { deep: [1] } }))).toEqual(receipt);
  });

  it.each<[string, Json]>([
    ['an object in a field', { message: {} }],
    ['a list in a field', { terminal_id: [] }],
    ['true', { status_code: true }],
    ['a fraction', { status_code: 0.5 }],
    ['a number that is not exact', { fiscal_sign: 9_007_199_254_740_992 }],
    ['a text of more than 1,024 characters', { message: 'x'.repeat(1_025) }],
    ['a NUL, which no database keeps', { message: 'x\0' }],
    ['half of a surrogate pair', { message: '\ud800' }],
    ['a link that runs', { qr_code_url: 'javascript:alert(1)' }],
    ['a link without encryption', { qr_code_url: 'http://ofd.soliq.uz/epi' }],
    ['a link that leaves its quotes', { qr_code_url: 'https://ofd.soliq.uz/"onclick="' }],
    ['a number for a link', { qr_code_url: 1 }],
  ])('-32602 for %s', (_name, change) => {
    expect(codeOf(withReceipt(change))).toBe(-32602);
  });

  it.each([
    ['nothing', {}],
    ['only nulls', { receipt_id: null, message: null }],
    ['only what is not documented', { other: 1 }],
    ['null', null],
    ['a text', JSON.stringify(receipt)],
    ['a list', [receipt]],
    ['something nested deep', JSON.parse('['.repeat(1_000) + ']'.repeat(1_000))],
  ])('-32602 for fiscal_data that is %s', (_name, fiscal_data) => {
    expect(codeOf(withParams(setFiscalData, { fiscal_data }))).toBe(-32602);
  });

  it('-32602 when there is none', () => {
    expect(codeOf(withoutParam(setFiscalData, 'fiscal_data'))).toBe(-32602);
  });

  it('fits a bound of ours whatever is sent', () => {
    const longest = Object.fromEntries(
      Object.keys(receipt).map((key) => [
        key,
        key === 'qr_code_url' ? `https://${'x'.repeat(1_016)}` : '"'.repeat(1_024),
      ]),
    );
    expect(JSON.stringify(receiptOf(withReceipt(longest))).length).toBeLessThan(16_384);
  });
});

describe('what went well becomes a result', () => {
  it.each([
    ['CheckPerformTransaction', checkPerform, found(null)],
    ['CreateTransaction', createTransaction, found(reserved)],
    ['PerformTransaction', performTransaction, found(paid)],
    ['CancelTransaction before the money', cancelTransaction, found(cancelled)],
    ['CancelTransaction after the money', refundTransaction, found(refunded)],
    ['CheckTransaction', checkTransaction, found(paid)],
    ['GetStatement', getStatement, found(null, [cancelled, refunded])],
    ['SetFiscalData', setFiscalData, found(paid)],
  ])('%s', (_name, fixture, answer) => {
    expect(replyTo(fixture, answer)).toEqual(fixture.answer);
  });

  it('the same step twice reads the same to the byte', () => {
    for (const [fixture, reservation] of [
      [createTransaction, reserved],
      [performTransaction, paid],
      [cancelTransaction, cancelled],
    ] as const) {
      const inquiry = inquiryOf(fixture.request);
      expect(writeAnswer(inquiry, found(reservation))).toEqual(writeAnswer(inquiry, found({ ...reservation })));
    }
  });

  it.each([
    ['reserved', reserved, { state: 1, perform_time: 0, cancel_time: 0, reason: null }],
    ['paid', paid, { state: 2, perform_time: BEGUN + 60_000, cancel_time: 0, reason: null }],
    ['cancelled', cancelled, { state: -1, perform_time: 0, cancel_time: BEGUN + HOUR, reason: 3 }],
    ['refunded', refunded, { state: -2, perform_time: BEGUN + 60_000, cancel_time: BEGUN + HOUR, reason: 5 }],
  ])('CheckTransaction of one that is %s', (_status, reservation, result) => {
    const transaction = { create_time: BEGUN + 1_250, transaction: reserved.id };
    expect(replyTo(checkTransaction, found(reservation)).result).toEqual({ ...transaction, ...result });
  });

  it.each([
    ['12 hours after Payme began: 4, timeout', { cancelledAt: new Date(BEGUN + 12 * HOUR) }, 4],
    ['any time later: 4, timeout', { cancelledAt: new Date(BEGUN + 30 * HOUR) }, 4],
    ['a moment earlier, the order being withdrawn: 10, unknown', { cancelledAt: new Date(BEGUN + 12 * HOUR - 1) }, 10],
    ['at a time nobody knows: 10, unknown', { cancelledAt: null }, 10],
  ])('the reason of what we ended ourselves, %s', (_name, end, reason) => {
    const reservation = { ...cancelled, code: null, ...end };
    expect(replyTo(checkTransaction, found(reservation)).result).toMatchObject({ state: -1, reason });
  });

  it('the reason of what was given back without Payme’s word: 5, refund', () => {
    const reservation = { ...refunded, code: null };
    expect(replyTo(checkTransaction, found(reservation)).result).toMatchObject({ state: -2, reason: 5 });
  });

  it('the 12 hours run from Payme’s time, not from ours', () => {
    const late = { ...cancelled, code: null, createdAt: new Date(BEGUN + 11 * HOUR) };
    const reservation = { ...late, cancelledAt: new Date(BEGUN + 12 * HOUR) };
    expect(replyTo(checkTransaction, found(reservation)).result).toMatchObject({ reason: 4 });
  });

  it('a repeated CancelTransaction keeps the first time', () => {
    expect(replyTo(withFixture(cancelTransaction, { reason: 4 }), found(cancelled)).result).toMatchObject({
      cancel_time: BEGUN + HOUR,
    });
  });

  it('GetStatement of a time in which nothing happened is an empty list', () => {
    expect(replyTo(getStatement, found(null)).result).toEqual({ transactions: [] });
  });

  it('GetStatement keeps the order it is given, and tells all states', () => {
    const states = [reserved, paid, cancelled, refunded];
    expect(replyTo(getStatement, found(null, states)).result).toMatchObject({
      transactions: [{ state: 1 }, { state: 2 }, { state: -1 }, { state: -2 }],
    });
  });

  it('GetStatement tells amounts in tiyin to the last', () => {
    const price = { amount: BigInt(Number.MAX_SAFE_INTEGER), currency: 'UZS' } as const;
    const inquiry = inquiryOf(getStatement.request);
    expect(writeAnswer(inquiry, found(null, [{ ...paid, price }])).body).toContain('"amount":9007199254740991,');
  });

  it.each(['reserve', 'capture', 'release', 'look_up'] as const)(
    'a step without its reservation (%s) is a failure of ours: Payme asks again',
    (type) => {
      expect(replyTo(BY_METHOD[type], found(null)).error).toEqual(REFUSALS.service_unavailable);
    },
  );
});

function withFixture(fixture: { request: Change }, params: Json) {
  return { request: withParams(fixture, params) };
}

describe('a refusal becomes a code', () => {
  const CODES: ReadonlyArray<[InquiryReason, number, string | undefined]> = [
    ['amount_mismatch', -31001, undefined],
    ['currency_mismatch', -31001, undefined],
    ['invoice_not_found', -31050, 'order_id'],
    ['invoice_expired', -31051, 'order_id'],
    ['invoice_cancelled', -31052, 'order_id'],
    ['invoice_too_old', -31053, 'order_id'],
    ['invoice_already_paid', -31054, 'order_id'],
    ['plan_not_for_sale', -31055, 'order_id'],
    ['already_owned', -31056, 'order_id'],
    ['already_subscribed', -31057, 'order_id'],
    ['payer_is_not_buyer', -31058, 'order_id'],
    ['invoice_reserved', -31008, undefined],
    ['reservation_not_found', -31003, undefined],
    ['reservation_closed', -31008, undefined],
    ['refund_not_possible', -31007, undefined],
    ['service_unavailable', -32400, undefined],
  ];

  it.each(CODES)('%s is %d', (reason, code, data) => {
    const hasOwnCode = (type: string) => type === 'may_pay' && reason === 'invoice_reserved';
    for (const type of TYPES.filter((each) => each !== 'keep_receipt' && !hasOwnCode(each))) {
      const answer = replyTo(BY_METHOD[type], no(reason));
      expect(answer).toEqual({ error: REFUSALS[reason], id: BY_METHOD[type].request['id'] });
      expect(answer.error?.code).toBe(code);
      expect(answer.error?.data).toBe(data);
    }
  });

  it('a transaction that SetFiscalData names and nobody knows has a code of its own: -32001', () => {
    expect(replyTo(setFiscalData, no('reservation_not_found')).error).toEqual(NO_TRANSACTION_FOR_RECEIPT);
    expect(NO_TRANSACTION_FOR_RECEIPT.code).toBe(-32001);
    expect(replyTo(setFiscalData, no('service_unavailable')).error?.code).toBe(-32400);
  });

  it('an order that is being paid cannot be checked: -31059, as -31008 is none of the errors of that method', () => {
    expect(replyTo(checkPerform, no('invoice_reserved')).error).toEqual(ORDER_IS_BEING_PAID);
    expect(ORDER_IS_BEING_PAID).toMatchObject({ code: -31059, data: 'order_id' });
  });

  it('every reason has a row here', () => {
    expect(CODES.map(([reason]) => reason).sort()).toEqual(Object.keys(REFUSALS).sort());
  });

  it('the codes about the order are distinct, in their range, and no others name it', () => {
    const about = Object.values(REFUSALS).filter(({ data }) => data !== undefined);
    expect(new Set(about.map(({ code }) => code)).size).toBe(about.length);
    for (const { code } of Object.values(REFUSALS).filter(({ data }) => data === undefined))
      expect(code < -31099 || code > -31050).toBe(true);
    for (const { code } of about) expect(code >= -31099 && code <= -31050).toBe(true);
  });

  it('our sentence in one language stays at home: Payme is told all three', () => {
    expect(writeAnswer(inquiryOf(checkPerform.request), no('invoice_expired')).body).not.toContain('one language');
  });
});

describe('the texts', () => {
  const all = [
    ...Object.values(REFUSALS),
    ...Object.values(PROTOCOL_ERRORS),
    NO_TRANSACTION_FOR_RECEIPT,
    ORDER_IS_BEING_PAID,
  ];

  it.each(all.map((error) => [error.message.en, error.message]))('%s', (_english, message) => {
    expect(Object.keys(message).sort()).toEqual(['en', 'ru', 'uz']);
    // Each language in its own script, as one or more whole sentences.
    expect(message.ru).toMatch(/^[А-ЯЁ][А-Яа-яЁё ,.:]*(?:(?:POST|JSON)[А-Яа-яЁё ,.:]*)?\.$/);
    expect(message.uz).toMatch(/^[A-Z][A-Za-zʻʼ ,.:]+\.$/);
    expect(message.en).toMatch(/^[A-Z][A-Za-z ,.:]+\.$/);
  });
});

describe('whatever comes', () => {
  /** A request of the protocol with one value anywhere in it replaced. */
  const mutated = fc
    .tuple(
      fc.constantFrom(...TYPES),
      fc.constantFrom('id', 'method', 'params', 'amount', 'account', 'time', 'reason', 'from', 'type', 'fiscal_data'),
      fc.jsonValue(),
    )
    .map(([type, key, value]) => {
      const { request } = BY_METHOD[type];
      return key in request ? { ...request, [key]: value } : withParams({ request }, { [key]: value });
    });

  const isAnswered = (body: Uint8Array) => {
    const reading = read(body);
    if (reading.kind === 'rejected') {
      const answer = opened(reading.reply);
      expect(Object.keys(answer).sort()).toEqual(['error', 'id']);
      expect(answer.id === null || Number.isSafeInteger(answer.id)).toBe(true);
      expect(answer.error).toMatchObject({
        code: expect.any(Number),
        message: { ru: expect.any(String), uz: expect.any(String), en: expect.any(String) },
      });
      return;
    }
    expect(reading.kind).toBe('inquiry');
  };

  it('no bytes make it throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), isAnswered), { numRuns: 500 });
  });

  it('no JSON makes it throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => isAnswered(bytes(JSON.stringify(value)))),
      { numRuns: 500 },
    );
  });

  it('no request with one wrong value makes it throw', () => {
    fc.assert(
      fc.property(mutated, (request) => isAnswered(bytes(request))),
      { numRuns: 1_000 },
    );
  });

  it('a request that is cut off anywhere is no JSON', () => {
    const whole = bytes(createTransaction.request);
    for (let length = 0; length < whole.length; length += 1) expect(codeOf(whole.subarray(0, length))).toBe(-32700);
  });

  it('every inquiry has a reply to every answer, in valid JSON and with HTTP 200', () => {
    const reservation = fc.record({
      id: fc.string(),
      number: fc.bigInt(),
      chargeId: fc.string(),
      invoiceId: fc.string(),
      price: fc.record({ amount: fc.bigInt(), currency: fc.constant('UZS' as const) }),
      status: fc.constantFrom('reserved', 'paid', 'cancelled', 'refunded'),
      askedAt: fc.date({ noInvalidDate: true }),
      createdAt: fc.date({ noInvalidDate: true }),
      paidAt: fc.option(fc.date({ noInvalidDate: true })),
      cancelledAt: fc.option(fc.date({ noInvalidDate: true })),
      code: fc.option(fc.integer()),
    });
    const accepted = fc
      .tuple(fc.option(reservation), fc.array(reservation, { maxLength: 3 }))
      .map(([one, many]) => found(one, many));
    const declined = fc.constantFrom(...(Object.keys(REFUSALS) as InquiryReason[])).map(no);
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), fc.oneof(accepted, declined), (type, answer) => {
        const reply = opened(writeAnswer(inquiryOf(BY_METHOD[type].request), answer));
        expect(reply.id).toBe(BY_METHOD[type].request['id']);
        expect(Object.hasOwn(reply, 'result')).toBe(!Object.hasOwn(reply, 'error'));
      }),
      { numRuns: 500 },
    );
  });
});
