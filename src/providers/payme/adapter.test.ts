import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProviderRequest } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { makePayme, PAYME_ADDRESSES, type PaymeOptions } from './adapter.ts';
import changePassword from './fixtures/change-password.json';
import checkPerform from './fixtures/check-perform-transaction.json';
import { PROTOCOL_ERRORS } from './refusals.ts';
import { writePayLink } from './wire.ts';

const KEY = 'jKq0kXWpZ4CvPyXn3Q8e8z5rU1mOaT2sLb9H';
const now = new Date('2026-11-20T10:00:00Z');
const later = new Date('2026-11-21T10:00:00Z');
const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

const make = (change: Partial<PaymeOptions> = {}) =>
  makePayme({
    merchantId: '587f72c72cac0d162c722ae2',
    checkoutUrl: 'https://checkout.paycom.uz',
    apiUrl: 'https://checkout.paycom.uz/api',
    subscribe: false,
    keys: { current: KEY, previous: null, onPrevious: () => undefined },
    allowedAddresses: null,
    feeBps: 200,
    ...change,
  });
const request = (change: Partial<ProviderRequest> & { authorization?: string | undefined } = {}): ProviderRequest => {
  const { authorization = basic(`Paycom:${KEY}`), ...rest } = change;
  return {
    method: 'POST',
    headers: { authorization, 'content-type': 'text/json; charset=UTF-8' },
    body: Buffer.from(JSON.stringify(checkPerform.request)),
    remoteAddress: null,
    ...rest,
  };
};
const read = (change: Parameters<typeof request>[0], options: Partial<PaymeOptions> = {}) =>
  make(options).read(request(change), now);
/** The RPC answer to a request that was refused, and for which of our reasons. */
const refused = (change: Parameters<typeof request>[0], options: Partial<PaymeOptions> = {}) => {
  const reading = read(change, options);
  if (reading.kind !== 'rejected') throw new Error(`not refused: ${reading.kind}`);
  expect(reading.reply).toMatchObject({ status: 200, contentType: 'application/json; charset=UTF-8' });
  return { reason: reading.reason, ...(JSON.parse(reading.reply?.body ?? '') as { id: unknown; error: object }) };
};
const NOT_AUTHORISED = { reason: 'webhook_secret_wrong', id: 1, error: PROTOCOL_ERRORS.not_authorised };

describe('the HTTP method', () => {
  it.each(['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'post', ''])('%s is answered with -32300', (method) => {
    const error = PROTOCOL_ERRORS.not_post;
    expect(refused({ method })).toEqual({ reason: 'malformed_request', id: 1, error });
    expect(refused({ method, body: new Uint8Array() })).toMatchObject({ id: null, error });
  });

  it('comes before the credentials', () => {
    expect(refused({ method: 'GET', authorization: '' }).error).toEqual(PROTOCOL_ERRORS.not_post);
  });
});

describe('the credentials', () => {
  it('are the login Paycom and the key of the cash register', () => {
    expect(read({}).kind).toBe('inquiry');
  });

  it.each(['basic', 'BASIC', 'Basic '])('may call their scheme %j (RFC 7617)', (scheme) => {
    expect(read({ authorization: basic(`Paycom:${KEY}`).replace('Basic', scheme) }).kind).toBe('inquiry');
  });

  it.each([
    ['nothing', ''],
    ['only the scheme', 'Basic'],
    ['an empty secret', 'Basic '],
    ['another scheme', `Bearer ${KEY}`],
    ['the key without encoding', `Basic Paycom:${KEY}`],
    ['no base64', 'Basic ====%%%%'],
    ['a wrong key', basic('Paycom:wrong')],
    ['no key', basic('Paycom:')],
    ['no colon', basic('Paycom')],
    ['the key alone', basic(KEY)],
    ['another login', basic(`Merchant:${KEY}`)],
    ['no login', basic(`:${KEY}`)],
    ['the login in small letters', basic(`paycom:${KEY}`)],
    ['the key in small letters', basic(`Paycom:${KEY.toLowerCase()}`)],
    ['the key and more', basic(`Paycom:${KEY}x`)],
    ['most of the key', basic(`Paycom:${KEY.slice(0, -1)}`)],
    ['white space after the key', basic(`Paycom:${KEY} `)],
    ['white space inside', basic(`Paycom: ${KEY}`)],
    ['the key among other words', basic(`Paycom:x${KEY}x`)],
    ['a NUL after the key', basic(`Paycom:${KEY}\0`)],
    ['two credentials', `${basic(`Paycom:${KEY}`)}, ${basic(`Paycom:${KEY}`)}`],
    ['bytes that are no text', `Basic ${Buffer.from([0xff, 0xfe]).toString('base64')}`],
    ['a very long text', basic(`Paycom:${'x'.repeat(10_000)}`)],
  ])('refused: %s', (_name, authorization) => {
    expect(refused({ authorization })).toEqual(NOT_AUTHORISED);
  });

  it('missing', () => {
    expect(refused({ headers: {} })).toEqual(NOT_AUTHORISED);
    expect(refused({ headers: { authorization: undefined } })).toEqual(NOT_AUTHORISED);
  });

  it('come before anything about the body but its id', () => {
    const answer = (body: string) => refused({ authorization: '', body: Buffer.from(body) });
    expect(answer('{')).toEqual({ ...NOT_AUTHORISED, id: null });
    expect(answer('')).toEqual({ ...NOT_AUTHORISED, id: null });
    expect(answer('{"id":"x"}')).toEqual({ ...NOT_AUTHORISED, id: null });
    expect(answer('{"id":77}')).toEqual({ ...NOT_AUTHORISED, id: 77 });
    expect(answer(JSON.stringify(changePassword.request))).toEqual({ ...NOT_AUTHORISED, id: 9 });
  });

  it('hold a key with colons and signs', () => {
    const current = ':a:b=?%&@ ключ:';
    const keys = { current, previous: null, onPrevious: () => undefined };
    expect(read({ authorization: basic(`Paycom:${current}`) }, { keys }).kind).toBe('inquiry');
    expect(refused({ authorization: basic('Paycom:ключ:') }, { keys })).toEqual(NOT_AUTHORISED);
    expect(refused({ authorization: basic('Paycom:') }, { keys })).toEqual(NOT_AUTHORISED);
  });

  it('prove nothing about the message: a bad one is told what is wrong with it', () => {
    expect(refused({ body: Buffer.from('{') })).toMatchObject({
      reason: 'malformed_request',
      error: PROTOCOL_ERRORS.not_json,
    });
  });

  it.each([
    ['current', { current: '', previous: null }],
    ['previous', { current: KEY, previous: { key: '', until: later } }],
  ])('are never empty: a %s key that is would let everybody in', (_name, keys) => {
    expect(() => make({ keys: { ...keys, onPrevious: () => undefined } })).toThrow(
      new ProviderError('misconfigured', 'EMPTY_KEY'),
    );
  });
});

describe('while the key is changed', () => {
  const readWith = (key: string, until: Date) => {
    const uses: boolean[] = [];
    const keys = {
      current: 'new-key',
      previous: { key: 'old-key', until },
      onPrevious: (isOverdue: boolean) => uses.push(isOverdue),
    };
    return { kind: read({ authorization: basic(`Paycom:${key}`) }, { keys }).kind, uses };
  };

  it('the new one counts, silently', () => {
    expect(readWith('new-key', later)).toEqual({ kind: 'inquiry', uses: [] });
  });

  it('the old one counts until its day, and each use is told', () => {
    expect(readWith('old-key', later)).toEqual({ kind: 'inquiry', uses: [false] });
    expect(readWith('old-key', new Date(now.getTime() + 1))).toEqual({ kind: 'inquiry', uses: [false] });
  });

  it('the old one is refused from its day on, and told that somebody still uses it', () => {
    expect(readWith('old-key', now)).toEqual({ kind: 'rejected', uses: [true] });
    expect(readWith('old-key', new Date(now.getTime() - 1))).toEqual({ kind: 'rejected', uses: [true] });
  });

  it('a third one is refused, and nothing is told', () => {
    expect(readWith('other-key', later)).toEqual({ kind: 'rejected', uses: [] });
  });
});

describe('the address of the sender', () => {
  const allowedAddresses = PAYME_ADDRESSES;

  it('is one of fifteen', () => {
    expect(PAYME_ADDRESSES).toHaveLength(15);
    expect([PAYME_ADDRESSES[0], PAYME_ADDRESSES[14]]).toEqual(['185.234.113.1', '185.234.113.15']);
  });

  it.each(['185.234.113.1', '185.234.113.9', '185.234.113.15', '::ffff:185.234.113.1', '::FFFF:185.234.113.1'])(
    '%s may call',
    (remoteAddress) => {
      expect(read({ remoteAddress }, { allowedAddresses }).kind).toBe('inquiry');
    },
  );

  it.each([
    ['185.234.113.0'],
    ['185.234.113.16'],
    ['185.234.113.150'],
    ['185.234.114.1'],
    ['127.0.0.1'],
    ['::1'],
    ['185.234.113.1, 1.2.3.4'],
    [' 185.234.113.1'],
    [''],
    [null],
  ])('%j may not, with the right key: -32504', (remoteAddress) => {
    expect(refused({ remoteAddress }, { allowedAddresses })).toEqual(NOT_AUTHORISED);
  });

  it('is not asked for without a list', () => {
    expect(read({ remoteAddress: '8.8.8.8' }).kind).toBe('inquiry');
    expect(read({ remoteAddress: null }).kind).toBe('inquiry');
  });

  it('an empty list lets nobody in', () => {
    expect(refused({ remoteAddress: '185.234.113.1' }, { allowedAddresses: [] })).toEqual(NOT_AUTHORISED);
  });

  it('does not stand for the key', () => {
    expect(refused({ remoteAddress: '185.234.113.1', authorization: '' }, { allowedAddresses })).toEqual(
      NOT_AUTHORISED,
    );
  });

  it('outside the list hears nothing of the old key', () => {
    const uses: boolean[] = [];
    const keys = {
      current: 'new-key',
      previous: { key: 'old-key', until: later },
      onPrevious: (isOverdue: boolean) => uses.push(isOverdue),
    };
    refused({ remoteAddress: '8.8.8.8', authorization: basic('Paycom:old-key') }, { allowedAddresses, keys });
    expect(uses).toEqual([]);
  });
});

describe('the body', () => {
  it.each([
    ['text/json; charset=UTF-8'],
    ['application/json'],
    ['application/x-www-form-urlencoded'],
    ['text/plain; charset=windows-1251'],
    [undefined],
  ])('is read whatever its Content-Type: %j', (type) => {
    const headers = { authorization: basic(`Paycom:${KEY}`), 'content-type': type };
    expect(read({ headers }).kind).toBe('inquiry');
  });

  it('may be part of a larger buffer', () => {
    const { body } = request();
    const larger = Buffer.concat([Buffer.from('xxx'), body, Buffer.from('yyy')]);
    expect(read({ body: new Uint8Array(larger.buffer, larger.byteOffset + 3, body.length) }).kind).toBe('inquiry');
  });

  it('and the headers may be anything: reading never throws and always has an answer', () => {
    const anything = fc.record({
      method: fc.oneof(fc.constant('POST'), fc.string()),
      authorization: fc.oneof(fc.constant(basic(`Paycom:${KEY}`)), fc.string().map(basic), fc.string()),
      body: fc.uint8Array({ maxLength: 200 }),
      remoteAddress: fc.option(fc.oneof(fc.ipV4(), fc.string())),
    });
    const check = (change: Parameters<typeof request>[0], options: Partial<PaymeOptions>) => {
      const { error } = refused(change, options);
      expect(error).toMatchObject({ code: expect.any(Number), message: { ru: expect.any(String) } });
    };
    fc.assert(
      fc.property(anything, (change) => check(change, {})),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(anything, (change) => check(change, { allowedAddresses: PAYME_ADDRESSES })),
      { numRuns: 200 },
    );
  });
});

describe('the pay link', () => {
  const order = {
    invoiceId: 'inv_01jd4q3v7k8m9n0p1q2r3s4t5v',
    attemptId: 'att_1',
    method: 'credit_card',
    price: { amount: 50_000_000n, currency: 'UZS' },
    title: 'Line Basic',
    description: 'Basic.',
    language: 'ru',
    renewalDays: null,
    chatId: null,
    returnUrl: 'https://hoshi.example/paid',
    expiresAt: later,
    token: null,
  } as const;
  type Change = Partial<Parameters<ReturnType<typeof make>['createCheckout']>[0]>;
  const linkOf = async (change: Change = {}, options: Partial<PaymeOptions> = {}) => {
    const { reference, url } = await make(options).createCheckout({ ...order, ...change });
    expect(reference).toBeNull();
    return url ?? '';
  };
  const parametersOf = (url: string) => {
    const [host, path] = [url.slice(0, url.lastIndexOf('/')), url.slice(url.lastIndexOf('/') + 1)];
    return { host, text: Buffer.from(path, 'base64').toString('latin1') };
  };
  const failureOf = async (work: Promise<unknown>) => {
    const error = await work.catch((reason: unknown) => reason);
    return error instanceof ProviderError ? [error.failure, error.code] : error;
  };

  it('begins as the documented example does', () => {
    const example = 'https://checkout.paycom.uz/bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw';
    const register = { merchantId: '587f72c72cac0d162c722ae2', checkoutUrl: 'https://checkout.paycom.uz' };
    const link = writePayLink(register, { ...order, invoiceId: '197', price: { amount: 500n, currency: 'UZS' } });
    // The example is a whole number of base64 groups, so ours continues it to the character.
    expect(link.startsWith(example)).toBe(true);
    expect(parametersOf(example).text).toBe('m=587f72c72cac0d162c722ae2;ac.order_id=197;a=500');
  });

  it('carries register, order, tiyin, language, return address and currency', async () => {
    expect(parametersOf(await linkOf())).toEqual({
      host: 'https://checkout.paycom.uz',
      text: 'm=587f72c72cac0d162c722ae2;ac.order_id=inv_01jd4q3v7k8m9n0p1q2r3s4t5v;a=50000000;l=ru;c=https://hoshi.example/paid;cr=UZS',
    });
  });

  it('leads to the sandbox when it is told to, with or without a slash', async () => {
    for (const checkoutUrl of ['https://test.paycom.uz', 'https://test.paycom.uz/'])
      expect(parametersOf(await linkOf({}, { checkoutUrl })).host).toBe('https://test.paycom.uz');
  });

  it('is the same link for the same order', async () => {
    expect(await linkOf()).toBe(await linkOf({ attemptId: 'att_2' }));
  });

  it.each([
    ['uz', 'uz'],
    ['uz-Cyrl', 'uz'],
    ['UZ', 'uz'],
    ['ru', 'ru'],
    ['ru-RU', 'ru'],
    ['en', 'en'],
    ['ja', 'en'],
    ['', 'en'],
    ['rue', 'en'],
  ])('for %j speaks %s', async (language, expected) => {
    expect(parametersOf(await linkOf({ language })).text).toContain(`;l=${expected};`);
  });

  it.each([1n, 99n, 100n, 9_007_199_254_740_993n])('writes %d tiyin exactly', async (amount) => {
    expect(parametersOf(await linkOf({ price: { amount, currency: 'UZS' } })).text).toContain(`;a=${amount};`);
  });

  it.each<[string, Change, Partial<PaymeOptions>]>([
    ['the return address', { returnUrl: 'https://hoshi.example/;a=1' }, {}],
    ['the order', { invoiceId: 'inv_1;a=1' }, {}],
    ['the register', {}, { merchantId: '587f;a=1' }],
  ])('refuses a semicolon in %s: it would begin a parameter', async (_name, change, options) => {
    expect(await failureOf(linkOf(change, options))).toEqual(['invalid', 'UNSAFE_LINK_VALUE']);
  });

  it.each<[string, Change]>([
    ['nothing', { returnUrl: '' }],
    ['white space', { returnUrl: 'https://hoshi.example/a b' }],
    ['a line break', { returnUrl: 'https://hoshi.example/\n' }],
    ['letters that are not ASCII', { returnUrl: 'https://hoshi.example/оплата' }],
    ['an order with a NUL', { invoiceId: 'inv_\0' }],
  ])('refuses %s in a value', async (_name, change) => {
    expect(await failureOf(linkOf(change))).toEqual(['invalid', 'UNSAFE_LINK_VALUE']);
  });

  it.each<[string, Change, string]>([
    ['another currency', { price: { amount: 50n, currency: 'XTR' } }, 'CURRENCY_IS_NOT_UZS'],
    ['nothing to pay', { price: { amount: 0n, currency: 'UZS' } }, 'AMOUNT_IS_NOT_POSITIVE'],
    ['less than nothing', { price: { amount: -1n, currency: 'UZS' } }, 'AMOUNT_IS_NOT_POSITIVE'],
    ['a renewal', { renewalDays: 30 }, 'NO_RENEWALS'],
  ])('refuses %s', async (_name, change, code) => {
    expect(await failureOf(linkOf(change))).toEqual(['invalid', code]);
  });

  it.each(['', 'x', 'xx'])(
    'has no slash in its path, wherever the query of the return address begins (%j)',
    async (pad) => {
      const returnUrl = `https://hoshi.example/${pad}?order=1&from=bot`;
      const { host, text } = parametersOf(await linkOf({ returnUrl }));
      expect(host).toBe('https://checkout.paycom.uz');
      expect(text.split(';')).toContain(`c=${returnUrl}`);
    },
  );

  it('escapes the second ? of a return address, which means the same', async () => {
    const { text } = parametersOf(await linkOf({ returnUrl: 'https://hoshi.example/?a=b?c?d' }));
    expect(text).toContain('c=https://hoshi.example/?a=b%3Fc%3Fd');
  });

  it('keeps every parameter apart and its path whole, for any address', async () => {
    const address = fc
      .array(fc.constantFrom(...'abc019/?&=#%.~-_:+@!$()*,'), { maxLength: 60 })
      .map((letters) => `https://hoshi.example/${letters.join('')}`);
    await fc.assert(
      fc.asyncProperty(address, fc.bigInt({ min: 1n, max: 10n ** 12n }), async (returnUrl, amount) => {
        const url = await linkOf({ returnUrl, price: { amount, currency: 'UZS' } });
        expect(url.split('/')).toHaveLength(4);
        const { text } = parametersOf(url);
        expect(
          text
            .split(';')
            .map((each) => each.slice(0, each.indexOf('=')))
            .sort(),
        ).toEqual(['m', 'ac.order_id', 'a', 'l', 'c', 'cr'].sort());
      }),
      { numRuns: 300 },
    );
  });
});

describe('what it says of itself', () => {
  it('cards in so’m, paid once, on every surface', () => {
    const { accepts, id } = make({ feeBps: 150 });
    expect(id).toBe('payme');
    expect(accepts).toEqual([
      {
        method: 'credit_card',
        currency: 'UZS',
        fee: { bps: 150, fixed: 0n, network: false, isKept: false },
        privacy: 'medium',
        renewalDays: [],
        surfaces: ['mini_app', 'bot', 'browser', 'api'],
        maxAmount: { oneTime: 10_000_000_000n, renewing: 0n },
        settlesInMinutes: 1,
      },
    ]);
  });

  it('cannot be asked, listed or told to renew', () => {
    const provider = make();
    expect([provider.find, provider.listTransactions, provider.setRenewal]).toEqual([undefined, undefined, undefined]);
  });

  it('gives back only what was cancelled in Payme’s cabinet', async () => {
    const refund = make().refund({
      refundId: 'ref_1',
      chargeId: '673db0a2e51de5b3a1f0c6d4',
      reference: null,
      invoiceId: 'inv_1',
      payerId: 1n,
      amount: { amount: 50_000_000n, currency: 'UZS' },
      isWhole: true,
      isRepeat: false,
      known: [],
      paidAt: now,
    });
    await expect(refund).rejects.toEqual(new ProviderError('declined', 'REFUND_IN_CABINET'));
  });

  it('has no message that is kept to be read again', () => {
    expect(make().readStored(request().body, now)).toMatchObject({ kind: 'unreadable' });
  });
});

describe('from the request to the answer', () => {
  it('an authentic question is answered under its id', () => {
    const provider = make();
    const reading = provider.read(request(), now);
    if (reading.kind !== 'inquiry') throw new Error(reading.kind);
    const reply = provider.reply(reading.inquiry, { ok: true, reservation: null, reservations: [] });
    expect(JSON.parse(reply?.body ?? '')).toEqual(checkPerform.answer);
  });
});
