import type { Capability } from '#domain/provider/capability.ts';
import type { Provider, StoredMethods } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { PaymentFailure, ProviderEvent } from '#domain/provider/event.ts';
import type { AskedOrder, CheckoutLink } from '#domain/provider/request.ts';
import { cardTokenUrl, checkConfirmation, toFailedEvent, toPaymentFailure } from './card-token.ts';
import { type MerchantApi, makeMerchantApi, OUTCOME_UNKNOWN } from './client.ts';
import {
  type ClickPayment,
  daysToAsk,
  PAID,
  readMessage,
  toEvent,
  toReversedEvent,
  toSom,
  type WebhookSecrets,
  writeReply,
} from './wire.ts';

/**
 * What Click gives when it connects a service. Ids are decimal texts; urls are hosts without a path (https://my.click.uz,
 * https://api.click.uz). `secrets.current` also signs our calls; `feeBps` is what the contract with Click says.
 */
export type ClickOptions = Readonly<{
  serviceId: string;
  merchantId: string;
  merchantUserId: string;
  checkoutUrl: string;
  apiUrl: string;
  secrets: WebhookSecrets;
  clock: () => Date;
  feeBps: number;
  /** Whether Click lets the service charge cards by a token that is good for many payments. */
  storedCards: boolean;
}>;

/** 100 million so'm, above what cards in Uzbekistan pay online. Nothing renews: a renewing invoice is never offered. */
const MAX_TIYIN = 10_000_000_000n;

const acceptsFor = (feeBps: number): Capability => ({
  method: 'credit_card',
  currency: 'UZS',
  fee: { bps: feeBps, fixed: 0n, network: false, isKept: false },
  privacy: 'medium',
  renewalDays: [],
  surfaces: ['mini_app', 'bot', 'browser', 'api'],
  maxAmount: { oneTime: MAX_TIYIN, renewing: 0n },
  settlesInMinutes: 1,
});

/** Cards of Uzbekistan over Click: SHOP API, pay page and Merchant API (reference: docs.click.uz). */
export function makeClick(options: ClickOptions): Provider {
  const { checkoutUrl, clock, feeBps, merchantId, secrets, serviceId } = options;
  const api = makeMerchantApi({ ...options, secretKey: secrets.current });
  return {
    id: 'click',
    accepts: [acceptsFor(feeBps)],
    refunds: 'parts',
    answersAll: true,
    // Click documents no limit: the order is free again after half an hour, and a payment that comes later is booked.
    // What support or the cabinet gives back is told to nobody.
    reservations: { lastMs: 1_800_000, lapseCode: null, mayReturnUntold: true },

    // The link is unsigned and can be edited by whoever opens it: Prepare compares what is to be paid.
    async createCheckout({ invoiceId, price, returnUrl, token }) {
      if (token !== null) {
        if (!options.storedCards) throw new ProviderError('invalid', 'NO_STORED_CARDS');
        return chargeCard(api, { token, amount: toSom(price), merchantTransId: invoiceId });
      }
      const query = new URLSearchParams({
        service_id: serviceId,
        merchant_id: merchantId,
        amount: toSom(price),
        transaction_param: invoiceId,
        return_url: returnUrl,
      });
      return { url: `${checkoutUrl}/services/pay?${query}`, reference: null };
    },

    read: (request, now) => readMessage(request, { serviceId, secrets }, now),

    // Click only asks, and what is asked is answered at once and never stored.
    readStored: () => ({ kind: 'unreadable', type: 'inquiry', eventId: 'none' }),

    reply: writeReply,

    async find(order) {
      const { createdAt, invoiceId, reference, reservation } = order;
      if (invoiceId === null) return [];
      // What is paid may have been given back since: its own status says it.
      const paid = reservation !== null && bookedOf(order) !== null ? reservation.reference : null;
      if (paid !== null) return tellCharge(await api.getPayment(paid), { ...order, invoiceId }, clock());
      // Held for another payment, the order is asked about as a whole: it may be paid by the link after a card was refused.
      if (reference !== null && (reservation?.reference ?? reference) === reference)
        return tellCharge(await api.getPayment(reference), { ...order, invoiceId }, clock());
      for (const day of daysToAsk(createdAt, clock())) {
        const payment = await api.findPayment(invoiceId, day);
        if (payment?.status === PAID) return [toEvent({ payment, invoiceId, reservation, now: clock() })];
      }
      return [];
    },

    async refund({ amount, isRepeat, isWhole, reference }) {
      if (reference === null) throw new ProviderError('invalid', 'PAYMENT_ID_UNKNOWN');
      const som = toSom(amount);
      if (isRepeat && !isWhole) throw new ProviderError('declined', OUTCOME_UNKNOWN);
      try {
        await (isWhole ? api.reverse(reference) : api.reversePart(reference, som));
      } catch (error) {
        if (!(await isReversedBefore(api, reference, error))) throw error;
      }
      return { status: 'done', reference: null, claimUrl: null };
    },

    ...(options.storedCards && { storedMethods: storeCards(api, options) }),
  };
}

function storeCards(api: MerchantApi, { apiUrl, serviceId }: ClickOptions): StoredMethods {
  const client = { endpoint: cardTokenUrl(apiUrl), publicId: serviceId };
  return {
    method: 'credit_card',
    currencies: ['UZS'],
    // The person's browser asks for the token: the card's number never comes here.
    begin: async () => ({ url: null, reference: null, client }),
    async confirm(answer) {
      const { code, token } = checkConfirmation(answer);
      return api.verifyCard(token, code);
    },
    async remove(token) {
      await api.deleteCard(token).catch((error: unknown) => {
        // No code is published for "deleted before": what Click refuses to delete by a right call is not there.
        if (!(error instanceof ProviderError) || error.failure !== 'declined') throw error;
      });
    },
  };
}

/** Charges a stored card. The answer grants nothing: Prepare and Complete do. */
async function chargeCard(api: MerchantApi, charge: Parameters<MerchantApi['chargeCard']>[0]): Promise<CheckoutLink> {
  try {
    const { id, status } = await api.chargeCard(charge);
    if (status !== null && status < 0) throw new ProviderError('declined', 'card_declined' satisfies PaymentFailure);
    return { url: null, reference: id };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (/^-?\d+$/.test(error.code)) throw new ProviderError('declined', toPaymentFailure(error.code));
    // It may be done. To say `unavailable` would have it tried elsewhere and charged twice: `find` asks by the order.
    if (error.failure === 'unavailable' && error.code !== 'HTTP_429') return { url: null, reference: null };
    throw error;
  }
}

/** The charge that is asked about, where it stands in our books. */
function bookedOf({ booked, chargeId, reservation }: AskedOrder) {
  if (chargeId === null || reservation?.chargeId !== chargeId) return null;
  return booked?.find((charge) => charge.chargeId === chargeId) ?? null;
}

/**
 * What came of a payment. Below zero it failed, or where we booked it, it was reversed. What a status says of a payment of
 * which a part went back is written nowhere: of such a one nothing is told.
 */
function tellCharge(
  payment: ClickPayment,
  order: AskedOrder & { invoiceId: string },
  now: Date,
): ReadonlyArray<ProviderEvent> {
  const { chargeId, invoiceId, reservation } = order;
  if (payment.status === PAID) return [toEvent({ payment, invoiceId, reservation, now })];
  if (payment.status === null || payment.status >= 0) return [];
  if (chargeId === null) return [toFailedEvent(payment, invoiceId, now)];
  const booked = bookedOf(order);
  if (!booked || booked.goesBackInParts) return [];
  return [toReversedEvent({ payment, invoiceId, reservation, now })];
}

/** Click publishes no code for "reversed before": a refusal is held against the payment's own status. */
async function isReversedBefore(api: MerchantApi, paymentId: string, error: unknown): Promise<boolean> {
  if (!(error instanceof ProviderError) || error.failure !== 'declined') return false;
  // A look-up that fails here would make the caller try again, and give the part twice.
  if (error.code === OUTCOME_UNKNOWN) return false;
  const { status } = await api.getPayment(paymentId);
  return status !== null && status < 0;
}
