import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { decodePath, readBody } from '../http.ts';
import { type ApiAnswer, answerCall } from '../incoming.ts';
import type { Surroundings } from '../surroundings.ts';
import { type ApiRoute, type Call, invoiceRoutes } from './api-invoices.ts';
import { payoutRoutes } from './api-payouts.ts';
import { webhookRoutes } from './api-webhooks.ts';
import type { Btcpay } from './btcpay.ts';
import { Invalid, Refusal } from './refusal.ts';
import { isSameKey, readApiKey } from './sign.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
const ROUTES: readonly ApiRoute[] = [...invoiceRoutes, ...webhookRoutes, ...payoutRoutes];
const WORDS: Readonly<Record<number, string>> = { 429: 'Too many requests', 503: 'Service unavailable' };

/** The Greenfield API below /btcpay/api/v1: invoices, refunds, payouts and webhooks of one store. */
export class GreenfieldApi {
  readonly #surroundings: Surroundings;
  readonly #btcpay: Btcpay;

  constructor(surroundings: Surroundings, btcpay: Btcpay) {
    this.#surroundings = surroundings;
    this.#btcpay = btcpay;
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname.replace(/^\/btcpay\/api\/v1\//, '').replace(/\/$/, '');
    const body = (await readBody(request, BODY_LIMIT_BYTES)).toString('utf8');
    const onPath = ROUTES.filter(({ pattern }) => pattern.test(path));
    const found = onPath.find(({ verb }) => verb === request.method);
    await answerCall({
      peer: 'btcpay',
      name: found?.name ?? path,
      request: { method: request.method, path: url.pathname + url.search, body: readJson(body) ?? body },
      response,
      surroundings: this.#surroundings,
      answer: () => {
        if (found === undefined) return { status: onPath.length > 0 ? 405 : 404 };
        return refusing(() => this.#answer(found, request, { url, path, body }));
      },
      refuse: (status) => ({ status, body: { code: null, message: WORDS[status] ?? `HTTP ${status}` } }),
    });
  }

  /** In the order of the server: who asks, for which store, with which permission, what for. */
  #answer(found: ApiRoute, request: IncomingMessage, sent: { url: URL; path: string; body: string }): ApiAnswer {
    const groups = found.pattern.exec(sent.path)?.groups ?? {};
    if (found.permission !== null) {
      this.#authenticate(request.headers.authorization);
      this.#authorize(found.permission, groups['store']);
    }
    const call: Call = {
      btcpay: this.#btcpay,
      storeId: this.#surroundings.options.btcpayStoreId,
      id: decodePath(groups['id'] ?? '') ?? '',
      second: decodePath(groups['second'] ?? '') ?? '',
      query: sent.url.searchParams,
      body: parseBody(sent.body),
      origin: `http://${request.headers.host ?? 'localhost'}`,
    };
    return { status: 200, body: found.answer(call) };
  }

  #authenticate(header: string | undefined): void {
    const key = readApiKey(header);
    if (key === null) {
      throw new Refusal(401, 'unauthenticated', 'Authentication is required for accessing this endpoint');
    }
    if (!isSameKey(key, this.#surroundings.options.btcpayApiKey)) {
      throw new Refusal(401, 'unauthenticated', 'ApiKey authentication failed: Unknown API Key');
    }
  }

  #authorize(permission: string, storeId: string | undefined): void {
    const { permissions } = this.#btcpay.world.settings;
    const isOurs = storeId === undefined || storeId === this.#surroundings.options.btcpayStoreId;
    if (isOurs && (permissions === null || permissions.includes(permission))) return;
    throw new Refusal(403, 'missing-permission', permission);
  }
}

function refusing(answer: () => ApiAnswer): ApiAnswer {
  try {
    return answer();
  } catch (error) {
    if (error instanceof Invalid) return { status: 422, body: error.problems };
    if (error instanceof z.ZodError) {
      return { status: 422, body: error.issues.map(({ path, message }) => ({ path: path.join('.'), message })) };
    }
    if (!(error instanceof Refusal)) throw error;
    const { status, code, message } = error;
    if (code !== 'missing-permission') return { status, body: { code, message } };
    const words = `Insufficient API Permissions. Please use an API key with permission "${message}". You can create an API key in your account's settings / Api Keys.`;
    return { status, body: { missingPermission: message, code, message: words } };
  }
}

function parseBody(text: string): unknown {
  if (text === '') return {};
  const value = readJson(text);
  if (value === undefined) throw new Invalid([{ path: '', message: 'The body is not valid JSON.' }]);
  return value;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
