import { z } from 'zod';
import { ProviderError } from '#domain/provider/error.ts';
import { callJson, NoAnswerError } from '#lib/http.ts';
import { Invoice, Invoices, readAnswer, readComment, Transfer, Transfers, toFailure } from './wire.ts';

/** Crypto Pay's API as far as we call it. Each call throws ProviderError. */
export type CryptoPayApi = Readonly<{
  createInvoice(parameters: Readonly<Record<string, unknown>>): Promise<Invoice>;
  deleteInvoice(invoiceId: string): Promise<void>;
  /** Null when there is none, or it was deleted. */
  findInvoice(invoiceId: string): Promise<Invoice | null>;
  /** Those of 1 to 1000 ids that there are. */
  listInvoices(ids: ReadonlyArray<string>): Promise<ReadonlyArray<Invoice>>;
  /** Paid ones, a page of at most 1000. The newest are expected first. */
  listPaidInvoices(offset: number, count: number): Promise<ReadonlyArray<Invoice>>;
  /** Money sent from the app's balance. The same `spend_id` twice is refused as SPEND_ID_ALREADY_USED, never sent twice. */
  transfer(parameters: Readonly<Record<string, unknown>>): Promise<Transfer>;
  findTransfer(spendId: string): Promise<Transfer | null>;
  listTransfers(offset: number, count: number): Promise<ReadonlyArray<Transfer>>;
}>;

const TIMEOUT_MS = 8_000;

/** The API over HTTPS. `apiUrl` is its host (https://pay.crypt.bot, for tests https://testnet-pay.crypt.bot). */
export function makeCryptoPayApi(options: { token: string; apiUrl: string; timeoutMs?: number }): CryptoPayApi {
  const { apiUrl, timeoutMs = TIMEOUT_MS, token } = options;
  const headers = { 'content-type': 'application/json', 'crypto-pay-api-token': token };

  async function call<Result>(method: string, body: object, result: z.ZodType<Result>): Promise<Result> {
    try {
      return readAnswer(
        await callJson(`${apiUrl}/api/${method}`, { method: 'POST', headers, body, timeoutMs }),
        result,
      );
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      // The cause is dropped on purpose: nothing of a call that carries the token belongs into a log.
      if (error.status !== undefined && error.status >= 400) throw toFailure(error.status, '');
      throw new ProviderError('unavailable', 'NO_ANSWER');
    }
  }

  const listInvoices = async (ids: ReadonlyArray<string>) =>
    (await call('getInvoices', { invoice_ids: ids.join(','), count: ids.length }, Invoices)).items;

  return {
    listInvoices,
    createInvoice: (parameters) => call('createInvoice', parameters, Invoice),

    async deleteInvoice(invoiceId) {
      await call('deleteInvoice', { invoice_id: Number(invoiceId) }, z.literal(true));
    },

    async findInvoice(invoiceId) {
      const items = await listInvoices([invoiceId]);
      return items.find((invoice) => String(invoice.invoice_id) === invoiceId) ?? null;
    },

    async listPaidInvoices(offset, count) {
      return (await call('getInvoices', { status: 'paid', offset, count }, Invoices)).items;
    },

    transfer: (parameters) => call('transfer', parameters, Transfer),

    async findTransfer(spendId) {
      const { items } = await call('getTransfers', { spend_id: spendId, count: 1 }, Transfers);
      // Its own comment names it as well, where the id does not come back.
      const isIt = (transfer: Transfer) => (transfer.spend_id ?? readComment(transfer)?.refundId) === spendId;
      return items.find(isIt) ?? null;
    },

    async listTransfers(offset, count) {
      return (await call('getTransfers', { offset, count }, Transfers)).items;
    },
  };
}
