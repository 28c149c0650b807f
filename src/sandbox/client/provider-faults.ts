import type { SimFaults, SimProviderFault } from '../control.ts';

export type FaultKind = SimProviderFault['kind'];
export type ProviderName = 'payme' | 'click' | 'stripe' | 'crypto-pay' | 'btcpay';
export type SwitchName = 'payme_uniform_card_errors' | 'click_uzcard_refuses_reversal';

/** A payment provider whose calls can be made to go wrong; its words stand in the dictionaries under the same name. */
export type ProviderEntry = {
  name: ProviderName;
  /** What the provider calls the application with, and which of it names an amount. */
  calls: readonly string[];
  callsWithAmount: readonly string[];
  /** What the application calls the provider with. */
  answered: readonly string[];
  /** Accidents that only some providers have, and what they can happen to. */
  special: Readonly<Partial<Record<FaultKind, readonly string[]>>>;
  /** What is on or off, beside the accidents of calls. */
  switches: readonly SwitchName[];
};

const stripeEvents = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.expired',
  'charge.succeeded',
  'charge.failed',
  'charge.refunded',
  'refund.updated',
  'charge.dispute.created',
  'charge.dispute.closed',
];
const stripeCalls = [
  'POST /v1/checkout/sessions',
  'GET /v1/checkout/sessions/:id',
  'GET /v1/payment_intents/:id',
  'POST /v1/refunds',
];
const cryptoPayCalls = ['createInvoice', 'deleteInvoice', 'getInvoices', 'transfer', 'getTransfers'];
const btcpayCalls = ['invoices/create', 'invoices/get', 'invoices/status', 'invoices/refund'];

/** Its API is down, silent or too busy. */
function outagesOf(calls: readonly string[]): ProviderEntry['special'] {
  return { unavailable: calls, timeout: calls, rate_limited: calls };
}

/** Every provider but Telegram. Another one is another entry here and its words in the two dictionaries. */
export const providers: readonly ProviderEntry[] = [
  {
    name: 'payme',
    calls: [
      'CheckPerformTransaction',
      'CreateTransaction',
      'PerformTransaction',
      'CancelTransaction',
      'CheckTransaction',
      'GetStatement',
      'SetFiscalData',
    ],
    callsWithAmount: ['CheckPerformTransaction', 'CreateTransaction'],
    answered: [
      'cards.create',
      'cards.get_verify_code',
      'cards.verify',
      'cards.check',
      'cards.remove',
      'receipts.create',
      'receipts.pay',
      'receipts.cancel',
      'receipts.check',
      'receipts.get',
    ],
    special: {},
    switches: ['payme_uniform_card_errors'],
  },
  {
    name: 'click',
    calls: ['Prepare', 'Complete'],
    callsWithAmount: ['Prepare', 'Complete'],
    answered: [
      'payment/status',
      'payment/status_by_mti',
      'payment/reversal',
      'payment/partial_reversal',
      'card_token/request',
      'card_token/verify',
      'card_token/payment',
      'card_token',
    ],
    special: {},
    switches: ['click_uzcard_refuses_reversal'],
  },
  {
    name: 'stripe',
    calls: stripeEvents,
    callsWithAmount: [],
    answered: stripeCalls,
    special: { reorder: stripeEvents, decline: ['charge'], ...outagesOf(stripeCalls) },
    switches: [],
  },
  {
    name: 'crypto-pay',
    calls: ['invoice_paid'],
    callsWithAmount: [],
    answered: cryptoPayCalls,
    special: outagesOf(cryptoPayCalls),
    switches: [],
  },
  {
    name: 'btcpay',
    calls: [
      'InvoiceReceivedPayment',
      'InvoiceProcessing',
      'InvoicePaymentSettled',
      'InvoiceSettled',
      'InvoiceExpired',
      'InvoicePaidAfterExpiration',
      'InvoiceInvalid',
    ],
    callsWithAmount: [],
    answered: btcpayCalls,
    special: outagesOf(btcpayCalls),
    switches: [],
  },
];

/** To which calls each kind can happen to every provider (see SimProviderFault). */
const reach: Readonly<Record<FaultKind, { calls: boolean | 'withAmount'; answered: boolean }>> = {
  lost_request: { calls: true, answered: true },
  lost_answer: { calls: true, answered: true },
  delay: { calls: true, answered: true },
  malformed: { calls: true, answered: true },
  duplicate: { calls: true, answered: false },
  wrong_auth: { calls: true, answered: false },
  amount_changed: { calls: 'withAmount', answered: false },
  http_error: { calls: false, answered: true },
  unavailable: { calls: false, answered: false },
  timeout: { calls: false, answered: false },
  rate_limited: { calls: false, answered: false },
  reorder: { calls: false, answered: false },
  decline: { calls: false, answered: false },
};

/** In the order of the menu. */
export const faultKinds = Object.keys(reach) as readonly FaultKind[];

/** The methods that an accident of this kind can happen to. */
export function methodsFor(entry: ProviderEntry, kind: FaultKind): readonly string[] {
  const { answered, calls, callsWithAmount, special } = entry;
  const own = reach[kind].calls === 'withAmount' ? callsWithAmount : reach[kind].calls ? calls : [];
  return [...own, ...(reach[kind].answered ? answered : []), ...(special[kind] ?? [])];
}

/** The fault with this kind in place of its own, without a method that does not go with it; null: none. */
export function chooseKind(
  entry: ProviderEntry,
  fault: SimProviderFault | undefined,
  kind: FaultKind | null,
): SimProviderFault | null {
  if (kind === null) return null;
  const method = fault?.method;
  return {
    kind,
    remaining: fault?.remaining ?? 1,
    ...(method !== undefined && methodsFor(entry, kind).includes(method) ? { method } : {}),
    ...(kind === 'delay' ? { delay_ms: fault?.delay_ms ?? 2_000 } : {}),
  };
}

/** All faults with this one of the provider; null takes it away. */
export function withProviderFault(faults: SimFaults, name: ProviderName, fault: SimProviderFault | null): SimFaults {
  const { [name]: _, ...others } = faults;
  return fault === null ? others : { ...others, [name]: fault };
}

/** All faults with this switch on or off. */
export function withSwitch(faults: SimFaults, name: SwitchName, isOn: boolean): SimFaults {
  const { [name]: _, ...others } = faults;
  return isOn ? { ...others, [name]: true } : others;
}

/** How many kinds of trouble the providers have. */
export function countProviderFaults(faults: SimFaults): number {
  return providers.reduce((sum, { name, switches }) => {
    const accidents = (faults[name]?.remaining ?? 0) > 0 ? 1 : 0;
    return sum + accidents + switches.filter((one) => faults[one] === true).length;
  }, 0);
}
