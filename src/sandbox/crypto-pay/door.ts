import type { IncomingMessage, ServerResponse } from 'node:http';
import { SimError } from '../errors.ts';
import { isLocal, readBody, seeOther, sendPage } from '../http.ts';
import { html, readJaEn, renderPage } from '../page.ts';
import { renderCabinet } from './cabinet.ts';
import type { CryptoPay } from './crypto-pay.ts';
import { type Asset, isAsset } from './money.ts';
import { renderCheckPage, renderPayPage, renderUnknown } from './pages.ts';
import { BOT_USERNAME, hashOf } from './wire.ts';
import type { CheckRecord, InvoiceRecord } from './world.ts';

const FORM_LIMIT_BYTES = 64 * 1024;

type Visit = { request: IncomingMessage; response: ServerResponse; url: URL };

/** Crypto Pay's API, pay page and cabinet over HTTP, below /crypto-pay. */
export class CryptoPayDoor {
  readonly #cryptoPay: CryptoPay;

  constructor(cryptoPay: CryptoPay) {
    this.#cryptoPay = cryptoPay;
  }

  async handle(visit: Visit): Promise<void> {
    const { request, response, url } = visit;
    const path = url.pathname.replace(/^\/crypto-pay\//, '').replace(/\/$/, '');
    if (path.startsWith('api/')) return await this.#cryptoPay.api.handle(request, response, url);
    if (path === 'cabinet' || path.startsWith('cabinet/')) return await this.#handleCabinet(visit, path);
    const check = this.#cryptoPay.world.findCheck(hashOf(path + url.search));
    if (check !== undefined) return this.#handleCheck(visit, check);
    const isInvoice = path === BOT_USERNAME || path === `${BOT_USERNAME}/app` || path.startsWith('invoices/');
    if (isInvoice) return await this.#handleInvoice(visit);
    sendPage(response, 404, renderNotice('There is no such page.'));
  }

  #handleCheck({ request, response, url }: Visit, check: CheckRecord): void {
    const language = readJaEn(url.searchParams.get('lang'), request.headers['accept-language']);
    if (request.method !== 'POST') return sendPage(response, 200, renderCheckPage(check, language));
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
    if (check.status === 'active') this.#cryptoPay.transfers.activateCheck(check.check_id);
    seeOther(response, `/crypto-pay/checks/${check.hash}?lang=${language}`);
  }

  async #handleInvoice({ request, response, url }: Visit): Promise<void> {
    const language = readJaEn(url.searchParams.get('lang'), request.headers['accept-language']);
    const found = this.#cryptoPay.world.findByHash(hashOf(url.pathname + url.search));
    if (found === undefined) return sendPage(response, 404, renderUnknown(language));
    const { invoices } = this.#cryptoPay;
    const invoice = invoices.refresh(found);
    if (request.method !== 'POST') {
      const asset = url.searchParams.get('asset');
      const isCancelled = url.searchParams.has('cancelled');
      return sendPage(response, 200, renderPayPage({ invoice, invoices, language, asset, isCancelled }));
    }
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
    const form = new URLSearchParams((await readBody(request, FORM_LIMIT_BYTES)).toString('utf8'));
    const isPaying = form.get('action') === 'pay';
    if (isPaying && invoice.status === 'active') {
      const isAccepted = await this.#pay(invoice, form);
      if (!isAccepted) return sendPage(response, 400, renderNotice('This currency does not pay the invoice.'));
    }
    seeOther(response, `/crypto-pay/invoices/${invoice.hash}?lang=${language}${isPaying ? '' : '&cancelled'}`);
  }

  async #pay(invoice: InvoiceRecord, form: URLSearchParams): Promise<boolean> {
    const asset = form.get('asset') ?? '';
    const { invoices, webhooks } = this.#cryptoPay;
    if (!isAsset(asset) || !invoices.assetsOf(invoice).includes(asset)) return false;
    const isAnonymous = form.get('anonymous') === 'yes';
    const { id } = invoices.pay(invoice, { asset, comment: form.get('comment') ?? '', isAnonymous });
    await webhooks.sent(id);
    return true;
  }

  async #handleCabinet({ request, response, url }: Visit, path: string): Promise<void> {
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may look in here.'));
    if (request.method === 'POST') {
      const message = await this.#act(path.replace(/^cabinet\/?/, ''));
      return seeOther(response, `/crypto-pay/cabinet?${new URLSearchParams({ message })}`);
    }
    if (path !== 'cabinet') return sendPage(response, 404, renderNotice('There is no such page.'));
    sendPage(response, 200, renderCabinet(this.#cryptoPay, url.searchParams.get('message')));
  }

  async #act(path: string): Promise<string> {
    const [what = '', id = '', action = ''] = path.split('/');
    try {
      if (what === 'transfer') return this.#switchTransfers();
      if (what === 'invoices') return await this.#payFromCabinet(Number(id), action as Asset);
      if (what === 'checks') return `Done: the check is ${this.#cryptoPay.transfers.activateCheck(Number(id)).status}.`;
      const { tries } = await this.#cryptoPay.webhooks.redeliver(Number(id), action === 'wrong');
      return `Sent. The application answered ${tries.at(-1)?.status ?? 'nothing'}.`;
    } catch (error) {
      if (error instanceof SimError) return error.message;
      throw error;
    }
  }

  async #payFromCabinet(id: number, asset: Asset): Promise<string> {
    const { invoices, webhooks } = this.#cryptoPay;
    const delivery = invoices.pay(invoices.get(id), { asset });
    await webhooks.sent(delivery.id);
    return `Paid. The application answered ${delivery.tries.at(-1)?.status ?? 'nothing'}.`;
  }

  #switchTransfers(): string {
    const { world } = this.#cryptoPay;
    const others = world.settings.disabled_methods.filter((name) => name !== 'transfer');
    const isOff = others.length !== world.settings.disabled_methods.length;
    world.change({ disabled_methods: isOff ? others : [...others, 'transfer'] });
    return isOff ? 'Transfers are allowed.' : 'Transfers are answered with METHOD_DISABLED.';
  }
}

function renderNotice(words: string): string {
  const body = html`<section><p>${words}</p></section>`;
  return renderPage({ title: 'Crypto Pay', provider: 'crypto-pay', language: 'en', body });
}
