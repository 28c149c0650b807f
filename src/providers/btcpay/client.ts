import type { z } from 'zod';
import { ProviderError } from '#domain/provider/error.ts';
import { callJson, NoAnswerError } from '#lib/http.ts';
import {
  Invoice,
  Invoices,
  type Payment,
  PaymentMethods,
  type Payout,
  Payouts,
  PullPayment,
  PullPayments,
  readAnswer,
  toFailure,
} from './wire.ts';

/** The Greenfield API of one store as far as we call it. Each call throws ProviderError. */
export type GreenfieldApi = Readonly<{
  createInvoice(parameters: Readonly<Record<string, unknown>>): Promise<Invoice>;
  /** Null when the store has none of this id. */
  findInvoice(id: string): Promise<Invoice | null>;
  /** By the order's id in their metadata. */
  listInvoicesOf(orderId: string): Promise<ReadonlyArray<Invoice>>;
  /** Made since then, newest first, with their payments. */
  listInvoicesSince(since: Date, skip: number, take: number): Promise<ReadonlyArray<Invoice>>;
  /** All payments to an invoice, also those that no longer count. */
  listPayments(id: string): Promise<ReadonlyArray<Payment>>;
  markInvalid(id: string): Promise<Invoice>;
  /** Offers money of an invoice back. Asked twice it is offered twice. */
  refund(id: string, parameters: Readonly<Record<string, unknown>>): Promise<PullPayment>;
  findPullPayment(id: string): Promise<PullPayment | null>;
  /**
   * All of the store, archived ones too: BTCPay has no pages and no search here. Throws `misconfigured
   * TOO_MANY_PULL_PAYMENTS` above 32 MB, which is about 80,000.
   */
  listPullPayments(): Promise<ReadonlyArray<PullPayment>>;
  /** Empty for an archived pull payment, whatever was paid of it. */
  listPayouts(pullPaymentId: string): Promise<ReadonlyArray<Payout>>;
}>;

const TIMEOUT_MS = 8_000;
/** A refund is one such call and two others: 30 s, which the domain waits for. */
const LONG_TIMEOUT_MS = 14_000;
type Query = Readonly<Record<string, string | number | boolean>>;
type Call = Readonly<{ method: 'GET' | 'POST'; query?: Query; body?: object; isLong?: boolean }>;

/** The API over HTTPS. `url` is the server without a path; the key needs the permissions of README.md. */
export function makeGreenfieldApi(options: {
  url: string;
  storeId: string;
  apiKey: string;
  timeoutMs?: number;
}): GreenfieldApi {
  const { apiKey, storeId, timeoutMs = TIMEOUT_MS, url } = options;
  const longTimeoutMs = options.timeoutMs ?? LONG_TIMEOUT_MS;

  async function call<Result>(path: ReadonlyArray<string>, call: Call, result: z.ZodType<Result>): Promise<Result> {
    const query = Object.entries(call.query ?? {}).map(([name, value]) => [name, String(value)]);
    const search = query.length === 0 ? '' : `?${new URLSearchParams(query)}`;
    const headers = { 'content-type': 'application/json', authorization: `token ${apiKey}` };
    const { isLong = false, method } = call;
    const body = call.body === undefined ? {} : { body: call.body };
    const length = { isLong, timeoutMs: isLong ? longTimeoutMs : timeoutMs };
    const address = `${url}/api/v1/${path.map(encodeURIComponent).join('/')}${search}`;
    try {
      return readAnswer(await callJson(address, { method, headers, ...body, ...length }), result);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      if (isLong && error.isTooLong) throw new ProviderError('misconfigured', 'TOO_MANY_PULL_PAYMENTS');
      // The cause is dropped on purpose: nothing of a call that carries the key belongs into a log.
      if (error.status !== undefined && error.status >= 300) throw toFailure(error.status, '');
      throw new ProviderError('unavailable', 'NO_ANSWER');
    }
  }

  const invoices = ['stores', storeId, 'invoices'];
  const get = <Result>(path: ReadonlyArray<string>, result: z.ZodType<Result>, query: Query = {}) =>
    call(path, { method: 'GET', query }, result);
  const post = <Result>(path: ReadonlyArray<string>, body: object, result: z.ZodType<Result>) =>
    call(path, { method: 'POST', body }, result);

  return {
    createInvoice: (parameters) => post(invoices, parameters, Invoice),
    findInvoice: (id) => orNull(get([...invoices, id], Invoice), 'invoice-not-found'),
    listInvoicesOf: (orderId) => get(invoices, Invoices, { orderId, includeArchived: true }),

    listInvoicesSince: (since, skip, take) =>
      get(invoices, Invoices, {
        startDate: Math.floor(since.getTime() / 1_000),
        includeArchived: true,
        includePaymentMethods: true,
        skip,
        take,
      }),

    async listPayments(id) {
      const methods = await get([...invoices, id, 'payment-methods'], PaymentMethods, { onlyAccountedPayments: false });
      return methods.flatMap(({ payments }) => payments);
    },

    markInvalid: (id) => post([...invoices, id, 'status'], { status: 'Invalid' }, Invoice),
    refund: (id, parameters) => post([...invoices, id, 'refund'], parameters, PullPayment),
    findPullPayment: (id) => orNull(get(['pull-payments', id], PullPayment), 'pullpayment-not-found'),
    listPullPayments: () =>
      call(
        ['stores', storeId, 'pull-payments'],
        { method: 'GET', query: { includeArchived: true }, isLong: true },
        PullPayments,
      ),
    listPayouts: (id) => get(['pull-payments', id, 'payouts'], Payouts, { includeCancelled: true }),
  };
}

/** Null where BTCPay says by its code that there is none: a 404 without it is a wrong address. */
async function orNull<Result>(asked: Promise<Result>, code: string): Promise<Result | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ProviderError && error.code === code) return null;
    throw error;
  }
}
