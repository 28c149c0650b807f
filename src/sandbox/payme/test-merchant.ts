import { completeOptions } from '../options.ts';
import { type Received, type Sent, TestServer } from '../test-server.ts';

const { paymeKey, paymeMerchantId } = completeOptions({});
const words = (text: string) => ({ ru: `${text} (ru)`, uz: `${text} (uz)`, en: text });

type Kept = {
  id: string;
  time: number;
  amount: number;
  account: { order_id: string };
  create_time: number;
  perform_time: number;
  cancel_time: number;
  transaction: string;
  state: number;
  reason: number | null;
};
type Params = Partial<Kept> & { id: string; from: number; to: number; type: string };
type Rpc = { method: string; params: Params; id: number };
export type RpcAnswer = { result: unknown } | { error: { code: number; message: unknown; data?: string } };

type Override = RpcAnswer | { raw: Sent } | undefined;

/** A small merchant that keeps to Payme's Merchant API, unless a test makes it do otherwise. */
export class TestMerchant {
  readonly orders = new Map<string, number>([
    ['197', 50_000],
    ['198', 1_234_567],
  ]);
  readonly kept = new Map<string, Kept>();
  readonly calls: Rpc[] = [];
  readonly fiscal: Params[] = [];
  /** Takes the place of the answer to a call when it gives one; `null` drops the connection. */
  override: (call: Rpc, honest: () => RpcAnswer) => Override | Promise<Override> = () => undefined;
  nowMs: () => number = Date.now;
  server!: TestServer;

  static async start(): Promise<TestMerchant> {
    const merchant = new TestMerchant();
    merchant.server = await TestServer.start((received) => merchant.#receive(received));
    return merchant;
  }

  /** A pay link of this merchant. */
  link(orderId: string, more = ''): string {
    const text = `m=${paymeMerchantId};ac.order_id=${orderId};a=${this.orders.get(orderId) ?? 50_000}${more}`;
    return `https://checkout.paycom.uz/${Buffer.from(text).toString('base64')}`;
  }

  named(method: string): Rpc[] {
    return this.calls.filter((call) => call.method === method);
  }

  async #receive({ headers, body, path }: Received): Promise<Sent> {
    if (path !== '/api/v1/payment/webhooks/payme') return { status: 404, body: '' };
    let call: Rpc;
    try {
      call = JSON.parse(body) as Rpc;
    } catch {
      return { body: JSON.stringify({ error: { code: -32700, message: words('parse') }, id: null }) };
    }
    this.calls.push(call);
    const isKnown = headers.authorization === `Basic ${Buffer.from(`Paycom:${paymeKey}`).toString('base64')}`;
    const honest = (): RpcAnswer => (isKnown ? this.#answer(call) : refuse(-32504));
    const answer = (await this.override(call, honest)) ?? honest();
    if ('raw' in answer) return answer.raw;
    return { body: JSON.stringify({ ...answer, id: call.id }) };
  }

  #answer({ method, params }: Rpc): RpcAnswer {
    const kept = this.kept.get(params.id);
    if (method === 'CheckPerformTransaction') return this.#check(params) ?? { result: { allow: true } };
    if (method === 'CreateTransaction') return this.#create(params, kept);
    if (method === 'GetStatement') return { result: { transactions: this.#list(params) } };
    if (kept === undefined) return refuse(method === 'SetFiscalData' ? -32001 : -31003);
    if (method === 'PerformTransaction') return this.#perform(kept);
    if (method === 'CancelTransaction') return this.#cancel(kept, Number(params.reason));
    if (method === 'SetFiscalData') {
      this.fiscal.push(params);
      return { result: { success: true } };
    }
    const { id: _id, time: _time, amount: _amount, account: _account, ...state } = kept;
    return { result: state };
  }

  #check({ account, amount }: Params): RpcAnswer | null {
    const order = account?.order_id ?? '';
    if (!this.orders.has(order)) return refuse(-31050, 'order_id');
    if (this.orders.get(order) !== amount) return refuse(-31001);
    if ([...this.kept.values()].some((one) => one.account.order_id === order && one.state > 0)) return refuse(-31008);
    return null;
  }

  #create(params: Params, kept: Kept | undefined): RpcAnswer {
    if (kept === undefined) {
      const refusal = this.#check(params);
      if (refusal !== null) return refusal;
    }
    const { id, time = 0, amount = 0, account = { order_id: '' } } = params;
    const made = kept ?? {
      ...{ id, time, amount, account, state: 1, reason: null },
      ...{ create_time: this.nowMs(), perform_time: 0, cancel_time: 0, transaction: String(5_000 + this.kept.size) },
    };
    this.kept.set(id, made);
    if (made.state !== 1) return refuse(-31008);
    return { result: { create_time: made.create_time, transaction: made.transaction, state: 1 } };
  }

  #perform(kept: Kept): RpcAnswer {
    if (kept.state < 0) return refuse(-31008);
    if (kept.state === 1) Object.assign(kept, { state: 2, perform_time: this.nowMs() });
    return { result: { transaction: kept.transaction, perform_time: kept.perform_time, state: 2 } };
  }

  #cancel(kept: Kept, reason: number): RpcAnswer {
    if (kept.state > 0) Object.assign(kept, { state: -kept.state, cancel_time: this.nowMs(), reason });
    return { result: { transaction: kept.transaction, cancel_time: kept.cancel_time, state: kept.state } };
  }

  #list({ from, to }: Params): Kept[] {
    return [...this.kept.values()].filter(({ time }) => time >= from && time <= to).sort((a, b) => a.time - b.time);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

export function refuse(code: number, data?: string): RpcAnswer {
  return { error: { code, message: words(`error ${code}`), ...(data === undefined ? {} : { data }) } };
}
