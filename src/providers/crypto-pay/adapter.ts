import type { Currency } from '#domain/money.ts';
import type { Capability } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { CheckoutRequest, ListPage, ListRequest, RefundAnswer, RefundRequest } from '#domain/provider/request.ts';
import { type CryptoPayApi, makeCryptoPayApi } from './client.ts';
import {
  type Invoice,
  readComment,
  readMessage,
  readStoredMessage,
  type Tokens,
  type Transfer,
  toChargeRow,
  toComment,
  toEvents,
  toPrice,
  toRefundRow,
  toReturn,
} from './wire.ts';

/**
 * The app of @CryptoBot that collects. Its current token calls out, and its tokens sign webhooks; `apiUrl` is a host without a
 * path; `replayWindowMs` is how old an update may be; `feeBps` is what the bot shows as its fee.
 */
export type CryptoPayOptions = Readonly<{
  tokens: Tokens;
  apiUrl: string;
  clock: () => Date;
  replayWindowMs: number;
  feeBps: number;
}>;

/** What can be sent back in one transfer is about 25,000 USD: more is not taken, so that all of it can be given back. */
const LARGEST = { USD: 2_500_000n, EUR: 2_000_000n, BTC: 20_000_000n, ETH: 5_000_000_000n } as const;

const acceptsFor = (currency: keyof typeof LARGEST & Currency, feeBps: number): Capability => ({
  method: 'cryptocurrency',
  currency,
  fee: { bps: feeBps, fixed: 0n, network: true, isKept: true },
  privacy: 'very_high',
  renewalDays: [],
  surfaces: ['mini_app', 'bot', 'browser', 'api'],
  maxAmount: { oneTime: LARGEST[currency], renewing: 0n },
  settlesInMinutes: 5,
});

/** Coins over Crypto Pay, the payment side of @CryptoBot (reference: help.send.tg/en/articles/10279948-crypto-pay-api). */
export function makeCryptoPay(options: CryptoPayOptions): Provider {
  const { apiUrl, clock, feeBps, tokens } = options;
  const api = makeCryptoPayApi({ apiUrl, token: tokens.current });
  return {
    id: 'crypto-pay',
    accepts: (['USD', 'EUR', 'BTC', 'ETH'] as const).map((currency) => acceptsFor(currency, feeBps)),
    refunds: 'whole',

    async createCheckout(request) {
      const invoice = await api.createInvoice(toInvoiceParameters(request, clock()));
      return { url: invoice.bot_invoice_url, reference: String(invoice.invoice_id) };
    },

    async closeCheckout({ reference }) {
      const stateOf = (invoice: Invoice | null) =>
        invoice?.status === 'paid' ? 'busy' : invoice?.status === 'active' ? null : 'closed';
      const before = stateOf(await api.findInvoice(reference));
      if (before) return before;
      try {
        await api.deleteInvoice(reference);
        return 'closed';
      } catch (error) {
        // Somebody may have paid in between, or it ran out: then it cannot be deleted, and it says so itself.
        if (!(error instanceof ProviderError) || error.failure !== 'invalid') throw error;
        const after = stateOf(await api.findInvoice(reference));
        if (!after) throw error;
        return after;
      }
    },

    read: (request, now) => readMessage(request, options, now),
    readStored: readStoredMessage,
    // Any 2xx ends the repetition of an update: the door's own answer will do.
    reply: () => null,

    async find({ chargeId, invoiceId, reference }) {
      const id = chargeId ?? reference;
      const invoice = id !== null && INVOICE_ID.test(id) ? await api.findInvoice(id) : null;
      if (!invoice) return [];
      const transfers =
        invoice.status === 'paid' ? await transfersSince(api, invoice.paid_at ?? invoice.created_at) : [];
      return toEvents({ invoice, transfers, invoiceId, now: clock() });
    },

    listTransactions: (request) => listPage(api, request),
    refund: (request) => giveBack(api, request),
  };
}

const INVOICE_ID = /^[1-9]\d{0,15}$/;
const MAX_DESCRIPTION = 1_024;
const SECONDS_MAX = 2_678_400;

function toInvoiceParameters(request: CheckoutRequest, now: Date) {
  if (request.token !== null) throw new ProviderError('invalid', 'NO_STORED_METHODS');
  const seconds = Math.floor((request.expiresAt.getTime() - now.getTime()) / 1_000);
  const isWeb = URL.canParse(request.returnUrl) && /^https?:$/.test(new URL(request.returnUrl).protocol);
  return {
    ...toPrice(request.price),
    description: [...request.description].slice(0, MAX_DESCRIPTION).join(''),
    payload: request.invoiceId,
    expires_in: Math.min(Math.max(seconds, 1), SECONDS_MAX),
    allow_comments: false,
    allow_anonymous: true,
    ...(isWeb ? { paid_btn_name: 'callback', paid_btn_url: request.returnUrl } : {}),
  };
}

/** Transfers of the app since a moment: refunds are among them, and have no filter of their own. */
async function transfersSince(api: CryptoPayApi, since: Date): Promise<ReadonlyArray<Transfer>> {
  const PAGE = 100;
  const PAGES_MAX = 50;
  const found: Transfer[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const rows = await api.listTransfers(page * PAGE, PAGE);
    found.push(...rows.filter((row) => row.completed_at >= since));
    const last = rows.at(-1);
    if (rows.length < PAGE || !last || last.completed_at < since) return found.reverse();
  }
  // Stopping here would say "not given back" of what was.
  throw new ProviderError('unavailable', 'TOO_MANY_TRANSFERS');
}

/** Sends back what came in, coin for coin: what is written on the invoice itself, not what it is worth today. */
async function giveBack(api: CryptoPayApi, request: RefundRequest): Promise<RefundAnswer> {
  const { chargeId, isWhole, payerId, refundId } = request;
  if (!isWhole) throw new ProviderError('invalid', 'PARTS_NOT_SUPPORTED');
  // It sends to accounts of Telegram only.
  if (payerId === null) throw new ProviderError('invalid', 'PAYER_ERASED');
  const invoice = INVOICE_ID.test(chargeId) ? await api.findInvoice(chargeId) : null;
  if (invoice?.status !== 'paid') throw new ProviderError('invalid', 'INVOICE_NOT_PAID');
  const comment = toComment(refundId, chargeId);
  try {
    const sent = await api.transfer({ user_id: Number(payerId), ...toReturn(invoice), spend_id: refundId, comment });
    return { status: 'done', reference: String(sent.transfer_id), claimUrl: null };
  } catch (error) {
    if (!(error instanceof ProviderError) || error.code !== 'SPEND_ID_ALREADY_USED') throw error;
    const sent = await api.findTransfer(refundId);
    if (!sent) throw new ProviderError('unavailable', 'TRANSFER_NOT_LISTED');
    return { status: 'done', reference: String(sent.transfer_id), claimUrl: null };
  }
}

/** An invoice is in the list from its beginning, and we let none be paid after an hour: a day is more than enough. */
const INVOICE_LIFE_MS = 86_400_000;
const LIST_MAX = 1_000;

/** First the paid invoices, then the transfers. A cursor says which of both and how many rows stand before the page. */
async function listPage(api: CryptoPayApi, { cursor, limit, since }: ListRequest): Promise<ListPage> {
  const [, part = 'invoices', start = '0'] = /^(invoices|transfers):(\d{1,9})$/.exec(cursor ?? '') ?? [];
  const offset = Number(start);
  const count = Math.min(limit, LIST_MAX);
  if (part === 'invoices') {
    const invoices = await api.listPaidInvoices(offset, count);
    const last = invoices.at(-1);
    const isEnd = invoices.length < count || !last || last.created_at.getTime() < since.getTime() - INVOICE_LIFE_MS;
    const next = isEnd ? 'transfers:0' : `invoices:${offset + invoices.length}`;
    return { rows: invoices.map(toChargeRow), next, resume: null };
  }
  const transfers = await api.listTransfers(offset, count);
  const last = transfers.at(-1);
  const isEnd = transfers.length < count || !last || last.completed_at < since;
  const next = isEnd ? null : `transfers:${offset + transfers.length}`;
  return { rows: await toRefundRows(api, transfers), next, resume: null };
}

/** Transfers name a coin, not the order: what they gave back is read from the invoices. */
async function toRefundRows(api: CryptoPayApi, transfers: ReadonlyArray<Transfer>) {
  const idOf = (transfer: Transfer) => readComment(transfer)?.chargeId;
  const ids = [...new Set(transfers.map(idOf).filter((id) => id !== undefined))];
  const invoices = ids.length === 0 ? [] : await api.listInvoices(ids);
  const byId = new Map(invoices.map((invoice) => [String(invoice.invoice_id), invoice]));
  return transfers.map((transfer) => toRefundRow(transfer, byId.get(idOf(transfer) ?? '')));
}
