import { createHash, randomUUID } from 'node:crypto';
import { signBtcpay, signCryptoPay, signStripe } from './sign.mjs';

const digits = (number, width) => String(number).padStart(width, '0');
/** Rows of a cell are numbered; ids are as long and as ordered as real ones. */
export const digitsOf = (cell, n) => `${digits(cell, 4)}${digits(n, 12)}`;
export const userId = (cell, n) => `usr_01kahw9d6x${digitsOf(cell, n)}`;
export const invoiceId = (cell, n) => `inv_01kahw9d6x${digitsOf(cell, n)}`;
export const telegramId = (cell, n) => 5_000_000_000 + cell * 10_000_000 + n;
export const chargeId = (cell, n) => `stxBench${digits(cell, 4)}_${digits(n, 12)}_Qm9sZG5lc3NJc05vdEFTdHJhdGVneQ`;

/** The mix of the settle cells: every second order is the first month of a subscription, the others a year paid once. */
export const isSubscription = (n) => n % 2 === 1;
export const PRICES = {
  month: { id: 'prc_personal_pro_month_xtr', amount: 150 },
  year: { id: 'prc_personal_pro_year_xtr', amount: 1500 },
};
/** A year in tiyin and in cents, paid once. */
export const UZS_PRICE = { id: 'prc_personal_pro_year_uzs', currency: 'UZS', amount: 36_000_000 };
export const USD_PRICE = { id: 'prc_personal_pro_year_usd', currency: 'USD', amount: 2_999 };
/** Our number of a prepared reservation, and the providers' ids of it. */
export const holdNumber = (cell, n) => 1_000_000_000 + cell * 10_000_000 + n;
export const paymeId = (cell, n) => `${digits(cell, 4)}${digits(n, 20)}`;
export const clickId = (cell, n) => 2_000_000_000_000 + cell * 10_000_000 + n;
export const PLAN = {
  id: 'pln_personal_pro',
  code: 'personal-pro',
  productId: 'prd_personal_log',
  productCode: 'personal-log',
};

/**
 * Returns a function that gives the next whole request as text, and null when the prepared rows are used up, unless they may
 * be used over and over. `bodies` are webhooks as a provider wrote them, one a row; `values` are the secrets.
 */
export function makeRequests({ kind, cell, count, path, isEndless, bodies, values }) {
  let n = 0;
  const make = MAKERS[kind];
  return () => {
    if (n >= count && !isEndless) return null;
    const number = n++;
    const row = isEndless && count > 0 ? number % count : number;
    return make({ cell, n: row, number, path, body: bodies?.[row], values });
  };
}

const MAKERS = {
  empty: ({ path }) => get(path, {}),
  settle: ({ path, values, cell, n }) => post(path, telegramHeaders(values), paidUpdate(cell, n)),
  inquiry: ({ path, values, cell, n, number }) => post(path, telegramHeaders(values), inquiryUpdate(cell, n, number)),
  create: ({ path, values, cell, n }) =>
    post(
      path,
      { 'x-api-key': values.apiKey, 'idempotency-key': randomUUID() },
      { amount: PRICES.month.amount, currency: 'XTR', item_type: 'plan', item_id: PLAN.code, user_id: userId(cell, n) },
    ),
  paymeCreate: ({ path, values, cell, n }) =>
    paymeCall(path, values, 'CreateTransaction', {
      id: paymeId(cell, n),
      time: Date.now(),
      amount: UZS_PRICE.amount,
      account: { order_id: invoiceId(cell, n) },
    }),
  paymePerform: ({ path, values, cell, n }) => paymeCall(path, values, 'PerformTransaction', { id: paymeId(cell, n) }),
  clickPrepare: ({ path, values, cell, n }) => clickForm(path, values, { cell, n, action: 0 }),
  clickComplete: ({ path, values, cell, n }) =>
    clickForm(path, values, { cell, n, action: 1, prepareId: holdNumber(cell, n) }),
  entitlement: ({ path, values, cell, n }) =>
    get(`${path}/${userId(cell, n)}?product=${PLAN.productCode}`, { 'x-api-key': values.apiKey }),
  // The age of a signature is checked, so each is signed when it is sent.
  stripe: ({ path, values, body }) => {
    const at = Math.floor(Date.now() / 1000);
    return send(path, { ...JSON_TYPE, 'stripe-signature': signStripe(body, values.STRIPE_WEBHOOK_SECRET, at) }, body);
  },
  cryptoPay: ({ path, values, body }) =>
    send(path, { ...JSON_TYPE, 'crypto-pay-api-signature': signCryptoPay(body, values.CRYPTO_PAY_TOKEN) }, body),
  btcpay: ({ path, values, body }) =>
    send(path, { ...JSON_TYPE, 'btcpay-sig': signBtcpay(body, values.BTCPAY_WEBHOOK_SECRET) }, body),
};

const paymeCall = (path, { PAYME_KEY: key }, method, params) =>
  post(
    path,
    {
      authorization: `Basic ${Buffer.from(`Paycom:${key}`).toString('base64')}`,
      'content-type': 'text/json; charset=UTF-8',
    },
    { method, params, id: 1 },
  );

/** Signed as Click signs (docs.click.uz, SHOP API). */
function clickForm(path, { CLICK_SERVICE_ID: serviceId, CLICK_SECRET_KEY: secretKey }, { cell, n, action, prepareId }) {
  const fields = {
    click_trans_id: clickId(cell, n),
    service_id: serviceId,
    click_paydoc_id: clickId(cell, n) + 1,
    merchant_trans_id: invoiceId(cell, n),
    ...(prepareId !== undefined && { merchant_prepare_id: prepareId }),
    amount: (UZS_PRICE.amount / 100).toFixed(2),
    action,
    error: 0,
    error_note: 'Success',
    sign_time: '2026-11-20 10:00:00',
  };
  const signed = [
    fields.click_trans_id,
    serviceId,
    secretKey,
    fields.merchant_trans_id,
    prepareId ?? '',
    fields.amount,
    action,
  ];
  const sign_string = createHash('md5')
    .update(`${signed.join('')}${fields.sign_time}`)
    .digest('hex');
  const body = new URLSearchParams({ ...fields, sign_string }).toString();
  return send(path, { 'content-type': 'application/x-www-form-urlencoded' }, body);
}

const telegramHeaders = ({ webhookSecret }) => ({ 'x-telegram-bot-api-secret-token': webhookSecret });

function personOf(cell, n) {
  return { id: telegramId(cell, n), is_bot: false, first_name: 'Aiko', username: `aiko_${n}`, language_code: 'ja' };
}

/** A successful_payment update as Telegram sends it (core.telegram.org/bots/api#successfulpayment). */
function paidUpdate(cell, n) {
  const now = Math.floor(Date.now() / 1000);
  const person = personOf(cell, n);
  const renewing = isSubscription(n);
  return {
    update_id: 100_000_000 + cell * 1_000_000 + n,
    message: {
      message_id: 1000 + (n % 1000),
      from: person,
      chat: { id: person.id, first_name: person.first_name, username: person.username, type: 'private' },
      date: now,
      successful_payment: {
        currency: 'XTR',
        total_amount: renewing ? PRICES.month.amount : PRICES.year.amount,
        invoice_payload: invoiceId(cell, n),
        telegram_payment_charge_id: chargeId(cell, n),
        provider_payment_charge_id: `${person.id}_${n}`,
        ...(renewing && {
          subscription_expiration_date: now + 2_592_000,
          is_recurring: true,
          is_first_recurring: true,
        }),
      },
    },
  };
}

function inquiryUpdate(cell, n, number) {
  return {
    update_id: 100_000_000 + cell * 1_000_000 + number,
    pre_checkout_query: {
      id: `${4_000_000_000_000_000 + number}`,
      from: personOf(cell, n),
      currency: 'XTR',
      total_amount: isSubscription(n) ? PRICES.month.amount : PRICES.year.amount,
      invoice_payload: invoiceId(cell, n),
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

const post = (path, headers, content) => send(path, { ...JSON_TYPE, ...headers }, JSON.stringify(content));

/** One whole request with a body. */
function send(path, headers, body) {
  const all = { ...headers, 'content-length': Buffer.byteLength(body) };
  return `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${lines(all)}\r\n${body}`;
}

/** A request's text as the contract of providers has it (domain/provider/contract.ts). */
export function toProviderRequest(text) {
  const [head, body] = text.split(/\r\n\r\n/, 2);
  const [, ...rows] = head.split('\r\n');
  const headers = Object.fromEntries(rows.map((row) => row.split(/: (.*)/s).slice(0, 2)));
  return { method: 'POST', headers, body: Buffer.from(body), remoteAddress: null };
}

function get(path, headers) {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${lines(headers)}\r\n`;
}

function lines(headers) {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
