import { completeOptions } from '../options.ts';
import { type Received, type Sent, TestServer } from '../test-server.ts';
import { signRequest } from './sign.ts';

const { clickSecretKey, clickServiceId, clickMerchantId } = completeOptions({});

export type Fields = Record<string, string>;
export type ShopAnswer = Record<string, unknown>;
type Prepared = { id: string; order: string; state: 'prepared' | 'paid' | 'cancelled' };

/** A small merchant that keeps to Click's SHOP API, unless a test makes it do otherwise. */
export class TestMerchant {
  /** Orders with their amounts in so'm. */
  readonly orders = new Map<string, number>([
    ['197', 500],
    ['198', 38_400.5],
  ]);
  readonly prepared = new Map<string, Prepared>();
  readonly calls: Fields[] = [];
  /** Takes the place of the answer when it gives one. */
  override: (fields: Fields, honest: () => ShopAnswer) => ShopAnswer | { raw: Sent } | undefined = () => undefined;
  server!: TestServer;

  static async start(): Promise<TestMerchant> {
    const merchant = new TestMerchant();
    merchant.server = await TestServer.start((received) => merchant.#receive(received));
    return merchant;
  }

  /** A pay link of this merchant. */
  link(order: string, amount = '500.00', more: Record<string, string> = {}): string {
    const query = {
      service_id: clickServiceId,
      merchant_id: clickMerchantId,
      amount,
      transaction_param: order,
      ...more,
    };
    return `https://my.click.uz/services/pay/?${new URLSearchParams(query)}`;
  }

  named(action: 'Prepare' | 'Complete'): Fields[] {
    return this.calls.filter((call) => call['action'] === (action === 'Prepare' ? '0' : '1'));
  }

  #receive({ headers, body, path }: Received): Sent {
    if (path !== '/api/v1/payment/webhooks/click') return { status: 404, body: '' };
    if (headers['content-type'] !== 'application/x-www-form-urlencoded') return { status: 415, body: '' };
    const fields = Object.fromEntries(new URLSearchParams(body));
    this.calls.push(fields);
    const honest = (): ShopAnswer => this.#answer(fields);
    const answer = this.override(fields, honest) ?? honest();
    if ('raw' in answer) return answer['raw'] as Sent;
    // Ids are echoed digit by digit, whatever their size.
    return { body: JSON.stringify(answer).replace('"@id"', fields['click_trans_id'] ?? '0') };
  }

  #answer(fields: Fields): ShopAnswer {
    const signed = { ...fields, action: fields['action'] as '0' | '1' } as Parameters<typeof signRequest>[0];
    if (fields['sign_string'] !== signRequest(signed, clickSecretKey)) return refuse(-1);
    const order = fields['merchant_trans_id'] ?? '';
    if (!this.orders.has(order)) return refuse(-5);
    if (Number(fields['amount']) !== this.orders.get(order)) return refuse(-2);
    const answer = fields['action'] === '0' ? this.#prepare(fields, order) : this.#complete(fields);
    return { click_trans_id: '@id', merchant_trans_id: order, ...answer };
  }

  #prepare(fields: Fields, order: string): ShopAnswer {
    const id = fields['click_trans_id'] ?? '';
    const known = this.prepared.get(id);
    if (known?.state === 'paid') return refuse(-4);
    if (known?.state === 'cancelled') return refuse(-9);
    if (known === undefined) {
      if ([...this.prepared.values()].some((one) => one.order === order && one.state === 'paid')) return refuse(-4);
      this.prepared.set(id, { id: String(701 + this.prepared.size), order, state: 'prepared' });
    }
    return { merchant_prepare_id: Number(this.prepared.get(id)?.id), error: 0, error_note: 'Success' };
  }

  #complete(fields: Fields): ShopAnswer {
    const prepared = this.prepared.get(fields['click_trans_id'] ?? '');
    if (prepared === undefined || prepared.id !== fields['merchant_prepare_id']) return refuse(-6);
    if (Number(fields['error']) < 0) {
      if (prepared.state === 'prepared') prepared.state = 'cancelled';
      return refuse(-9);
    }
    if (prepared.state === 'paid') return refuse(-4);
    if (prepared.state === 'cancelled') return refuse(-9);
    prepared.state = 'paid';
    return { merchant_confirm_id: Number(prepared.id), error: 0, error_note: 'Success' };
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

export function refuse(error: number): ShopAnswer {
  return { error, error_note: `error ${error}` };
}
