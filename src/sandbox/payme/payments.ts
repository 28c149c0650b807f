import type { SimProviderError, SimProviderStep } from '../control-payme-click.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Answer, describeFailure, isSameAnswer, type Method } from './answers.ts';
import { findCard, maskCard, type TestCard } from './cards.ts';
import { fiscalReceipt } from './fiscal.ts';
import type { Order } from './link.ts';
import type { Call, MerchantClient } from './merchant-client.ts';
import { makeId, type TransactionRecord, type World } from './world.ts';

/** A transaction that was not performed runs out twelve hours after its time. */
const TIMEOUT_MS = 43_200_000;
/** When the application did not answer the cancellation of one that ran out. */
const TIMEOUT_RETRY_MS = 3_600_000;
/** Before Create, Perform and Cancel are sent again to compare the answers; scaled. */
const REPEAT_DELAY_MS = 300;

const REASON_TIMEOUT = 4;
const REASON_REFUND = 5;
const NOT_FOUND = -31003;
const CANNOT_CANCEL = -31007;
const WRONG_STATE = -31008;

type PaymentDetails = Pick<Partial<TransactionRecord>, 'stop_after' | 'receipt_id' | 'decline'>;

/** What happens to a payment, from the debit of the card to the refund. */
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

  /** What was under way when the sandbox stopped is unclear now; what is open runs out at its time. */
  wake(): void {
    for (const transaction of this.#world.transactions.values()) {
      if (transaction.status === 'processing') {
        transaction.status = 'unclear';
        this.#world.saveTransaction(transaction);
      }
      if (isOpen(transaction)) this.#planTimeout(transaction, transaction.time + TIMEOUT_MS);
    }
  }

  /** Starts a payment; it goes on by itself. */
  start(order: Order, card: TestCard, more: PaymentDetails = {}): TransactionRecord {
    const time = this.#surroundings.clock.nowMs();
    const transaction = this.#world.addTransaction({
      id: makeId(time),
      sequence: this.#world.nextNumber('transaction'),
      order,
      card_number: card.number,
      ...more,
      time,
      amount: order.amount,
      account: order.account,
      card: maskCard(card.number),
      state: 0,
      reason: null,
      create_time: 0,
      perform_time: 0,
      cancel_time: 0,
      transaction: null,
      receivers: null,
      money: 'none',
      status: 'processing',
      fiscal: {},
      steps: [],
      complaints: [],
    });
    void this.#run(transaction, () => this.#proceed(transaction));
    return transaction;
  }

  /** Goes on with a payment for which an answer is missing. */
  async resume(id: string): Promise<TransactionRecord> {
    const transaction = this.#getIdle(id);
    if (transaction.status !== 'unclear') throw new SimError(409, 'NOT_UNCLEAR', 'Nothing is open with this payment.');
    delete transaction.stop_after;
    delete transaction.error;
    transaction.status = 'processing';
    await this.#run(transaction, () => this.#proceed(transaction));
    return transaction;
  }

  /** The merchant's refund in Payme's cabinet: CancelTransaction with reason 5. */
  async refund(id: string): Promise<TransactionRecord> {
    const transaction = this.#getIdle(id);
    if (transaction.status !== 'paid') throw new SimError(409, 'NOT_PAID', 'Only a paid transaction can be refunded.');
    delete transaction.error;
    await this.#run(transaction, () => this.#cancel(transaction, REASON_REFUND));
    return transaction;
  }

  get(id: string): TransactionRecord {
    const transaction = this.#world.transactions.get(id);
    if (transaction === undefined) throw new SimError(404, 'TRANSACTION_NOT_FOUND', `There is no transaction ${id}.`);
    return transaction;
  }

  /** Resolves when nothing is under way with this payment. */
  async finished(id: string): Promise<void> {
    await this.#running.get(id);
  }

  /** Resolves when nothing at all is under way. */
  async allFinished(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #getIdle(id: string): TransactionRecord {
    if (this.#running.has(id)) throw new SimError(409, 'BUSY', 'Something is under way with this transaction.');
    return this.get(id);
  }

  #run(transaction: TransactionRecord, work: () => Promise<void>): Promise<void> {
    const running = work()
      .catch((error: unknown) => {
        if (this.#client.outgoing.isClosed) return;
        this.#surroundings.options.say(
          `A Payme payment failed: ${error instanceof Error ? error.stack : String(error)}`,
        );
        this.#settle(transaction, 'unclear');
      })
      .finally(() => {
        this.#running.delete(transaction.id);
        this.#world.saveTransaction(transaction);
      });
    this.#running.set(transaction.id, running);
    return running;
  }

  /** Does what is left to do: create, debit, perform. */
  async #proceed(transaction: TransactionRecord): Promise<void> {
    if (transaction.state === 0 && !(await this.#create(transaction))) return;
    if (transaction.stop_after === 'create') return this.#settle(transaction, 'unclear');
    if (transaction.money === 'none' && !(await this.#debit(transaction))) return;
    if (transaction.stop_after === 'debit') return this.#settle(transaction, 'unclear');
    await this.#perform(transaction);
  }

  async #create(transaction: TransactionRecord): Promise<boolean> {
    const { id, time, amount, account } = transaction;
    const answer = await this.#sendTwice(transaction, {
      method: 'CreateTransaction',
      params: { id, time, amount, account },
    });
    if (answer.kind !== 'result') {
      // Without an answer the application may have it: it stays open until it runs out.
      this.#settle(transaction, answer.kind === 'error' ? 'failed' : 'unclear', answer);
      return false;
    }
    transaction.create_time = answer.result.create_time;
    transaction.transaction = answer.result.transaction;
    transaction.receivers = answer.result.receivers ?? null;
    transaction.state = 1;
    this.#world.saveTransaction(transaction);
    return true;
  }

  async #debit(transaction: TransactionRecord): Promise<boolean> {
    const decline = transaction.decline ?? findCard(transaction.card_number)?.decline;
    if (decline === undefined) {
      transaction.money = 'debited';
      this.#note(transaction, 'debit', 'done', 'The card was debited.');
      return true;
    }
    if (decline.delayMs !== undefined) await this.#client.outgoing.pause(decline.delayMs);
    transaction.error = { code: decline.code, message: decline.words[transaction.order.language] };
    this.#note(transaction, 'debit', 'refused', decline.words.en);
    await this.#cancel(transaction, decline.reason);
    return false;
  }

  async #perform(transaction: TransactionRecord): Promise<void> {
    const answer = await this.#sendTwice(transaction, {
      method: 'PerformTransaction',
      params: { id: transaction.id },
    });
    if (answer.kind === 'result') {
      transaction.perform_time = answer.result.perform_time;
      transaction.state = 2;
      if (answer.result.transaction !== transaction.transaction) {
        this.#complain(
          transaction,
          `PerformTransaction: transaction is ${answer.result.transaction}, not ${transaction.transaction}`,
        );
      }
      this.#settle(transaction, 'paid');
      return await this.#sendFiscalData(transaction, 'PERFORM');
    }
    if (answer.kind !== 'error') return this.#settle(transaction, 'unclear', answer);
    if (answer.code !== WRONG_STATE) {
      this.#settle(transaction, 'processing', answer);
      return await this.#cancel(transaction, 3);
    }
    transaction.state = -1;
    this.#returnMoney(transaction, 'No CancelTransaction is needed after -31008.');
    this.#settle(transaction, 'failed', answer);
  }

  /** Reasons: 2 debit failed, 3 execution failed, 4 timeout, 5 refund. */
  async #cancel(
    transaction: TransactionRecord,
    reason: 2 | 3 | typeof REASON_TIMEOUT | typeof REASON_REFUND,
  ): Promise<void> {
    const answer = await this.#sendTwice(transaction, {
      method: 'CancelTransaction',
      params: { id: transaction.id, reason },
    });
    const isRefund = reason === REASON_REFUND;
    if (answer.kind === 'result') {
      this.#judgeCancelState(transaction, answer.result.state);
      transaction.cancel_time = answer.result.cancel_time;
      transaction.state = answer.result.state;
      transaction.reason = reason;
      this.#returnMoney(transaction);
      this.#settle(transaction, isRefund ? 'refunded' : 'failed');
      if (transaction.fiscal.PERFORM !== undefined) await this.#sendFiscalData(transaction, 'CANCEL');
      return;
    }
    if (isRefund) return this.#settle(transaction, 'paid', answer);
    if (answer.kind === 'error' && answer.code === NOT_FOUND) {
      if (transaction.create_time !== 0)
        this.#complain(transaction, 'CancelTransaction: -31003 for a transaction that was created');
      transaction.state = -1;
      this.#returnMoney(transaction);
      return this.#settle(transaction, 'failed');
    }
    if (answer.kind === 'error' && answer.code === CANNOT_CANCEL) {
      this.#complain(transaction, 'CancelTransaction: -31007 for a transaction that was not performed');
    }
    this.#settle(transaction, 'unclear', transaction.error === undefined ? answer : undefined);
  }

  #judgeCancelState(transaction: TransactionRecord, state: -1 | -2): void {
    const wasPerformed = transaction.state === 2;
    // Without an answer to Perform nobody knows which of the two it was.
    const isKnown = wasPerformed || transaction.money === 'none';
    if (!isKnown || state === (wasPerformed ? -2 : -1)) return;
    this.#complain(transaction, `CancelTransaction: state is ${state}, not ${wasPerformed ? -2 : -1}`);
  }

  async #sendFiscalData(transaction: TransactionRecord, type: 'PERFORM' | 'CANCEL'): Promise<void> {
    const params = fiscalReceipt(type, this.#world.nextNumber('fiscal'), this.#surroundings.clock.nowMs());
    const { answer, step } = await this.#client.insist({
      method: 'SetFiscalData',
      params: { id: transaction.id, type, fiscal_data: params },
    });
    this.#record(transaction, answer, step);
    transaction.fiscal[type] = answer.kind === 'result' ? 'taken' : answer.kind === 'error' ? 'refused' : 'unanswered';
  }

  /** Sends, and once it was accepted sends again and compares the answers. */
  async #sendTwice<M extends Method>(transaction: TransactionRecord, call: Call<M>): Promise<Answer<M>> {
    const first = await this.#client.insist(call);
    this.#record(transaction, first.answer, first.step);
    if (first.answer.kind !== 'result') return first.answer;
    await this.#client.outgoing.pause(REPEAT_DELAY_MS);
    const again = await this.#client.insist(call);
    this.#record(transaction, again.answer, { ...again.step, is_repeat: true });
    if (again.answer.kind !== 'unavailable' && !isSameAnswer(first.answer, again.answer)) {
      this.#complain(transaction, `${call.method}: the repeat was answered differently`);
    }
    return first.answer;
  }

  #record(transaction: TransactionRecord, answer: Answer<Method>, step: SimProviderStep): void {
    transaction.steps.push(step);
    transaction.complaints.push(...answer.complaints);
    this.#world.saveTransaction(transaction);
  }

  #note(transaction: TransactionRecord, name: string, outcome: 'done' | 'refused', note: string): void {
    const atMs = this.#surroundings.clock.nowMs();
    transaction.steps.push({ atMs, name, is_repeat: false, tries: 1, outcome, note });
    this.#world.saveTransaction(transaction);
  }

  #complain(transaction: TransactionRecord, words: string): void {
    transaction.complaints.push(words);
    this.#world.saveTransaction(transaction);
  }

  #returnMoney(transaction: TransactionRecord, note = ''): void {
    if (transaction.money !== 'debited') return;
    transaction.money = 'returned';
    this.#note(transaction, 'return', 'done', `The money was returned to the card. ${note}`.trim());
  }

  #settle(transaction: TransactionRecord, status: TransactionRecord['status'], answer?: Answer<Method>): void {
    transaction.status = status;
    const error: SimProviderError | null =
      answer === undefined ? null : describeFailure(answer, transaction.order.language);
    if (error !== null) transaction.error = error;
    this.#world.saveTransaction(transaction);
    if (status !== 'unclear') return;
    const dueMs = transaction.time + TIMEOUT_MS;
    const nowMs = this.#surroundings.clock.nowMs();
    this.#planTimeout(transaction, dueMs > nowMs ? dueMs : nowMs + TIMEOUT_RETRY_MS);
  }

  #planTimeout(transaction: TransactionRecord, atMs: number): void {
    this.#surroundings.agenda.plan(atMs, () => this.#timeOut(transaction), true);
  }

  /** At once when nothing else is under way, so that a jump of the clock which stopped here waits for it. */
  #timeOut(transaction: TransactionRecord): void {
    const running = this.#running.get(transaction.id);
    if (running !== undefined) {
      void running.then(() => this.#timeOut(transaction));
      return;
    }
    const isKnown = this.#world.transactions.get(transaction.id) === transaction;
    if (isKnown && isOpen(transaction)) void this.#run(transaction, () => this.#cancel(transaction, REASON_TIMEOUT));
  }
}

/** Neither performed nor cancelled, as far as Payme knows. */
function isOpen({ state, status }: TransactionRecord): boolean {
  return state === 1 || (state === 0 && status !== 'failed');
}
