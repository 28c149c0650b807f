import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { SimPaymeReceipt } from '../control-payme-click.ts';
import { SimError } from '../errors.ts';
import type { Language, Surroundings } from '../surroundings.ts';
import { describeFailure } from './answers.ts';
import { CARD_EXPIRE, type Decline, findCard, maskCard } from './cards.ts';
import type { Order } from './link.ts';
import type { MerchantClient } from './merchant-client.ts';
import type { Payments } from './payments.ts';
import { describeReason, SubscribeError } from './refusals.ts';
import { maskOnWire, type StoredCards } from './stored-cards.ts';
import { type CardRecord, makeId, type ReceiptRecord, type TransactionRecord, type World } from './world.ts';

/** How long receipts.pay waits for the end before it answers with the state on the way; longer than the slow card. */
const PATIENCE_MS = 20_000;
/** How long a receipt stands in the queue of cancellations; scaled. */
const QUEUE_MS = 1_000;
const MOST_LISTED = 50;

const UZS = 860;

const idParams = z.object({ id: z.string() });
const createParams = z.object({
  amount: z.unknown(),
  account: z.record(z.string().regex(/^\w{1,64}$/), z.union([z.string().min(1), z.int().transform(String)])),
  description: z.string().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
  hold: z.boolean().default(false),
});
const payParams = idParams.extend({ token: z.string(), hold: z.boolean().default(false) });
const sendParams = idParams.extend({ phone: z.string().regex(/^998\d{9}$/) });
const fiscalParams = idParams.extend({
  fiscal_data: z.looseObject({ receipt_id: z.union([z.int(), z.string().min(1)]), qr_code_url: z.url() }),
});
const listParams = z.object({
  count: z.int().min(1).max(MOST_LISTED),
  from: z.int().min(0),
  to: z.int().min(0),
  offset: z.int().min(0).default(0),
});

/** The receipts of the Subscribe API. Paying one is a payment like any other: the application hears of it by its Merchant API. */
export class Receipts {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #client: MerchantClient;
  readonly #payments: Payments;
  readonly #cards: StoredCards;
  readonly #running = new Map<string, Promise<void>>();

  constructor(
    surroundings: Surroundings,
    parts: { world: World; client: MerchantClient; payments: Payments; cards: StoredCards },
  ) {
    this.#surroundings = surroundings;
    this.#world = parts.world;
    this.#client = parts.client;
    this.#payments = parts.payments;
    this.#cards = parts.cards;
  }

  /** What was checked when the sandbox stopped has failed; what was to be cancelled still is. */
  wake(): void {
    for (const receipt of this.#world.receipts.values()) {
      if (receipt.phase === 'checking') this.#settle(receipt, 'failed');
      if (receipt.phase === 'cancelling') void this.#run(receipt, () => this.#cancel(receipt));
    }
  }

  /** receipts.create @throws SubscribeError */
  create(params: unknown, language: Language): object {
    const { amount, account, description, detail, hold } = createParams.parse(params);
    if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount <= 0)
      throw new SubscribeError('amount_wrong', 'amount');
    if (Object.keys(account).length === 0) throw new SubscribeError('params_wrong', 'account');
    if (hold) throw new SubscribeError('hold_not_enabled');
    const nowMs = this.#surroundings.clock.nowMs();
    const order: Order = {
      merchant: this.#surroundings.options.paymeMerchantId,
      amount,
      account,
      language,
      callbackTimeoutMs: 0,
      ...(description === undefined ? {} : { description }),
      ...(detail === undefined ? {} : { detail }),
    };
    const sequence = this.#world.nextNumber('receipt');
    const receipt: ReceiptRecord = {
      ...{ id: makeId(nowMs), sequence, order },
      ...{ create_time: nowMs, cancel_time: 0, phase: 'created' },
    };
    return { receipt: this.#onWire(this.#world.addReceipt(receipt)) };
  }

  /**
   * receipts.pay: waits for the end, but not for ever; what is not finished by then goes on.
   *
   * @throws SubscribeError with the code of the card, or of the application where it refused
   */
  async pay(params: unknown, language: Language): Promise<object> {
    const { id, token, hold } = payParams.parse(params);
    const receipt = this.#find(id);
    if (receipt.phase !== 'created') throw new SubscribeError('state_wrong');
    if (hold) throw new SubscribeError('hold_not_enabled');
    const card = this.#cards.getVerified(token);
    receipt.card_number = card.card_number;
    receipt.order.language = language;
    this.#settle(receipt, 'checking');
    const paying = this.#run(receipt, () => this.#pay(receipt, card));
    await Promise.race([paying, sleep(PATIENCE_MS, undefined, { ref: false })]);
    if (receipt.error !== undefined) throw new SubscribeError(receipt.error);
    return { receipt: this.#onWire(receipt) };
  }

  /** receipts.cancel: of one that waits or is paid; it is done from a queue. @throws SubscribeError */
  cancel(params: unknown): object {
    const receipt = this.#find(idParams.parse(params).id);
    const state = this.#stateOf(receipt);
    if (state !== 0 && state !== 4) throw new SubscribeError('state_wrong');
    this.#settle(receipt, 'cancelling');
    void this.#run(receipt, () => this.#cancel(receipt));
    return { receipt: this.#onWire(receipt) };
  }

  /** receipts.send @throws SubscribeError */
  send(params: unknown): object {
    const { id, phone } = sendParams.parse(params);
    const receipt = this.#find(id);
    receipt.sent_to = phone;
    this.#world.saveReceipt(receipt);
    return { success: true };
  }

  /** receipts.check @throws SubscribeError */
  check(params: unknown): object {
    return { state: this.#stateOf(this.#find(idParams.parse(params).id)) };
  }

  /** receipts.get @throws SubscribeError */
  get(params: unknown): object {
    return { receipt: this.#onWire(this.#find(idParams.parse(params).id)) };
  }

  /** receipts.get_all: by the time of their creation, oldest first. */
  getAll(params: unknown): object {
    const { count, from, to, offset } = listParams.parse(params);
    return this.#world
      .listReceipts()
      .filter(({ create_time: time }) => time >= from && time <= to)
      .slice(offset, offset + count)
      .map((receipt) => this.#onWire(receipt));
  }

  /** receipts.set_fiscal_data: of one that was paid. @throws SubscribeError */
  setFiscalData(params: unknown): object {
    const { id, fiscal_data: data } = fiscalParams.parse(params);
    const receipt = this.#find(id);
    if (this.#transactionOf(receipt)?.perform_time === 0 || receipt.transaction_id === undefined)
      throw new SubscribeError('state_wrong');
    receipt.fiscal_data = data;
    this.#world.saveReceipt(receipt);
    return { success: true };
  }

  /** Any use of a hold, which a cash register has to be given first. @throws SubscribeError */
  refuseHold(): never {
    throw new SubscribeError('hold_not_enabled');
  }

  /** For the control API and the cabinet; oldest first. */
  list(): SimPaymeReceipt[] {
    return this.#world.listReceipts().map((receipt) => this.#present(receipt));
  }

  read(id: string): SimPaymeReceipt {
    const receipt = this.#world.receipts.get(id);
    if (receipt === undefined) throw new SimError(404, 'RECEIPT_NOT_FOUND', `There is no receipt ${id}.`);
    return this.#present(receipt);
  }

  /** Resolves when nothing at all is under way. */
  async allFinished(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #find(id: string): ReceiptRecord {
    const receipt = this.#world.receipts.get(id);
    if (receipt === undefined) throw new SubscribeError('receipt_not_found');
    return receipt;
  }

  #run(receipt: ReceiptRecord, work: () => Promise<void>): Promise<void> {
    const running = work()
      .catch((error: unknown) => {
        if (this.#client.outgoing.isClosed) return;
        this.#surroundings.options.say(
          `A Payme receipt failed: ${error instanceof Error ? error.stack : String(error)}`,
        );
        if (receipt.phase === 'checking') this.#settle(receipt, 'failed');
      })
      .finally(() => this.#running.delete(receipt.id));
    this.#running.set(receipt.id, running);
    return running;
  }

  /** As at the checkout: the application is asked first, then the payment runs by itself. */
  async #pay(receipt: ReceiptRecord, card: CardRecord): Promise<void> {
    const { order } = receipt;
    const { amount, account, language } = order;
    const { answer } = await this.#client.ask({ method: 'CheckPerformTransaction', params: { amount, account } });
    const refusal = describeFailure(answer, language);
    if (refusal !== null) {
      receipt.error = refusal;
      return this.#settle(receipt, 'failed');
    }
    // After a reset nothing goes on.
    if (this.#world.receipts.get(receipt.id) !== receipt) return;
    const testCard = findCard(card.card_number);
    if (testCard === null) throw new Error(`card ${card.id} is no test card`);
    const decline = this.#declineOf(card, testCard.decline);
    const transaction = this.#payments.start(order, testCard, {
      receipt_id: receipt.id,
      ...(decline === undefined ? {} : { decline }),
    });
    receipt.transaction_id = transaction.id;
    this.#settle(receipt, 'paying');
    await this.#payments.finished(transaction.id);
    if (transaction.status === 'paid') this.#cards.spend(card);
    if (transaction.status === 'failed' && transaction.error !== undefined) receipt.error = transaction.error;
    this.#world.saveReceipt(receipt);
  }

  /** How the card is refused, with the code that the Subscribe API has for it. */
  #declineOf({ declines }: CardRecord, own: Decline | undefined): Decline | undefined {
    const { current } = this.#surroundings.faults;
    if (declines !== undefined) {
      const reason = declines === 'blocked' ? 'card_unusable' : 'insufficient_funds';
      return { reason: 2, ...describeReason(reason, current) };
    }
    if (own === undefined) return undefined;
    return { ...own, code: describeReason(own.reason === 2 ? 'card_unusable' : 'processing_failed', current).code };
  }

  /** Where the application refuses the cancellation (-31007), the receipt stays paid. */
  async #cancel(receipt: ReceiptRecord): Promise<void> {
    await this.#client.outgoing.pause(QUEUE_MS);
    const transaction = this.#transactionOf(receipt);
    if (transaction !== undefined) {
      await this.#payments.finished(transaction.id);
      // The merchant may have refunded it in the cabinet meanwhile.
      if (transaction.status === 'paid') await this.#payments.refund(transaction.id);
      if (transaction.status === 'paid') {
        if (transaction.error !== undefined) receipt.error = transaction.error;
        return this.#settle(receipt, 'paying');
      }
    }
    receipt.cancel_time = transaction?.cancel_time || this.#surroundings.clock.nowMs();
    this.#settle(receipt, 'cancelled');
  }

  #settle(receipt: ReceiptRecord, phase: ReceiptRecord['phase']): void {
    receipt.phase = phase;
    if (phase === 'failed') receipt.cancel_time = this.#surroundings.clock.nowMs();
    this.#world.saveReceipt(receipt);
  }

  #transactionOf({ transaction_id: id }: ReceiptRecord): TransactionRecord | undefined {
    return id === undefined ? undefined : this.#world.transactions.get(id);
  }

  #stateOf(receipt: ReceiptRecord): SimPaymeReceipt['state'] {
    if (receipt.phase !== 'paying') return PHASES[receipt.phase];
    const transaction = this.#transactionOf(receipt);
    return transaction === undefined ? 50 : progressOf(transaction);
  }

  #present(receipt: ReceiptRecord): SimPaymeReceipt {
    const { id, order, create_time, cancel_time, card_number: number, transaction_id, error } = receipt;
    const transaction = this.#transactionOf(receipt);
    return {
      ...{ id, state: this.#stateOf(receipt), amount: order.amount, account: order.account, create_time },
      pay_time: transaction?.perform_time ?? 0,
      cancel_time: cancel_time || (transaction?.cancel_time ?? 0),
      card: number === undefined ? null : maskCard(number),
      transaction_id: transaction_id ?? null,
      ...(error === undefined ? {} : { error }),
      ...(receipt.fiscal_data === undefined ? {} : { fiscal_data: receipt.fiscal_data }),
      ...(receipt.sent_to === undefined ? {} : { sent_to: receipt.sent_to }),
    };
  }

  /** The receipt with the fields of the documentation's example. */
  #onWire(receipt: ReceiptRecord): object {
    const { order, card_number: number } = receipt;
    const { id, state, create_time, pay_time, cancel_time, amount, account, error } = this.#present(receipt);
    return {
      ...{ _id: id, create_time, pay_time, cancel_time, state, type: 1, external: false, operation: -1 },
      category: null,
      error: error ?? null,
      ...{ description: order.description ?? '', detail: order.detail ?? null },
      ...{ amount, currency: UZS, commission: 0 },
      account: Object.entries(account).map(([name, value]) => ({ name, title: name, value })),
      card: number === undefined ? null : { number: maskOnWire(number), expire: CARD_EXPIRE },
      merchant: { _id: order.merchant, name: 'Hoshi', organization: 'Hoshi', address: '', date: 0, type: 'Internet' },
      meta: { source: 'subscribe', owner: order.merchant },
    };
  }
}

const PHASES = { created: 0, checking: 1, failed: 50, cancelling: 21, cancelled: 50 } as const;

function progressOf({ status, state, money }: TransactionRecord): SimPaymeReceipt['state'] {
  if (status === 'paid') return 4;
  if (status === 'failed' || status === 'refunded') return 50;
  if (state === 0) return 1;
  if (money === 'none') return 2;
  return status === 'unclear' ? 30 : 3;
}
