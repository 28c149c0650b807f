import type { Surroundings } from '../surroundings.ts';
import { DISPUTE_FEE, feeOf } from './money.ts';
import type { BalanceTransaction, Charge, Dispute, Refund } from './objects.ts';
import { makeId, type World } from './world.ts';

/** When money of a charge can be paid out. */
const AVAILABLE_AFTER_SECONDS = 2 * 86_400;

type Posting = Pick<BalanceTransaction, 'amount' | 'fee' | 'type' | 'reporting_category' | 'source' | 'currency'> & {
  feeName?: string;
  description: string | null;
};

/** Stripe's books of our balance: one transaction for everything that moves money, with its fee. */
export class Ledger {
  readonly #surroundings: Surroundings;
  readonly #world: World;

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
  }

  /** A charge comes in, less Stripe's fee. */
  postCharge(charge: Charge): BalanceTransaction {
    const isCard = charge.id.startsWith('ch_');
    return this.#post({
      amount: charge.amount,
      currency: charge.currency,
      fee: feeOf(charge.amount, charge.currency),
      feeName: 'Stripe processing fees',
      type: isCard ? 'charge' : 'payment',
      reporting_category: 'charge',
      source: charge.id,
      description: charge.description,
    });
  }

  /** A refund goes out; the fee of the charge is not returned. */
  postRefund(refund: Refund): BalanceTransaction {
    const isCard = refund.charge?.startsWith('ch_') === true;
    return this.#post({
      amount: -refund.amount,
      currency: refund.currency,
      fee: 0,
      type: isCard ? 'refund' : 'payment_refund',
      reporting_category: 'refund',
      source: refund.id,
      description: `REFUND FOR ${isCard ? 'CHARGE' : 'PAYMENT'}`,
    });
  }

  /** A refund came back. */
  postRefundFailure(refund: Refund): BalanceTransaction {
    return this.#post({
      amount: refund.amount,
      currency: refund.currency,
      fee: 0,
      type: 'refund_failure',
      reporting_category: 'refund_failure',
      source: refund.id,
      description: 'REFUND FAILURE',
    });
  }

  /** The bank of the payer took the money back, and the dispute costs a fee. */
  postWithdrawal(dispute: Dispute): BalanceTransaction {
    return this.#post({
      amount: -dispute.amount,
      currency: dispute.currency,
      fee: DISPUTE_FEE,
      feeName: 'Dispute fee',
      type: 'adjustment',
      reporting_category: 'dispute',
      source: dispute.id,
      description: `Chargeback withdrawal for ${dispute.charge}`,
    });
  }

  /** A dispute was won: the money comes back, the fee does not. */
  postReinstatement(dispute: Dispute): BalanceTransaction {
    return this.#post({
      amount: dispute.amount,
      currency: dispute.currency,
      fee: 0,
      type: 'adjustment',
      reporting_category: 'dispute_reversal',
      source: dispute.id,
      description: `Chargeback reversal for ${dispute.charge}`,
    });
  }

  /** What we hold at Stripe, by currency, in minor units. */
  balances(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { currency, net } of this.#world.balanceTransactions.values()) {
      sums[currency] = (sums[currency] ?? 0) + net;
    }
    return sums;
  }

  #post({ feeName, ...posting }: Posting): BalanceTransaction {
    const now = this.#surroundings.clock.now();
    const { amount, fee, currency } = posting;
    const feeDetail = { amount: fee, application: null, currency, description: feeName ?? null, type: 'stripe_fee' };
    const transaction: BalanceTransaction = {
      id: makeId('txn'),
      object: 'balance_transaction',
      ...posting,
      available_on: now + AVAILABLE_AFTER_SECONDS,
      balance_type: 'payments',
      created: now,
      exchange_rate: null,
      fee_details: fee === 0 ? [] : [feeDetail],
      net: amount - fee,
      status: 'pending',
    };
    return this.#world.balanceTransactions.set(transaction.id, transaction);
  }
}
