import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimStripePayment } from '../control-stripe.ts';
import { SimError } from '../errors.ts';
import { isLocal, readBody, seeOther, sendPage } from '../http.ts';
import { html, renderPage } from '../page.ts';
import { renderCabinet } from './cabinet.ts';
import { DEFAULT_CARD } from './cards.ts';
import type { Choice, PayForm } from './checkout.ts';
import type { Session } from './objects.ts';
import { renderBank, renderBankAnswered, renderCheckout, renderInstructions, renderReceipt } from './pages.ts';
import type { Stripe } from './stripe.ts';
import type { StripeLanguage } from './texts.ts';

const FORM_LIMIT_BYTES = 64 * 1024;
const CABINET_ROWS = 100;

type Visit = { request: IncomingMessage; response: ServerResponse; url: URL };

/** Checkout, vouchers, receipts and the cabinet over HTTP, below /stripe. */
export class StripeDoor {
  readonly #stripe: Stripe;

  constructor(stripe: Stripe) {
    this.#stripe = stripe;
  }

  async handle(visit: Visit): Promise<void> {
    const { request, response, url } = visit;
    const { world } = this.#stripe.parts;
    const [section = '', id = '', action] = url.pathname.replace(/^\/stripe\//, '').split('/');
    if (section === 'cabinet') return await this.#handleCabinet(visit);
    if (section === 'checkout') return await this.#handleCheckout(visit, id, action);
    if (section === 'bank') return await this.#handleBank(visit, id);
    if (request.method !== 'GET') return sendPage(response, 404, renderNotice('There is no such page.'));
    const intent = world.intents.get(id);
    if ((section === 'voucher' || section === 'instructions') && intent !== undefined) {
      return sendPage(response, 200, renderInstructions(intent, world.sessionOf(id)?.locale ?? null));
    }
    const charge = world.charges.get(id);
    if (section === 'receipt' && charge !== undefined) {
      const session = world.sessionOf(charge.payment_intent ?? '');
      return sendPage(response, 200, renderReceipt(charge, session?.locale ?? null));
    }
    sendPage(response, 404, renderNotice('There is no such page.'));
  }

  async #handleCheckout({ request, response, url }: Visit, id: string, action: string | undefined): Promise<void> {
    const session = this.#stripe.parts.world.sessions.get(id);
    if (session === undefined) return sendPage(response, 404, renderNotice('There is no such session.'));
    const language = readWish(url);
    if (request.method !== 'POST') return sendPage(response, 200, this.#showCheckout(session, language));
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
    const form = await readForm(request);
    try {
      if (action === 'authenticate') {
        await this.#stripe.parts.checkout.authenticate(session, form.get('answer') === 'accept');
      } else {
        await this.#stripe.parts.checkout.submit(session, this.#readPayment(form));
      }
    } catch (error) {
      // A second click on a page that is done shows what became of it.
      if (!(error instanceof SimError)) throw error;
    }
    seeOther(response, `/stripe/checkout/${id}${language === null ? '' : `?lang=${language}`}`);
  }

  /** The bank of a stored card asks its owner, and sends them on to the application. */
  async #handleBank({ request, response, url }: Visit, id: string): Promise<void> {
    const intent = this.#stripe.parts.world.intents.get(id);
    const question = intent?.next_action?.redirect_to_url;
    if (intent === undefined || question === undefined) {
      return sendPage(response, 404, renderNotice('No bank asks anything about this payment.'));
    }
    const language = readWish(url) ?? 'en';
    if (request.method !== 'POST') return sendPage(response, 200, renderBank(intent, language));
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may do that.'));
    await this.#stripe.answerBank(id, (await readForm(request)).get('answer') === 'accept');
    sendPage(response, 200, renderBankAnswered(question.return_url, language));
  }

  #readPayment(form: URLSearchParams): PayForm {
    const field = (name: string, otherwise: string): string => form.get(name) ?? otherwise;
    return {
      choice: field('choice', 'card') as Choice,
      card: {
        number: field('number', DEFAULT_CARD),
        expiry: field('expiry', this.#stripe.nextExpiry()),
        cvc: field('cvc', '123'),
      },
      email: field('email', ''),
    };
  }

  #showCheckout(session: Session, language: StripeLanguage | null): string {
    const { sessions, checkout, world } = this.#stripe.parts;
    const visit = sessions.visitOf(session);
    const customer = world.customers.get(session.customer ?? '');
    return renderCheckout({
      session,
      visit,
      intent: world.intents.get(session.payment_intent ?? ''),
      choices: checkout.choicesOf(session),
      expiry: this.#stripe.nextExpiry(),
      email: session.customer_email ?? customer?.email ?? visit.email ?? 'payer@example.com',
      language,
    });
  }

  async #handleCabinet({ request, response, url }: Visit): Promise<void> {
    if (!isLocal(request)) return sendPage(response, 403, renderNotice('Only pages of this machine may look in here.'));
    const action = /^\/stripe\/cabinet\/(\w+)\/(\w+)$/.exec(url.pathname);
    if (request.method === 'POST' && action !== null) {
      const message = await this.#act(action[1] ?? '', action[2] ?? '', await readForm(request));
      return seeOther(response, `/stripe/cabinet?${new URLSearchParams({ message })}`);
    }
    if (request.method !== 'GET' || url.pathname !== '/stripe/cabinet') {
      return sendPage(response, 404, renderNotice('There is no such page.'));
    }
    const { world, ledger } = this.#stripe.parts;
    const isBare = (session: Session): boolean => session.payment_intent === null;
    sendPage(
      response,
      200,
      renderCabinet({
        payments: this.#stripe.listPayments(CABINET_ROWS, () => true),
        sessions: [...world.sessions.values()].reverse().filter(isBare).slice(0, CABINET_ROWS),
        others: this.#stripe.listEvents(CABINET_ROWS, ({ subject }) => world.intents.get(subject) === undefined),
        balances: ledger.balances(),
        message: url.searchParams.get('message'),
      }),
    );
  }

  /** Presses one of the cabinet's buttons and says what came of it. */
  async #act(id: string, action: string, form: URLSearchParams): Promise<string> {
    const stripe = this.#stripe;
    const amount = readAmount(form);
    const actions: Record<string, () => Promise<{ status: string | null } | SimStripePayment>> = {
      refund: () => stripe.refund(id, amount),
      konbini: () => stripe.payVoucher(id, 'lawson'),
      transfer: () => stripe.transfer(id, amount ?? stripe.presentPayment(stripe.getIntent(id)).amount_remaining ?? 0),
      fail: () => stripe.failPayment(id),
      dispute: () => stripe.dispute(id, 'fraudulent'),
      win: () => stripe.closeDispute(id, true),
      lose: () => stripe.closeDispute(id, false),
      arrive: () => stripe.settleRefund(id, true),
      bounce: () => stripe.settleRefund(id, false),
      expire: () => stripe.expireSession(id),
      redeliver: async () => ({ status: (await stripe.redeliver(id)).state }),
    };
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (run === undefined) return 'There is no such button.';
    try {
      return `Done: ${action} ${id} is ${(await run()).status}.`;
    } catch (error) {
      if (error instanceof SimError) return error.message;
      throw error;
    }
  }
}

function readAmount(form: URLSearchParams): number | undefined {
  const text = form.get('amount')?.trim() ?? '';
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}

function readWish(url: URL): StripeLanguage | null {
  const wish = url.searchParams.get('lang');
  return wish === 'ja' || wish === 'en' ? wish : null;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(request, FORM_LIMIT_BYTES)).toString('utf8'));
}

function renderNotice(words: string): string {
  return renderPage({
    title: 'Stripe',
    provider: 'stripe',
    language: 'en',
    body: html`<section><p>${words}</p></section>`,
  });
}
