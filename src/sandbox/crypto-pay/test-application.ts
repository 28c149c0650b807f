import type { SimCryptoPayDelivery, SimCryptoPayInvoice, SimCryptoPayPayResult } from '../control-crypto.ts';
import { completeOptions } from '../options.ts';
import { Bench } from '../test-bench.ts';
import { type Received, type Sent, TestServer } from '../test-server.ts';

export const { cryptoPayToken } = completeOptions({});

export type ApiReply = {
  status: number;
  ok: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: results of thirteen methods, each of which its test knows.
  result: any;
  error?: { code: number; name: string };
};

/** An application that asks Crypto Pay and is told of payments. */
export class TestApplication {
  readonly server: TestServer;
  bench!: Bench;
  /** What the webhook is answered with. */
  answer: (received: Received, count: number) => Sent = () => ({ body: '' });

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(options: { stateDir?: string; retryScale?: number } = {}): Promise<TestApplication> {
    let own: TestApplication | undefined;
    const server = await TestServer.start((received) => own?.answer(received, own.server.received.length) ?? null);
    own = new TestApplication(server);
    own.bench = await Bench.start({ appUrl: server.url, ...options });
    return own;
  }

  /** Bodies of the webhooks so far. */
  get updates(): Record<string, unknown>[] {
    return this.server.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  }

  async call(method: string, args: Record<string, unknown> = {}, token = cryptoPayToken): Promise<ApiReply> {
    const response = await fetch(`${this.bench.sandbox.url}/crypto-pay/api/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'crypto-pay-api-token': token },
      body: JSON.stringify(args),
    });
    return { status: response.status, ...((await response.json()) as Omit<ApiReply, 'status'>) };
  }

  /** The result of a call that must succeed. */
  async result(method: string, args: Record<string, unknown> = {}): Promise<ApiReply['result']> {
    const reply = await this.call(method, args);
    if (!reply.ok) throw new Error(`${method}: ${reply.status} ${reply.error?.name}`);
    return reply.result;
  }

  /** Name of the error of a call that must be refused. */
  async refusal(method: string, args: Record<string, unknown> = {}): Promise<string> {
    const { status, ok, error } = await this.call(method, args);
    return ok ? 'accepted' : `${status} ${error?.name}`;
  }

  /** An invoice of 29.99 dollars, payable in every coin, unless the test says otherwise. */
  createInvoice(args: Record<string, unknown> = {}): Promise<SimCryptoPayInvoice> {
    const price = { currency_type: 'fiat', fiat: 'USD', amount: '29.99', accepted_assets: 'USDT,TON,BTC,ETH' };
    return this.result('createInvoice', { ...price, payload: 'pay_01', ...args });
  }

  pay(url: string, given: Record<string, unknown> = {}): Promise<SimCryptoPayPayResult> {
    return this.bench.sim('POST', '/crypto-pay/pay', { url, ...given });
  }

  /** Resolves when the application has taken the delivery. */
  async delivered(id: number): Promise<void> {
    await this.bench.until(async () => {
      const deliveries = await this.bench.sim<SimCryptoPayDelivery[]>('GET', '/crypto-pay/deliveries');
      return deliveries.some((delivery) => delivery.id === id && delivery.status === 'delivered');
    });
  }

  fault(fault: Record<string, unknown>): Promise<unknown> {
    return this.bench.sim('PUT', '/faults', { 'crypto-pay': { remaining: 1, ...fault } });
  }

  async close(): Promise<void> {
    await this.bench.close();
    await this.server.close();
  }
}
