import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimProviderFault } from '../control.ts';
import { decodePath, readBody, sendJson } from '../http.ts';
import type { Surroundings } from '../surroundings.ts';
import { stringifyLossless, WholeNumber } from './json.ts';
import { toTiyin } from './link.ts';
import { judgeReversal } from './reversal.ts';
import { isAuthorized } from './sign.ts';
import type { PaymentRecord, World } from './world.ts';

const BODY_LIMIT_BYTES = 64 * 1024;
const DEFAULT_DELAY_MS = 2_000;
const FAULT_KINDS: ReadonlySet<SimProviderFault['kind']> = new Set([
  'lost_answer',
  'lost_request',
  'delay',
  'malformed',
  'http_error',
]);
/** Click publishes no list of its codes, only that 0 is success. */
const ERROR = { notFound: -1, cannotReverse: -2, wrongAmount: -3 } as const;

type Answer = { status: number; body: Record<string, unknown> };
type Method = {
  name: string;
  verb: 'GET' | 'DELETE';
  pattern: RegExp;
  answer: (parts: readonly string[]) => Answer;
};

/** The part of Click's Merchant API below /click/v2/merchant: states of payments and reversals. */
export class MerchantApi {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #methods: readonly Method[];

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#methods = [
      { name: 'payment/status', verb: 'GET', pattern: /^payment\/status\/(\d+)\/(\d+)$/, answer: this.#readStatus },
      {
        name: 'payment/status_by_mti',
        verb: 'GET',
        pattern: /^payment\/status_by_mti\/(\d+)\/([^/]+)\/(\d{4}-\d{2}-\d{2})$/,
        answer: this.#findByOrder,
      },
      { name: 'payment/reversal', verb: 'DELETE', pattern: /^payment\/reversal\/(\d+)\/(\d+)$/, answer: this.#reverse },
      {
        name: 'payment/partial_reversal',
        verb: 'DELETE',
        pattern: /^payment\/partial_reversal\/(\d+)\/(\d+)\/([\d.]+)$/,
        answer: this.#reversePartly,
      },
    ];
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname.replace(/^\/click\/v2\/merchant\//, '').replace(/\/$/, '');
    const found = this.#methods.find(({ pattern }) => pattern.test(path));
    const name = found?.name ?? path;
    const { traffic, faults } = this.#surroundings;
    const mark = traffic.begin('from_bot', name, describe(request, url), 'click');
    await readBody(request, BODY_LIMIT_BYTES);
    const fault = faults.takeForProvider('click', name, FAULT_KINDS);
    if (fault?.kind === 'delay') await sleep(fault.delay_ms ?? DEFAULT_DELAY_MS);
    if (fault?.kind === 'lost_request') {
      mark.end('no_answer', '');
      response.destroy();
      return;
    }
    const isDown = fault?.kind === 'http_error';
    const answer = isDown ? httpError(fault.http_status ?? 500) : this.#answer(request, path, found);
    const whole = stringifyLossless(answer.body);
    const json = fault?.kind === 'malformed' ? whole.slice(0, whole.length / 2) : whole;
    mark.end(fault?.kind === 'lost_answer' ? 'no_answer' : answer.status, json);
    if (fault?.kind === 'lost_answer') response.destroy();
    else sendJson(response, answer.status, json);
  }

  /** In the order of an API gateway: who asks, in which form, what for. */
  #answer(request: IncomingMessage, path: string, found: Method | undefined): Answer {
    const { options, clock } = this.#surroundings;
    const isKnown = isAuthorized(readHeader(request.headers['auth']), {
      merchantUserId: options.clickMerchantUserId,
      secretKey: options.clickSecretKey,
      nowSeconds: clock.now(),
      skewSeconds: options.clickAuthSkewSeconds,
    });
    if (!isKnown) return httpError(401);
    const { accept, 'content-type': contentType } = request.headers;
    if (!isJson(accept) || !isJson(contentType)) return httpError(406);
    if (found === undefined) return httpError(404);
    if (found.verb !== request.method) return httpError(403);
    const parts = (found.pattern.exec(path) ?? []).slice(1).map((part) => decodePath(part) ?? '');
    if (parts[0] !== options.clickServiceId) return httpError(403);
    return found.answer(parts);
  }

  #readStatus = ([, id = '']: readonly string[]): Answer => {
    const payment = this.#world.findByPaydoc(id);
    if (payment === undefined) return refuse(ERROR.notFound, 'Payment not found');
    return succeed({ payment_id: new WholeNumber(id), payment_status: statusOf(payment) });
  };

  /** The newest payment of the order that was made on that day in Tashkent, one that went through before others. */
  #findByOrder = ([, order = '', day = '']: readonly string[]): Answer => {
    const found = this.#world
      .list()
      .filter((payment) => payment.merchant_trans_id === order && dayOf(payment.created_at_ms) === day)
      .reverse();
    const payment = found.find(({ status }) => status === 'paid') ?? found[0];
    if (payment === undefined) return refuse(ERROR.notFound, 'Payment not found');
    return succeed({
      payment_id: new WholeNumber(payment.click_paydoc_id),
      payment_status: statusOf(payment),
      merchant_trans_id: order,
    });
  };

  #reverse = ([, id = '']: readonly string[]): Answer => {
    const payment = this.#world.findByPaydoc(id);
    if (payment === undefined) return refuse(ERROR.notFound, 'Payment not found');
    return this.#giveBack(payment, payment.amount_tiyin - payment.reversed_tiyin);
  };

  #reversePartly = ([, id = '', amount = '']: readonly string[]): Answer => {
    const payment = this.#world.findByPaydoc(id);
    if (payment === undefined) return refuse(ERROR.notFound, 'Payment not found');
    const tiyin = toTiyin(amount);
    const rest = payment.amount_tiyin - payment.reversed_tiyin;
    if (tiyin === null || tiyin > rest) return refuse(ERROR.wrongAmount, 'Incorrect amount');
    return this.#giveBack(payment, tiyin);
  };

  #giveBack(payment: PaymentRecord, tiyin: number): Answer {
    const { clock, faults } = this.#surroundings;
    const refusal = judgeReversal(payment, {
      nowMs: clock.nowMs(),
      doesUzcardRefuse: faults.current.click_uzcard_refuses_reversal === true,
    });
    if (refusal !== null) return refuse(ERROR.cannotReverse, refusal);
    payment.reversed_tiyin += tiyin;
    if (payment.reversed_tiyin === payment.amount_tiyin) {
      payment.status = 'reversed';
      payment.money = 'returned';
    }
    const note = `${tiyin} tiyin were given back at the application's request.`;
    payment.steps.push({ atMs: clock.nowMs(), name: 'reversal', is_repeat: false, tries: 1, outcome: 'done', note });
    this.#world.save(payment);
    return succeed({ payment_id: new WholeNumber(payment.click_paydoc_id) });
  }
}

/** Below 0 failed or given back, 1 under way, 2 paid. */
function statusOf({ status }: PaymentRecord): number {
  if (status === 'paid') return 2;
  if (status === 'failed') return -1;
  if (status === 'reversed') return -2;
  return 1;
}

function succeed(fields: Record<string, unknown>): Answer {
  return { status: 200, body: { error_code: 0, error_note: 'Success', ...fields } };
}

function refuse(code: number, note: string): Answer {
  return { status: 200, body: { error_code: code, error_note: note } };
}

function httpError(status: number): Answer {
  return { status, body: { error_code: status, error_note: `HTTP ${status}` } };
}

function isJson(header: string | undefined): boolean {
  return header !== undefined && /\bapplication\/json\b/i.test(header);
}

function readHeader(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

const DAY = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Tashkent', dateStyle: 'short' });

function dayOf(atMs: number): string {
  return DAY.format(atMs);
}

/** For the wire log, without the digest. */
function describe(request: IncomingMessage, url: URL): string {
  const auth = readHeader(request.headers['auth'])?.replace(/:[^:]*:/, ':•••:');
  const { accept, 'content-type': contentType } = request.headers;
  return JSON.stringify({
    method: request.method,
    path: url.pathname,
    headers: { ...(auth === undefined ? {} : { auth }), accept, 'content-type': contentType },
  });
}
