import type { SimBtcpayDelivery, SimBtcpayInvoice, SimBtcpayPayout } from '../control-crypto.ts';
import { divideToNearest, formatDecimal, unitsOf } from '../decimal.ts';
import { accountingOf, coinText, digitsOf, isAccounted, PRICE_DIGITS, promptOf, sumsOf } from './amounts.ts';
import { markableStatuses } from './status.ts';
import type {
  DeliveryRecord,
  InvoiceRecord,
  Metadata,
  PaymentRecord,
  PayoutRecord,
  Prompt,
  PullPaymentRecord,
  WebhookRecord,
} from './world.ts';

const MINUTE_MS = 60_000;

export function unixSeconds(atMs: number): number {
  return Math.floor(atMs / 1_000);
}

export function checkoutLink({ origin, id }: Pick<InvoiceRecord, 'origin' | 'id'>): string {
  return `${origin}/btcpay/i/${id}`;
}

export function viewLink({ origin, id }: Pick<PullPaymentRecord, 'origin' | 'id'>): string {
  return `${origin}/btcpay/pull-payments/${id}`;
}

/** InvoiceData of the API. */
export function presentInvoice(invoice: InvoiceRecord, storeId: string): Record<string, unknown> {
  const digits = digitsOf(invoice.currency);
  const { paid } = sumsOf(invoice);
  return {
    id: invoice.id,
    storeId,
    amount: invoice.amount,
    paidAmount: formatDecimal(divideToNearest(paid, unitsOf(PRICE_DIGITS - digits)), digits),
    checkoutLink: checkoutLink(invoice),
    status: invoice.status,
    additionalStatus: invoice.additional_status,
    monitoringExpiration: unixSeconds(invoice.monitoring_until_ms),
    expirationTime: unixSeconds(invoice.expires_at_ms),
    createdTime: unixSeconds(invoice.created_at_ms),
    availableStatusesForManualMarking: markableStatuses(invoice),
    archived: invoice.is_archived,
    type: invoice.type,
    currency: invoice.currency,
    metadata: invoice.metadata,
    checkout: {
      speedPolicy: invoice.speed_policy,
      paymentMethods: invoice.prompts.map(({ method }) => method),
      defaultPaymentMethod: invoice.default_method,
      expirationMinutes: (invoice.expires_at_ms - invoice.created_at_ms) / MINUTE_MS,
      monitoringMinutes: (invoice.monitoring_until_ms - invoice.expires_at_ms) / MINUTE_MS,
      paymentTolerance: Number(invoice.tolerance),
      redirectURL: invoice.redirect_url,
      redirectAutomatically: invoice.redirects_automatically,
      defaultLanguage: invoice.language,
      lazyPaymentMethods: null,
    },
    receipt: { enabled: true, showQR: true, showPayments: true, ...invoice.receipt },
  };
}

/** One element of …/payment-methods. `isWhole`: also payments that were replaced. */
export function presentMethod(invoice: InvoiceRecord, prompt: Prompt, isWhole: boolean): Record<string, unknown> {
  const { total, paid, methodPaid, due } = accountingOf(invoice, prompt);
  return {
    activated: true,
    destination: prompt.destination,
    paymentLink: paymentLink(invoice, prompt),
    rate: prompt.rate,
    paymentMethodPaid: coinText(methodPaid),
    totalPaid: coinText(paid),
    due: coinText(due),
    amount: coinText(total),
    paymentMethodFee: '0',
    payments: invoice.payments
      .filter((payment) => payment.payment_method_id === prompt.method && (isWhole || isAccounted(payment)))
      .map(presentPayment),
    paymentMethodId: prompt.method,
    additionalData: {},
    currency: 'BTC',
  };
}

/** BIP 21, or the link of a Lightning invoice. */
export function paymentLink(invoice: InvoiceRecord, prompt: Prompt): string {
  if (prompt.method === 'BTC-LN') return `lightning:${prompt.destination}`;
  const { due } = accountingOf(invoice, prompt);
  return `bitcoin:${prompt.destination}${due > 0n ? `?amount=${coinText(due)}` : ''}`;
}

export function presentPayment(payment: PaymentRecord): Record<string, unknown> {
  return {
    id: payment.id,
    receivedDate: unixSeconds(payment.received_at_ms),
    value: payment.value,
    fee: '0',
    status: payment.status,
    destination: payment.destination,
  };
}

export function presentPullPayment(pullPayment: PullPaymentRecord): Record<string, unknown> {
  return {
    startsAt: unixSeconds(pullPayment.starts_at_ms),
    expiresAt: null,
    id: pullPayment.id,
    name: pullPayment.name,
    description: pullPayment.description,
    currency: pullPayment.currency,
    amount: pullPayment.amount,
    BOLT11Expiration: 30,
    archived: pullPayment.is_archived,
    viewLink: viewLink(pullPayment),
    autoApproveClaims: pullPayment.auto_approves,
  };
}

export function presentPayout(payout: PayoutRecord): Record<string, unknown> {
  return {
    date: unixSeconds(payout.created_at_ms),
    id: payout.id,
    pullPaymentId: payout.pull_payment_id,
    destination: payout.destination,
    payoutMethodId: payout.method,
    originalAmount: payout.original_amount,
    originalCurrency: payout.original_currency,
    payoutCurrency: 'BTC',
    payoutAmount: payout.amount,
    state: payout.state,
    revision: payout.revision,
    paymentProof: payout.proof,
    metadata: {},
  };
}

/** The secret is told once, in the answer to the creation. */
export function presentWebhook(webhook: WebhookRecord, hasSecret: boolean): Record<string, unknown> {
  return {
    id: webhook.id,
    enabled: webhook.enabled,
    ...(hasSecret ? { secret: webhook.secret } : {}),
    automaticRedelivery: webhook.automatic_redelivery,
    url: webhook.url,
    authorizedEvents: { everything: webhook.everything, specificEvents: webhook.specific_events },
  };
}

export function presentDelivery(delivery: DeliveryRecord): Record<string, unknown> {
  return {
    id: delivery.id,
    timestamp: unixSeconds(delivery.created_at_ms),
    deliveryTime: unixSeconds(delivery.at_ms),
    httpCode: delivery.http_code,
    errorMessage: delivery.error,
    status: delivery.status,
  };
}

/** The body of a webhook: indented, which is why nobody can check it after parsing. */
export function composeBody(delivery: DeliveryRecord): string {
  const { type, timestamp, rest } = delivery.event;
  const names = {
    deliveryId: delivery.id,
    webhookId: delivery.webhook_id,
    originalDeliveryId: delivery.original_delivery_id,
    isRedelivery: delivery.is_redelivery,
  };
  return JSON.stringify({ ...names, type, timestamp, ...rest }, null, 2);
}

/** For the control API. */
export function showInvoice(invoice: InvoiceRecord): SimBtcpayInvoice {
  const prompt = promptOf(invoice, invoice.default_method);
  return {
    id: invoice.id,
    checkout_link: checkoutLink(invoice),
    amount: invoice.amount,
    currency: invoice.currency,
    order_id: orderIdOf(invoice.metadata),
    status: invoice.status,
    additional_status: invoice.additional_status,
    due: prompt === undefined ? '0' : coinText(accountingOf(invoice, prompt).due),
    payments: invoice.payments.map(({ destination: _destination, ...shown }) => shown),
    refunds: invoice.refunds,
    ...(invoice.redirect_url === null ? {} : { redirect_url: redirectOf(invoice) ?? '' }),
  };
}

/** Where the buyer is sent back to; {InvoiceId} and {OrderId} are filled in. */
export function redirectOf({ redirect_url: url, id, metadata }: InvoiceRecord): string | null {
  return url === null
    ? null
    : url
        .replaceAll('{InvoiceId}', encodeURIComponent(id))
        .replaceAll('{OrderId}', encodeURIComponent(orderIdOf(metadata) ?? ''));
}

export function orderIdOf(metadata: Metadata): string | null {
  const orderId = metadata['orderId'];
  return typeof orderId === 'string' || typeof orderId === 'number' ? String(orderId) : null;
}

export function showDelivery({
  event: _event,
  created_at_ms: _created,
  error: _error,
  ...shown
}: DeliveryRecord): SimBtcpayDelivery {
  return shown;
}

export function showPayout(payout: PayoutRecord): SimBtcpayPayout {
  const { id, pull_payment_id, destination, original_amount, original_currency, amount, state } = payout;
  return { id, pull_payment_id, destination, original_amount, original_currency, amount, state };
}
