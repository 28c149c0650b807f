import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseDecimal } from '../decimal.ts';
import { SimError } from '../errors.ts';
import { isLocal, readBody, seeOther, sendPage } from '../http.ts';
import { html, readJaEn, renderPage } from '../page.ts';
import type { Surroundings } from '../surroundings.ts';
import { COIN_DIGITS } from './amounts.ts';
import { GreenfieldApi } from './api.ts';
import type { Btcpay } from './btcpay.ts';
import { renderCabinet } from './cabinet.ts';
import { renderCheckout, renderRefund, renderUnknown } from './pages.ts';
import { restOf } from './refunds.ts';
import type { InvoiceRecord, MethodId } from './world.ts';

const FORM_LIMIT_BYTES = 64 * 1024;
const MANY_BLOCKS = 6;

type Visit = { request: IncomingMessage; response: ServerResponse; url: URL };

/** BTCPay's API, checkout, refund pages and cabinet over HTTP, below /btcpay. */
export class BtcpayDoor {
  readonly #btcpay: Btcpay;
  readonly #surroundings: Surroundings;
  readonly #api: GreenfieldApi;

  constructor(btcpay: Btcpay, surroundings: Surroundings) {
    this.#btcpay = btcpay;
    this.#surroundings = surroundings;
    this.#api = new GreenfieldApi(surroundings, btcpay);
  }

  async handle(visit: Visit): Promise<void> {
    const { request, response, url } = visit;
    const path = url.pathname.replace(/^\/btcpay\//, '').replace(/\/$/, '');
    if (path.startsWith('api/v1/')) return await this.#api.handle(request, response, url);
    if (path === 'cabinet' || path.startsWith('cabinet/')) return await this.#handleCabinet(visit, path);
    const [, page, id = ''] = /^(i|pull-payments)\/(\w+)$/.exec(path) ?? [];
    if (page === 'i') return await this.#handleCheckout(visit, id);
    if (page === 'pull-payments') return await this.#handleRefund(visit, id);
    sendPage(response, 404, renderNotice('There is no such page.'));
  }

  async #handleCheckout({ request, response, url }: Visit, id: string): Promise<void> {
    const found = this.#btcpay.world.invoices.get(id);
    if (found === undefined) return sendPage(response, 404, renderUnknown(languageOf(request, url), 'unknown'));
    const invoice = this.#btcpay.invoices.watch(found);
    const language = languageOf(request, url, invoice.language);
    if (request.method !== 'POST') {
      const { searchParams: query } = url;
      const shown = { method: query.get('method'), message: query.get('message') };
      return sendPage(
        response,
        200,
        renderCheckout({ invoice, language, nowMs: this.#surroundings.clock.nowMs(), ...shown }),
      );
    }
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
    const form = await readForm(request);
    const message = explaining(() => this.#useWallet(invoice, form));
    await this.#btcpay.webhooks.quiet();
    const query = { method: form.get('method') ?? '', ...(message === null ? {} : { message }) };
    seeOther(response, `/btcpay/i/${id}?${new URLSearchParams(query)}`);
  }

  #useWallet(invoice: InvoiceRecord, form: URLSearchParams): void {
    const { wallet } = this.#btcpay;
    const action = form.get('action');
    if (action === 'drop') return void wallet.drop(invoice);
    if (action === 'confirm') return void wallet.confirm(invoice, 1);
    if (action === 'confirm_all') return void wallet.confirm(invoice, MANY_BLOCKS);
    const method = form.get('method') as MethodId;
    const isRbf = form.get('rbf') === 'yes';
    if (action === 'under' || action === 'over') return void wallet.send(invoice, { method, isRbf, outcome: action });
    const amount = (form.get('amount') ?? '').trim();
    if (parseDecimal(amount, COIN_DIGITS) === null) {
      throw new SimError(400, 'AMOUNT_INVALID', 'The amount must be a number of BTC with at most 8 decimals.');
    }
    wallet.send(invoice, { method, isRbf, amount });
  }

  async #handleRefund({ request, response, url }: Visit, id: string): Promise<void> {
    const language = languageOf(request, url);
    const { world } = this.#btcpay;
    const pullPayment = world.pullPayments.get(id);
    if (pullPayment === undefined) return sendPage(response, 404, renderUnknown(language, 'refundUnknown'));
    if (request.method !== 'POST') {
      const shown = { payouts: world.payoutsOf(id), rest: restOf(world, pullPayment) };
      const message = url.searchParams.get('message');
      return sendPage(response, 200, renderRefund({ pullPayment, language, message, ...shown }));
    }
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
    const form = await readForm(request);
    const destination = form.get('action') === 'fresh' ? {} : { destination: form.get('destination') ?? '' };
    const message = explaining(() =>
      this.#btcpay.claim(id, { method: form.get('method') as MethodId, ...destination }),
    );
    await this.#btcpay.webhooks.quiet();
    seeOther(response, `/btcpay/pull-payments/${id}?${new URLSearchParams(message === null ? {} : { message })}`);
  }

  async #handleCabinet({ request, response, url }: Visit, path: string): Promise<void> {
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may look in here.'));
    if (request.method === 'POST') {
      const [, what = '', id = '', action = ''] = path.split('/');
      const message = explaining(() => this.#act(what, id, action)) ?? 'Done.';
      await this.#btcpay.webhooks.quiet();
      return seeOther(response, `/btcpay/cabinet?${new URLSearchParams({ message })}`);
    }
    if (path !== 'cabinet') return sendPage(response, 404, renderNotice('There is no such page.'));
    sendPage(response, 200, renderCabinet(this.#btcpay, url.searchParams.get('message')));
  }

  #act(what: string, id: string, action: string): void {
    const { invoices, wallet, webhooks } = this.#btcpay;
    if (what === 'deliveries') return void webhooks.redeliver(webhooks.get(id));
    if (what === 'payouts') {
      return void this.#btcpay.handlePayout(id, action as 'approve' | 'start' | 'complete' | 'cancel');
    }
    const invoice = invoices.get(id);
    if (action === 'confirm') wallet.confirm(invoice, 1);
    else if (action === 'drop') wallet.drop(invoice);
    else if (!invoices.mark(invoice, action)) throw new SimError(409, 'NOT_MARKABLE', `It cannot be ${action} now.`);
  }
}

/** Null when it went well, else what to tell the person. */
function explaining(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof SimError) return error.message;
    throw error;
  }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(request, FORM_LIMIT_BYTES)).toString('utf8'));
}

function languageOf(request: IncomingMessage, url: URL, wished: string | null = null): 'ja' | 'en' {
  return readJaEn(url.searchParams.get('lang'), wished, request.headers['accept-language']);
}

function renderNotice(words: string): string {
  const body = html`<section><p>${words}</p></section>`;
  return renderPage({ title: 'BTCPay Server', provider: 'btcpay', language: 'en', body });
}
