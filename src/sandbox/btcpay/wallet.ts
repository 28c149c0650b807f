import { createHash, randomBytes } from 'node:crypto';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { accountingOf, coinText, coinUnits, promptOf } from './amounts.ts';
import type { Invoices } from './invoices.ts';
import { confirmationsNeeded } from './status.ts';
import { presentPayment } from './wire.ts';
import type { InvoiceRecord, MethodId, PaymentRecord } from './world.ts';

const TENTH = 10n;

export type Sending = {
  method?: MethodId | undefined;
  /** BTC; else by outcome. */
  amount?: string | undefined;
  outcome?: 'exact' | 'under' | 'over' | undefined;
  confirmations?: number | undefined;
  isRbf?: boolean | undefined;
};

/** The buyer's wallet and the chain: payments to an invoice, blocks on top of them, replacements. */
export class Wallet {
  readonly #surroundings: Surroundings;
  readonly #invoices: Invoices;

  constructor(surroundings: Surroundings, invoices: Invoices) {
    this.#surroundings = surroundings;
    this.#invoices = invoices;
  }

  /** Sends coins to the invoice. @throws SimError */
  send(invoice: InvoiceRecord, sending: Sending): InvoiceRecord {
    this.#invoices.watch(invoice);
    const nowMs = this.#surroundings.clock.nowMs();
    if (invoice.monitoring_until_ms < nowMs) {
      throw new SimError(409, 'NOT_WATCHED', 'BTCPay no longer watches this address: it would notice nothing.');
    }
    const method = sending.method ?? invoice.default_method;
    const prompt = promptOf(invoice, method);
    if (prompt === undefined) throw new SimError(400, 'METHOD_NOT_OFFERED', `The invoice offers no ${method}.`);
    const { due } = accountingOf(invoice, prompt);
    const value = sending.amount === undefined ? amountFor(sending.outcome ?? 'exact', due) : coinUnits(sending.amount);
    if (value <= 0n) throw new SimError(400, 'AMOUNT_INVALID', 'Nothing is due: name an amount above 0.');
    const payment: PaymentRecord = {
      id: method === 'BTC-LN' ? hash() : `${hash()}-0`,
      payment_method_id: method,
      value: coinText(value),
      status: 'Processing',
      confirmations: 0,
      is_rbf: method === 'BTC-CHAIN' && sending.isRbf === true,
      received_at_ms: nowMs,
      destination: prompt.destination,
    };
    invoice.payments.push(payment);
    // What is settled at once is announced as settled first (PaymentService.AddPayment).
    if (confirmationsNeeded(invoice, payment) === 0) this.#settle(invoice, payment);
    this.#announce(invoice, payment, 'InvoiceReceivedPayment');
    this.#follow(invoice);
    return sending.confirmations ? this.confirm(invoice, sending.confirmations) : invoice;
  }

  /** Finds blocks on top of all payments that are not replaced. */
  confirm(invoice: InvoiceRecord, blocks: number): InvoiceRecord {
    for (const payment of invoice.payments) {
      if (payment.status === 'Invalid' || payment.payment_method_id === 'BTC-LN') continue;
      payment.confirmations += blocks;
      const isEnough = payment.confirmations >= confirmationsNeeded(invoice, payment);
      if (payment.status === 'Processing' && isEnough) this.#settle(invoice, payment);
    }
    return this.#follow(invoice);
  }

  /** The sender replaces the last payment without a confirmation by one that pays somebody else. @throws SimError */
  drop(invoice: InvoiceRecord): InvoiceRecord {
    const payment = invoice.payments.findLast(
      ({ status, confirmations }) => status === 'Processing' && confirmations === 0,
    );
    if (payment === undefined) {
      throw new SimError(409, 'NOTHING_TO_DROP', 'There is no payment without a confirmation.');
    }
    payment.status = 'Invalid';
    return this.#follow(invoice);
  }

  #follow(invoice: InvoiceRecord): InvoiceRecord {
    this.#invoices.save(invoice);
    return this.#invoices.watch(invoice);
  }

  #settle(invoice: InvoiceRecord, payment: PaymentRecord): void {
    payment.status = 'Settled';
    this.#announce(invoice, payment, 'InvoicePaymentSettled');
  }

  #announce(invoice: InvoiceRecord, payment: PaymentRecord, type: string): void {
    this.#invoices.announce(invoice, type, {
      afterExpiration: invoice.status === 'Expired' || invoice.status === 'Invalid',
      paymentMethodId: payment.payment_method_id,
      payment: presentPayment(payment),
    });
  }
}

function amountFor(outcome: 'exact' | 'under' | 'over', due: bigint): bigint {
  if (outcome === 'under') return due / 2n;
  return outcome === 'over' ? due + (due > TENTH ? due / TENTH : 1n) : due;
}

function hash(): string {
  return createHash('sha256').update(randomBytes(32)).digest('hex');
}
