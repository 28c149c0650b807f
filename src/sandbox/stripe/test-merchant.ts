import Stripe from 'stripe';
import type { SimStripePayment, SimStripePayResult } from '../control-stripe.ts';
import { completeOptions } from '../options.ts';
import type { Bench } from '../test-bench.ts';
import { type Received, type Sent, TestServer } from '../test-server.ts';

export const { stripeSecretKey: SECRET_KEY, stripeWebhookSecret: WEBHOOK_SECRET } = completeOptions({});
const PATH = '/api/v1/payment/webhooks/stripe';

/** An application that takes every event and checks its signature with the real SDK. */
export class TestMerchant {
  readonly server: TestServer;
  /** Those with a good signature, in the order of their arrival. */
  readonly events: Stripe.Event[] = [];
  /** What was refused, and why. */
  readonly refused: string[] = [];
  /** Overrides the answer to one event. */
  override: (event: Stripe.Event) => Sent | undefined | Promise<Sent | undefined> = () => undefined;

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(): Promise<TestMerchant> {
    let merchant: TestMerchant | undefined;
    const server = await TestServer.start((received) => merchant?.take(received) ?? null);
    merchant = new TestMerchant(server);
    return merchant;
  }

  private async take({ path, headers, body }: Received): Promise<Sent> {
    if (path !== PATH) return { status: 404, body: '' };
    try {
      const event = Stripe.webhooks.constructEvent(body, String(headers['stripe-signature']), WEBHOOK_SECRET);
      this.events.push(event);
      const answer = await this.override(event);
      return answer === undefined ? { status: 200, body: '{}' } : answer;
    } catch (error) {
      this.refused.push(String(error));
      return { status: 400, body: '' };
    }
  }

  /** Types in the order of their arrival. */
  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  named<Type extends Stripe.Event.Type>(type: Type): Stripe.Event[] {
    return this.events.filter((event) => event.type === type);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

/** The real SDK against the sandbox. */
export function connect(bench: Bench, send: typeof fetch = fetch, key = SECRET_KEY): Stripe {
  const { hostname, port } = new URL(bench.sandbox.url);
  return new Stripe(key, {
    host: hostname,
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(send),
  });
}

/** A session of ¥980 that leads back to the shop. */
export function order(change: Stripe.Checkout.SessionCreateParams = {}): Stripe.Checkout.SessionCreateParams {
  return {
    mode: 'payment',
    ui_mode: 'hosted_page',
    locale: 'ja',
    line_items: [
      { quantity: 1, price_data: { currency: 'jpy', unit_amount: 980, product_data: { name: 'Pro プラン' } } },
    ],
    client_reference_id: 'inv_1',
    metadata: { invoice: 'inv_1' },
    payment_intent_data: { metadata: { invoice: 'inv_1' } },
    success_url: 'https://shop.test/done?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'https://shop.test/cancelled',
    ...change,
  };
}

/** The parameters of a session paid by bank transfer. */
export function transferOrder(customer: string): Stripe.Checkout.SessionCreateParams {
  return order({
    customer,
    allowed_payment_method_types: ['customer_balance'],
    payment_method_options: {
      customer_balance: { funding_type: 'bank_transfer', bank_transfer: { type: 'jp_bank_transfer' } },
    },
  });
}

export function pay(
  bench: Bench,
  session: Stripe.Checkout.Session,
  wish: Record<string, unknown> = {},
): Promise<SimStripePayResult> {
  return bench.sim('POST', '/stripe/pay', { url: session.url, ...wish });
}

export function readPayment(bench: Bench, id: string | null): Promise<SimStripePayment> {
  return bench.sim('GET', `/stripe/payments/${id}`);
}
