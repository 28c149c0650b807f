import { z } from 'zod';
import { formatDecimal, parseDecimal } from '../decimal.ts';
import type { Surroundings } from '../surroundings.ts';
import { makeId, readAddress, readLightningInvoice } from './address.ts';
import { digitsOf } from './amounts.ts';
import { decimalText } from './fields.ts';
import { restOf, toPayout } from './refunds.ts';
import { Invalid, Refusal } from './refusal.ts';
import type { Webhooks } from './webhooks.ts';
import type { Metadata, MethodId, PayoutRecord, PayoutState, PullPaymentRecord, World } from './world.ts';

const claimBody = z.object({
  destination: z.string().nullish(),
  amount: decimalText.nullish(),
  payoutMethodId: z.string().nullish(),
});
const WRONG_STATE = 'The payout is not in a state that can be marked with the specified state';

/** Payouts: claims of buyers on a pull payment, until they are paid or cancelled. */
export class Payouts {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #webhooks: Webhooks;

  constructor(surroundings: Surroundings, world: World, webhooks: Webhooks) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#webhooks = webhooks;
  }

  /** A buyer claims with a destination of their own; the whole rest unless an amount is named. @throws Invalid, Refusal, ZodError */
  claim(pullPayment: PullPaymentRecord, body: unknown): PayoutRecord {
    const { destination, method, amount } = readClaim(body);
    if (pullPayment.is_archived) throw new Refusal(400, 'archived', 'This pull payment has been archived');
    if (!pullPayment.methods.includes(method)) {
      const words = 'This payment method is not supported by the pull payment';
      throw new Refusal(400, 'payment-method-not-supported', words);
    }
    const isTaken = [...this.#world.payouts.values()].some(
      (other) => other.destination === destination && other.state !== 'Completed' && other.state !== 'Cancelled',
    );
    if (isTaken) {
      throw new Refusal(400, 'duplicate-destination', 'This address is already used for another payout');
    }
    const digits = digitsOf(pullPayment.currency);
    const rest = restOf(this.#world, pullPayment);
    const claimed = amount === null ? rest : parseDecimal(amount, digits);
    if (claimed === null) throw new Invalid([{ path: 'Amount', message: 'Invalid amount' }]);
    if (claimed > rest) {
      throw new Refusal(400, 'overdraft', "The payout amount overdraft the pull payment's limit");
    }
    if (claimed === 0n) throw new Refusal(400, 'amount-too-low', 'The requested payout amount is too low');
    const payout = this.#world.addPayout({
      id: makeId(20),
      pull_payment_id: pullPayment.id,
      created_at_ms: this.#surroundings.clock.nowMs(),
      destination,
      method,
      original_amount: formatDecimal(claimed, digits),
      original_currency: pullPayment.currency,
      amount: null,
      state: 'AwaitingApproval',
      revision: 0,
      proof: null,
    });
    this.#announce(payout, 'PayoutCreated');
    return pullPayment.auto_approves ? this.approve(payout, 0) : payout;
  }

  /** The merchant agrees: the amount in coins is fixed. @throws Refusal */
  approve(payout: PayoutRecord, revision: number): PayoutRecord {
    if (payout.state !== 'AwaitingApproval') {
      throw new Refusal(400, 'invalid-state', 'The payout is not in a state that can be approved');
    }
    if (payout.revision !== revision) throw new Refusal(400, 'old-revision', 'The crypto amount is too small.');
    const units = parseDecimal(payout.original_amount, digitsOf(payout.original_currency)) ?? 0n;
    const amount = toPayout(this.#world, payout.original_currency, units);
    if (amount === null)
      throw new Refusal(400, 'rate-unavailable', `Rate unavailable: BTC_${payout.original_currency}`);
    payout.amount = amount;
    payout.state = 'AwaitingPayment';
    this.#save(payout, 'PayoutApproved');
    return payout;
  }

  /** Sets the state as far as the one before allows it. @throws Refusal */
  mark(payout: PayoutRecord, state: PayoutState, proof: Metadata | null): PayoutRecord {
    if (!canBecome(payout.state, state)) throw new Refusal(400, 'invalid-state', WRONG_STATE);
    payout.state = state;
    payout.proof = state === 'AwaitingPayment' ? null : proof;
    this.#save(payout, 'PayoutUpdated');
    return payout;
  }

  /** @throws Refusal */
  cancel(payout: PayoutRecord): PayoutRecord {
    if (payout.state === 'Completed' || payout.state === 'InProgress') {
      throw new Refusal(400, 'invalid-state', WRONG_STATE);
    }
    payout.state = 'Cancelled';
    this.#save(payout, 'PayoutUpdated');
    return payout;
  }

  #save(payout: PayoutRecord, event: string): void {
    this.#world.payouts.touch(payout.id);
    this.#announce(payout, event);
  }

  #announce(payout: PayoutRecord, event: string): void {
    const { btcpayStoreId: storeId } = this.#surroundings.options;
    const { id: payoutId, pull_payment_id: pullPaymentId, state: payoutState } = payout;
    const invoiceId = this.#world.pullPayments.get(pullPaymentId)?.invoice_id ?? null;
    this.#webhooks.announce(event, invoiceId, { storeId, payoutId, pullPaymentId, payoutState });
  }
}

/** As PullPaymentHostedService.HandleMarkPaid. */
function canBecome(from: PayoutState, to: PayoutState): boolean {
  if (to === 'Completed' || to === 'InProgress') return from === 'AwaitingPayment' || from === 'InProgress';
  return to === 'AwaitingPayment' && from === 'InProgress';
}

function readClaim(body: unknown): { destination: string; method: MethodId; amount: string | null } {
  const given = claimBody.parse(body);
  const method = given.payoutMethodId;
  if (method !== 'BTC-CHAIN' && method !== 'BTC-LN') {
    throw new Invalid([{ path: 'PayoutMethodId', message: 'Invalid payment method' }]);
  }
  const text = given.destination ?? '';
  const destination = method === 'BTC-CHAIN' ? readAddress(text) : readLightningInvoice(text);
  if (destination === null) {
    throw new Invalid([{ path: 'Destination', message: 'A valid address was not provided' }]);
  }
  return { destination, method, amount: given.amount ?? null };
}
