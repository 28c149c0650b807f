import { type Currency, type Money, toDecimal } from '#domain/money.ts';
import {
  type AskedOrder,
  type Capability,
  type CheckoutRequest,
  type ListPage,
  type ListRequest,
  type Provider,
  ProviderError,
  type ProviderEvent,
  type RefundAnswer,
  type RefundRequest,
} from '#domain/provider.ts';
import { type GreenfieldApi, makeGreenfieldApi } from './client.ts';
import {
  count,
  invoiceOf,
  needsPayments,
  orderOf,
  type Refund,
  readRefund,
  toDescription,
  toEvents,
  toRows,
} from './events.ts';
import {
  type Invoice,
  type PullPayment,
  readMessage,
  readStoredMessage,
  type SpeedPolicy,
  type WebhookSecrets,
} from './wire.ts';

/**
 * One store of a BTCPay Server. `url` is the server without a path; `secrets` are those of the store's webhook. `speedPolicy`
 * says how many confirmations a payment needs, `monitoringMinutes` how long after its end an invoice is still watched.
 */
export type BtcpayOptions = Readonly<{
  storeId: string;
  apiKey: string;
  url: string;
  secrets: WebhookSecrets;
  clock: () => Date;
  speedPolicy: SpeedPolicy;
  monitoringMinutes: number;
}>;

/** About 100,000 USD, above what is sold here. Nothing renews. */
const LARGEST = { USD: 10_000_000n, EUR: 10_000_000n, JPY: 15_000_000n, BTC: 100_000_000n } as const;
type PriceCurrency = keyof typeof LARGEST & Currency;
const CURRENCIES: ReadonlyArray<PriceCurrency> = ['USD', 'EUR', 'JPY', 'BTC'];

const accepts = CURRENCIES.map(
  (currency): Capability => ({
    method: 'cryptocurrency',
    currency,
    fee: { bps: 0, fixed: 0n, network: true, isKept: true },
    privacy: 'very_high',
    renewalDays: [],
    surfaces: ['mini_app', 'bot', 'browser', 'api'],
    maxAmount: { oneTime: LARGEST[currency], renewing: 0n },
    settlesInMinutes: 30,
  }),
);

const DAY_MS = 86_400_000;

/** Bitcoin into the operator's own wallet over BTCPay Server (reference: docs.btcpayserver.org/API/Greenfield/v1). */
export function makeBtcpay(options: BtcpayOptions): Provider {
  const { clock, monitoringMinutes, storeId } = options;
  const api = makeGreenfieldApi(options);
  return {
    id: 'btcpay',
    accepts,
    refunds: 'parts',
    // Unconfirmed money holds the order. What confirms after two days is booked all the same.
    reservations: { lastMs: 2 * DAY_MS, lapseCode: null },

    async createCheckout(request) {
      const parameters = toInvoiceParameters(request, options);
      const before = await api.listInvoicesOf(request.invoiceId);
      const again = before.find((invoice) => invoice.metadata?.attemptId === request.attemptId);
      const { checkoutLink, id } = again ?? (await api.createInvoice(parameters));
      return { url: checkoutLink, reference: id };
    },

    closeCheckout: ({ reference }) => close(api, reference),
    read: (request, now) => readMessage(request, options, now),
    readStored: (body) => readStoredMessage(body, storeId),
    // Any 2xx ends the repetition of an event: the door's own answer will do.
    reply: () => null,

    async find(order) {
      const invoices = await findInvoices(api, order);
      const told: ProviderEvent[] = [];
      for (const invoice of invoices) told.push(...(await tellOf(api, invoice, order, clock())));
      return told;
    },

    // The list is by creation: what was made earlier may have been paid since.
    async listTransactions({ cursor, limit, since }) {
      const madeSince = new Date(since.getTime() - monitoringMinutes * 60_000 - DAY_MS);
      return listPage(api, { cursor, limit, since: madeSince });
    },

    refund: (request) => giveBack(api, request),
  };
}

/** The checkout page's own translations; it has none in Uzbek. An unknown language would be refused. */
const LANGUAGES: Readonly<Record<string, string>> = { ja: 'ja-JP', ru: 'ru-RU' };

function toInvoiceParameters(request: CheckoutRequest, options: BtcpayOptions) {
  const { clock, monitoringMinutes, speedPolicy } = options;
  if (request.token !== null) throw new ProviderError('invalid', 'NO_STORED_METHODS');
  if (!CURRENCIES.some((currency) => currency === request.price.currency))
    throw new ProviderError('invalid', 'CURRENCY_UNSUPPORTED');
  const minutes = Math.floor((request.expiresAt.getTime() - clock().getTime()) / 60_000);
  const isWeb = URL.canParse(request.returnUrl) && /^https?:$/.test(new URL(request.returnUrl).protocol);
  return {
    amount: toDecimal(request.price),
    currency: request.price.currency,
    metadata: { orderId: request.invoiceId, attemptId: request.attemptId },
    checkout: {
      speedPolicy,
      expirationMinutes: Math.max(minutes, 1),
      monitoringMinutes,
      paymentTolerance: 0,
      ...(isWeb ? { redirectURL: request.returnUrl, redirectAutomatically: true } : {}),
      defaultLanguage: LANGUAGES[request.language.split('-')[0] ?? ''] ?? 'en',
    },
  };
}

/** `null`: it can be closed. Money that came, however little or late, is told by `find`. */
function stateOf(invoice: Invoice | null): 'closed' | 'busy' | null {
  if (!invoice) return 'closed';
  if (invoice.status === 'Processing' || invoice.status === 'Settled' || count(invoice).paid.amount > 0n) return 'busy';
  return invoice.status === 'New' ? null : 'closed';
}

async function close(api: GreenfieldApi, id: string): Promise<'closed' | 'busy'> {
  const before = stateOf(await api.findInvoice(id));
  if (before) return before;
  try {
    return stateOf(await api.markInvalid(id)) ?? 'closed';
  } catch (error) {
    // It changed in between, and says so itself.
    if (!(error instanceof ProviderError) || error.failure !== 'invalid') throw error;
    const after = stateOf(await api.findInvoice(id));
    if (!after) throw error;
    return after;
  }
}

/** The invoices of an order: by the charge, by the checkout, by a refund of it, or all that were made for it. */
async function findInvoices(api: GreenfieldApi, order: AskedOrder): Promise<ReadonlyArray<Invoice>> {
  const id = order.chargeId === null ? order.reference : invoiceOf(order.chargeId);
  if (id === null && order.chargeId !== null) return [];
  if (id === null) return order.invoiceId === null ? [] : api.listInvoicesOf(order.invoiceId);
  const invoice = await api.findInvoice(id);
  if (invoice) return [invoice];
  if (order.chargeId !== null) return [];
  // Events about payouts know the refund only, by its pull payment.
  const pullPayment = await api.findPullPayment(id);
  const chargeId = pullPayment && readRefund(pullPayment)?.chargeId;
  const refunded = chargeId ? await api.findInvoice(invoiceOf(chargeId) ?? chargeId) : null;
  return refunded ? [refunded] : [];
}

async function tellOf(
  api: GreenfieldApi,
  invoice: Invoice,
  order: AskedOrder,
  now: Date,
): Promise<ReadonlyArray<ProviderEvent>> {
  const invoiceId = orderOf(invoice);
  if (invoiceId === null) return [];
  const isHeld = order.reservation?.chargeId === invoice.id;
  const payments = needsPayments(invoice) ? await api.listPayments(invoice.id) : [];
  const booked = order.booked ?? [];
  // What is only settling now was not given back yet, and the store's refunds are read as a whole.
  const isSettling = invoice.status === 'Settled' && isHeld && !booked.some(({ chargeId }) => chargeId === invoice.id);
  const refunds = needsPayments(invoice) && !isSettling ? await refundsOf(api, invoice.id) : [];
  return toEvents({ invoice, payments, refunds, booked, invoiceId, isHeld, now });
}

async function refundsOf(api: GreenfieldApi, id: string): Promise<ReadonlyArray<Refund>> {
  const refunds: Refund[] = [];
  for (const pullPayment of await api.listPullPayments()) {
    const refund = readRefund(pullPayment);
    if (!refund || invoiceOf(refund.chargeId) !== id) continue;
    refunds.push({ ...refund, payouts: await api.listPayouts(pullPayment.id) });
  }
  return refunds.reverse();
}

async function listPage(api: GreenfieldApi, { cursor, limit, since }: ListRequest): Promise<ListPage> {
  const skip = Number(cursor ?? 0);
  const invoices = await api.listInvoicesSince(since, skip, limit);
  const rows = [];
  for (const invoice of invoices) {
    const listed = invoice.paymentMethods?.flatMap(({ payments }) => payments);
    const payments = needsPayments(invoice) ? (listed ?? (await api.listPayments(invoice.id))) : [];
    const refunds = needsPayments(invoice) && invoice.status !== 'Settled' ? await refundsOf(api, invoice.id) : [];
    rows.push(...toRows(invoice, payments, refunds));
  }
  return { rows, next: invoices.length < limit ? null : String(skip + invoices.length), resume: null };
}

/**
 * Offers money back by a pull payment: the buyer claims it on BTCPay's page with an address of theirs. The refund is found
 * again by its name, since BTCPay would offer it a second time.
 */
async function giveBack(api: GreenfieldApi, request: RefundRequest): Promise<RefundAnswer> {
  const { amount, chargeId, refundId } = request;
  const id = invoiceOf(chargeId);
  if (id === null) throw new ProviderError('invalid', 'CHARGE_UNKNOWN');
  const pullPayments = await api.listPullPayments();
  const made = pullPayments.find(({ name }) => name === refundId);
  if (made) return toAnswer(made);
  const invoice = await api.findInvoice(id);
  if (!invoice) throw new ProviderError('invalid', 'invoice-not-found');
  const offered = offerOf(invoice, pullPayments, amount);
  const description = toDescription(chargeId, amount, offered);
  return toAnswer(await offer(api, id, { ...variantOf(invoice, request, offered), name: refundId, description }));
}

/** An offer that got no answer may still arrive, after the next look at the list. */
async function offer(api: GreenfieldApi, id: string, parameters: Parameters<GreenfieldApi['refund']>[1]) {
  try {
    return await api.refund(id, parameters);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.failure !== 'unavailable') throw error;
    throw new ProviderError('unavailable', error.code, { mayBeDone: true });
  }
}

function toAnswer({ archived, id, viewLink }: PullPayment): RefundAnswer {
  if (archived) throw new ProviderError('declined', 'pull-payment-archived');
  return { status: 'pending', reference: id, claimUrl: viewLink };
}

/**
 * What is offered of a refund: an invoice can be settled by hand with less than its price, and never gives back more than
 * came and is not offered yet. Throws ProviderError `declined` where that is nothing.
 */
function offerOf(invoice: Invoice, pullPayments: ReadonlyArray<PullPayment>, wanted: Money): Money {
  let left = count(invoice).paid.amount;
  for (const pullPayment of pullPayments) {
    const refund = pullPayment.archived ? null : readRefund(pullPayment);
    if (refund && invoiceOf(refund.chargeId) === invoice.id) left -= refund.amount.amount;
  }
  if (left <= 0n) throw new ProviderError('declined', 'NO_MONEY_TO_RETURN');
  return left < wanted.amount ? { ...wanted, amount: left } : wanted;
}

/**
 * How it is offered. All that was paid, or all that was too much, is fixed in coins at once and paid without anybody's
 * approval; a part is an amount of the order's currency.
 */
function variantOf(invoice: Invoice, { chargeId, isWhole }: RefundRequest, offered: Money) {
  const isAll = (money: Money) => isWhole && money.amount === offered.amount && money.currency === offered.currency;
  const { excess, paid, price } = count(invoice);
  const isOver = invoice.additionalStatus === 'PaidOver';
  if (chargeId === `${invoice.id}:excess` && isOver && isAll({ ...price, amount: excess }))
    return { refundVariant: 'OverpaidAmount' };
  if (chargeId === invoice.id && isAll(paid)) return { refundVariant: 'CurrentRate' };
  return { refundVariant: 'Custom', customAmount: toDecimal(offered), customCurrency: offered.currency };
}
