import Stripe from 'stripe';
import type { z } from 'zod';
import { toProviderError } from './failures.ts';
import { CheckoutSession, Dispute, Identified, ListedCharge, PaymentIntent, Refund, readAnswer } from './objects.ts';

const TIMEOUT_MS = 8_000;
const PAGE_ROWS = 100;
/** More refunds or disputes than one charge can sensibly have. */
const MAX_ROWS = 1_000;

type Page<Row> = Readonly<{ rows: ReadonlyArray<Row>; hasMore: boolean }>;
type PageOf = Readonly<{ since: Date; after: string | null; limit: number }>;

/**
 * Stripe's API as far as we call it, with the SDK and its version. `key` makes the same request asked for twice one
 * (docs.stripe.com/api/idempotent_requests). Each call throws ProviderError.
 */
export type StripeApi = Readonly<{
  /** Creates a customer of whom Stripe knows nothing. Answers its id. */
  createCustomer(metadata: Record<string, string>, key: string): Promise<string>;
  deleteCustomer(id: string): Promise<void>;
  detachMethod(id: string): Promise<void>;
  openSession(params: Stripe.Checkout.SessionCreateParams, key: string): Promise<CheckoutSession>;
  /** With its charge and what it cost. */
  getSession(id: string): Promise<CheckoutSession>;
  /** With the card that it stored. */
  getSetup(id: string): Promise<CheckoutSession>;
  findSessionOf(intentId: string): Promise<CheckoutSession | null>;
  expireSession(id: string): Promise<void>;
  createIntent(params: Stripe.PaymentIntentCreateParams, key: string): Promise<PaymentIntent>;
  /** With its charge and what it cost. */
  getIntent(id: string): Promise<PaymentIntent>;
  cancelIntent(id: string, reason: 'abandoned' | 'requested_by_customer'): Promise<void>;
  /** Of a customer, newest first. */
  listIntentsOf(customerId: string): Promise<ReadonlyArray<PaymentIntent>>;
  createRefund(params: Stripe.RefundCreateParams, key: string): Promise<Refund>;
  listRefunds(intentId: string): Promise<ReadonlyArray<Refund>>;
  listDisputes(intentId: string): Promise<ReadonlyArray<Dispute>>;
  pageCharges(page: PageOf): Promise<Page<ListedCharge>>;
  /** With the metadata of their PaymentIntents. */
  pageRefunds(page: PageOf): Promise<Page<Refund>>;
  /** Likewise. */
  pageDisputes(page: PageOf): Promise<Page<Dispute>>;
}>;

/** `apiUrl` is a host without a path: https://api.stripe.com, or a sandbox's. */
export function makeStripeApi(options: { secretKey: string; apiUrl: string; timeoutMs?: number }): StripeApi {
  const stripe = connect(options);
  const charge = 'latest_charge.balance_transaction';
  return {
    createCustomer: async (metadata, idempotencyKey) =>
      (await call(Identified, stripe.customers.create({ metadata }, { idempotencyKey }))).id,
    deleteCustomer: async (id) => {
      await call(Identified, stripe.customers.del(id));
    },
    detachMethod: async (id) => {
      await call(Identified, stripe.paymentMethods.detach(id));
    },

    openSession: (params, idempotencyKey) =>
      call(CheckoutSession, stripe.checkout.sessions.create(params, { idempotencyKey })),
    getSession: (id) =>
      call(CheckoutSession, stripe.checkout.sessions.retrieve(id, { expand: [`payment_intent.${charge}`] })),
    getSetup: (id) =>
      call(CheckoutSession, stripe.checkout.sessions.retrieve(id, { expand: ['setup_intent.payment_method'] })),
    async findSessionOf(intentId) {
      const found = await all(
        CheckoutSession,
        stripe.checkout.sessions.list({ payment_intent: intentId, limit: 1 }),
        1,
      );
      return found[0] ?? null;
    },
    expireSession: async (id) => {
      await call(Identified, stripe.checkout.sessions.expire(id));
    },

    createIntent: (params, idempotencyKey) =>
      call(PaymentIntent, stripe.paymentIntents.create(params, { idempotencyKey })),
    getIntent: (id) => call(PaymentIntent, stripe.paymentIntents.retrieve(id, { expand: [charge] })),
    cancelIntent: async (id, reason) => {
      await call(Identified, stripe.paymentIntents.cancel(id, { cancellation_reason: reason }));
    },

    listIntentsOf: (customer) => all(PaymentIntent, stripe.paymentIntents.list({ customer, limit: PAGE_ROWS })),

    createRefund: (params, idempotencyKey) => call(Refund, stripe.refunds.create(params, { idempotencyKey })),
    listRefunds: (intentId) => all(Refund, stripe.refunds.list({ payment_intent: intentId, limit: PAGE_ROWS })),
    listDisputes: (intentId) => all(Dispute, stripe.disputes.list({ payment_intent: intentId, limit: PAGE_ROWS })),

    pageCharges: (page) => onePage(ListedCharge, stripe.charges.list(listParams(page))),
    pageRefunds: (page) =>
      onePage(Refund, stripe.refunds.list({ ...listParams(page), expand: ['data.payment_intent'] })),
    pageDisputes: (page) =>
      onePage(Dispute, stripe.disputes.list({ ...listParams(page), expand: ['data.payment_intent'] })),
  };
}

function connect({ apiUrl, secretKey, timeoutMs = TIMEOUT_MS }: Parameters<typeof makeStripeApi>[0]): Stripe {
  const { hostname, port, protocol } = new URL(apiUrl);
  const isTls = protocol === 'https:';
  return new Stripe(secretKey, {
    host: hostname,
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
    protocol: isTls ? 'https' : 'http',
    telemetry: false,
    // Whoever calls us tries again, with the same keys; a second wait inside would only hide the first.
    maxNetworkRetries: 0,
    timeout: timeoutMs,
  });
}

async function call<S extends z.ZodType>(schema: S, answer: Promise<z.input<S>>): Promise<z.output<S>> {
  try {
    return readAnswer(schema, await answer);
  } catch (error) {
    throw toProviderError(error);
  }
}

async function all<S extends z.ZodType>(
  schema: S,
  list: { autoPagingToArray(options: { limit: number }): Promise<Array<z.input<S>>> },
  limit = MAX_ROWS,
): Promise<Array<z.output<S>>> {
  try {
    return (await list.autoPagingToArray({ limit })).map((row) => readAnswer(schema, row));
  } catch (error) {
    throw toProviderError(error);
  }
}

async function onePage<S extends z.ZodType>(
  schema: S,
  answer: Promise<{ data: Array<z.input<S>>; has_more: boolean }>,
): Promise<Page<z.output<S>>> {
  try {
    const { data, has_more: hasMore } = await answer;
    return { rows: data.map((row) => readAnswer(schema, row)), hasMore };
  } catch (error) {
    throw toProviderError(error);
  }
}

const listParams = ({ after, limit, since }: PageOf) => ({
  created: { gte: Math.floor(since.getTime() / 1_000) },
  limit: Math.min(limit, PAGE_ROWS),
  ...(after === null ? {} : { starting_after: after }),
});
