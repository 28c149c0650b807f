import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SimError } from '../errors.ts';
import { isLocal, readBody, seeOther, sendPage } from '../http.ts';
import { html, readLanguage, renderPage } from '../page.ts';
import type { Language } from '../surroundings.ts';
import { renderCabinet } from './cabinet.ts';
import type { Click } from './click.ts';
import { LinkError } from './link.ts';
import { renderLinkError, renderPayment, renderPayPage } from './pages.ts';

const FORM_LIMIT_BYTES = 64 * 1024;
const CABINET_ROWS = 100;
/** How long the browser waits for the end of a payment before it is shown the waiting page. */
const PATIENCE_MS = 1_500;
const pageOutcome = z.enum(['paid', 'insufficient_funds', 'cancelled', 'lost_answer', 'stop_after_prepare']);

type Visit = { request: IncomingMessage; response: ServerResponse; url: URL };

/** Click's pay page, cabinet and Merchant API over HTTP, below /click. */
export class ClickDoor {
  readonly #click: Click;

  constructor(click: Click) {
    this.#click = click;
  }

  async handle(visit: Visit): Promise<void> {
    const { request, response, url } = visit;
    const path = url.pathname.replace(/^\/click\//, '').replace(/\/$/, '');
    if (path.startsWith('v2/merchant/')) return await this.#click.merchantApi.handle(request, response, url);
    if (path === 'services/pay') return await this.#handlePay(visit);
    if (path === 'cabinet' || path.startsWith('cabinet/')) return await this.#handleCabinet(visit, path);
    const payment = this.#click.world.payments.get(/^payment\/(\d+)$/.exec(path)?.[1] ?? '');
    if (payment !== undefined) return sendPage(response, 200, renderPayment(payment));
    sendPage(response, 404, renderNotice('There is no such page.'));
  }

  async #handlePay({ request, response, url }: Visit): Promise<void> {
    const language = chooseLanguage(request, url);
    try {
      const order = this.#click.readLink(url.searchParams);
      if (request.method !== 'POST') {
        return sendPage(response, 200, renderPayPage(order, url.searchParams, language));
      }
      if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
      const form = new URLSearchParams((await readBody(request, FORM_LIMIT_BYTES)).toString('utf8'));
      const outcome = pageOutcome.safeParse(form.get('outcome'));
      if (!outcome.success) return sendPage(response, 400, renderNotice('The form says nothing of the outcome.'));
      const { click_trans_id: id } = this.#click.start(order, { outcome: outcome.data, language });
      await Promise.race([this.#click.payments.finished(id), sleep(PATIENCE_MS, undefined, { ref: false })]);
      seeOther(response, `/click/payment/${id}`);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      sendPage(response, 400, renderLinkError(error, language));
    }
  }

  async #handleCabinet({ request, response, url }: Visit, path: string): Promise<void> {
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may look in here.'));
    const action = /^cabinet\/([\w-]+)\/(complete|return|block|unblock)$/.exec(path);
    if (request.method === 'POST' && action !== null) {
      const message = await this.#act(action[1] ?? '', action[2] ?? '');
      return seeOther(response, `/click/cabinet?${new URLSearchParams({ message })}`);
    }
    if (request.method !== 'GET' || path !== 'cabinet') {
      return sendPage(response, 404, renderNotice('There is no such page.'));
    }
    const payments = this.#click.world.list().slice(-CABINET_ROWS).reverse();
    const cards = this.#click.cardTokens.list().slice(0, CABINET_ROWS);
    sendPage(response, 200, renderCabinet({ payments, cards, message: url.searchParams.get('message') }));
  }

  async #act(id: string, action: string): Promise<string> {
    const { payments, cardTokens } = this.#click;
    try {
      if (action === 'block' || action === 'unblock') {
        const { card_number: number } = cardTokens.setDeclines(id, action === 'block' ? 'blocked' : null);
        return `Done: the card ${number} is ${action}ed now.`;
      }
      const { status } = action === 'return' ? payments.returnMoney(id) : await payments.complete(id);
      return `Done: the payment is ${status} now.`;
    } catch (error) {
      if (error instanceof SimError) return error.message;
      throw error;
    }
  }
}

function chooseLanguage(request: IncomingMessage, url: URL): Language {
  return readLanguage(url.searchParams.get('lang')) ?? readLanguage(request.headers['accept-language']) ?? 'ru';
}

function renderNotice(words: string): string {
  const body = html`<section><p>${words}</p></section>`;
  return renderPage({ title: 'Click', provider: 'click', language: 'en', body });
}
