import type { Currency } from '#domain/money.ts';
import type { Capability, Method } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { PaymentFailure, ProviderEvent } from '#domain/provider/event.ts';
import type {
  AskedOrder,
  CheckoutLink,
  CheckoutRequest,
  ListPage,
  ListRequest,
  RefundAnswer,
  RefundRequest,
} from '#domain/provider/request.ts';
import { makeStripeApi, type StripeApi } from './client.ts';
import { hasFailed, isAwaited, toDisputeRow, toEvents } from './events.ts';
import { toPaymentFailure } from './failures.ts';
import { type CheckoutSession, type PaymentIntent, type Refund, toChargeRow, toRefundRow } from './objects.ts';
import {
  type BankCountry,
  CURRENCIES,
  MAX_AMOUNT,
  parseToken,
  type StoredToken,
  toCheckout,
  toStoredCharge,
  toStoredCheckout,
} from './requests.ts';
import { GONE, makeStoredCards } from './stored-cards.ts';
import { invoiceOf, readEvent, readMessage, type WebhookSecrets } from './wire.ts';

type Fees = Readonly<Partial<Record<Method, Readonly<Partial<Record<Currency, { bps: number; fixed: bigint }>>>>>>;

/**
 * `secretKey` and the endpoint's signing `secrets` are of Stripe's Dashboard; `apiUrl` is a host without a path. `fees`
 * replaces rows of the fee table by those of a contract. `onOtherVersion` hears the API version of an event that is not of
 * the SDK's release train, `onFraudWarning` the charge of which a card company says that it is fraud.
 */
export type StripeOptions = Readonly<{
  secretKey: string;
  apiUrl: string;
  secrets: WebhookSecrets;
  bankCountry: BankCountry;
  onOtherVersion: (version: string) => void;
  onFraudWarning: (chargeId: string) => void;
  clock: () => Date;
  fees?: Fees;
}>;

/** Stripe's list prices; what it really kept comes with each charge. For yen by transfer the dearer way, konbini. */
const CARD_FEES = {
  USD: { bps: 290, fixed: 30n },
  EUR: { bps: 290, fixed: 25n },
  JPY: { bps: 360, fixed: 0n },
} as const;
const FEES = {
  credit_card: CARD_FEES,
  digital_wallet: CARD_FEES,
  bank_transfer: { USD: { bps: 0, fixed: 100n }, EUR: { bps: 50, fixed: 0n }, JPY: { bps: 360, fixed: 0n } },
} as const;

const acceptsOf = (fees: Fees): ReadonlyArray<Capability> =>
  (['credit_card', 'digital_wallet', 'bank_transfer'] as const).flatMap((method) =>
    CURRENCIES.map((currency) => ({
      method,
      currency,
      // Stripe keeps its fee when a charge is given back (docs.stripe.com/refunds).
      fee: { ...(fees[method]?.[currency] ?? FEES[method][currency]), network: false, isKept: true },
      privacy: method === 'bank_transfer' ? 'low' : 'medium',
      renewalDays: [],
      surfaces: ['mini_app', 'bot', 'browser', 'api'],
      maxAmount: { oneTime: MAX_AMOUNT, renewing: 0n },
      settlesInMinutes: method === 'bank_transfer' ? 2_880 : 1,
    })),
  );

/** Thirty days: transfers take days, and Stripe waits for one without an end. */
const HOLD_MS = 30 * 86_400_000;

/** A provider with everything the contract has but renewals. */
export type StripeProvider = Provider &
  Required<Pick<Provider, 'closeCheckout' | 'find' | 'listTransactions' | 'storedMethods'>>;

/** Cards, wallets and bank transfers over Stripe Checkout (reference: docs.stripe.com/api, 2026-10-28.endive). */
export function makeStripe(options: StripeOptions): StripeProvider {
  const { bankCountry, clock, fees = {}, onFraudWarning, onOtherVersion, secretKey, secrets } = options;
  if (secrets.current === '' || secrets.previous?.secret === '')
    throw new ProviderError('misconfigured', 'EMPTY_SECRET');
  const api = makeStripeApi(options);
  const endpoint = { secrets, isLive: isLiveKey(secretKey), onOtherVersion, onFraudWarning };
  // Both were heard when it came.
  const stored = { ...endpoint, onOtherVersion: () => undefined, onFraudWarning: () => undefined };
  return {
    id: 'stripe',
    accepts: acceptsOf(fees),
    refunds: 'parts',
    reservations: { lastMs: HOLD_MS, lapseCode: null },

    async createCheckout(request) {
      if (request.renewalDays !== null) throw new ProviderError('invalid', 'NO_RENEWALS');
      return (request.token === null ? openPage : chargeStored)(api, request, { bankCountry, now: clock() });
    },

    async closeCheckout({ reference, voidsTransfer }) {
      if (voidsTransfer) return voidTransfer(api, reference);
      return (reference.startsWith('pi_') ? closeIntent : closePage)(api, reference);
    },

    read: (request, now) => readMessage(request, endpoint, now),
    readStored: (body) => readEvent(body, stored),
    // Stripe only tells: there is nothing to answer but the status.
    reply: () => null,

    find: (order) => find(api, order, clock()),
    listTransactions: (request) => listTransactions(api, request),
    refund: (request) => refund(api, request),
    storedMethods: makeStoredCards(api),
  };
}

function isLiveKey(secretKey: string): boolean | null {
  const mode = /^[rs]k_(live|test)_/.exec(secretKey)?.[1];
  return mode === undefined ? null : mode === 'live';
}

type Page = Readonly<{ bankCountry: BankCountry; now: Date }>;

async function openPage(api: StripeApi, request: CheckoutRequest, page: Page): Promise<CheckoutLink> {
  const { attemptId, invoiceId, method } = request;
  // Transfers arrive on a customer's own account number, so there must be one: a new one for each order.
  const customerId =
    method === 'bank_transfer'
      ? await api.createCustomer({ invoice: invoiceId, attempt: attemptId }, `customer:${attemptId}`)
      : null;
  return toLink(await api.openSession(toCheckout(request, { ...page, customerId }), `checkout:${attemptId}`));
}

function toLink({ id, url }: CheckoutSession): CheckoutLink {
  if (url === null) throw new ProviderError('unavailable', 'NO_PAGE');
  return { url, reference: id };
}

async function chargeStored(api: StripeApi, request: CheckoutRequest, page: Page): Promise<CheckoutLink> {
  const token = parseToken(request.token ?? '');
  try {
    const intent = await chargeOnce(api, request, token);
    // It may have been made: said to be unavailable, its owner would try again. It is told of, or its order runs out.
    return intent === null ? { url: null, reference: null } : readCharge(intent);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    // Removed in the Dashboard: nothing is wrong with us, and another card helps.
    if (error.failure === 'invalid' && GONE.has(error.code))
      throw new ProviderError('declined', 'card_declined' satisfies PaymentFailure);
    if (error.code !== 'authentication_failed') throw error;
    // The bank wants to see its customer, and gave no page for it: Stripe's own shows the stored card and asks them.
    const params = toStoredCheckout(request, { ...page, customerId: token.customer });
    return toLink(await api.openSession(params, `checkout:${request.attemptId}`));
  }
}

/**
 * Charges a stored card for an order, unless a charge stands for it already: the answer to an earlier try may have been lost,
 * and so may the answer to this one. Null when it was lost and Stripe cannot say either what came of it.
 */
async function chargeOnce(api: StripeApi, request: CheckoutRequest, token: StoredToken): Promise<PaymentIntent | null> {
  const findMade = async () =>
    (await api.listIntentsOf(token.customer)).find((intent) => standsFor(intent, request.invoiceId));
  const before = await findMade();
  if (before) return before;
  try {
    return await api.createIntent(toStoredCharge(request, token), `charge:${request.attemptId}`);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.failure !== 'unavailable' || NOT_DONE.has(error.code)) throw error;
    const made = await findMade().catch((silence: unknown) => {
      if (silence instanceof ProviderError && silence.failure === 'unavailable') return null;
      throw silence;
    });
    if (made === undefined) throw error;
    return made;
  }
}

/** With these Stripe turned a request away before it did anything. */
const NOT_DONE: ReadonlySet<string> = new Set(['rate_limit', 'lock_timeout', 'HTTP_429']);

/** Money came by it, or is about to: what failed or was given up may be tried again. */
function standsFor({ metadata, status }: PaymentIntent, invoiceId: string): boolean {
  return invoiceOf(metadata) === invoiceId && status !== 'requires_payment_method' && status !== 'canceled';
}

function readCharge(intent: PaymentIntent): CheckoutLink {
  const { last_payment_error: error, next_action: action, status } = intent;
  if (status === 'requires_payment_method' || status === 'canceled')
    throw new ProviderError('declined', toPaymentFailure(error ?? {}, 'card'));
  const url = status === 'requires_action' ? (action?.redirect_to_url?.url ?? null) : null;
  if (status === 'requires_action' && url === null) throw new ProviderError('declined', 'authentication_failed');
  return { url, reference: intent.id };
}

async function closePage(api: StripeApi, id: string): Promise<'closed' | 'busy'> {
  try {
    await api.expireSession(id);
    return 'closed';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const session = await api.getSession(id);
    if (session.status === 'expired') return 'closed';
    // A page that is complete is not offered again: if its payment failed, nothing comes by it any more.
    return isOver(session.payment_intent, session.status === 'complete') ? 'closed' : 'busy';
  }
}

async function closeIntent(
  api: StripeApi,
  id: string,
  reason: 'abandoned' | 'requested_by_customer' = 'abandoned',
): Promise<'closed' | 'busy'> {
  try {
    await api.cancelIntent(id, reason);
    return 'closed';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return isOver(await api.getIntent(id), true) ? 'closed' : 'busy';
  }
}

/** Whoever is paying a voucher at a till has their cancel refused; a part of a transfer would stay with its customer at Stripe. */
async function voidTransfer(api: StripeApi, reference: string): Promise<'closed' | 'busy'> {
  const { intent } = await look(api, reference);
  if (isOver(intent, true)) return 'closed';
  return intent !== null && isAwaited(intent) ? closeIntent(api, intent.id, 'requested_by_customer') : 'busy';
}

function isOver(intent: PaymentIntent | string | null, hasNoPage: boolean): boolean {
  if (intent === null || typeof intent === 'string') return false;
  return intent.status === 'canceled' || (hasNoPage && intent.status === 'requires_payment_method');
}

/** Stripe understood and said no: what it knows of the object says why. */
const isRefusal = (error: unknown) =>
  error instanceof ProviderError && (error.failure === 'invalid' || error.failure === 'declined');

async function find(api: StripeApi, order: AskedOrder, now: Date): Promise<ReadonlyArray<ProviderEvent>> {
  // A hold may be of an older page, whose transfer came to nothing: asked about one page, that page answers.
  const id = order.chargeId ?? order.reference ?? order.reservation?.chargeId ?? null;
  if (id === null) return [];
  const { intent, session } = await look(api, id);
  // Only what was paid can have been given back or be disputed.
  const isPaid = intent?.status === 'succeeded';
  const [refunds, disputes] = isPaid
    ? await Promise.all([api.listRefunds(intent.id), api.listDisputes(intent.id)])
    : [[], []];
  return toEvents({ intent, session, refunds, disputes }, { now });
}

/** By our own word for it: a page (`cs_…`) or a PaymentIntent (`pi_…`). The page of the latter matters where it failed. */
async function look(api: StripeApi, id: string) {
  if (id.startsWith('cs_')) {
    const session = await api.getSession(id);
    const { payment_intent: intent } = session;
    return { intent: typeof intent === 'string' ? await api.getIntent(intent) : intent, session };
  }
  const intent = await api.getIntent(id);
  const session = intent.status === 'requires_payment_method' ? await api.findSessionOf(id) : null;
  return { intent, session };
}

/** All charges since a time, then all refunds, then all disputes, each newest first: `refunds:<id>` says after which. */
async function listTransactions(api: StripeApi, { cursor, limit, since }: ListRequest): Promise<ListPage> {
  const [, side, last] = /^(charges|refunds|disputes):(\w*)$/.exec(cursor ?? 'charges:') ?? [];
  if (side === undefined) throw new ProviderError('invalid', 'CURSOR_UNKNOWN');
  const page = { since, after: last || null, limit };
  const resume = null;
  if (side === 'charges') {
    const { hasMore, rows } = await api.pageCharges(page);
    return { rows: rows.map(toChargeRow), next: hasMore ? `charges:${rows.at(-1)?.id ?? ''}` : 'refunds:', resume };
  }
  if (side === 'refunds') {
    const { hasMore, rows } = await api.pageRefunds(page);
    return { rows: rows.map(toRefundRow), next: hasMore ? `refunds:${rows.at(-1)?.id ?? ''}` : 'disputes:', resume };
  }
  const { hasMore, rows } = await api.pageDisputes(page);
  return { rows: rows.map(toDisputeRow), next: hasMore ? `disputes:${rows.at(-1)?.id ?? ''}` : null, resume };
}

async function refund(api: StripeApi, { amount, chargeId, refundId }: RefundRequest): Promise<RefundAnswer> {
  // Stripe forgets our key after a day, and would then give a part twice: what it has of ours is looked for first.
  const before = (await api.listRefunds(chargeId)).find(({ metadata }) => metadata?.['refund'] === refundId);
  if (before) return toAnswer(before);
  const params = { payment_intent: chargeId, amount: Number(amount.amount), metadata: { refund: refundId } };
  try {
    return toAnswer(await api.createRefund(params, `refund:${refundId}`));
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.code === 'charge_already_refunded') return refundedBefore(api, chargeId, amount.amount);
    // Whatever is wrong with it, asking again does not help.
    throw error.failure === 'invalid' ? new ProviderError('declined', error.code) : error;
  }
}

/**
 * Somebody gave the same back in the Dashboard. Another sum is not ours: taken for it, the books would never learn of the
 * rest. Stripe is then asked for all that it gave back, as after any message.
 */
async function refundedBefore(api: StripeApi, chargeId: string, amount: bigint): Promise<RefundAnswer> {
  const isSame = (row: Refund) => row.amount === amount && row.metadata?.['refund'] === undefined && !hasFailed(row);
  const same = (await api.listRefunds(chargeId)).find(isSame);
  if (!same) throw new ProviderError('declined', 'charge_already_refunded');
  return toAnswer(same);
}

function toAnswer(row: Refund): RefundAnswer {
  if (hasFailed(row)) throw new ProviderError('declined', row.failure_reason ?? row.status ?? 'failed');
  // Where the buyer must say where to, Stripe asks them by e-mail: no link of it comes to us.
  return { status: row.status === 'succeeded' ? 'done' : 'pending', reference: row.id, claimUrl: null };
}
