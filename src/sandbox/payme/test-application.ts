import { completeOptions } from '../options.ts';

const { paymeMerchantId, paymeKey } = completeOptions({});

/** X-Auth of a page and of a server. */
export const PAGE = paymeMerchantId;
export const SERVER = `${paymeMerchantId}:${paymeKey}`;

export const GOOD = '8600495473316478';
export const CARDS = {
  noSms: '8600060921090842',
  expired: '3333336415804657',
  blocked: '4444445987459073',
  unknownError: '8600143417770323',
  slow: '8600134301849596',
};

export type Wire = { status: number; headers: Headers; text: string };
export type Rpc = {
  id: unknown;
  jsonrpc: string;
  result: unknown;
  error: { code: number; message: string; data?: string };
};
export type WireCard = { number: string; expire: string; token: string; recurrent: boolean; verify: boolean };
export type WireReceipt = Record<string, unknown> & { _id: string; state: number };

/** The application's side of the Subscribe API, for tests. */
export class TestApplication {
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
  }

  post = async (body: string, headers: Record<string, string> = {}): Promise<Wire> => {
    const response = await fetch(`${this.#url()}/payme/api`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  call = async (method: string, params: unknown, auth = SERVER): Promise<Rpc> => {
    const { status, text } = await this.post(JSON.stringify({ id: 7, method, params }), { 'x-auth': auth });
    if (status !== 200) throw new Error(`${method}: HTTP ${status}`);
    return JSON.parse(text) as Rpc;
  };

  /** The result of a call that must succeed. */
  ask = async <T>(method: string, params: unknown, auth?: string): Promise<T> => {
    const { result, error } = await this.call(method, params, auth);
    if (error !== undefined) throw new Error(`${method}: ${error.code} ${error.message}`);
    return result as T;
  };

  /** The code of a call that must fail. */
  refused = async (method: string, params: unknown, auth?: string): Promise<number> => {
    return (await this.call(method, params, auth)).error.code;
  };

  create = async (number = GOOD, save = true): Promise<WireCard> => {
    const params = { card: { number, expire: '0399' }, save };
    return (await this.ask<{ card: WireCard }>('cards.create', params, PAGE)).card;
  };

  /** A verified card. */
  store = async (number = GOOD, save = true): Promise<WireCard> => {
    const { token } = await this.create(number, save);
    await this.ask('cards.get_verify_code', { token }, PAGE);
    return (await this.ask<{ card: WireCard }>('cards.verify', { token, code: '666666' }, PAGE)).card;
  };

  /** A receipt that waits to be paid. */
  bill = async (order = '197', amount = 50_000): Promise<WireReceipt> => {
    const params = { amount, account: { order_id: order }, description: 'Pro' };
    return (await this.ask<{ receipt: WireReceipt }>('receipts.create', params)).receipt;
  };

  pay = async ({ _id: id }: WireReceipt, token: string): Promise<WireReceipt> => {
    return (await this.ask<{ receipt: WireReceipt }>('receipts.pay', { id, token })).receipt;
  };

  stateOf = async ({ _id: id }: WireReceipt): Promise<number> => {
    return (await this.ask<{ state: number }>('receipts.check', { id })).state;
  };
}
