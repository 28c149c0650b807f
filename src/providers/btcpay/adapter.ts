import { type Currency, type Money, toDecimal } from '#domain/money.ts';
import type { Capability } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type {
  AskedOrder,
  CheckoutRequest,
  KnownRefund,
  ListPage,
  ListRequest,
  ProviderTransaction,
  RefundAnswer,
  RefundRequest,
} from '#domain/provider/request.ts';
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
  toRefundRow,
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
  const refund = await findRefund(api, id);
  const refunded = refund && (await api.findInvoice(invoiceOf(refund.chargeId) ?? refund.chargeId));
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
  const { booked = [] } = order;
  const refunds = needsPayments(invoice) ? await refundsOf(api, invoice, order) : [];
  return toEvents({ invoice, payments, refunds, booked, invoiceId, isHeld, now });
}

const isOf = (id: string, { chargeId }: { chargeId: string }): boolean => invoiceOf(chargeId) === id;

/**
 * The refunds of an invoice, oldest first: those that our books have open, and the one that the order is asked about, by their
 * own ids. The whole list only where one may be missing there: an offer without an answer, or money of which our books have no
 * charge at all, so that they would not know its refunds either.
 */
async function refundsOf(api: GreenfieldApi, invoice: Invoice, order: AskedOrder): Promise<ReadonlyArray<Refund>> {
  const { booked = [], refundReference = null, refunds: known = [] } = order;
  // With a charge the reference is of a checkout.
  const reference = order.chargeId === null ? order.reference : null;
  const ours = known.filter((refund) => isOf(invoice.id, refund));
  const isLost = invoice.status !== 'Settled' && !booked.some((charge) => isOf(invoice.id, charge));
  if (isLost || ours.some(({ isUnsure }) => isUnsure)) return refundsIn(api, await api.listPullPayments(), invoice.id);
  const open = ours.filter(({ status }) => status === 'requested');
  const ids = [...open.map((refund) => refund.reference), refundReference, reference];
  const found: Refund[] = [];
  for (const id of new Set(ids)) {
    if (id === null || id === invoice.id) continue;
    const refund = await findRefund(api, id);
    if (refund && isOf(invoice.id, refund)) found.push({ ...refund, payouts: await api.listPayouts(id) });
  }
  return found.sort((one, other) => one.pullPayment.startsAt.getTime() - other.pullPayment.startsAt.getTime());
}

async function findRefund(api: GreenfieldApi, id: string): Promise<Omit<Refund, 'payouts'> | null> {
  const pullPayment = await api.findPullPayment(id);
  return pullPayment && readRefund(pullPayment);
}

async function refundsIn(
  api: GreenfieldApi,
  listed: ReadonlyArray<PullPayment>,
  id: string,
): Promise<ReadonlyArray<Refund>> {
  const refunds: Refund[] = [];
  for (const pullPayment of listed) {
    const refund = readRefund(pullPayment);
    if (!refund || !isOf(id, refund)) continue;
    refunds.push({ ...refund, payouts: await api.listPayouts(pullPayment.id) });
  }
  return refunds.reverse();
}

async function listPage(api: GreenfieldApi, { cursor, limit, since }: ListRequest): Promise<ListPage> {
  const skip = Number(cursor ?? 0);
  const invoices = await api.listInvoicesSince(since, skip, limit);
  const rows: Array<ProviderTransaction | null> = [];
  let listed: ReadonlyArray<PullPayment> | null = null;
  for (const invoice of invoices) {
    const sent = invoice.paymentMethods?.flatMap(({ payments }) => payments);
    const payments = needsPayments(invoice) ? (sent ?? (await api.listPayments(invoice.id))) : [];
    const hasParts = needsPayments(invoice) && invoice.status !== 'Settled';
    if (hasParts) listed ??= await api.listPullPayments();
    rows.push(...toRows(invoice, payments, hasParts ? await refundsIn(api, listed ?? [], invoice.id) : []));
  }
  if (invoices.length === limit) return { rows, next: String(skip + invoices.length), resume: null };
  listed ??= await api.listPullPayments();
  const made = listed.filter(({ startsAt }) => startsAt >= since);
  return { rows: [...rows, ...made.map(toRefundRow)], next: null, resume: null };
}

/**
 * Offers money back by a pull payment: the buyer claims it on BTCPay's page with an address of theirs. BTCPay would offer it a
 * second time: what our books know of is read by its id, and what was asked for without an answer is looked for by its name.
 */
async function giveBack(api: GreenfieldApi, request: RefundRequest): Promise<RefundAnswer> {
  const { amount, chargeId, refundId } = request;
  const id = invoiceOf(chargeId);
  if (id === null) throw new ProviderError('invalid', 'CHARGE_UNKNOWN');
  const known = request.known.filter((refund) => isOf(id, refund));
  const others = known.filter((refund) => refund.refundId !== refundId);
  const reference = known.find((refund) => refund.refundId === refundId)?.reference ?? null;
  if (reference !== null) {
    const made = await api.findPullPayment(reference);
    if (!made) throw new ProviderError('invalid', 'pullpayment-not-found');
    return toAnswer(made);
  }
  const isUnsure = request.isRepeat || others.some((refund) => refund.isUnsure);
  const listed = isUnsure ? await api.listPullPayments() : [];
  const before = listed.find(({ name }) => name === refundId);
  if (before) return toAnswer(before);
  const [invoice, offers] = await Promise.all([api.findInvoice(id), offersOf(api, id, others, listed)]);
  if (!invoice) throw new ProviderError('invalid', 'invoice-not-found');
  const offered = offerOf(invoice, offers, amount);
  const description = toDescription(chargeId, amount, offered);
  return toAnswer(await offer(api, id, { ...variantOf(invoice, request, offered), name: refundId, description }));
}

/**
 * What of an invoice was given back or is offered, in its currency: by our books, except what was taken back in BTCPay since,
 * and by the list, where it was needed.
 */
async function offersOf(
  api: GreenfieldApi,
  id: string,
  known: ReadonlyArray<KnownRefund>,
  listed: ReadonlyArray<PullPayment>,
): Promise<bigint> {
  const stand = await Promise.all(
    known.map(async ({ amount, reference, status }) => {
      if (status === 'succeeded') return amount;
      const pullPayment = reference === null ? null : await api.findPullPayment(reference);
      return pullPayment && !pullPayment.archived ? amount : 0n;
    }),
  );
  const references = new Set(known.map(({ reference }) => reference));
  const unknown = listed
    .filter((pullPayment) => !pullPayment.archived && !references.has(pullPayment.id))
    .map(readRefund)
    .filter((refund) => refund !== null && isOf(id, refund))
    .map((refund) => refund?.amount.amount ?? 0n);
  return [...stand, ...unknown].reduce((sum, amount) => sum + amount, 0n);
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
function offerOf(invoice: Invoice, offered: bigint, wanted: Money): Money {
  const left = count(invoice).paid.amount - offered;
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
