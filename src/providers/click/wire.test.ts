import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProviderReading } from '#domain/provider/contract.ts';
import { PLAIN_CHARGE } from '#domain/provider/event.ts';
import type { InquiryAnswer, InquiryReason, ProviderInquiry, Reservation } from '#domain/provider/inquiry.ts';
import {
  daysToAsk,
  readMerchantAnswer,
  readMessage,
  readPayment,
  toEvent,
  toFailure,
  toSom,
  writeReply,
} from './wire.ts';

const SECRET = 'click-fixture-secret';
const now = new Date('2026-11-20T10:00:05Z');
const later = new Date('2026-11-21T10:00:00Z');
const INVOICE = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
/** 2^53 + 1: the first integer that a JavaScript number rounds. */
const TRANS_ID = '9007199254740993';
const PAYDOC_ID = '9007199254740995';
const LARGEST = '9223372036854775807';

type Fields = Record<string, string>;
const PREPARE: Fields = {
  click_trans_id: TRANS_ID,
  service_id: '85335',
  click_paydoc_id: PAYDOC_ID,
  merchant_trans_id: INVOICE,
  amount: '38400.00',
  action: '0',
  error: '0',
  error_note: 'Success',
  sign_time: '2026-11-20 15:00:00',
};
const COMPLETE: Fields = { ...PREPARE, action: '1', merchant_prepare_id: '1042' };
const STEPS = [
  ['Prepare', PREPARE],
  ['Complete', COMPLETE],
] as const;

/** The formula of docs.click.uz, written down a second time: Prepare has no merchant_prepare_id in it. */
function md5Of(fields: Fields, secret = SECRET): string {
  const { action, amount, click_trans_id, merchant_prepare_id, merchant_trans_id, service_id, sign_time } = fields;
  const middle = action === '1' ? merchant_prepare_id : '';
  const text = `${click_trans_id}${service_id}${secret}${merchant_trans_id}${middle}${amount}${action}${sign_time}`;
  return createHash('md5').update(text, 'utf8').digest('hex');
}
const sign = (fields: Fields, secret = SECRET): Fields => ({ ...fields, sign_string: md5Of(fields, secret) });
const encode = (fields: Fields) => Buffer.from(new URLSearchParams(fields).toString());
const without = (fields: Fields, name: string) =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));

const service = (previous: { secret: string; until: Date } | null = null, uses: boolean[] = []) => ({
  serviceId: '85335',
  secrets: { current: SECRET, previous, onPrevious: (isOverdue: boolean) => uses.push(isOverdue) },
});
const readBytes = (body: Uint8Array, method = 'POST') =>
  readMessage({ method, headers: {}, body, remoteAddress: null }, service(), now);
const read = (fields: Fields) => readBytes(encode(fields));
const readSigned = (fields: Fields) => read(sign(fields));
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url));

/** The code we refuse with, and whether the answer repeats what was asked. */
function refusalOf(reading: ProviderReading) {
  if (reading.kind !== 'rejected') return reading.kind;
  const { click_trans_id, error } = JSON.parse(reading.reply?.body ?? '{}');
  return { reason: reading.reason, error, isEchoed: click_trans_id !== undefined };
}
const MALFORMED = { reason: 'malformed_request', error: -8, isEchoed: false };
const UNSIGNED = { reason: 'webhook_secret_wrong', error: -1, isEchoed: false };

function inquiryOf(fields: Fields): ProviderInquiry {
  const reading = readSigned(fields);
  if (reading.kind !== 'inquiry') throw new Error(`a ${reading.kind} message`);
  return reading.inquiry;
}

const som = { amount: 3_840_000n, currency: 'UZS' };
const claim = { number: 1042n, invoiceId: INVOICE, price: som };

describe('a message becomes a question', () => {
  it.each([
    ['prepare', 3_840_000n],
    ['prepare-whole-amount', 3_840_000n],
    ['prepare-one-decimal', 3_840_050n],
  ])('%s asks to reserve the order', (name, amount) => {
    expect(readBytes(fixture(name))).toEqual({
      kind: 'inquiry',
      inquiry: {
        type: 'reserve',
        inquiryId: `0:${TRANS_ID}:${INVOICE}`,
        chargeId: TRANS_ID,
        reference: PAYDOC_ID,
        invoiceId: INVOICE,
        price: { amount, currency: 'UZS' },
        askedAt: now,
      },
    });
  });

  it('complete without an error says that money was taken', () => {
    expect(readBytes(fixture('complete'))).toEqual({
      kind: 'inquiry',
      inquiry: {
        type: 'capture',
        inquiryId: `1:${TRANS_ID}:${INVOICE}`,
        chargeId: TRANS_ID,
        claim,
        isDebited: true,
      },
    });
  });

  it('complete with a negative error gives the reservation up', () => {
    expect(readBytes(fixture('complete-cancelled'))).toEqual({
      kind: 'inquiry',
      inquiry: {
        type: 'release',
        inquiryId: `1:${TRANS_ID}:${INVOICE}`,
        chargeId: TRANS_ID,
        claim,
        code: -5017,
        undoesPaid: false,
      },
    });
  });

  it.each(['-1', '-2', '-9', '-5017', '-999999999'])('any negative error cancels: %s', (error) => {
    expect(inquiryOf({ ...COMPLETE, error })).toMatchObject({ type: 'release', code: Number(error), claim });
  });

  it('prepare with a negative error cancels what may have been reserved, and never reserves', () => {
    expect(inquiryOf({ ...PREPARE, error: '-5017' })).toEqual({
      type: 'release',
      inquiryId: `0:${TRANS_ID}:${INVOICE}`,
      chargeId: TRANS_ID,
      claim: null,
      code: -5017,
      undoesPaid: false,
    });
  });

  it.each(STEPS)('a positive error is none of the protocol: %s', (_name, fields) => {
    expect(refusalOf(readSigned({ ...fields, error: '1' }))).toEqual({ ...MALFORMED, isEchoed: true });
  });

  it('prepare takes no notice of a merchant_prepare_id, which it does not sign', () => {
    expect(inquiryOf({ ...PREPARE, merchant_prepare_id: '' }).type).toBe('reserve');
  });

  it('fields nobody knows are let through', () => {
    expect(inquiryOf({ ...COMPLETE, card_type: 'uzcard' }).type).toBe('capture');
  });

  it.each([
    ['an empty order', ''],
    ['an order of another shop', '998901234567'],
    ['letters of any script', 'заказ №5 & co=1%'],
    ['a colon and a line break', 'a:b\nc'],
  ])('%s is looked for like any other', (_name, merchant_trans_id) => {
    expect(inquiryOf({ ...PREPARE, merchant_trans_id })).toMatchObject({ invoiceId: merchant_trans_id });
  });
});

describe('amounts are so’m as decimal text', () => {
  it.each([
    ['38400', 3_840_000n],
    ['38400.0', 3_840_000n],
    ['38400.00', 3_840_000n],
    ['38400.000', 3_840_000n],
    ['38400.5', 3_840_050n],
    ['38400.50', 3_840_050n],
    ['38400.05', 3_840_005n],
    ['0.01', 1n],
    ['0', 0n],
    ['90071992547409.93', 9_007_199_254_740_993n],
    ['92233720368547758.07', 9_223_372_036_854_775_807n],
  ])('%s', (amount, tiyin) => {
    expect(inquiryOf({ ...PREPARE, amount })).toMatchObject({ price: { amount: tiyin, currency: 'UZS' } });
    expect(inquiryOf({ ...COMPLETE, amount })).toMatchObject({ claim: { price: { amount: tiyin, currency: 'UZS' } } });
  });

  it.each([
    [''],
    ['-38400'],
    ['+38400'],
    ['38400.005'],
    ['38400.'],
    ['.5'],
    ['3.84e4'],
    ['38 400'],
    ['38,400'],
    ['38400,00'],
    ['0x9600'],
    ['NaN'],
    ['Infinity'],
    ['٣٨٤٠٠'],
    ['38400\n'],
    ['92233720368547758.08'],
  ])('%j is an amount mismatch, said only to who signed it', (amount) => {
    for (const [, fields] of STEPS) {
      expect(refusalOf(readSigned({ ...fields, amount }))).toEqual({ ...MALFORMED, error: -2, isEchoed: true });
      expect(refusalOf(read(sign({ ...fields, amount }, 'wrong')))).toEqual(UNSIGNED);
    }
  });
});

describe('the signature', () => {
  it.each(STEPS)('of %s may be written in capitals', (_name, fields) => {
    expect(read({ ...fields, sign_string: md5Of(fields).toUpperCase() }).kind).toBe('inquiry');
  });

  it.each(STEPS)('of %s is over the texts as received', (_name, fields) => {
    for (const amount of ['38400', '38400.0', '38400.5', '038400.00'])
      expect(refusalOf(read({ ...fields, amount, sign_string: md5Of(fields) }))).toEqual(UNSIGNED);
  });

  it.each(
    STEPS.flatMap(([name, fields]) =>
      [
        ['click_trans_id', '9007199254740994'],
        ['service_id', '85336'],
        ['merchant_trans_id', 'inv_other'],
        ['amount', '1.00'],
        ['sign_time', '2026-11-20 15:00:01'],
        ...(name === 'Complete' ? [['merchant_prepare_id', '1043']] : []),
      ].map(([field, value]) => [name, field ?? '', value ?? '', fields] as const),
    ),
  )('of %s covers %s', (_name, field, value, fields) => {
    expect(refusalOf(read({ ...sign(fields), [field]: value }))).toEqual(UNSIGNED);
  });

  it('of one step is not that of the other', () => {
    expect(refusalOf(read({ ...sign(PREPARE), action: '1', merchant_prepare_id: '1042' }))).toEqual(UNSIGNED);
    expect(refusalOf(read({ ...sign(COMPLETE), action: '0' }))).toEqual(UNSIGNED);
  });

  it('does not cover error, error_note and click_paydoc_id: a replay can turn a cancel round, so state decides', () => {
    const cancelled = sign({ ...COMPLETE, error: '-5017' });
    expect(read({ ...cancelled, error: '0' })).toMatchObject({ inquiry: { type: 'capture' } });
    expect(read({ ...sign(COMPLETE), error_note: 'x' })).toMatchObject({ inquiry: { type: 'capture' } });
    expect(read({ ...sign(PREPARE), click_paydoc_id: '7' })).toMatchObject({ inquiry: { reference: '7' } });
  });

  it.each([
    ['by another secret', md5Of(PREPARE, 'wrong')],
    ['by no secret', md5Of(PREPARE, '')],
    ['that is empty', ''],
    ['that is cut', md5Of(PREPARE).slice(0, 31)],
    ['with something behind it', `${md5Of(PREPARE)}0`],
    ['with a space before it', ` ${md5Of(PREPARE)}`],
    ['that is a number to a loose comparison', '0e462097431906509019562988736854'],
    ['in base 64', Buffer.from(md5Of(PREPARE), 'hex').toString('base64')],
    ['of the other formula', md5Of({ ...PREPARE, merchant_trans_id: `${INVOICE}1042` })],
  ])('%s is refused', (_name, sign_string) => {
    expect(refusalOf(read({ ...PREPARE, sign_string }))).toEqual(UNSIGNED);
  });

  it('covers letters as UTF-8, and a plus as the space it stands for', () => {
    expect(inquiryOf({ ...PREPARE, merchant_trans_id: 'буюртма 7+1' })).toMatchObject({ invoiceId: 'буюртма 7+1' });
  });

  it('cannot be moved along its parts: what signs one amount and prepare id signs another, and the claim shows it', () => {
    const moved = { ...sign(COMPLETE), merchant_prepare_id: '104', amount: '238400.00' };
    expect(read(moved)).toMatchObject({ inquiry: { claim: { number: 104n, price: { amount: 23_840_000n } } } });
  });

  it.each(['20:00', '6-11-20 15:00:00', '2026-11-20T15:00:00', '20.11.2026 15:00:00', '', '2026-11-20 15:00:00 '])(
    'ends in a time of fixed form, so that no other action can be cut out of it: %j',
    (sign_time) => {
      expect(refusalOf(readSigned({ ...PREPARE, sign_time }))).toEqual(MALFORMED);
    },
  );

  it.each(['2016-01-01 00:00:00', '2099-12-31 23:59:59', '0000-00-00 00:00:00'])(
    'has no age: Click retries for long, and %s is taken',
    (sign_time) => {
      expect(inquiryOf({ ...COMPLETE, sign_time }).type).toBe('capture');
    },
  );
});

describe('a secret being replaced', () => {
  const readWith = (secret: string, until: Date, uses: boolean[]) =>
    refusalOf(
      readMessage(
        { method: 'POST', headers: {}, body: encode(sign(COMPLETE, secret)), remoteAddress: null },
        service({ secret: 'old-secret', until }, uses),
        now,
      ),
    );

  it('signs until its day, and each use is told', () => {
    const uses: boolean[] = [];
    expect(readWith('old-secret', later, uses)).toBe('inquiry');
    expect(uses).toEqual([false]);
  });

  it('signs no more from its day on, and that somebody still uses it is told', () => {
    const uses: boolean[] = [];
    expect(readWith('old-secret', now, uses)).toEqual(UNSIGNED);
    expect(uses).toEqual([true]);
  });

  it('is not asked about what the new one signed, or nobody', () => {
    const uses: boolean[] = [];
    expect(readWith(SECRET, later, uses)).toBe('inquiry');
    expect(readWith('wrong', later, uses)).toEqual(UNSIGNED);
    expect(uses).toEqual([]);
  });

  it('is nothing where none is being replaced', () => {
    expect(refusalOf(read(sign(COMPLETE, 'old-secret')))).toEqual(UNSIGNED);
  });
});

describe('what is no message of the protocol', () => {
  const needed = (fields: (typeof STEPS)[number][1]) =>
    Object.keys(sign(fields)).filter((field) => field !== 'error_note');

  it.each(STEPS.flatMap(([name, fields]) => needed(fields).map((field) => [name, field, fields] as const)))(
    '%s without %s',
    (_name, field, fields) => {
      expect(refusalOf(read(without(sign(fields), field)))).toEqual(MALFORMED);
    },
  );

  it.each(STEPS)('but %s without error_note, which is not signed and not used, is one', (_name, fields) => {
    expect(read(without(sign(fields), 'error_note')).kind).toBe('inquiry');
  });

  it.each(STEPS.flatMap(([name, fields]) => Object.keys(sign(fields)).map((field) => [name, field, fields] as const)))(
    '%s with %s twice, even alike',
    (_name, field, fields) => {
      const signed = sign(fields);
      const twice = `${encode(signed)}&${new URLSearchParams({ [field]: signed[field] ?? '' })}`;
      expect(refusalOf(readBytes(Buffer.from(twice)))).toEqual(MALFORMED);
    },
  );

  it('a field twice, once by an escaped name', () => {
    expect(refusalOf(readBytes(Buffer.from(`${encode(sign(PREPARE))}&%61mount=1.00`)))).toEqual(MALFORMED);
  });

  const notIds = [
    '',
    'abc',
    '-1',
    '1.0',
    '1e5',
    '+5',
    ' 5',
    '5 ',
    '007',
    '0x1F',
    '٥',
    '9223372036854775808',
    '1'.repeat(20),
  ];
  it.each(
    (['click_trans_id', 'click_paydoc_id', 'merchant_prepare_id'] as const).flatMap((field) =>
      notIds.map((value) => [field, value] as const),
    ),
  )('%s that is no 64-bit integer: %j', (field, value) => {
    expect(refusalOf(readSigned({ ...COMPLETE, [field]: value }))).toEqual(MALFORMED);
  });

  it.each([
    ['service_id', ''],
    ['service_id', 'abc'],
    ['service_id', '-85335'],
    ['service_id', '85335.0'],
    ['service_id', '1'.repeat(11)],
    ['action', ''],
    ['action', 'prepare'],
    ['action', '0.0'],
    ['action', ' 0'],
    ['error', ''],
    ['error', 'null'],
    ['error', '0.5'],
    ['error', '--1'],
    ['error', '-1234567890'],
    ['error_note', 'x'.repeat(1_001)],
    ['merchant_trans_id', 'x'.repeat(256)],
    ['merchant_trans_id', 'inv\0'],
    ['amount', '1'.repeat(33)],
    ['sign_time', '1'.repeat(33)],
  ])('%s of a wrong type or length: %j', (field, value) => {
    expect(refusalOf(readSigned({ ...PREPARE, [field]: value }))).toEqual(MALFORMED);
  });

  it('a signature that is too long to be one', () => {
    expect(refusalOf(read({ ...PREPARE, sign_string: 'a'.repeat(129) }))).toEqual(MALFORMED);
  });

  it.each([
    ['no bytes', ''],
    ['JSON, as other protocols of Click send it', JSON.stringify(sign(PREPARE))],
    ['XML', '<request><click_trans_id>1</click_trans_id></request>'],
    ['a multipart body', '--b\r\nContent-Disposition: form-data; name="action"\r\n\r\n0\r\n--b--'],
    ['separators only', '&&&=&='],
    ['a broken escape', `${encode(sign(PREPARE))}&x=%G1`],
    ['an escape that ends early', `${encode(sign(PREPARE))}&x=%4`],
    ['an escape that is no UTF-8', `${encode(sign(PREPARE))}&x=%FF`],
    ['an overlong escape', `${encode(sign(PREPARE))}&x=%C0%80`],
    ['half of a surrogate pair', `${encode(sign(PREPARE))}&x=%ED%A0%80`],
    ['too many fields', `${encode(sign(PREPARE))}${Array.from({ length: 60 }, (_, index) => `&x${index}=1`).join('')}`],
    ['too many bytes', `${encode(sign(PREPARE))}&x=${'y'.repeat(16_384)}`],
    ['a prototype', '__proto__[action]=0&__proto__=1&constructor=2'],
  ])('%s', (_name, body) => {
    expect(refusalOf(readBytes(Buffer.from(body)))).toEqual(MALFORMED);
  });

  it('raw bytes that are no UTF-8', () => {
    expect(refusalOf(readBytes(Buffer.concat([encode(sign(PREPARE)), Buffer.from([0x26, 0x78, 0x3d, 0xff])])))).toEqual(
      MALFORMED,
    );
  });

  it('raw letters that are UTF-8 are read like escaped ones', () => {
    const signed = sign({ ...PREPARE, error_note: 'ок' });
    const body = encode(signed).toString().replace('%D0%BE%D0%BA', 'ок');
    expect(body).toContain('ок');
    expect(readBytes(Buffer.from(body)).kind).toBe('inquiry');
  });

  it('bytes are read from where they stand in their buffer', () => {
    const body = encode(sign(PREPARE));
    const shifted = Buffer.concat([Buffer.from('xx'), body, Buffer.from('xx')]);
    expect(readBytes(new Uint8Array(shifted.buffer, shifted.byteOffset + 2, body.length)).kind).toBe('inquiry');
  });

  it.each(['GET', 'PUT', 'HEAD', 'OPTIONS', 'post'])('%s', (method) => {
    expect(refusalOf(readBytes(encode(sign(PREPARE)), method))).toEqual(MALFORMED);
  });

  it.each(['2', '3', '4', '-1', '10', '00'])(
    'action %s, said before anything is asked about the signature',
    (action) => {
      expect(refusalOf(readSigned({ ...PREPARE, action }))).toEqual({ ...MALFORMED, error: -3 });
      expect(refusalOf(read({ ...PREPARE, action, sign_string: 'x' }))).toEqual({ ...MALFORMED, error: -3 });
    },
  );

  it.each(['85336', '085335', '8533'])('a message for service %s, said only to who signed it', (service_id) => {
    expect(refusalOf(readSigned({ ...PREPARE, service_id }))).toEqual({ ...MALFORMED, isEchoed: true });
    expect(refusalOf(read(sign({ ...PREPARE, service_id }, 'wrong')))).toEqual(UNSIGNED);
  });

  it('a stranger gets the same answer whatever they ask about', () => {
    const answers = [PREPARE, COMPLETE, { ...PREPARE, merchant_trans_id: 'inv_none' }, { ...PREPARE, amount: '1' }].map(
      (fields) => read(sign(fields, 'wrong')),
    );
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect(answers[0]).toEqual({
      kind: 'rejected',
      reason: 'webhook_secret_wrong',
      reply: {
        status: 200,
        contentType: 'application/json',
        body: '{"error":-1,"error_note":"SIGN CHECK FAILED!"}',
      },
    });
  });
});

const reserved: Reservation = {
  id: 'rsv_1',
  number: 1042n,
  chargeId: TRANS_ID,
  invoiceId: INVOICE,
  price: { amount: 3_840_000n, currency: 'UZS' },
  status: 'reserved',
  askedAt: now,
  createdAt: now,
  paidAt: null,
  cancelledAt: null,
  code: null,
};
const accept = (reservation: Reservation | null): InquiryAnswer => ({ ok: true, reservation, reservations: [] });
const refuse = (reason: InquiryReason, reservation: Reservation | null = null): InquiryAnswer => ({
  ok: false,
  reason,
  text: 'A sentence for the payer.',
  reservation,
});
const bodyOf = (inquiry: ProviderInquiry, answer: InquiryAnswer) => writeReply(inquiry, answer)?.body;
const codeOf = (inquiry: ProviderInquiry, answer: InquiryAnswer) => JSON.parse(bodyOf(inquiry, answer) ?? '{}').error;

const prepare = inquiryOf(PREPARE);
const complete = inquiryOf(COMPLETE);
const cancel = inquiryOf({ ...COMPLETE, error: '-5017' });
const cancelEarly = inquiryOf({ ...PREPARE, error: '-5017' });

describe('an answer', () => {
  it('is HTTP 200 and JSON, as Click wants for every outcome', () => {
    expect(writeReply(prepare, accept(reserved))).toMatchObject({ status: 200, contentType: 'application/json' });
    expect(writeReply(prepare, refuse('invoice_not_found'))).toMatchObject({ status: 200 });
  });

  it('to prepare names our reservation', () => {
    expect(bodyOf(prepare, accept(reserved))).toBe(
      `{"click_trans_id":${TRANS_ID},"merchant_trans_id":"${INVOICE}","merchant_prepare_id":1042,"error":0,"error_note":"Success"}`,
    );
  });

  it('to complete confirms it', () => {
    expect(bodyOf(complete, accept({ ...reserved, status: 'paid', paidAt: now }))).toBe(
      `{"click_trans_id":${TRANS_ID},"merchant_trans_id":"${INVOICE}","merchant_confirm_id":1042,"error":0,"error_note":"Success"}`,
    );
  });

  it('to money that is booked and on its way back is a success', () => {
    expect(codeOf(complete, accept({ ...reserved, status: 'refunded' }))).toBe(0);
  });

  it('to a cancel that was applied is "cancelled"', () => {
    expect(bodyOf(cancel, accept({ ...reserved, status: 'cancelled', code: -5017 }))).toBe(
      `{"click_trans_id":${TRANS_ID},"merchant_trans_id":"${INVOICE}","merchant_confirm_id":1042,"error":-9,"error_note":"Transaction cancelled"}`,
    );
    expect(codeOf(cancel, accept(null))).toBe(-9);
  });

  const REASONS: ReadonlyArray<readonly [InquiryReason, number]> = [
    ['amount_mismatch', -2],
    ['currency_mismatch', -2],
    ['invoice_already_paid', -4],
    ['invoice_not_found', -5],
    ['payer_is_not_buyer', -5],
    ['reservation_not_found', -6],
    ['service_unavailable', -7],
    ['invoice_cancelled', -9],
    ['invoice_expired', -9],
    ['invoice_too_old', -9],
    ['invoice_reserved', -9],
    ['plan_not_for_sale', -9],
    ['already_owned', -9],
    ['already_subscribed', -9],
    ['refund_not_possible', -9],
  ];
  it.each(REASONS)('%s is %d in both steps', (reason, code) => {
    for (const step of [prepare, complete, cancel]) expect(codeOf(step, refuse(reason))).toBe(code);
  });

  it.each([
    ['paid', -4],
    ['cancelled', -9],
    ['refunded', -9],
    ['reserved', -7],
  ] as const)('a step too late for a reservation that is %s is %d', (status, code) => {
    for (const step of [prepare, complete])
      expect(codeOf(step, refuse('reservation_closed', { ...reserved, status }))).toBe(code);
  });

  it('a step too late for nobody knows what is "failed", never a guess', () => {
    expect(codeOf(complete, refuse('reservation_closed'))).toBe(-7);
  });

  it.each(['paid', 'cancelled', 'refunded', 'reserved'] as const)(
    'a cancel too late for a reservation that is %s is "cancelled", as Click’s own suite expects',
    (status) => {
      expect(codeOf(cancel, refuse('reservation_closed', { ...reserved, status }))).toBe(-9);
    },
  );

  it('a cancel of what was never prepared is "cancelled", one that names a reservation nobody knows is not', () => {
    expect(codeOf(cancelEarly, refuse('reservation_not_found'))).toBe(-9);
    expect(codeOf(cancelEarly, accept({ ...reserved, status: 'cancelled' }))).toBe(-9);
    expect(codeOf(cancelEarly, refuse('service_unavailable'))).toBe(-7);
    expect(codeOf(cancel, refuse('reservation_not_found'))).toBe(-6);
  });

  it('without a reservation cannot be a success', () => {
    for (const step of [prepare, complete]) {
      expect(codeOf(step, accept(null))).toBe(-7);
      expect(codeOf(step, accept({ ...reserved, chargeId: '5' }))).toBe(-7);
    }
  });

  it('tells the number of a reservation only to the charge that holds it', () => {
    expect(JSON.parse(bodyOf(complete, refuse('reservation_closed', { ...reserved, status: 'paid' })) ?? '')).toEqual({
      click_trans_id: Number(TRANS_ID),
      merchant_trans_id: INVOICE,
      merchant_confirm_id: 1042,
      error: -4,
      error_note: 'Already paid',
    });
    expect(bodyOf(prepare, refuse('invoice_reserved', { ...reserved, chargeId: '5' }))).toBe(
      `{"click_trans_id":${TRANS_ID},"merchant_trans_id":"${INVOICE}","error":-9,"error_note":"Transaction cancelled"}`,
    );
  });

  it('never holds our sentence for the payer: Click shows its own', () => {
    expect(bodyOf(prepare, refuse('invoice_expired'))).not.toContain('sentence');
  });

  it.each(['0', '1', TRANS_ID, LARGEST])('repeats the id %s digit for digit', (click_trans_id) => {
    const number = BigInt(LARGEST);
    const inquiry = inquiryOf({ ...COMPLETE, click_trans_id, merchant_prepare_id: LARGEST });
    expect(inquiry).toMatchObject({ chargeId: click_trans_id, claim: { number } });
    const body = bodyOf(inquiry, accept({ ...reserved, chargeId: click_trans_id, number, status: 'paid' }));
    expect(body).toContain(`"click_trans_id":${click_trans_id},`);
    expect(body).toContain(`"merchant_confirm_id":${LARGEST},`);
  });

  it('repeats ids to an authentic message that is refused at once', () => {
    const reading = readSigned({ ...PREPARE, amount: '' });
    expect(reading.kind === 'rejected' && reading.reply?.body).toBe(
      `{"click_trans_id":${TRANS_ID},"merchant_trans_id":"${INVOICE}","error":-2,"error_note":"Incorrect parameter amount"}`,
    );
  });

  it.each(['"', '\\', '</script>', '\u2028', 'a\nb', '1:2:3', 'Ё'])(
    'repeats the order %j as received',
    (merchant_trans_id) => {
      const body = bodyOf(inquiryOf({ ...PREPARE, merchant_trans_id }), refuse('invoice_not_found'));
      expect(JSON.parse(body ?? '')).toMatchObject({ merchant_trans_id, error: -5 });
    },
  );

  it.each<[string, ProviderInquiry]>([
    ['may_pay', { type: 'may_pay', inquiryId: '0:1:a', invoiceId: 'a', payerId: null, price: som, languageCode: null }],
    ['look_up', { type: 'look_up', inquiryId: '0:1:a', chargeId: '1' }],
    ['list', { type: 'list', inquiryId: '0:1:a', from: now, to: now }],
    ['keep_receipt', { type: 'keep_receipt', inquiryId: '0:1:a', chargeId: '1', side: 'charge', receipt: '' }],
    ['a step of another provider', { type: 'look_up', inquiryId: 'x', chargeId: '1' }],
    [
      'a release of another provider',
      { type: 'release', inquiryId: '7', chargeId: '1', claim: null, code: 5, undoesPaid: false },
    ],
  ])('is none to what Click never asks: %s', (_name, inquiry) => {
    expect(writeReply(inquiry, accept(null))).toBeNull();
  });
});

describe('whatever comes', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('0', '1', '-1', '2', TRANS_ID, LARGEST, '38400.00', '2026-11-20 15:00:00', '__proto__'),
  );
  const fields = fc.record(
    Object.fromEntries(Object.keys(sign(COMPLETE)).map((name) => [name, value])) as Record<string, typeof value>,
    { requiredKeys: [] },
  );
  const expectAnswerable = (reading: ProviderReading) => {
    if (reading.kind === 'rejected') {
      expect(JSON.parse(reading.reply?.body ?? '').error).toBeLessThan(0);
      return;
    }
    if (reading.kind !== 'inquiry') throw new Error(`a ${reading.kind} message`);
    for (const answer of [accept(reserved), accept(null), refuse('service_unavailable'), refuse('reservation_closed')])
      expect(JSON.parse(bodyOf(reading.inquiry, answer) ?? '').error).toBeLessThanOrEqual(0);
  };

  it('no bytes make it throw, and none are a question', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
        expect(refusalOf(readBytes(noise))).toEqual(MALFORMED);
      }),
    );
  });

  it('no fields make it throw, signed or not, and every answer is JSON', () => {
    fc.assert(
      fc.property(fields, fc.boolean(), (some, isSigned) => {
        const given = some as Fields;
        expectAnswerable(isSigned ? readSigned({ ...COMPLETE, ...given }) : read({ ...sign(COMPLETE), ...given }));
      }),
    );
  });

  it('no changed byte of a signed message becomes another amount or order unnoticed', () => {
    const body = encode(sign(COMPLETE));
    fc.assert(
      fc.property(fc.nat({ max: body.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = Buffer.from(body);
        changed[at] = byte;
        const reading = readBytes(changed);
        expectAnswerable(reading);
        if (reading.kind === 'inquiry') expect(reading.inquiry).toMatchObject({ chargeId: TRANS_ID, claim });
      }),
      { numRuns: 500 },
    );
  });

  it('every id and order that Click can name comes back exactly', () => {
    const order = fc.string({ unit: 'binary', maxLength: 100 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: BigInt(LARGEST) }), order, (id, merchant_trans_id) => {
        const inquiry = inquiryOf({ ...PREPARE, click_trans_id: `${id}`, merchant_trans_id });
        const body =
          bodyOf(inquiry, accept({ ...reserved, chargeId: `${id}`, invoiceId: merchant_trans_id, number: id })) ?? '';
        expect(body).toContain(`"click_trans_id":${id},`);
        expect(body).toContain(`"merchant_prepare_id":${id},`);
        expect(JSON.parse(body).merchant_trans_id).toBe(merchant_trans_id);
      }),
    );
  });

  it('every amount of two decimals is read to the tiyin', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: BigInt(LARGEST) }), (tiyin) => {
        const amount = toSom({ amount: tiyin, currency: 'UZS' });
        expect(inquiryOf({ ...PREPARE, amount })).toMatchObject({ price: { amount: tiyin } });
      }),
    );
  });
});

const thrownBy = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
};

describe('answers of the Merchant API', () => {
  const answer = (text: string, status = 200) => ({ status, text, retryAfterSeconds: undefined });
  const readStatus = (text: string) => readPayment(readMerchantAnswer(answer(text)));

  it.each([
    ['a payment above 2^53', '{"error_code":0,"payment_id":9007199254740995,"payment_status":2}', PAYDOC_ID, 2],
    ['the largest payment id', `{"error_code":0,"payment_id":${LARGEST},"payment_status":1}`, LARGEST, 1],
    ['a small one', '{"error_code":0,"payment_id":7,"payment_status":-1}', '7', -1],
    [
      'an id as text, as one sample has it',
      '{"error_code":0,"payment_id":"598761234","payment_status":1}',
      '598761234',
      1,
    ],
    ['numbers as text', '{"error_code":"0","payment_id":"7","payment_status":"2"}', '7', 2],
    ['no status', '{"error_code":0,"payment_id":7,"merchant_trans_id":"x"}', '7', null],
    [
      'a note full of digits and quotes',
      '{"error_note":"\\"1234567890123456789, 1","error_code":0,"payment_id":7}',
      '7',
      null,
    ],
  ])('%s', (_name, text, id, status) => {
    expect(readStatus(text)).toEqual({ id, status });
  });

  it.each([
    ['no JSON', '<html>'],
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['no code', '{"payment_id":7}'],
    ['a code that is none', '{"error_code":"ok","payment_id":7}'],
    ['a broken code', '{"error_code":0.5,"payment_id":7}'],
  ])('%s cannot be read', (_name, text) => {
    expect(thrownBy(() => readStatus(text))).toBe('unavailable: UNREADABLE_ANSWER');
  });

  it.each([
    ['no id', '{"error_code":0}'],
    ['an id of nothing', '{"error_code":0,"payment_id":null}'],
    ['a negative id', '{"error_code":0,"payment_id":-7}'],
    ['a broken id', '{"error_code":0,"payment_id":7.5}'],
    ['an id beyond 64 bits', '{"error_code":0,"payment_id":9223372036854775808}'],
    ['a status that is none', '{"error_code":0,"payment_id":7,"payment_status":"paid"}'],
  ])('%s is no payment', (_name, text) => {
    expect(thrownBy(() => readStatus(text))).toBe('unavailable: UNREADABLE_PAYMENT');
  });

  it('a success is HTTP 200 or 201', () => {
    expect(readMerchantAnswer(answer('{"error_code":0}', 201))).toEqual({ error_code: 0 });
  });

  it('a refusal keeps the code and drops the note, which may hold anything', () => {
    const refused = answer('{"error_code":-500,"error_note":"998901234567"}');
    expect(thrownBy(() => readMerchantAnswer(refused))).toBe('declined: -500');
  });

  it.each([
    [400, 'invalid'],
    [401, 'misconfigured'],
    [403, 'misconfigured'],
    [404, 'misconfigured'],
    [406, 'misconfigured'],
    [410, 'misconfigured'],
    [429, 'unavailable'],
    [302, 'unavailable'],
    [500, 'unavailable'],
    [502, 'unavailable'],
  ])('HTTP %d is %s, whatever the body says', (status, failure) => {
    expect(toFailure(status)).toMatchObject({ failure, code: `HTTP_${status}` });
    expect(thrownBy(() => readMerchantAnswer(answer('{"error_code":0}', status)))).toBe(`${failure}: HTTP_${status}`);
  });

  it('waits as long as it is told to', () => {
    expect(toFailure(429, 17).retryAfterSeconds).toBe(17);
  });
});

describe('the day of a payment is one of Tashkent, five hours ahead', () => {
  it.each([
    ['in the morning', '2026-11-20T04:00:00Z', '2026-11-20T05:00:00Z', ['2026-11-20']],
    ['just before midnight there', '2026-11-20T18:59:59Z', '2026-11-20T18:59:59Z', ['2026-11-20']],
    ['just after midnight there', '2026-11-20T19:00:00Z', '2026-11-20T19:00:00Z', ['2026-11-21']],
    ['over midnight there', '2026-11-20T18:59:59Z', '2026-11-20T19:00:01Z', ['2026-11-20', '2026-11-21']],
    ['a week later', '2026-11-20T10:00:00Z', '2026-11-27T10:00:00Z', ['2026-11-20', '2026-11-21']],
    ['over a new year', '2026-12-31T10:00:00Z', '2027-01-01T10:00:00Z', ['2026-12-31', '2027-01-01']],
    ['with a clock behind', '2026-11-20T19:00:00Z', '2026-11-20T18:00:00Z', ['2026-11-21']],
  ])('%s', (_name, createdAt, asked, days) => {
    expect(daysToAsk(new Date(createdAt), new Date(asked))).toEqual(days);
  });
});

describe('a payment found at Click', () => {
  const reservation = { chargeId: TRANS_ID, reference: PAYDOC_ID, price: reserved.price };
  const payment = { id: PAYDOC_ID, status: 2 };

  it('is told as the charge that our reservation says it is', () => {
    expect(toEvent({ payment, invoiceId: INVOICE, reservation, now })).toEqual({
      type: 'payment_succeeded',
      eventId: `payment:${PAYDOC_ID}`,
      occurredAt: now,
      invoiceId: INVOICE,
      chargeId: TRANS_ID,
      payerId: null,
      paid: reserved.price,
      ...PLAIN_CHARGE,
    });
  });

  it.each([
    ['no reservation', null],
    ['a reservation of another payment', { ...reservation, reference: '7' }],
    ['a reservation without one', { ...reservation, reference: null }],
  ])('is never passed over in silence: %s', (_name, other) => {
    expect(thrownBy(() => toEvent({ payment, invoiceId: INVOICE, reservation: other, now }))).toBe(
      'invalid: UNMATCHED_PAYMENT',
    );
  });
});

describe('amounts we write', () => {
  it.each([
    [3_840_000n, '38400.00'],
    [3_840_050n, '38400.50'],
    [1n, '0.01'],
    [9_007_199_254_740_993n, '90071992547409.93'],
  ])('%d tiyin', (amount, text) => {
    expect(toSom({ amount, currency: 'UZS' })).toBe(text);
  });

  it('are so’m and nothing else', () => {
    expect(thrownBy(() => toSom({ amount: 100n, currency: 'USD' }))).toBe('invalid: CURRENCY_NOT_UZS');
  });
});
