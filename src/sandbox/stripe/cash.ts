import type Stripe from 'stripe';
import type { Surroundings } from '../surroundings.ts';
import type { Events } from './events.ts';
import type { CashBalance, CashTransaction, Cause, PaymentIntent, Refund } from './objects.ts';
import { makeId, type World } from './world.ts';

type Instructions = Stripe.PaymentIntent.NextAction.DisplayBankTransferInstructions;
export type TransferType = 'jp_bank_transfer' | 'us_bank_transfer' | 'eu_bank_transfer';
type Change = Pick<
  CashTransaction,
  'type' | 'funded' | 'applied_to_payment' | 'refunded_from_payment' | 'unapplied_from_payment'
>;

/** What customers have sent by bank transfer and has not been used for a payment, by currency. */
export class Cash {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #events: Events;

  constructor(surroundings: Surroundings, world: World, events: Events) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#events = events;
  }

  /** Minor units. */
  available(customer: string, currency: string): number {
    return this.#balanceOf(customer).available?.[currency] ?? 0;
  }

  /** A bank transfer arrives. */
  fund(customer: string, money: { amount: number; currency: string; type: TransferType }, cause: Cause): void {
    const { amount, currency, type } = money;
    const reference = referenceOf(customer);
    this.#change(customer, currency, amount, { type: 'funded', funded: describeTransfer(type, reference) }, cause);
    this.#events.emit('cash_balance.funds_available', this.#balanceOf(customer), cause);
  }

  /** Uses what is there for a payment. Returns what is left to pay, and whether anything was used. */
  apply(intent: PaymentIntent, cause: Cause): { remaining: number; isUsed: boolean } {
    const instructions = intent.next_action?.display_bank_transfer_instructions;
    const customer = intent.customer ?? '';
    const before = instructions?.amount_remaining ?? intent.amount;
    const used = Math.min(before, this.available(customer, intent.currency));
    if (used <= 0) return { remaining: before, isUsed: false };
    this.#change(
      customer,
      intent.currency,
      -used,
      { type: 'applied_to_payment', applied_to_payment: { payment_intent: intent.id } },
      cause,
    );
    if (instructions !== undefined) instructions.amount_remaining = before - used;
    return { remaining: before - used, isUsed: true };
  }

  /** What a payment that will not be made had got already goes back into the balance. */
  release(intent: PaymentIntent, cause: Cause): void {
    const remaining = intent.next_action?.display_bank_transfer_instructions?.amount_remaining;
    if (remaining == null || remaining === intent.amount) return;
    const change: Change = { type: 'unapplied_from_payment', unapplied_from_payment: { payment_intent: intent.id } };
    this.#change(intent.customer ?? '', intent.currency, intent.amount - remaining, change, cause);
  }

  /** A refund of a bank transfer goes back into the balance. */
  takeBack(refund: Refund, cause: Cause): void {
    const change: Change = { type: 'refunded_from_payment', refunded_from_payment: { refund: refund.id } };
    if (refund.customer !== null) this.#change(refund.customer, refund.currency, refund.amount, change, cause);
  }

  #balanceOf(customer: string): CashBalance {
    const found = this.#world.cash.get(customer);
    if (found !== undefined) return found;
    return this.#world.cash.set(customer, {
      object: 'cash_balance',
      available: null,
      customer,
      customer_account: null,
      livemode: false,
      settings: { reconciliation_mode: 'automatic', using_merchant_default: true },
    });
  }

  #change(customer: string, currency: string, net: number, change: Change, cause: Cause): void {
    const balance = this.#balanceOf(customer);
    const ending = this.available(customer, currency) + net;
    balance.available = { ...balance.available, [currency]: ending };
    this.#world.cash.touch(customer);
    const transaction: CashTransaction = {
      id: makeId('ccsbtxn'),
      object: 'customer_cash_balance_transaction',
      ...change,
      created: this.#surroundings.clock.now(),
      currency,
      customer,
      customer_account: null,
      ending_balance: ending,
      livemode: false,
      net_amount: net,
    };
    this.#world.cashTransactions.set(transaction.id, transaction);
    this.#events.emit('customer_cash_balance_transaction.created', transaction, cause);
  }
}

/** What the payer writes on the transfer: the same for all of a customer's. */
function referenceOf(customer: string): string {
  return customer.slice(4, 16).toUpperCase();
}

function describeTransfer(type: TransferType, reference: string): NonNullable<CashTransaction['funded']> {
  const sender_name = 'SANDBOX PAYER';
  if (type === 'jp_bank_transfer') {
    const details = { sender_bank: 'テスト銀行', sender_branch: '本店', sender_name };
    return { bank_transfer: { type, reference: null, jp_bank_transfer: details } };
  }
  if (type === 'us_bank_transfer') {
    return { bank_transfer: { type, reference, us_bank_transfer: { network: 'ach', sender_name } } };
  }
  return { bank_transfer: { type, reference, eu_bank_transfer: { bic: 'TESTDEFF', iban_last4: '7890', sender_name } } };
}

const ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

/** Where to send the money, for `next_action`. */
export function makeInstructions(
  intent: PaymentIntent,
  transfer: { type: TransferType; country: string; url: string },
): Instructions {
  const customer = intent.customer ?? '';
  return {
    amount_remaining: intent.amount,
    currency: intent.currency,
    financial_addresses: [makeAddress(customer, transfer.type, transfer.country)],
    hosted_instructions_url: transfer.url,
    reference: referenceOf(customer),
    type: transfer.type,
  };
}

/** A virtual account of the customer's own; the numbers follow from its id. */
function makeAddress(
  customer: string,
  type: TransferType,
  country: string,
): NonNullable<Instructions['financial_addresses']>[number] {
  const digits = [...customer]
    .map((letter) => letter.charCodeAt(0) % 10)
    .join('')
    .slice(-12)
    .padStart(12, '0');
  const bank = { account_holder_address: ADDRESS, bank_address: ADDRESS };
  if (type === 'jp_bank_transfer') {
    const zengin = {
      ...bank,
      account_holder_name: 'ﾎｼ ｻﾝﾄﾞﾎﾞﾂｸｽ',
      account_number: digits.slice(-7),
      account_type: 'futsu',
      bank_code: '9999',
      bank_name: 'サンドボックス銀行',
      branch_code: digits.slice(0, 3),
      branch_name: 'テスト支店',
    };
    return { type: 'zengin', supported_networks: ['zengin'], zengin };
  }
  if (type === 'us_bank_transfer') {
    const aba = {
      ...bank,
      account_holder_name: 'Hoshi Sandbox',
      account_number: digits,
      account_type: 'checking',
      bank_name: 'SANDBOX TEST BANK',
      routing_number: '999999999',
    };
    return { type: 'aba', supported_networks: ['ach', 'domestic_wire_us'], aba };
  }
  const iban = {
    ...bank,
    account_holder_name: 'Hoshi Sandbox',
    bic: 'TESTDEFF',
    country,
    iban: `${country}00${digits}`,
  };
  return { type: 'iban', supported_networks: ['sepa'], iban };
}
