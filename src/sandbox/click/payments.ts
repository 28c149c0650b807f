import { SimError } from '../errors.ts';
import type { Language, Surroundings } from '../surroundings.ts';
import type { Order } from './link.ts';
import type { Answer, Called, MerchantClient } from './merchant-client.ts';
import type { Outcome, PaymentRecord, World } from './world.ts';

/** Waits between the tries of a Complete after the money was taken; scaled. */
const CONFIRM_DELAYS_MS = [1_000, 5_000, 30_000];
const ALREADY_PAID = -4;
const CANCELLED = -9;
const CANCEL_ERROR = -1;

export type Start = {
  order: Order;
  outcome: Outcome;
  language: Language;
  isLarge?: boolean | undefined;
  /** Masked. */
  cardNumber?: string;
};

/** What happens to a payment, from Prepare to the confirmation or the manual investigation. */
export class Payments {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #client: MerchantClient;
  readonly #running = new Map<string, Promise<void>>();

  constructor(surroundings: Surroundings, world: World, client: MerchantClient) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#client = client;
  }

  /** What was under way when the sandbox stopped: with money taken somebody must look into it. */
  wake(): void {
    for (const payment of this.#world.payments.values()) {
      if (payment.status === 'processing')
        this.#settle(payment, payment.money === 'debited' ? 'investigation' : 'unclear');
    }
  }

  /** Starts a payment; it goes on by itself. */
  start({ order, outcome, language, isLarge, cardNumber }: Start): PaymentRecord {
    const ids = this.#world.nextIds(isLarge ?? this.#surroundings.options.clickLargeIds);
    const payment = this.#world.add({
      click_trans_id: ids.trans,
      click_paydoc_id: ids.paydoc,
      sequence: ids.sequence,
      order,
      outcome,
      language,
      service_id: order.service_id,
      merchant_trans_id: order.transaction_param,
      amount: order.amount,
      amount_tiyin: order.amount_tiyin,
      ...(order.card_type === undefined ? {} : { card_type: order.card_type }),
      ...(cardNumber === undefined ? {} : { card_number: cardNumber }),
      created_at_ms: this.#surroundings.clock.nowMs(),
      merchant_prepare_id: null,
      merchant_confirm_id: null,
      money: 'none',
      status: 'processing',
      reversed_tiyin: 0,
      steps: [],
      complaints: [],
    });
    void this.#run(payment, () => this.#proceed(payment));
    return payment;
  }

  /** Sends Complete (once more), for one that stopped half way or is under investigation. */
  async complete(id: string): Promise<PaymentRecord> {
    const payment = this.#getIdle(id);
    const isOpen = payment.status === 'investigation' || payment.status === 'unclear';
    if (!isOpen || payment.merchant_prepare_id === null) {
      throw new SimError(409, 'NOT_OPEN', 'This payment waits for no Complete.');
    }
    delete payment.error;
    payment.outcome = { kind: 'paid' };
    await this.#run(payment, () => this.#confirm(payment, payment.money === 'debited'));
    return payment;
  }

  /** Support gives the money back by hand; the application hears nothing of it. */
  returnMoney(id: string): PaymentRecord {
    const payment = this.#getIdle(id);
    if (payment.status !== 'investigation')
      throw new SimError(409, 'NOT_OPEN', 'This payment is not under investigation.');
    payment.money = 'returned';
    this.#note(payment, 'return', 'Support returned the money by hand.');
    this.#settle(payment, 'failed');
    return payment;
  }

  get(id: string): PaymentRecord {
    const payment = this.#world.payments.get(id);
    if (payment === undefined) throw new SimError(404, 'PAYMENT_NOT_FOUND', `There is no payment ${id}.`);
    return payment;
  }

  /** Resolves when nothing is under way with this payment. */
  async finished(id: string): Promise<void> {
    await this.#running.get(id);
  }

  /** Resolves when nothing at all is under way. */
  async allFinished(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #getIdle(id: string): PaymentRecord {
    if (this.#running.has(id)) throw new SimError(409, 'BUSY', 'Something is under way with this payment.');
    return this.get(id);
  }

  #run(payment: PaymentRecord, work: () => Promise<void>): Promise<void> {
    const running = work()
      .catch((error: unknown) => {
        if (this.#client.outgoing.isClosed) return;
        this.#surroundings.options.say(
          `A Click payment failed: ${error instanceof Error ? error.stack : String(error)}`,
        );
        this.#settle(payment, payment.money === 'debited' ? 'investigation' : 'unclear');
      })
      .finally(() => {
        this.#running.delete(payment.click_trans_id);
        this.#world.save(payment);
      });
    this.#running.set(payment.click_trans_id, running);
    return running;
  }

  async #proceed(payment: PaymentRecord): Promise<void> {
    const { outcome } = payment;
    const answer = this.#record(
      payment,
      await this.#client.insist(payment, { action: 'Prepare', error: 0, note: 'Success' }),
    );
    if (answer.kind === 'refused') return await this.#giveUp(payment, answer);
    if (answer.kind !== 'accepted') return this.#settle(payment, 'failed', answer);
    payment.merchant_prepare_id = answer.prepareId;
    if (outcome.kind === 'stop_after_prepare') return this.#settle(payment, 'unclear');
    if (outcome.kind !== 'not_paid') return await this.#confirm(payment, false);
    this.#note(payment, 'debit', `No money was taken: ${outcome.note}.`);
    payment.error = { code: outcome.error, message: outcome.note };
    await this.#cancel(payment, outcome.error, outcome.note);
  }

  /** The application refused Prepare: nothing is debited, and Complete says so unless the order is paid already. */
  async #giveUp(payment: PaymentRecord, answer: Extract<Answer, { kind: 'refused' }>): Promise<void> {
    payment.error = { code: answer.error, message: answer.note };
    if (answer.error === ALREADY_PAID) return this.#settle(payment, 'failed');
    payment.merchant_prepare_id = answer.prepareId;
    await this.#cancel(payment, CANCEL_ERROR, 'Cancelled: the supplier refused the payment');
  }

  async #cancel(payment: PaymentRecord, error: number, note: string): Promise<void> {
    const answer = this.#record(payment, await this.#client.insist(payment, { action: 'Complete', error, note }));
    if (answer.kind === 'accepted') {
      payment.complaints.push(`Complete: error 0 to a cancellation, which is to be answered with ${CANCELLED}`);
    }
    this.#settle(payment, 'failed');
  }

  /**
   * Takes the money and confirms it until the application has answered. After a lost answer Click prepares again: -4
   * says that the payment is confirmed, and whatever else the answer is, Complete follows, since the money is taken.
   */
  async #confirm(payment: PaymentRecord, isRepeat: boolean): Promise<void> {
    if (payment.money === 'none') {
      payment.money = 'debited';
      this.#note(payment, 'debit', 'The money was taken.');
    }
    for (let round = 0; ; round += 1) {
      const isAnswerLost = payment.outcome.kind === 'lost_answer' && round === 0;
      const isAgain = isRepeat || round > 0;
      const request = { action: 'Complete' as const, error: 0, note: 'Success', isAnswerLost };
      const answer = this.#record(payment, await this.#client.ask(payment, request), isAgain);
      if (answer.kind === 'accepted') {
        payment.merchant_confirm_id = answer.confirmId;
        return this.#settle(payment, 'paid');
      }
      if (answer.kind === 'refused') {
        const isConfirmed = answer.error === ALREADY_PAID && isAgain;
        return isConfirmed ? this.#settle(payment, 'paid') : this.#settle(payment, 'investigation', answer);
      }
      const delayMs = CONFIRM_DELAYS_MS[round];
      if (delayMs === undefined) return this.#settle(payment, 'investigation', answer);
      await this.#client.outgoing.pause(delayMs);
      if (await this.#isConfirmedByPrepare(payment)) return this.#settle(payment, 'paid');
    }
  }

  async #isConfirmedByPrepare(payment: PaymentRecord): Promise<boolean> {
    const answer = this.#record(
      payment,
      await this.#client.ask(payment, { action: 'Prepare', error: 0, note: 'Success' }),
      true,
    );
    if (answer.kind === 'accepted') payment.merchant_prepare_id = answer.prepareId;
    return answer.kind === 'refused' && answer.error === ALREADY_PAID;
  }

  #record(payment: PaymentRecord, { answer, step }: Called, isRepeat = false): Answer {
    payment.steps.push({ ...step, is_repeat: isRepeat });
    payment.complaints.push(...answer.complaints);
    this.#world.save(payment);
    return answer;
  }

  #note(payment: PaymentRecord, name: string, note: string): void {
    const atMs = this.#surroundings.clock.nowMs();
    payment.steps.push({ atMs, name, is_repeat: false, tries: 1, outcome: 'done', note });
    this.#world.save(payment);
  }

  #settle(payment: PaymentRecord, status: PaymentRecord['status'], answer?: Answer): void {
    payment.status = status;
    if (answer?.kind === 'refused') payment.error = { code: answer.error, message: answer.note };
    if (answer?.kind === 'unavailable' || answer?.kind === 'malformed') {
      payment.error = { code: -8, message: answer.detail };
    }
    this.#world.save(payment);
  }
}
