import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { SimProviderFault } from '../control.ts';
import { decodePath, readBody, sendJson } from '../http.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Answer, ERROR, httpError, refuse, statusOf, succeed } from './api-answers.ts';
import type { CardTokens } from './card-tokens.ts';
import { parseLossless, stringifyLossless, WholeNumber } from './json.ts';
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
const ALLOWED_HEADERS = 'Accept, Auth, Content-Type';

type Method = {
  name: string;
  pattern: RegExp;
  /** A page may call it, which cannot sign: the Auth header may be missing. */
  isForPages?: true;
} & (
  | { verb: 'GET' | 'DELETE'; answer: (parts: readonly string[]) => Answer }
  | { verb: 'POST'; answer: (body: unknown) => Answer | Promise<Answer> }
);

/** The part of Click's Merchant API below /click/v2/merchant: states of payments, reversals and card tokens. */
export class MerchantApi {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #methods: readonly Method[];

  constructor(surroundings: Surroundings, world: World, cards: CardTokens) {
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
      {
        name: 'card_token/request',
        verb: 'POST',
        pattern: /^card_token\/request$/,
        isForPages: true,
        answer: (body) => cards.request(body),
      },
      {
        name: 'card_token/verify',
        verb: 'POST',
        pattern: /^card_token\/verify$/,
        answer: (body) => cards.verify(body),
      },
      { name: 'card_token/payment', verb: 'POST', pattern: /^card_token\/payment$/, answer: (body) => cards.pay(body) },
      { name: 'card_token', verb: 'DELETE', pattern: /^card_token\/(\d+)\/([\w-]+)$/, answer: cards.remove },
    ];
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname.replace(/^\/click\/v2\/merchant\//, '').replace(/\/$/, '');
    const found = this.#methods.find(({ pattern }) => pattern.test(path));
    if (request.method === 'OPTIONS' && found?.isForPages) return answerPreflight(response);
    const name = found?.name ?? path;
    const { traffic, faults } = this.#surroundings;
    const body = (await readBody(request, BODY_LIMIT_BYTES)).toString('utf8');
    const mark = traffic.begin('from_bot', name, describe(request, url, body), 'click');
    const fault = faults.takeForProvider('click', name, FAULT_KINDS);
    if (fault?.kind === 'delay') await sleep(fault.delay_ms ?? DEFAULT_DELAY_MS);
    if (fault?.kind === 'lost_request') {
      mark.end('no_answer', '');
      response.destroy();
      return;
    }
    const isDown = fault?.kind === 'http_error';
    const answer = isDown ? httpError(fault.http_status ?? 500) : await this.#answer(request, { path, body, found });
    const whole = stringifyLossless(answer.body);
    const json = fault?.kind === 'malformed' ? whole.slice(0, whole.length / 2) : whole;
    mark.end(fault?.kind === 'lost_answer' ? 'no_answer' : answer.status, json);
    if (fault?.kind === 'lost_answer') response.destroy();
    else sendJson(response, answer.status, json, found?.isForPages ? { 'access-control-allow-origin': '*' } : {});
  }

  /** In the order of an API gateway: who asks, in which form, what for. */
  async #answer(
    request: IncomingMessage,
    { path, body, found }: { path: string; body: string; found: Method | undefined },
  ): Promise<Answer> {
    if (!this.#isAuthorized(readHeader(request.headers['auth']), found)) return httpError(401);
    const { accept, 'content-type': contentType } = request.headers;
    if (!isJson(accept) || !isJson(contentType)) return httpError(406);
    if (found === undefined) return httpError(404);
    if (found.verb !== request.method) return httpError(403);
    const { clickServiceId } = this.#surroundings.options;
    if (found.verb === 'POST') {
      const fields = parseLossless(body);
      if (fields === null) return httpError(400);
      if (String(fields['service_id']) !== clickServiceId) return httpError(403);
      return await answerPost(() => found.answer(fields));
    }
    const parts = (found.pattern.exec(path) ?? []).slice(1).map((part) => decodePath(part) ?? '');
    if (parts[0] !== clickServiceId) return httpError(403);
    return found.answer(parts);
  }

  #isAuthorized(header: string | undefined, found: Method | undefined): boolean {
    if (header === undefined && found?.isForPages) return true;
    const { options, clock } = this.#surroundings;
    return isAuthorized(header, {
      merchantUserId: options.clickMerchantUserId,
      secretKey: options.clickSecretKey,
      nowSeconds: clock.now(),
      skewSeconds: options.clickAuthSkewSeconds,
    });
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

/** A body without the fields that the method needs is a bad request. */
async function answerPost(answer: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof z.ZodError) return httpError(400);
    throw error;
  }
}

function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': '600',
  });
  response.end();
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

/** For the wire log, without the digest, and with card numbers masked. */
function describe(request: IncomingMessage, url: URL, body: string): string {
  const auth = readHeader(request.headers['auth'])?.replace(/:[^:]*:/, ':•••:');
  const { accept, 'content-type': contentType } = request.headers;
  const fields = parseLossless(body.replace(/("card_number"\s*:\s*"?\d{6})\d*(\d{4})/, '$1••••••$2'));
  return JSON.stringify({
    method: request.method,
    path: url.pathname,
    headers: { ...(auth === undefined ? {} : { auth }), accept, 'content-type': contentType },
    ...(fields === null ? {} : { body: fields }),
  });
}
