import type { Capability } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { isEqualSecret } from '#lib/crypto.ts';
import type { BotApi } from './client.ts';
import {
  normaliseInvoiceLink,
  RENEWAL_DAYS,
  readTransaction,
  readUpdate,
  StarTransactions,
  SUBSCRIPTION_PERIOD_SECONDS,
} from './wire.ts';

/** Secrets that Telegram may send in X-Telegram-Bot-Api-Secret-Token. `onPrevious` hears each use of the one being replaced. */
export type WebhookSecrets = Readonly<{
  current: string;
  previous: { secret: string; until: Date } | null;
  onPrevious: (isOverdue: boolean) => void;
}>;

const ACCEPTS: ReadonlyArray<Capability> = [
  {
    method: 'telegram_stars',
    currency: 'XTR',
    // Telegram takes nothing of the Stars themselves; what a Star costs the buyer is between them and the store.
    fee: { bps: 0, fixed: 0n, network: false, isKept: false },
    privacy: 'high',
    renewalDays: [RENEWAL_DAYS],
    surfaces: ['mini_app', 'bot', 'browser', 'api'],
    // Renewing: stars_subscription_amount_max. One-off: the largest price the Bot API server lets through.
    maxAmount: { oneTime: 999_999_999_999n, renewing: 10_000n },
    settlesInMinutes: 1,
  },
];

/** A provider that lists what it took, and renews. */
export type TelegramStars = Provider & Required<Pick<Provider, 'listTransactions' | 'setRenewal'>>;

/** Telegram Stars over the Bot API (reference: core.telegram.org/bots/payments-stars). */
export function makeTelegramStars(options: { api: BotApi; secrets: WebhookSecrets }): TelegramStars {
  const { api, secrets } = options;
  return {
    id: 'telegram-stars',
    accepts: ACCEPTS,
    refunds: 'whole',

    async createCheckout(request) {
      const invoice = {
        title: request.title,
        description: request.description,
        payload: request.invoiceId,
        provider_token: '',
        currency: 'XTR',
        prices: [{ label: request.title, amount: Number(request.price.amount) }],
      };
      if (request.chatId !== null && request.renewalDays === null) {
        // A start parameter keeps forwarded copies from being payable by others (telegram.md §1.3).
        await api.call('sendInvoice', { ...invoice, chat_id: Number(request.chatId), start_parameter: 'buy' });
        return { url: null, reference: null };
      }
      // Telegram refuses subscriptions in sendInvoice (SUBSCRIPTION_EXPORT_MISSING): they exist as links only.
      const period = request.renewalDays === null ? {} : { subscription_period: SUBSCRIPTION_PERIOD_SECONDS };
      const link = await api.call('createInvoiceLink', { ...invoice, ...period });
      return { url: normaliseInvoiceLink(link), reference: null };
    },

    read(request, now) {
      if (!isGenuine(request.headers['x-telegram-bot-api-secret-token'] ?? '', secrets, now))
        return { kind: 'rejected', reason: 'webhook_secret_wrong', reply: null };
      return readUpdate(request.body, now);
    },

    readStored: readUpdate,

    reply(inquiry, answer) {
      // We could not look: an error makes Telegram ask again within its ten seconds, a refusal would be final.
      if (!answer.ok && answer.reason === 'service_unavailable') return null;
      // Telegram runs a method that stands in the response body: the answer costs no second request.
      const call = {
        method: 'answerPreCheckoutQuery',
        pre_checkout_query_id: inquiry.inquiryId,
        ok: answer.ok,
        ...(answer.ok ? {} : { error_message: answer.text }),
      };
      return { status: 200, contentType: 'application/json', body: JSON.stringify(call) };
    },

    // The list begins with the oldest and has no filter: a cursor is how many rows stand before the page.
    async listTransactions({ cursor, limit }) {
      const offset = await startOffset(api, cursor);
      const rows = (await listStars(api, offset, limit)).map(readTransaction);
      const end = String(offset + rows.length);
      return { rows, next: rows.length < limit ? null : end, resume: end };
    },

    async refund({ chargeId, payerId }) {
      try {
        await api.call('refundStarPayment', { user_id: idOf(payerId), telegram_payment_charge_id: chargeId });
      } catch (error) {
        if (!(error instanceof ProviderError) || error.code !== 'CHARGE_ALREADY_REFUNDED') throw error;
      }
      return { status: 'done', reference: chargeId, claimUrl: null };
    },

    async setRenewal({ chargeId, payerId, renews }) {
      await api.call('editUserStarSubscription', {
        user_id: idOf(payerId),
        telegram_payment_charge_id: chargeId,
        is_canceled: !renews,
      });
    },
  };
}

/** Telegram finds a charge by its number and its payer only. */
function idOf(payerId: bigint | null): number {
  if (payerId === null) throw new ProviderError('invalid', 'PAYER_ERASED');
  return Number(payerId);
}

async function listStars(api: BotApi, offset: number, limit: number) {
  const page = StarTransactions.safeParse(await api.call('getStarTransactions', { offset, limit }));
  if (!page.success) throw new ProviderError('unavailable', 'UNREADABLE_TRANSACTIONS');
  return page.data.transactions;
}

/** Where to read from; from the beginning again when the list has become shorter than what was read. */
async function startOffset(api: BotApi, cursor: string | null): Promise<number> {
  const offset = Number(cursor ?? 0);
  if (offset === 0) return 0;
  return (await listStars(api, offset - 1, 1)).length > 0 ? offset : 0;
}

function isGenuine(given: string, secrets: WebhookSecrets, now: Date): boolean {
  if (isEqualSecret(given, secrets.current)) return true;
  if (!secrets.previous || !isEqualSecret(given, secrets.previous.secret)) return false;
  const isOverdue = secrets.previous.until <= now;
  secrets.onPrevious(isOverdue);
  return !isOverdue;
}
