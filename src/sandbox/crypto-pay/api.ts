import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatDecimal } from '../decimal.ts';
import { readBody } from '../http.ts';
import { type ApiAnswer, answerCall } from '../incoming.ts';
import type { Surroundings } from '../surroundings.ts';
import { parseArguments } from '../telegram/request-body.ts';
import type { Balances } from './balances.ts';
import { Fields } from './fields.ts';
import type { Invoices } from './invoices.ts';
import { ASSET_CODES, ASSETS, FIAT_DECIMALS, FIAT_PER_USD, rateText, toText, toUnits, usdMillionths } from './money.ts';
import { Refusal } from './refusal.ts';
import { isToken } from './sign.ts';
import type { Transfers } from './transfers.ts';
import { BOT_USERNAME, presentCheck, presentInvoice, presentTransfer } from './wire.ts';
import { newestFirst, type World } from './world.ts';

const BODY_LIMIT_BYTES = 256 * 1024;
const LIST_DEFAULT = 100;
const LIST_MOST = 1_000;
const DAY_MS = 86_400_000;
/** Names of what has no method's own error. Only those of 401, 403, 405 and 429 were seen in published code. */
const HTTP_NAMES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
};

type Call = { fields: Fields; origin: string };
type Parts = { world: World; invoices: Invoices; transfers: Transfers; balances: Balances };

/** The API below /crypto-pay/api: thirteen methods, GET and POST alike. */
export class CryptoPayApi {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #invoices: Invoices;
  readonly #transfers: Transfers;
  readonly #balances: Balances;
  readonly #methods: ReadonlyMap<string, (call: Call) => unknown>;

  constructor(surroundings: Surroundings, { world, invoices, transfers, balances }: Parts) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#invoices = invoices;
    this.#transfers = transfers;
    this.#balances = balances;
    this.#methods = new Map<string, (call: Call) => unknown>([
      ['getMe', () => this.#getMe()],
      ['createInvoice', ({ fields, origin }) => presentInvoice(invoices.create(fields, origin))],
      ['deleteInvoice', ({ fields }) => invoices.delete(fields.id('invoice_id'))],
      ['getInvoices', ({ fields }) => this.#getInvoices(fields)],
      ['transfer', ({ fields }) => presentTransfer(transfers.send(fields), false)],
      ['getTransfers', ({ fields }) => this.#getTransfers(fields)],
      ['createCheck', ({ fields, origin }) => presentCheck(transfers.createCheck(fields, origin))],
      ['deleteCheck', ({ fields }) => transfers.deleteCheck(fields.id('check_id'))],
      ['getChecks', ({ fields }) => this.#getChecks(fields)],
      ['getBalance', () => this.#getBalance()],
      ['getExchangeRates', () => this.#getExchangeRates()],
      ['getCurrencies', listCurrencies],
      ['getStats', ({ fields }) => this.#getStats(fields)],
    ]);
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const name = url.pathname.replace(/^\/crypto-pay\/api\//, '');
    const body = await readBody(request, BODY_LIMIT_BYTES);
    const contentType = request.headers['content-type'] ?? '';
    const shown = contentType.startsWith('multipart/') ? `${body.length} bytes` : body.toString('utf8');
    await answerCall({
      peer: 'crypto-pay',
      name,
      request: { method: request.method, path: url.pathname + url.search, body: shown },
      response,
      surroundings: this.#surroundings,
      answer: () => {
        try {
          return this.#answer(request, name, { url, contentType, body });
        } catch (error) {
          if (error instanceof Refusal) return refuse(error.message, error.status);
          throw error;
        }
      },
      refuse: (status) => refuse(HTTP_NAMES[status] ?? 'INTERNAL_ERROR', status),
    });
  }

  #answer(request: IncomingMessage, name: string, sent: { url: URL; contentType: string; body: Buffer }): ApiAnswer {
    if (!isToken(request.headers['crypto-pay-api-token'], this.#surroundings.options.cryptoPayToken)) {
      throw new Refusal('UNAUTHORIZED', 401);
    }
    const method = this.#methods.get(name);
    if (method === undefined) throw new Refusal('METHOD_NOT_FOUND', 405);
    if (this.#world.settings.disabled_methods.includes(name)) throw new Refusal('METHOD_DISABLED', 403);
    const args = parseArguments(sent.url.searchParams, sent.contentType, sent.body);
    if (args === null) throw new Refusal('BODY_INVALID');
    const origin = `http://${request.headers.host ?? 'localhost'}`;
    return { status: 200, body: { ok: true, result: method({ fields: new Fields(args), origin }) } };
  }

  #getMe(): unknown {
    const { options } = this.#surroundings;
    return {
      app_id: Number(options.cryptoPayToken.split(':')[0]),
      name: options.botName,
      payment_processing_bot_username: BOT_USERNAME,
      webhook_endpoint: `${options.appUrl}/api/v1/payment/webhooks/crypto-pay`,
    };
  }

  #getInvoices(fields: Fields): unknown {
    const asset = fields.oneOf('asset', ASSET_CODES);
    const fiat = fields.oneOf('fiat', Object.keys(FIAT_PER_USD));
    const ids = fields.list('invoice_ids');
    const status = fields.oneOf('status', ['active', 'paid']);
    const found = this.#invoices
      .list(ids)
      .filter((invoice) => asset === undefined || invoice.asset === asset)
      .filter((invoice) => fiat === undefined || invoice.fiat === fiat)
      .filter((invoice) => status === undefined || invoice.status === status);
    return pageOf(found, fields, presentInvoice);
  }

  #getTransfers(fields: Fields): unknown {
    const asset = fields.oneOf('asset', ASSET_CODES);
    const ids = fields.list('transfer_ids');
    const spendId = fields.text('spend_id', 64);
    const found = newestFirst(this.#world.transfers)
      .filter((transfer) => asset === undefined || transfer.asset === asset)
      .filter((transfer) => ids === undefined || ids.includes(String(transfer.transfer_id)))
      .filter((transfer) => spendId === undefined || transfer.spend_id === spendId);
    return pageOf(found, fields, (transfer) => presentTransfer(transfer, true));
  }

  #getChecks(fields: Fields): unknown {
    const asset = fields.oneOf('asset', ASSET_CODES);
    const ids = fields.list('check_ids');
    const status = fields.oneOf('status', ['active', 'activated']);
    const found = newestFirst(this.#world.checks)
      .filter((check) => asset === undefined || check.asset === asset)
      .filter((check) => ids === undefined || ids.includes(String(check.check_id)))
      .filter((check) => status === undefined || check.status === status);
    return pageOf(found, fields, presentCheck);
  }

  #getBalance(): unknown {
    return ASSET_CODES.map((asset) => ({
      currency_code: asset,
      available: toText(asset, this.#balances.of(asset)),
      onhold: toText(asset, this.#transfers.onHold(asset)),
    }));
  }

  #getExchangeRates(): unknown {
    return ASSET_CODES.flatMap((source) =>
      Object.keys(FIAT_PER_USD).map((target) => ({
        is_valid: true,
        is_crypto: true,
        is_fiat: false,
        source,
        target,
        rate: rateText(this.#world.settings, source, target),
      })),
    );
  }

  /** Of the last day unless start_at and end_at say otherwise. */
  #getStats(fields: Fields): unknown {
    const endMs = readTime(fields, 'end_at') ?? this.#surroundings.clock.nowMs();
    const startMs = readTime(fields, 'start_at') ?? endMs - DAY_MS;
    const created = this.#invoices
      .list()
      .filter((invoice) => invoice.created_at_ms >= startMs && invoice.created_at_ms <= endMs);
    const paid = created.flatMap((invoice) => invoice.paid ?? []);
    const volume = paid.reduce(
      (sum, { asset, amount }) => sum + usdMillionths(this.#world.settings, asset, toUnits(asset, amount) ?? 0n),
      0n,
    );
    const hundredths = created.length === 0 ? 0 : Math.round((paid.length * 10_000) / created.length);
    return {
      volume: formatDecimal(volume, 6),
      conversion: formatDecimal(BigInt(hundredths), 2),
      unique_users_count: new Set(paid.map(({ user_id: userId }) => userId ?? 0)).size,
      created_invoice_count: created.length,
      paid_invoice_count: paid.length,
      start_at: new Date(startMs).toISOString(),
      end_at: new Date(endMs).toISOString(),
    };
  }
}

function readTime(fields: Fields, name: string): number | undefined {
  const text = fields.text(name, 40);
  if (text === undefined) return undefined;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new Refusal(`${name.toUpperCase()}_INVALID`);
  return atMs;
}

function pageOf<T>(rows: readonly T[], fields: Fields, present: (row: T) => unknown): { items: unknown[] } {
  const offset = fields.number('offset', 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const count = fields.number('count', 1, LIST_MOST) ?? LIST_DEFAULT;
  return { items: rows.slice(offset, offset + count).map(present) };
}

function listCurrencies(): unknown {
  const coins = ASSET_CODES.map((code) => {
    const { name, decimals, isBlockchain, isStablecoin, url } = ASSETS[code];
    const kind = { is_blockchain: isBlockchain, is_stablecoin: isStablecoin, is_fiat: false };
    return { ...kind, name, code, url, decimals };
  });
  const names = new Intl.DisplayNames('en', { type: 'currency' });
  const fiats = Object.keys(FIAT_PER_USD).map((code) => ({
    ...{ is_blockchain: false, is_stablecoin: false, is_fiat: true },
    ...{ name: names.of(code) ?? code, code, decimals: FIAT_DECIMALS },
  }));
  return [...coins, ...fiats];
}

function refuse(name: string, code: number): ApiAnswer {
  return { status: code, body: { ok: false, error: { code, name } } };
}
