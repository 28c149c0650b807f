import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SimError } from '../errors.ts';
import { decodePath, isLocal, readBody, seeOther, sendPage } from '../http.ts';
import { html, readLanguage, renderPage } from '../page.ts';
import { renderCabinet } from './cabinet.ts';
import { LinkError } from './link.ts';
import { renderCheckout, renderLinkError } from './pages.ts';
import type { Payme } from './payme.ts';
import type { Checkout, StopAfter } from './world.ts';

const FORM_LIMIT_BYTES = 256 * 1024;
const CABINET_ROWS = 100;
/** How long the browser waits for the end of a payment before it is shown the waiting page. */
const PATIENCE_MS = 1_500;
const DAY_MS = 86_400_000;
const TASHKENT_OFFSET_MS = 5 * 3_600_000;

type Visit = { request: IncomingMessage; response: ServerResponse; url: URL };

/** Payme's checkout, cabinet and Subscribe API over HTTP, below /payme. */
export class PaymeDoor {
  readonly #payme: Payme;
  readonly #nowMs: () => number;

  constructor(payme: Payme, nowMs: () => number) {
    this.#payme = payme;
    this.#nowMs = nowMs;
  }

  async handle(visit: Visit): Promise<void> {
    const { request, response, url } = visit;
    const path = url.pathname.replace(/^\/payme\/?/, '');
    if (path === 'api') return await this.#payme.subscribeApi.handle(request, response);
    if (path === 'cabinet' || path.startsWith('cabinet/')) return await this.#handleCabinet(visit, path);
    const page = /^checkout\/([0-9a-f]{24})(?:\/(card|pay))?$/.exec(path);
    if (page !== null) return await this.#handleCheckout(visit, page[1] ?? '', page[2]);
    if (request.method === 'POST' && path === '') return await this.#openForm(visit);
    if (request.method === 'GET' && path !== '') return await this.#openLink(visit, path);
    sendPage(response, 404, renderNotice('There is no such page.'));
  }

  async #openLink({ request, response }: Visit, path: string): Promise<void> {
    try {
      const checkout = await this.#payme.openLink(decodePath(path) ?? '');
      sendPage(response, 200, renderCheckout(checkout, undefined));
    } catch (error) {
      refuseLink(request, response, error);
    }
  }

  async #openForm({ request, response }: Visit): Promise<void> {
    try {
      const checkout = await this.#payme.openForm(await readForm(request), request.headers.referer);
      seeOther(response, `/payme/checkout/${checkout.id}`);
    } catch (error) {
      refuseLink(request, response, error);
    }
  }

  async #handleCheckout({ request, response, url }: Visit, id: string, action: string | undefined): Promise<void> {
    const checkout = this.#payme.world.checkouts.get(id);
    if (checkout === undefined) return sendPage(response, 404, renderNotice('This checkout is no longer kept.'));
    if (request.method !== 'POST') {
      const wanted = readLanguage(url.searchParams.get('lang'));
      if (wanted !== null) this.#speak(checkout, wanted);
      return sendPage(response, 200, renderCheckout(checkout, this.#payme.transactionOf(checkout)));
    }
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
    const form = await readForm(request);
    if (action === 'pay') await this.#pay(checkout, form);
    else if (form.has('again')) this.#forgetCard(checkout);
    else this.#payme.chooseCard(checkout, { number: form.get('number') ?? '', expire: form.get('expire') ?? '' });
    seeOther(response, `/payme/checkout/${id}`);
  }

  async #pay(checkout: Checkout, form: URLSearchParams): Promise<void> {
    const stop = form.get('stop_after');
    const stopAfter: StopAfter | undefined = stop === 'create' || stop === 'debit' ? stop : undefined;
    this.#payme.confirm(checkout, form.get('code') ?? '', stopAfter);
    const transaction = this.#payme.transactionOf(checkout);
    if (transaction === undefined) return;
    await Promise.race([this.#payme.payments.finished(transaction.id), sleep(PATIENCE_MS, undefined, { ref: false })]);
  }

  #forgetCard(checkout: Checkout): void {
    delete checkout.card_number;
    delete checkout.problem;
    this.#payme.world.checkouts.touch(checkout.id);
  }

  #speak(checkout: Checkout, language: Checkout['order']['language']): void {
    checkout.order.language = language;
    this.#payme.world.checkouts.touch(checkout.id);
  }

  async #handleCabinet({ request, response, url }: Visit, path: string): Promise<void> {
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may look in here.'));
    const action = /^cabinet\/([0-9a-f]{24})\/(refund|resume|check|block|unblock)$/.exec(path);
    if (request.method === 'POST' && action !== null) {
      const message = await this.#act(action[1] ?? '', action[2] ?? '');
      return seeOther(response, `/payme/cabinet?${new URLSearchParams({ message })}`);
    }
    if (request.method !== 'GET' || path !== 'cabinet') {
      return sendPage(response, 404, renderNotice('There is no such page.'));
    }
    sendPage(response, 200, await this.#showCabinet(url.searchParams));
  }

  async #showCabinet(query: URLSearchParams): Promise<string> {
    const nowMs = this.#nowMs();
    const period = {
      from: readDay(query.get('from')) ?? toDay(nowMs - 30 * DAY_MS),
      to: readDay(query.get('to')) ?? toDay(nowMs),
    };
    const statement = query.has('from')
      ? await this.#payme.books.readStatement({ from: startOf(period.from), to: startOf(period.to) + DAY_MS - 1 })
      : undefined;
    const message = query.get('message');
    return renderCabinet({
      transactions: this.#payme.world.listTransactions().slice(-CABINET_ROWS).reverse(),
      cards: this.#payme.cards.list().slice(0, CABINET_ROWS),
      receipts: this.#payme.receipts.list().slice(-CABINET_ROWS).reverse(),
      period,
      ...(statement === undefined ? {} : { statement }),
      ...(message === null ? {} : { message }),
    });
  }

  async #act(id: string, action: string): Promise<string> {
    const { payments } = this.#payme;
    try {
      if (action === 'block' || action === 'unblock') {
        const { number } = this.#payme.cards.setDeclines(id, action === 'block' ? 'blocked' : null);
        return `Done: the card ${number} is ${action}ed now.`;
      }
      if (action === 'check') {
        const { differences } = await this.#payme.books.check(payments.get(id));
        if (differences.length === 0) return 'CheckTransaction agrees with Payme’s books.';
        return differences
          .map(({ field, payme, application }) => `${field}: Payme ${payme}, application ${application}`)
          .join('; ');
      }
      const { status, error } = await (action === 'refund' ? payments.refund(id) : payments.resume(id));
      if (error === undefined) return `Done: the transaction is ${status} now.`;
      return `The application refused: ${error.message} (${error.code}). The transaction is ${status}.`;
    } catch (error) {
      if (error instanceof SimError) return error.message;
      throw error;
    }
  }
}

function refuseLink(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (!(error instanceof LinkError)) throw error;
  const language = readLanguage(request.headers['accept-language']) ?? 'en';
  sendPage(response, 400, renderLinkError(error, language));
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(request, FORM_LIMIT_BYTES)).toString('utf8'));
}

function renderNotice(words: string): string {
  const body = html`<section><p>${words}</p></section>`;
  return renderPage({ title: 'Payme', provider: 'payme', language: 'en', body });
}

function readDay(text: string | null): string | null {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}

/** The day in Tashkent. */
function toDay(atMs: number): string {
  return new Date(atMs + TASHKENT_OFFSET_MS).toISOString().slice(0, 10);
}

function startOf(day: string): number {
  return Date.parse(day) - TASHKENT_OFFSET_MS;
}
