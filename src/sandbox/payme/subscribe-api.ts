import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { SimProviderFault } from '../control.ts';
import { readBody, sendJson } from '../http.ts';
import { readLanguage } from '../page.ts';
import type { Language, Surroundings } from '../surroundings.ts';
import type { Receipts } from './receipts.ts';
import { describeError, SubscribeError } from './refusals.ts';
import type { StoredCards } from './stored-cards.ts';

const BODY_LIMIT_BYTES = 64 * 1024;
const DEFAULT_DELAY_MS = 2_000;
const FAULT_KINDS: ReadonlySet<SimProviderFault['kind']> = new Set([
  'lost_answer',
  'lost_request',
  'delay',
  'malformed',
  'http_error',
]);
const rpc = z.object({
  id: z.union([z.int(), z.string(), z.null()]).default(null),
  method: z.string().min(1),
  params: z.record(z.string(), z.unknown()),
});

type Rpc = z.infer<typeof rpc>;
type Method = {
  /** A page may call it with the id of the cash register alone; the others need the key as well. */
  isForPages?: true;
  answer: (params: unknown, language: Language) => object | Promise<object>;
};

/** Payme's Subscribe API at /payme/api: stored cards and receipts, called by the application and by its pages. */
export class SubscribeApi {
  readonly #surroundings: Surroundings;
  readonly #methods: ReadonlyMap<string, Method>;

  constructor(surroundings: Surroundings, cards: StoredCards, receipts: Receipts) {
    this.#surroundings = surroundings;
    this.#methods = new Map<string, Method>([
      ['cards.create', { isForPages: true, answer: (params) => cards.create(params) }],
      ['cards.get_verify_code', { isForPages: true, answer: (params) => cards.sendCode(params) }],
      ['cards.verify', { isForPages: true, answer: (params) => cards.verify(params) }],
      ['cards.check', { answer: (params) => cards.check(params) }],
      ['cards.remove', { answer: (params) => cards.remove(params) }],
      ['receipts.create', { answer: (params, language) => receipts.create(params, language) }],
      ['receipts.pay', { answer: (params, language) => receipts.pay(params, language) }],
      ['receipts.send', { answer: (params) => receipts.send(params) }],
      ['receipts.cancel', { answer: (params) => receipts.cancel(params) }],
      ['receipts.check', { answer: (params) => receipts.check(params) }],
      ['receipts.get', { answer: (params) => receipts.get(params) }],
      ['receipts.get_all', { answer: (params) => receipts.getAll(params) }],
      ['receipts.set_fiscal_data', { answer: (params) => receipts.setFiscalData(params) }],
      ['receipts.confirm_hold', { answer: () => receipts.refuseHold() }],
    ]);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'OPTIONS') return answerPreflight(response);
    const body = (await readBody(request, BODY_LIMIT_BYTES)).toString('utf8');
    const { value, error: malformed } = readRpc(body, request.method);
    const name = value?.method ?? 'api';
    const { traffic, faults } = this.#surroundings;
    const mark = traffic.begin('from_bot', name, describeCall(request, body), 'payme');
    const fault = faults.takeForProvider('payme', name, FAULT_KINDS);
    if (fault?.kind === 'lost_request') {
      mark.end('no_answer', '');
      response.destroy();
      return;
    }
    const isDown = fault?.kind === 'http_error';
    const answer = isDown ? {} : await this.#answer(request, value, malformed);
    // A late answer is late only: what was asked for is under way already.
    if (fault?.kind === 'delay') await sleep(fault.delay_ms ?? DEFAULT_DELAY_MS, undefined, { ref: false });
    const whole = JSON.stringify({ jsonrpc: '2.0', id: value?.id ?? null, ...answer });
    const json = fault?.kind === 'malformed' ? whole.slice(0, whole.length / 2) : whole;
    const status = isDown ? (fault.http_status ?? 500) : 200;
    mark.end(fault?.kind === 'lost_answer' ? 'no_answer' : status, json);
    if (fault?.kind === 'lost_answer') response.destroy();
    else sendJson(response, status, json, this.#isForPages(name) ? { 'access-control-allow-origin': '*' } : {});
  }

  #isForPages(name: string): boolean {
    return this.#methods.get(name)?.isForPages === true;
  }

  async #answer(
    request: IncomingMessage,
    call: Rpc | undefined,
    malformed: SubscribeError | undefined,
  ): Promise<object> {
    const language = readLanguage(request.headers['accept-language']) ?? 'ru';
    try {
      if (call === undefined) throw malformed;
      const method = this.#methods.get(call.method);
      this.#authorize(request, method?.isForPages === true);
      if (method === undefined) throw new SubscribeError('method_unknown', call.method);
      return { result: await method.answer(call.params, language) };
    } catch (error) {
      return { error: describeError(asRefusal(error), language, this.#surroundings.faults.current) };
    }
  }

  /** `X-Auth: {id}` from a page, `{id}:{key}` from a server. */
  #authorize(request: IncomingMessage, isForPages: boolean): void {
    const { paymeMerchantId, paymeKey } = this.#surroundings.options;
    const [id, key, ...more] = String(request.headers['x-auth'] ?? '').split(':');
    if (id !== '' && id !== paymeMerchantId) throw new SubscribeError('register_unknown');
    const isPage = key === undefined && isForPages;
    if (id === '' || more.length > 0 || !(isPage || key === paymeKey)) throw new SubscribeError('not_allowed');
  }
}

/** Preflights name no RPC method, so each is answered; only the answers to a page's methods can be read by it. */
function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-allow-headers': 'X-Auth, Content-Type, Cache-Control',
    'access-control-max-age': '600',
  });
  response.end();
}

function readRpc(body: string, verb: string | undefined): { value?: Rpc; error?: SubscribeError } {
  if (verb !== 'POST') return { error: new SubscribeError('not_post') };
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { error: new SubscribeError('not_json') };
  }
  const parsed = rpc.safeParse(json);
  return parsed.success ? { value: parsed.data } : { error: new SubscribeError('not_rpc') };
}

function asRefusal(error: unknown): SubscribeError {
  if (error instanceof SubscribeError) return error;
  if (error instanceof z.ZodError) return new SubscribeError('params_wrong', error.issues[0]?.path.join('.'));
  throw error;
}

/** For the wire log: without the key, and with card numbers masked as Payme masks them. */
function describeCall(request: IncomingMessage, body: string): string {
  const auth = String(request.headers['x-auth'] ?? '').replace(/:.*$/s, ':•••');
  const masked = body.replace(/("number"\s*:\s*")((?:\d ?){6})[\d ]*((?:\d ?){4}")/g, '$1$2••••$3');
  const headers = JSON.stringify({ 'x-auth': auth, 'content-type': request.headers['content-type'] });
  return `{"headers":${headers},"body":${masked === '' ? 'null' : masked}}`;
}
