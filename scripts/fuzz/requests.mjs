import { createHash } from 'node:crypto';
import { anyValue, mutate, TEXTS, toBytes } from './hostile.mjs';
import { btcpay, cryptoPay, stripe } from './webhooks.mjs';

/** Every procedure of api/router.ts; `q` is read by GET, `m` changes something by POST. */
const PROCEDURES = [
  ['session.start', 'm', { initData: 'auth_date=1&hash=00', startParam: 'plan_pro' }],
  ['me.get', 'q'],
  ['me.update', 'm', { language: 'en', wantsReminders: true, wantsSalesNotices: true }],
  ['me.allowMessages', 'm'],
  ['catalog.list', 'q'],
  ['checkout.preview', 'q', { priceId: 'prc_nobody' }],
  ['checkout.start', 'm', { priceId: 'prc_nobody', method: 'telegram_stars' }],
  [
    'checkout.start',
    'm',
    { priceId: 'prc_nobody', method: 'credit_card', provider: 'stripe', storedMethodId: 'pmt_x' },
  ],
  ['checkout.status', 'q', { invoiceId: 'inv_nobody' }],
  ['checkout.cancel', 'm', { invoiceId: 'inv_nobody' }],
  ['pay.order', 'q', { invoiceId: 'inv_nobody', language: 'en' }],
  ['pay.start', 'm', { invoiceId: 'inv_nobody', language: 'en', method: 'credit_card', provider: 'payme' }],
  ['payments.list', 'q', { limit: 5, status: 'succeeded', month: '2026-11', cursor: null }],
  ['payments.months', 'q'],
  ['payments.receipt', 'q', { paymentId: 'pay_nobody' }],
  ['payments.receiptLink', 'm', { paymentId: 'pay_nobody' }],
  ['methods.list', 'q'],
  ['methods.providers', 'q'],
  ['methods.add', 'm', { provider: 'stripe' }],
  ['methods.confirm', 'm', { methodId: 'pmt_nobody', token: 'tok_nobody', code: '123456' }],
  ['methods.claim', 'm', { methodId: 'pmt_nobody', secret: 'abcdefghijklmnopqrstuv' }],
  ['methods.remove', 'm', { methodId: 'pmt_nobody' }],
  ['adding.get', 'q', { methodId: 'pmt_nobody', language: 'en' }],
  [
    'adding.confirm',
    'm',
    {
      methodId: 'pmt_nobody',
      language: 'en',
      token: 'tok_nobody',
      code: '123456',
      secret: 'abcdefghijklmnopqrstuv',
      back: 'abcdefghijklmnopqrstuv',
    },
  ],
  ['subscriptions.list', 'q'],
  ['subscriptions.cancel', 'm', { subscriptionId: 'sub_nobody' }],
  ['subscriptions.resume', 'm', { subscriptionId: 'sub_nobody' }],
  ['entitlements.list', 'q'],
  ['nothing.here', 'q'],
  ['constructor', 'q'],
];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
const TYPES = [
  undefined,
  '',
  'text/plain',
  'application/xml',
  'multipart/form-data',
  'application/json; charset=utf-16',
];
const WEBHOOKS = ['/webhooks/telegram', '/api/v1/payments/webhook/telegram-stars', '/api/v1/payment/webhooks/telegram'];
const PAYME = ['/webhooks/payme', '/api/v1/payment/webhooks/payme'];
const CLICK = ['/webhooks/click', '/api/v1/payment/webhooks/click'];

/** Doors of providers have requests of their own. */
const isWebhook = (path) => /^\/(api\/v1\/(payments?|stripe)\/)?webhooks?(\/|$)/.test(path);

/** Headers may hold printable Latin-1 only; what is not would not leave this machine. */
const headerText = (text) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');
const encode = (random, text) => (random.chance(0.8) ? encodeURIComponent(text.toWellFormed()) : pathText(text));
/** A request target as a careless program would send it: only what node:http itself refuses is encoded. */
const pathText = (text) => text.replaceAll(/[^\x21-\x7e]/g, (letter) => encodeURIComponent(letter.toWellFormed()));

/**
 * Makes hostile requests for a server that is described by its OpenAPI document. Each is
 * `{ door, method, path, headers, body }`; `door` says in which shape it must be refused.
 *
 * @param target `{ document, tokens, apiKey, webhookSecret, providers, ids, now }`, with what is genuine for the odd request that
 *   is let in; `now()` is the server's time in milliseconds
 */
export function makeRequests(random, target) {
  const routes = Object.entries(target.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(() => !isWebhook(path) && path !== '/metrics')
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const signed = [stripe, stripe, cryptoPay, cryptoPay, btcpay, btcpay];
  const doors = [rest, rest, rest, rest, trpc, trpc, trpc, webhook, payme, payme, click, click, ...signed];
  return () => {
    const request = random.pick(doors)(random, target, routes);
    if (random.chance(0.05))
      request.method = random.pick(METHODS.filter((method) => request.door !== 'payme' || method !== 'HEAD'));
    if (random.chance(0.1)) request.headers[random.pick(ODD_HEADERS)] = headerText(random.pick(TEXTS));
    const isSpoken = request.door === 'payme' || request.door === 'click';
    if (!isSpoken && random.chance(0.03)) request.path = trick(random, request.path);
    return request;
  };
}

const ODD_HEADERS = [
  'accept',
  'accept-language',
  'accept-encoding',
  'content-encoding',
  'cookie',
  'forwarded',
  'idempotency-key',
  'next-action',
  'origin',
  'range',
  'trpc-accept',
  'x-forwarded-host',
  'x-http-method-override',
  'x-request-id',
];

/** The same address written otherwise, below the same prefix, so that the refusal still has the shape of its door. */
function trick(random, path) {
  const [, first, rest] = /^(\/(?:api\/v1|api\/trpc|webhooks|health))(.*)$/.exec(path) ?? [null, '/api/v1', path];
  const tail = random.pick([
    `/${rest}`,
    `${rest}/`,
    rest.toUpperCase(),
    `/.${rest}`,
    `/%2e%2e${rest}`,
    `${rest};a=b`,
    `${rest}%00`,
    `${rest}%`,
    `${rest}?${'a=b&'.repeat(500)}`,
  ]);
  return `${first}${tail.startsWith('/') ? '' : '/'}${tail}`;
}

function credential(random, { apiKey, tokens }) {
  const [header, claims, signature] = tokens[0].split('.');
  return random.pick([
    () => ({ authorization: `Bearer ${random.pick(tokens)}` }),
    () => ({ authorization: `Bearer ${random.pick(tokens)}` }),
    () => ({ 'x-api-key': apiKey }),
    () => ({ authorization: `Bearer ${apiKey}` }),
    () => ({}),
    () => ({ authorization: `Bearer ${header}.${claims}.` }),
    () => ({ authorization: `Bearer eyJhbGciOiJub25lIn0.${claims}.${signature}` }),
    () => ({ authorization: headerText(`Bearer ${random.pick(TEXTS)}`) }),
    () => ({ 'x-api-key': headerText(random.pick(TEXTS)) }),
  ])();
}

function rest(random, target, routes) {
  const { path, method, operation } = random.pick(routes);
  const headers = credential(random, target);
  const filled = path.replaceAll(/\{\w+\}/g, () =>
    encode(
      random,
      random.chance(0.5) ? random.pick(target.ids) : random.pick(TEXTS.filter((text) => text.length < 300)),
    ),
  );
  const query = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === 'query' && random.chance(0.5))
    .map(
      ({ name, example, schema }) =>
        `${name}=${encode(random, String(random.chance(0.4) ? (example ?? schema?.example ?? '1') : random.pick(TEXTS)))}`,
    );
  const address = query.length > 0 ? `${filled}?${query.join('&')}` : filled;
  if (method === 'GET') return { door: 'rest', method, path: address, headers };
  headers['content-type'] = random.chance(0.9) ? 'application/json' : (random.pick(TYPES) ?? '');
  if (random.chance(0.2)) headers['idempotency-key'] = `fuzz-${random.whole(5)}`;
  const body = toBytes(random, mutate(random, exampleOf(operation, target)));
  return { door: 'rest', method, path: address, headers, body };
}

/** A body as the document describes it, from its examples; ids are genuine ones. */
function exampleOf(operation, { document, ids }) {
  const schema = operation.requestBody?.content?.['application/json']?.schema ?? {};
  const { properties = {} } = schema.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)] : schema;
  return Object.fromEntries(
    Object.entries(properties).map(([name, { anyOf, default: usual, enum: choices, example, type }]) => {
      if (name === 'user_id') return [name, ids[0]];
      return [name, example ?? usual ?? choices?.[0] ?? (type === 'boolean' ? true : (anyOf?.[0]?.example ?? 'pro'))];
    }),
  );
}

function trpc(random, target) {
  const calls = Array.from({ length: random.chance(0.1) ? random.whole(13) + 1 : 1 }, () => random.pick(PROCEDURES));
  const names = calls.map(([name]) => name).join(',');
  const inputs = calls.map(([, , input]) => (random.chance(0.1) ? anyValue(random) : mutate(random, input ?? {})));
  const isBatch = calls.length > 1 || random.chance(0.1);
  const input = isBatch ? Object.fromEntries(inputs.entries()) : inputs[0];
  const headers = credential(random, target);
  const suffix = isBatch ? 'batch=1' : '';
  if (calls[0][1] === 'm') {
    headers['content-type'] = random.chance(0.95) ? 'application/json' : (random.pick(TYPES) ?? '');
    return {
      door: 'trpc',
      method: 'POST',
      path: `/api/trpc/${names}?${suffix}`,
      headers,
      body: toBytes(random, input),
    };
  }
  const text = random.chance(0.9) ? JSON.stringify(input) : random.pick(TEXTS);
  return { door: 'trpc', method: 'GET', path: `/api/trpc/${names}?${suffix}&input=${encode(random, text)}`, headers };
}

function webhook(random, { ids, webhookSecret }) {
  // Far from what the sandbox counts: an id that was seen is never handled again.
  const update_id = 2_000_000_000 + random.whole(1_000_000_000);
  const from = mutate(random, { id: 1 + random.whole(1_000), is_bot: false, first_name: '<b>', language_code: 'en' });
  const chat = { id: from.id, type: 'private' };
  const message = { message_id: 1, date: 1_795_000_000, chat, from };
  const money = { currency: 'XTR', total_amount: 150, invoice_payload: 'inv_nobody' };
  const charge = { ...money, telegram_payment_charge_id: `fuzz${update_id}` };
  const update = random.pick([
    () => ({ pre_checkout_query: mutate(random, { id: '1', from, ...money, invoice_payload: random.pick(ids) }) }),
    () => ({ subscription: mutate(random, { user: from, invoice_payload: 'inv_nobody', state: random.pick(TEXTS) }) }),
    () => ({ message: mutate(random, { ...message, text: random.pick(TEXTS) }) }),
    () => ({ message: { ...message, text: '/start x', entities: anyValue(random) } }),
    // A whole payment of no order is kept and tried again for hours: only broken ones are sent.
    () => ({ message: { ...message, successful_payment: { ...charge, total_amount: anyValue(random) || -1 } } }),
    () => ({ message: { ...message, refunded_payment: { ...charge, currency: anyValue(random) } } }),
    () => ({ callback_query: { id: '1', from, chat_instance: '1', message, data: `1:x:${random.pick(TEXTS)}` } }),
    () => ({ [random.pick(['my_chat_member', 'inline_query', 'poll', 'message'])]: anyValue(random) }),
  ])();
  const secret = random.chance(0.5) ? webhookSecret : headerText(random.pick(TEXTS));
  return {
    door: 'webhook',
    method: 'POST',
    path: random.pick(WEBHOOKS),
    headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret },
    body: toBytes(random, mutate(random, { update_id, ...update })),
  };
}

/** Any time of today's order of magnitude: a run can be repeated. */
const NOW = 1_795_168_800_000;
const PAYME_METHODS = [
  'CheckPerformTransaction',
  'CreateTransaction',
  'PerformTransaction',
  'CancelTransaction',
  'CheckTransaction',
  'GetStatement',
  'SetFiscalData',
  'ChangePassword',
];

function payme(random, { ids, providers }) {
  const params = {
    id: random.pick(['5305e3bab097f420a62ced0b', 'a', ...TEXTS]),
    time: NOW,
    amount: random.pick([36_000_000, 1]),
    account: random.chance(0.8) ? { order_id: random.pick([...ids, ...TEXTS]) } : anyValue(random),
    reason: 5,
    from: 0,
    to: NOW,
    type: 'PERFORM',
    fiscal_data: mutate(random, { receipt_id: 1, qr_code_url: 'https://ofd.soliq.uz/check' }),
  };
  const call = {
    method: random.pick([...PAYME_METHODS, ...TEXTS]),
    params: mutate(random, params),
    id: random.whole(9),
  };
  const key = random.chance(0.8) ? providers.paymeKey : random.pick(TEXTS);
  return {
    door: 'payme',
    method: 'POST',
    path: random.pick(PAYME),
    headers: {
      authorization: `Basic ${Buffer.from(`Paycom:${key}`).toString('base64')}`,
      'content-type': random.pick(['text/json; charset=UTF-8', 'application/json']),
    },
    body: toBytes(random, mutate(random, call)),
  };
}

function click(random, { ids, providers }) {
  const fields = mutate(random, {
    click_trans_id: 1 + random.whole(1_000),
    service_id: providers.clickServiceId,
    click_paydoc_id: 2,
    merchant_trans_id: random.pick([...ids, ...TEXTS]),
    merchant_prepare_id: random.whole(100),
    amount: '360000.00',
    action: random.whole(3),
    error: random.pick([0, -1, -5017, 5]),
    error_note: 'Success',
    sign_time: '2026-11-20 10:00:00',
  });
  const plain = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value));
  const text = (name) => (fields[name] === undefined ? '' : plain(fields[name]));
  const prepareId = text('action') === '1' ? text('merchant_prepare_id') : '';
  const head = `${text('click_trans_id')}${text('service_id')}${providers.clickSecret}${text('merchant_trans_id')}${prepareId}`;
  const signed = `${head}${text('amount')}${text('action')}${text('sign_time')}`;
  const sign_string = random.chance(0.9) ? createHash('md5').update(signed).digest('hex') : random.pick(TEXTS);
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...fields, sign_string }))
    form.append(name, plain(value).toWellFormed());
  const body = Buffer.from(form.toString());
  return {
    door: 'click',
    method: 'POST',
    path: random.pick(CLICK),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: random.chance(0.9) ? body : Buffer.concat([body, Buffer.from([0x26, 0xff, random.whole(256)])]),
  };
}
