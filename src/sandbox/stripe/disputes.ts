import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { missing } from './api-error.ts';
import type { Events } from './events.ts';
import type { Ledger } from './ledger.ts';
import type { BalanceTransaction, Cause, Charge, Dispute } from './objects.ts';
import { makeId, type World } from './world.ts';

const DUE_AFTER_SECONDS = 9 * 86_400;
const OPEN: ReadonlySet<string> = new Set(['needs_response', 'under_review']);

/** Payers who asked their bank for the money back. */
export class Disputes {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #events: Events;
  readonly #ledger: Ledger;

  constructor(surroundings: Surroundings, world: World, events: Events, ledger: Ledger) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#events = events;
    this.#ledger = ledger;
  }

  get(id: string): Dispute {
    const dispute = this.#world.disputes.get(id);
    if (dispute === undefined) throw missing('dispute', id);
    return dispute;
  }

  /** The whole charge is disputed and its money withdrawn at once. @throws SimError */
  open(charge: Charge, reason: string, cause: Cause): Dispute {
    if (charge.payment_method_details?.type !== 'card') {
      throw new SimError(409, 'NOT_DISPUTABLE', 'Only a card payment can be disputed here.');
    }
    if (charge.disputed || charge.refunded || charge.status !== 'succeeded') {
      throw new SimError(409, 'NOT_DISPUTABLE', 'The charge is disputed, refunded or not paid.');
    }
    const dispute = this.#world.disputes.set(...this.#make(charge, reason));
    charge.disputed = true;
    this.#world.charges.touch(charge.id);
    this.#events.emit('charge.dispute.created', dispute, cause);
    this.#post(dispute, this.#ledger.postWithdrawal(dispute));
    this.#events.emit('charge.dispute.funds_withdrawn', dispute, cause);
    return dispute;
  }

  /** The bank decides. @throws SimError */
  close(id: string, isWon: boolean, cause: Cause): Dispute {
    const dispute = this.#world.disputes.get(id);
    if (dispute === undefined) throw new SimError(404, 'DISPUTE_NOT_FOUND', `There is no dispute ${id}.`);
    if (!OPEN.has(dispute.status))
      throw new SimError(409, 'DISPUTE_CLOSED', `The dispute is ${dispute.status} already.`);
    const previous = { status: dispute.status };
    dispute.status = 'under_review';
    dispute.evidence_details.submission_count += 1;
    this.#events.emit('charge.dispute.updated', dispute, cause, previous);
    dispute.status = isWon ? 'won' : 'lost';
    this.#world.disputes.touch(id);
    this.#events.emit('charge.dispute.closed', dispute, cause, { status: 'under_review' });
    if (!isWon) return dispute;
    this.#post(dispute, this.#ledger.postReinstatement(dispute));
    this.#events.emit('charge.dispute.funds_reinstated', dispute, cause);
    return dispute;
  }

  /** A dispute carries its balance transactions whole. */
  #post(dispute: Dispute, transaction: BalanceTransaction): void {
    dispute.balance_transactions.push(transaction as Dispute['balance_transactions'][number]);
    this.#world.disputes.touch(dispute.id);
  }

  #make(charge: Charge, reason: string): [string, Dispute] {
    const id = makeId('du');
    const now = this.#surroundings.clock.now();
    const { card } = charge.payment_method_details ?? {};
    const brand = card?.brand ?? 'visa';
    return [
      id,
      {
        id,
        object: 'dispute',
        amount: charge.amount - charge.amount_refunded,
        balance_transactions: [],
        charge: charge.id,
        created: now,
        currency: charge.currency,
        enhanced_eligibility_types: [],
        evidence: NO_EVIDENCE,
        evidence_details: {
          due_by: now + DUE_AFTER_SECONDS,
          enhanced_eligibility: {},
          has_evidence: false,
          past_due: false,
          submission_count: 0,
          submission_method: 'not_submitted',
        },
        intended_submission_method: null,
        is_charge_refundable: false,
        livemode: false,
        metadata: {},
        payment_intent: charge.payment_intent,
        payment_method_details: {
          type: 'card',
          card: { brand, case_type: 'chargeback', network: brand, network_reason_code: '83' },
        },
        reason,
        status: 'needs_response',
      },
    ];
  }
}

const NO_EVIDENCE: Dispute['evidence'] = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};
