import type { Decline, TestCard } from './cards.ts';
import { describeWallet, fingerprint } from './customers.ts';
import type { Charge, PaymentIntent, PaymentMethod, Wallet } from './objects.ts';
import { makeId } from './world.ts';

type Details = NonNullable<Charge['payment_method_details']>;

/** With what a payer pays. */
export type Means = {
  method: PaymentMethod;
  card?: TestCard;
  wallet?: Wallet | null;
  /** The payer's bank asked and the payer agreed. */
  isAuthenticated?: boolean;
  /** The shop where a konbini voucher was paid. */
  store?: 'familymart' | 'lawson' | 'ministop' | 'seicomart';
};

/** An attempt to take the money of a payment, gone through or refused. */
export function makeCharge(
  intent: PaymentIntent,
  means: Means,
  attempt: { now: number; origin: string; decline: Decline | null },
): Charge {
  const { decline } = attempt;
  const { method, card } = means;
  const isGood = decline === null;
  const id = makeId(card === undefined && method.type !== 'link' ? 'py' : 'ch');
  return {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: isGood ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: isGood ? 'HOSHI' : null,
    captured: isGood,
    created: attempt.now,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: describeOutcome(decline, card),
    paid: isGood,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: describeDetails(intent, means),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: isGood ? `${attempt.origin}/stripe/receipt/${id}` : null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: isGood ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: null,
  };
}

function describeOutcome(decline: Decline | null, card: TestCard | undefined): Charge['outcome'] {
  return {
    advice_code: decline === null ? null : 'try_again_later',
    network_advice_code: null,
    network_decline_code: null,
    network_status: decline === null ? 'approved_by_network' : 'declined_by_network',
    reason: decline === null ? null : (decline.decline_code ?? decline.code),
    risk_level: card === undefined ? 'not_assessed' : 'normal',
    ...(card === undefined ? {} : { risk_score: 20 }),
    seller_message: decline === null ? 'Payment complete.' : 'The bank did not accept the payment.',
    type: decline === null ? 'authorized' : 'issuer_declined',
  };
}

function describeDetails(intent: PaymentIntent, means: Means): Details {
  const { method, card, store } = means;
  if (card !== undefined) return { type: 'card', card: describeCard(intent, means, card) };
  if (method.type === 'link') return { type: 'link', link: { country: null } };
  if (method.type === 'konbini') return { type: 'konbini', konbini: { store: { chain: store ?? 'lawson' } } };
  return { type: 'customer_balance', customer_balance: {} };
}

function describeCard(intent: PaymentIntent, means: Means, card: TestCard): NonNullable<Details['card']> {
  const known = means.method.card;
  return {
    amount_authorized: intent.amount,
    authorization_code: null,
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: known?.checks?.cvc_check ?? null },
    country: known?.country ?? null,
    electronic_commerce_indicator: null,
    exp_month: known?.exp_month ?? 12,
    exp_year: known?.exp_year ?? 2030,
    extended_authorization: { status: 'disabled' },
    fingerprint: fingerprint(card.number),
    funding: 'credit',
    incremental_authorization: { status: 'unavailable' },
    installments: null,
    last4: card.number.slice(-4),
    mandate: null,
    multicapture: { status: 'unavailable' },
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: makeId('ntx', 12).slice(4),
    overcapture: { maximum_amount_capturable: intent.amount, status: 'unavailable' },
    regulated_status: 'unregulated',
    three_d_secure: means.isAuthenticated === true ? CHALLENGE : null,
    transaction_link_id: null,
    wallet: describeWallet(means.wallet ?? null, card) as NonNullable<Details['card']>['wallet'],
  };
}

const CHALLENGE: NonNullable<NonNullable<Details['card']>['three_d_secure']> = {
  authentication_flow: 'challenge',
  electronic_commerce_indicator: '05',
  exemption_indicator: null,
  result: 'authenticated',
  result_reason: null,
  transaction_id: 'f38e6948-5388-41a6-bca4-b49723c19437',
  version: '2.2.0',
};
