import type { SimCryptoPayPayResult } from '../control-crypto.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { CryptoPayApi } from './api.ts';
import { Balances } from './balances.ts';
import { Invoices, type Payment } from './invoices.ts';
import { Transfers } from './transfers.ts';
import { Webhooks } from './webhooks.ts';
import { hashOf, presentDelivery, presentInvoice } from './wire.ts';
import { type InvoiceRecord, World } from './world.ts';

/** The simulated Crypto Pay (@CryptoBot): its API, its pay page, its webhooks and its books. */
export class CryptoPay {
  readonly world: World;
  readonly balances: Balances;
  readonly invoices: Invoices;
  readonly transfers: Transfers;
  readonly webhooks: Webhooks;
  readonly api: CryptoPayApi;

  /** `knows` says whether a Telegram user has opened the bot, and so can be paid. */
  constructor(surroundings: Surroundings, knows: (userId: number) => boolean) {
    this.world = new World(surroundings.store);
    this.balances = new Balances(this.world);
    this.webhooks = new Webhooks(surroundings, this.world);
    this.invoices = new Invoices(surroundings, this.world, this.balances, this.webhooks);
    this.transfers = new Transfers(surroundings, this.world, this.balances, knows);
    this.api = new CryptoPayApi(surroundings, this);
  }

  /** After the store was read: goes on where the last run stopped. */
  wake(): void {
    this.webhooks.wake();
  }

  reset(): void {
    this.world.reset();
  }

  close(): void {
    this.webhooks.outgoing.close();
  }

  /** Resolves when nothing is being sent, or after `limitMs` of real time. */
  async settled(limitMs: number): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, limitMs).unref());
    await Promise.race([this.webhooks.allSent(), limit]);
  }

  /** The invoice that any of its links names. @throws SimError */
  find(url: string): InvoiceRecord {
    const invoice = this.world.findByHash(hashOf(url));
    if (invoice === undefined) throw new SimError(404, 'INVOICE_NOT_FOUND', 'This link names no invoice.');
    return this.invoices.refresh(invoice);
  }

  /** A whole visit: opens the link, pays, and waits until the application was told once. */
  async pay(url: string, payment: Payment): Promise<SimCryptoPayPayResult> {
    const invoice = this.find(url);
    const delivery = this.invoices.pay(invoice, payment);
    await this.webhooks.sent(delivery.id);
    return {
      invoice: presentInvoice(invoice),
      delivery: presentDelivery(delivery),
      ...(invoice.paid_btn_url === undefined ? {} : { paid_btn_url: invoice.paid_btn_url }),
    };
  }
}
