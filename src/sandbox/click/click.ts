import type { SimClickPayResult } from '../control-payme-click.ts';
import { SimError } from '../errors.ts';
import type { Language, Surroundings } from '../surroundings.ts';
import { CardTokens } from './card-tokens.ts';
import { LinkError, type Order, readLink } from './link.ts';
import { MerchantApi } from './merchant-api.ts';
import { MerchantClient } from './merchant-client.ts';
import { Payments } from './payments.ts';
import { type Outcome, type PaymentRecord, present, World } from './world.ts';

/** What a payer, or a test, can make of a payment. */
export type OutcomeName = 'paid' | 'insufficient_funds' | 'cancelled' | 'lost_answer' | 'error' | 'stop_after_prepare';

type PayForm = {
  url: string;
  outcome: OutcomeName;
  error?: number | undefined;
  cardType?: 'uzcard' | 'humo' | undefined;
  isLarge?: boolean | undefined;
};

/** The simulated Click: a pay page, the SHOP API's caller, and its Merchant API. */
export class Click {
  readonly world: World;
  readonly payments: Payments;
  readonly cardTokens: CardTokens;
  readonly merchantApi: MerchantApi;
  readonly #surroundings: Surroundings;
  readonly #client: MerchantClient;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.world = new World(surroundings.store);
    this.#client = new MerchantClient(surroundings);
    this.payments = new Payments(surroundings, this.world, this.#client);
    this.cardTokens = new CardTokens(surroundings, this.world, this.payments);
    this.merchantApi = new MerchantApi(surroundings, this.world, this.cardTokens);
  }

  /** After the store was read: goes on where the last run stopped. */
  wake(): void {
    this.world.wake();
    this.payments.wake();
  }

  reset(): void {
    this.world.reset();
  }

  close(): void {
    this.#client.outgoing.close();
  }

  /** Resolves when nothing is under way, or after `limitMs` of real time. */
  async settled(limitMs: number): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, limitMs).unref());
    await Promise.race([this.payments.allFinished(), limit]);
  }

  /** Reads the query of a pay link. @throws LinkError */
  readLink(query: URLSearchParams): Order {
    const { clickServiceId: serviceId, clickMerchantId: merchantId } = this.#surroundings.options;
    return readLink(query, { serviceId, merchantId });
  }

  /** Starts a payment that ends as wished. */
  start(
    order: Order,
    wish: { outcome: OutcomeName; language: Language; error?: number; isLarge?: boolean },
  ): PaymentRecord {
    const { language, isLarge } = wish;
    return this.payments.start({ order, outcome: toOutcome(wish.outcome, wish.error), language, isLarge });
  }

  /** A whole visit: opens the link, pays, and waits for the end. */
  async pay({ url, outcome, error, cardType, isLarge }: PayForm): Promise<SimClickPayResult> {
    let order: Order;
    try {
      order = this.readLink(queryOf(url));
    } catch (problem) {
      if (!(problem instanceof LinkError)) throw problem;
      return {
        status: 'refused',
        error: { code: -8, message: problem.message, data: problem.field },
        payment: null,
        steps: [],
      };
    }
    const { click_trans_id: id } = this.start(withCardType(order, cardType), {
      outcome,
      language: 'en',
      ...(error === undefined ? {} : { error }),
      ...(isLarge === undefined ? {} : { isLarge }),
    });
    await this.payments.finished(id);
    const payment = this.payments.get(id);
    return {
      status: payment.status,
      ...(payment.error === undefined ? {} : { error: payment.error }),
      payment: present(payment),
      steps: payment.steps,
      ...(order.return_url === undefined ? {} : { redirect_url: order.return_url }),
    };
  }
}

function withCardType(order: Order, cardType: PayForm['cardType']): Order {
  return cardType === undefined ? order : { ...order, card_type: cardType };
}

function toOutcome(name: OutcomeName, error: number | undefined): Outcome {
  switch (name) {
    case 'paid':
    case 'lost_answer':
    case 'stop_after_prepare':
      return { kind: name };
    case 'insufficient_funds':
      return { kind: 'not_paid', error: -5017, note: 'Insufficient funds' };
    case 'cancelled':
      return { kind: 'not_paid', error: -1, note: 'Cancelled by the payer' };
    case 'error':
      if (error === undefined) throw new SimError(400, 'ERROR_MISSING', 'Outcome "error" needs a negative error.');
      return { kind: 'not_paid', error, note: 'Processing error' };
  }
}

function queryOf(url: string): URLSearchParams {
  return URL.canParse(url) ? new URL(url).searchParams : new URLSearchParams(url.replace(/^[^?]*\?/, ''));
}
