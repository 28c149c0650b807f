import type { SimBtcpayInvoice } from '../control-crypto.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { makeAddress, makeLightningInvoice } from './address.ts';
import { Invoices } from './invoices.ts';
import { Payouts } from './payouts.ts';
import { Refunds } from './refunds.ts';
import { Invalid, Refusal } from './refusal.ts';
import { type Sending, Wallet } from './wallet.ts';
import { Webhooks } from './webhooks.ts';
import { showInvoice } from './wire.ts';
import { type InvoiceRecord, type MethodId, type PayoutRecord, type PullPaymentRecord, World } from './world.ts';

/** The simulated BTCPay Server: one store, its invoices, refunds, payouts and webhooks, and the buyers' wallet. */
export class Btcpay {
  readonly world: World;
  readonly webhooks: Webhooks;
  readonly invoices: Invoices;
  readonly wallet: Wallet;
  readonly refunds: Refunds;
  readonly payouts: Payouts;

  constructor(surroundings: Surroundings) {
    this.world = new World(surroundings.store);
    this.webhooks = new Webhooks(surroundings, this.world);
    this.invoices = new Invoices(surroundings, this.world, this.webhooks);
    this.wallet = new Wallet(surroundings, this.invoices);
    this.refunds = new Refunds(surroundings, this.world, this.invoices);
    this.payouts = new Payouts(surroundings, this.world, this.webhooks);
  }

  /** After the store was read: goes on where the last run stopped. */
  wake(): void {
    this.webhooks.wake();
    this.invoices.wake();
  }

  reset(): void {
    this.webhooks.forget();
    this.world.reset();
    this.webhooks.ensureFirst();
  }

  close(): void {
    this.webhooks.outgoing.close();
  }

  /** Resolves when no webhook is being sent, or after `limitMs` of real time. */
  async settled(limitMs: number): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, limitMs).unref());
    await Promise.race([this.webhooks.quiet(), limit]);
  }

  /** The invoice of a checkout link, on whatever host, or of an id. @throws SimError */
  find(url: string): InvoiceRecord {
    const id = /(?:\/i\/|^)(\w+)(?:[?#].*)?$/.exec(url)?.[1] ?? '';
    return this.invoices.get(id);
  }

  /** A buyer pays; answers when the webhooks are out. @throws SimError */
  async pay(url: string, sending: Sending): Promise<SimBtcpayInvoice> {
    const invoice = this.wallet.send(this.find(url), sending);
    await this.webhooks.quiet();
    return showInvoice(invoice);
  }

  /** A buyer claims a refund, with a fresh address of their wallet unless they name one. @throws SimError */
  claim(
    id: string,
    given: { destination?: string | undefined; amount?: string | undefined; method?: MethodId | undefined },
  ): PayoutRecord {
    const pullPayment = this.world.pullPayments.get(id);
    if (pullPayment === undefined) throw new SimError(404, 'PULL_PAYMENT_NOT_FOUND', `There is no pull payment ${id}.`);
    const method = given.method ?? pullPayment.methods[0] ?? 'BTC-CHAIN';
    const destination = given.destination ?? (method === 'BTC-LN' ? makeLightningInvoice() : makeAddress());
    const amount = given.amount === undefined ? {} : { amount: given.amount };
    return explaining(() => this.payouts.claim(pullPayment, { destination, payoutMethodId: method, ...amount }));
  }

  /** What the merchant does with a payout in the cabinet. @throws SimError */
  handlePayout(id: string, action: 'approve' | 'start' | 'complete' | 'cancel'): PayoutRecord {
    const payout = this.world.payouts.get(id);
    if (payout === undefined) throw new SimError(404, 'PAYOUT_NOT_FOUND', `There is no payout ${id}.`);
    return explaining(() => {
      if (action === 'cancel') return this.payouts.cancel(payout);
      if (action === 'approve') return this.payouts.approve(payout, payout.revision);
      if (payout.state === 'AwaitingApproval') this.payouts.approve(payout, payout.revision);
      return this.payouts.mark(payout, action === 'start' ? 'InProgress' : 'Completed', null);
    });
  }

  /** Nobody can claim it any more; claims that are not paid are cancelled. */
  archivePullPayment(pullPayment: PullPaymentRecord): void {
    pullPayment.is_archived = true;
    this.world.pullPayments.touch(pullPayment.id);
    for (const payout of this.world.payoutsOf(pullPayment.id)) {
      if (['AwaitingApproval', 'AwaitingPayment'].includes(payout.state)) this.payouts.cancel(payout);
    }
  }
}

/** Refusals of the API as refusals to a person. */
function explaining<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal) throw new SimError(409, error.code ?? 'REFUSED', error.message);
    if (error instanceof Invalid)
      throw new SimError(400, 'INVALID', error.problems.map(({ message }) => message).join(' '));
    throw error;
  }
}
