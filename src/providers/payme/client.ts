import type { StoredCard } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { callJson, NoAnswerError } from '#lib/http.ts';
import { ACCOUNT_FIELD } from './refusals.ts';
import {
  type Receipt,
  readAnswer,
  readCard,
  readReceipt,
  readSuccess,
  readWholeReceipt,
  toHttpFailure,
  type WholeReceipt,
} from './subscribe.ts';

/** Payme's Subscribe API as far as a server calls it. Each call throws ProviderError. */
export type SubscribeApi = Readonly<{
  /** cards.check. `declined` for a token that is unknown, not verified, or good for one payment only. */
  checkCard(token: string): Promise<StoredCard>;
  /** cards.remove. Resolves also for a token that is not known. */
  removeCard(token: string): Promise<void>;
  /** receipts.create. Takes no money; `amount` is tiyin. */
  createReceipt(order: { amount: bigint; invoiceId: string; description: string }): Promise<Receipt>;
  /** receipts.pay. After `unavailable` the money may be on its way, but for HTTP_429. */
  payReceipt(id: string, token: string): Promise<Receipt>;
  getReceipt(id: string): Promise<WholeReceipt>;
  /** receipts.cancel. A paid receipt would be given back by it. */
  cancelReceipt(id: string): Promise<Receipt>;
}>;

const TIMEOUT_MS = 8_000;
/** Payme's slow test card is answered after ten seconds. */
const PAY_TIMEOUT_MS = 11_000;
const CARD_NOT_FOUND = '-31400';

/** The Subscribe API over HTTPS. `apiUrl` is its whole address; `key` is the cash register's. */
export function makeSubscribeApi(options: {
  apiUrl: string;
  merchantId: string;
  key: string;
  timeoutMs?: number;
}): SubscribeApi {
  const { apiUrl, key, merchantId } = options;

  async function call(method: string, params: object, timeoutMs = options.timeoutMs ?? TIMEOUT_MS): Promise<unknown> {
    const headers = { 'content-type': 'application/json', 'x-auth': `${merchantId}:${key}` };
    try {
      // One request, one answer: the id tells nothing apart.
      return readAnswer(
        await callJson(apiUrl, { method: 'POST', headers, body: { id: 1, method, params }, timeoutMs }),
      );
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      // The cause is dropped on purpose: nothing of a call that carried the key belongs into a log.
      if (error.status !== undefined && error.status >= 400) throw toHttpFailure(error.status);
      throw new ProviderError('unavailable', 'NO_ANSWER');
    }
  }

  return {
    checkCard: async (token) => readCard(await call('cards.check', { token })),

    async removeCard(token) {
      try {
        readSuccess(await call('cards.remove', { token }));
      } catch (error) {
        if (!(error instanceof ProviderError) || error.code !== CARD_NOT_FOUND) throw error;
      }
    },

    async createReceipt({ amount, description, invoiceId }) {
      // Exact: what is offered here is far below 2^53 tiyin.
      const params = { amount: Number(amount), account: { [ACCOUNT_FIELD]: invoiceId }, description };
      return readReceipt(await call('receipts.create', params));
    },

    payReceipt: async (id, token) =>
      readReceipt(await call('receipts.pay', { id, token }, options.timeoutMs ?? PAY_TIMEOUT_MS)),

    getReceipt: async (id) => readWholeReceipt(await call('receipts.get', { id })),

    cancelReceipt: async (id) => readReceipt(await call('receipts.cancel', { id })),
  };
}
