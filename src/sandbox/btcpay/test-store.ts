import type { SimBtcpayDelivery, SimBtcpayInvoice } from '../control-crypto.ts';
import { completeOptions } from '../options.ts';
import { Bench } from '../test-bench.ts';
import { type Received, type Sent, TestServer } from '../test-server.ts';

export const { btcpayApiKey, btcpayStoreId, btcpayWebhookSecret } = completeOptions({});

// biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes, each of which its test knows.
type Json = any;
export type ApiReply = { status: number; body: Json };

/** An application that uses the one store of the sandbox and listens to its webhook. */
export class TestStore {
  readonly server: TestServer;
  bench!: Bench;
  /** What the webhook is answered with. */
  answer: (received: Received, count: number) => Sent | Promise<Sent> = () => ({ body: '' });

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(options: { stateDir?: string; retryScale?: number } = {}): Promise<TestStore> {
    let own: TestStore | undefined;
    const server = await TestServer.start((received) => own?.answer(received, own.server.received.length) ?? null);
    own = new TestStore(server);
    own.bench = await Bench.start({ appUrl: server.url, ...options });
    return own;
  }

  /** Bodies of the webhooks so far. */
  get events(): Json[] {
    return this.server.received.map(({ body }) => JSON.parse(body));
  }

  /** Types of the events of an invoice, in the order of their arrival. */
  types(invoiceId: string): string[] {
    return this.events.filter((event) => event.invoiceId === invoiceId).map((event) => event.type);
  }

  async call(verb: string, path: string, body?: unknown, key: string | null = btcpayApiKey): Promise<ApiReply> {
    const response = await fetch(`${this.bench.sandbox.url}/btcpay/api/v1/${path}`, {
      method: verb,
      headers: {
        ...(key === null ? {} : { authorization: `token ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** The body of a call that must succeed. */
  async get(verb: string, path: string, body?: unknown): Promise<Json> {
    const reply = await this.call(verb, path, body);
    if (reply.status !== 200) throw new Error(`${verb} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** An invoice of 0.001 BTC unless the test says otherwise. */
  create(fields: Record<string, unknown> = {}): Promise<Json> {
    const invoice = { amount: '97.5', currency: 'USD', metadata: { orderId: 'pay_01' }, ...fields };
    return this.get('POST', `stores/${btcpayStoreId}/invoices`, invoice);
  }

  pay(url: string, given: Record<string, unknown> = {}): Promise<SimBtcpayInvoice> {
    return this.bench.sim('POST', '/btcpay/pay', { url, ...given });
  }

  act(id: string, action: 'confirm' | 'drop' | 'mark', body?: unknown): Promise<SimBtcpayInvoice> {
    return this.bench.sim('POST', `/btcpay/invoices/${id}/${action}`, body);
  }

  /** Newest first. */
  deliveries(): Promise<SimBtcpayDelivery[]> {
    return this.bench.sim('GET', '/btcpay/deliveries');
  }

  /** Resolves when every delivery so far has been sent, whatever came of it. */
  async allSent(): Promise<void> {
    await this.bench.until(async () => (await this.deliveries()).every(({ status }) => status !== 'Pending'));
  }

  /** Resolves when the webhook of the application was called so many times. */
  async received(count: number): Promise<void> {
    await this.bench.until(async () => {
      await this.deliveries();
      return this.server.received.length >= count;
    });
  }

  fault(fault: Record<string, unknown>): Promise<unknown> {
    return this.bench.sim('PUT', '/faults', { btcpay: { remaining: 1, ...fault } });
  }

  async close(): Promise<void> {
    await this.bench.close();
    await this.server.close();
  }
}
