import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { invalid, missing, unexpectedState } from './api-error.ts';
import { findCard } from './cards.ts';
import type { Cash } from './cash.ts';
import type { Events } from './events.ts';
import type { Intents } from './intents.ts';
import type { Ledger } from './ledger.ts';
import type { Cause, Charge, Refund } from './objects.ts';
import type { Params } from './params.ts';
import { BY_TIME } from './sessions.ts';
import { makeId, type World } from './world.ts';

/** When a refund of the test cards for it takes its turn. */
const TURN_AFTER_SECONDS = 300;

type Parts = { world: World; events: Events; intents: Intents; ledger: Ledger; cash: Cash };

/** Money given back, and money that came back from it. */
export class Refunds {
  readonly #surroundings: Surroundings;
  readonly #parts: Parts;

  constructor(surroundings: Surroundings, parts: Parts) {
    this.#surroundings = surroundings;
    this.#parts = parts;
  }

  /** Those of the test cards take their turn at their time. */
  wake(): void {
    for (const refund of this.#parts.world.refunds.values()) this.#planTurn(refund, '');
  }

  get(id: string, param?: string): Refund {
    const refund = this.#parts.world.refunds.get(id);
    if (refund === undefined) throw missing('refund', id, param);
    return refund;
  }

  /** The whole rest of a charge, or a part of it. @throws ApiError */
  create(given: Params<'createRefund'>, cause: Cause): Refund {
    const { world, events } = this.#parts;
    const charge = this.#chargeOf(given);
    const rest = charge.amount - charge.amount_refunded;
    if (charge.disputed) {
      throw unexpectedState(`Charge ${charge.id} has been charged back; cannot issue a refund.`, 'charge_disputed');
    }
    if (rest === 0) {
      throw unexpectedState(`Charge ${charge.id} has already been refunded.`, 'charge_already_refunded');
    }
    const amount = given.amount ?? rest;
    if (amount <= 0) throw invalid('Invalid positive integer', 'amount', 'parameter_invalid_integer');
    if (amount > rest) {
      throw invalid(
        `Refund amount (${amount} ${charge.currency}) is greater than unrefunded amount on charge (${rest} ${charge.currency})`,
        'amount',
      );
    }
    const refund = this.#make(charge, amount, given);
    world.refunds.set(refund.id, refund);
    refund.balance_transaction = this.#parts.ledger.postRefund(refund).id;
    this.#apply(charge, amount);
    if (charge.payment_method_details?.type === 'customer_balance') this.#parts.cash.takeBack(refund, cause);
    events.emit('refund.created', refund, cause);
    events.emit('charge.refunded', charge, cause, {
      amount_refunded: charge.amount_refunded - amount,
      refunded: false,
    });
    this.#planTurn(refund, cause.origin);
    return refund;
  }

  /** A pending refund arrives, or one comes back, which may also happen to one that had arrived. @throws SimError */
  settle(id: string, isGood: boolean, cause: Cause): Refund {
    const refund = this.#parts.world.refunds.get(id);
    if (refund === undefined) throw new SimError(404, 'REFUND_NOT_FOUND', `There is no refund ${id}.`);
    const isWaiting = refund.status === 'pending' || refund.status === 'requires_action';
    if (!isWaiting && (isGood || refund.status !== 'succeeded')) {
      throw new SimError(409, 'REFUND_SETTLED', `The refund is ${refund.status} already.`);
    }
    if (isGood) this.#succeed(refund, cause);
    else this.#fail(refund, cause);
    return refund;
  }

  #succeed(refund: Refund, cause: Cause): void {
    const previous = { status: refund.status };
    refund.status = 'succeeded';
    delete refund.next_action;
    delete refund.pending_reason;
    this.#parts.world.refunds.touch(refund.id);
    this.#parts.events.emit('refund.updated', refund, cause, previous);
  }

  #fail(refund: Refund, cause: Cause): void {
    const { world, events, ledger } = this.#parts;
    const previous = { status: refund.status };
    refund.status = 'failed';
    refund.failure_reason = 'expired_or_canceled_card';
    delete refund.next_action;
    delete refund.pending_reason;
    refund.failure_balance_transaction = ledger.postRefundFailure(refund).id;
    world.refunds.touch(refund.id);
    const charge = world.charges.get(refund.charge ?? '');
    if (charge !== undefined) this.#apply(charge, -refund.amount);
    events.emit('refund.updated', refund, cause, previous);
    events.emit('refund.failed', refund, cause);
  }

  #apply(charge: Charge, amount: number): void {
    charge.amount_refunded += amount;
    charge.refunded = charge.amount_refunded === charge.amount;
    this.#parts.world.charges.touch(charge.id);
  }

  #chargeOf({ charge: chargeId, payment_intent: intentId }: Params<'createRefund'>): Charge {
    const { world, intents } = this.#parts;
    if (chargeId === undefined && intentId === undefined) {
      throw invalid('One of the following params should be provided for this request: payment_intent or charge.');
    }
    const intent = intentId === undefined ? undefined : intents.get(intentId, 'payment_intent');
    const id = chargeId ?? intent?.latest_charge ?? '';
    const charge = world.charges.get(id);
    if (charge === undefined && chargeId !== undefined) throw missing('charge', id, 'charge');
    if (charge?.status === 'succeeded') return charge;
    throw unexpectedState(
      `This PaymentIntent (${intentId ?? ''}) does not have a successful charge to refund.`,
      'payment_intent_unexpected_state',
    );
  }

  #make(charge: Charge, amount: number, given: Params<'createRefund'>): Refund {
    const type = charge.payment_method_details?.type ?? 'card';
    const isPending = this.#fateOf(charge) === 'refund_pending';
    const refund: Refund = {
      id: makeId(charge.id.startsWith('ch_') ? 're' : 'pyr'),
      object: 'refund',
      amount,
      balance_transaction: null,
      charge: charge.id,
      created: this.#surroundings.clock.now(),
      currency: charge.currency,
      customer: charge.customer,
      customer_account: null,
      destination_details: describeDestination(type, isPending),
      metadata: given.metadata ?? {},
      payment_intent: charge.payment_intent,
      payment_method: charge.payment_method,
      reason: given.reason ?? null,
      receipt_number: null,
      source_transfer_reversal: null,
      status: isPending ? 'pending' : 'succeeded',
      transfer_reversal: null,
      ...(isPending ? { pending_reason: 'processing' } : {}),
    };
    return type === 'konbini' ? this.#askForAccount(refund, charge, given) : refund;
  }

  /** A shop cannot give money back: the payer is asked by e-mail for a bank account. */
  #askForAccount(refund: Refund, charge: Charge, given: Params<'createRefund'>): Refund {
    const email = given.instructions_email || charge.billing_details.email;
    if (!email) throw invalid('Missing required param: instructions_email.', 'instructions_email', 'parameter_missing');
    const sent = { email_sent_at: refund.created, email_sent_to: email };
    return {
      ...refund,
      instructions_email: email,
      next_action: {
        type: 'display_details',
        display_details: { email_sent: sent, expires_at: refund.created + 45 * 86_400 },
      },
      status: 'requires_action',
    };
  }

  #fateOf(charge: Charge): string | undefined {
    return findCard(this.#parts.world.cardNumbers.get(charge.payment_method ?? '') ?? '')?.fate;
  }

  #planTurn(refund: Refund, origin: string): void {
    const charge = this.#parts.world.charges.get(refund.charge ?? '');
    const fate = charge === undefined ? undefined : this.#fateOf(charge);
    const isDue = (): boolean =>
      this.#parts.world.refunds.get(refund.id) === refund &&
      ((fate === 'refund_pending' && refund.status === 'pending') ||
        (fate === 'refund_fails' && refund.status === 'succeeded'));
    if (!isDue()) return;
    const takeTurn = (): void => {
      if (isDue()) this.settle(refund.id, fate === 'refund_pending', { origin, request: BY_TIME });
    };
    this.#surroundings.agenda.plan((refund.created + TURN_AFTER_SECONDS) * 1000, takeTurn, true);
  }
}

function describeDestination(type: string, isPending: boolean): NonNullable<Refund['destination_details']> {
  if (type === 'customer_balance') return { type: 'customer_cash_balance', customer_cash_balance: {} };
  if (type !== 'card') return { type };
  const reference = isPending ? { reference_status: 'pending' } : { reference_status: 'available', reference: '74858' };
  return { type: 'card', card: { ...reference, reference_type: 'acquirer_reference_number', type: 'refund' } };
}
