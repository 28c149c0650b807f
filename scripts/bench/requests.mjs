import { createHash, randomUUID } from 'node:crypto';

/** Rows of a cell are numbered; ids are as long and as ordered as real ones. */
export const userId = (cell, n) => `usr_01kahw9d6x${digits(cell, 4)}${digits(n, 12)}`;
export const invoiceId = (cell, n) => `inv_01kahw9d6x${digits(cell, 4)}${digits(n, 12)}`;
export const telegramId = (cell, n) => 5_000_000_000 + cell * 10_000_000 + n;
export const chargePrefix = (cell) => `stxBench${digits(cell, 4)}`;
export const chargeId = (cell, n) => `${chargePrefix(cell)}_${digits(n, 12)}_Qm9sZG5lc3NJc05vdEFTdHJhdGVneQ`;

/** The mix of the settle cells: every second order is the first month of a subscription, the others a year paid once. */
export const isSubscription = (n) => n % 2 === 1;
export const PRICES = {
  month: { id: 'prc_personal_pro_month_xtr', amount: 150 },
  year: { id: 'prc_personal_pro_year_xtr', amount: 1500 },
};
/** A year in tiyin, paid once. */
export const UZS_PRICE = { id: 'prc_personal_pro_year_uzs', amount: 36_000_000 };
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

const digits = (number, width) => String(number).padStart(width, '0');

/** Returns a function that gives the next whole request as text, and null when the prepared rows are used up. */
export function makeRequests({ kind, cell, count, path, secret, apiKey, payme, click }) {
  let n = 0;
  const make = MAKERS[kind];
  const isEndless = kind === 'empty' || kind === 'inquiry' || kind === 'entitlement';
  return () => {
    if (n >= count && !isEndless) return null;
    const number = n++;
    return make({
      cell,
      n: isEndless && count > 0 ? number % count : number,
      number,
      path,
      secret,
      apiKey,
      payme,
      click,
    });
  };
}

const MAKERS = {
  empty: ({ path }) => get(path, {}),
  settle: ({ path, secret, cell, n }) => post(path, telegramHeaders(secret), paidUpdate(cell, n)),
  inquiry: ({ path, secret, cell, n, number }) => post(path, telegramHeaders(secret), inquiryUpdate(cell, n, number)),
  create: ({ path, apiKey, cell, n }) =>
    post(
      path,
      { 'x-api-key': apiKey, 'idempotency-key': randomUUID() },
      { amount: PRICES.month.amount, currency: 'XTR', item_type: 'plan', item_id: PLAN.code, user_id: userId(cell, n) },
    ),
  paymeCreate: ({ path, payme, cell, n }) =>
    paymeCall(path, payme, 'CreateTransaction', {
      id: paymeId(cell, n),
      time: Date.now(),
      amount: UZS_PRICE.amount,
      account: { order_id: invoiceId(cell, n) },
    }),
  paymePerform: ({ path, payme, cell, n }) => paymeCall(path, payme, 'PerformTransaction', { id: paymeId(cell, n) }),
  clickPrepare: ({ path, click, cell, n }) => clickForm(path, click, { cell, n, action: 0 }),
  clickComplete: ({ path, click, cell, n }) =>
    clickForm(path, click, { cell, n, action: 1, prepareId: holdNumber(cell, n) }),
  entitlement: ({ path, apiKey, cell, n }) =>
    get(`${path}/${userId(cell, n)}?product=${PLAN.productCode}`, { 'x-api-key': apiKey }),
};

const paymeCall = (path, { key }, method, params) =>
  post(
    path,
    {
      authorization: `Basic ${Buffer.from(`Paycom:${key}`).toString('base64')}`,
      'content-type': 'text/json; charset=UTF-8',
    },
    { method, params, id: 1 },
  );

/** Signed as Click signs (docs.click.uz, SHOP API). */
function clickForm(path, { serviceId, secretKey }, { cell, n, action, prepareId }) {
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
  const all = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
  return `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${lines(all)}\r\n${body}`;
}

const telegramHeaders = (secret) => ({ 'x-telegram-bot-api-secret-token': secret });

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

function post(path, headers, content) {
  const body = JSON.stringify(content);
  const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
  return `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${lines(all)}\r\n${body}`;
}

function get(path, headers) {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${lines(headers)}\r\n`;
}

function lines(headers) {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
