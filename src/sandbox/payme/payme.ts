import type { SimPaymeCheck, SimPaymePayResult, SimProviderError } from '../control-payme-click.ts';
import type { Language, Surroundings, Words } from '../surroundings.ts';
import { type Answer, describeFailure, type Method } from './answers.ts';
import { Books } from './books.ts';
import { CARD_EXPIRE, findCard, SMS_CODE, TEST_CARDS, type TestCard } from './cards.ts';
import { fillCallback, LinkError, type Order, readForm, readLink } from './link.ts';
import { MerchantClient } from './merchant-client.ts';
import { Payments } from './payments.ts';
import { Receipts } from './receipts.ts';
import { StoredCards } from './stored-cards.ts';
import { SubscribeApi } from './subscribe-api.ts';
import { type Checkout, makeId, present, type StopAfter, type TransactionRecord, World } from './world.ts';

const CARD_WRONG: Words = {
  ru: 'Неверный номер карты или срок действия.',
  uz: 'Karta raqami yoki amal qilish muddati notoʻgʻri.',
  en: 'The card number or its expiry is wrong.',
};
const CODE_WRONG: Words = { ru: 'Неверный код из SMS.', uz: 'SMS kodi notoʻgʻri.', en: 'The code is wrong.' };

type CardForm = { number: string; expire: string };
type PayForm = {
  url: string;
  card?: string | undefined;
  expire?: string | undefined;
  sms?: string | undefined;
  stopAfter?: StopAfter | undefined;
};

/** The simulated Payme: a checkout for payers, a cabinet for the merchant, and their books. */
export class Payme {
  readonly world: World;
  readonly payments: Payments;
  readonly books: Books;
  readonly cards: StoredCards;
  readonly receipts: Receipts;
  readonly subscribeApi: SubscribeApi;
  readonly #surroundings: Surroundings;
  readonly #client: MerchantClient;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.world = new World(surroundings.store);
    this.#client = new MerchantClient(surroundings, this.world);
    this.payments = new Payments(surroundings, this.world, this.#client);
    this.books = new Books(surroundings, this.world, this.#client);
    this.cards = new StoredCards(surroundings, this.world);
    this.receipts = new Receipts(surroundings, {
      world: this.world,
      client: this.#client,
      payments: this.payments,
      cards: this.cards,
    });
    this.subscribeApi = new SubscribeApi(surroundings, this.cards, this.receipts);
  }

  /** After the store was read: goes on where the last run stopped. */
  wake(): void {
    this.payments.wake();
    this.receipts.wake();
  }

  reset(): void {
    this.world.reset();
  }

  close(): void {
    this.#client.outgoing.close();
  }

  /** Resolves when nothing is under way, or after `limitMs` of real time. */
  async settled(limitMs: number): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, limitMs).unref());
    const finished = this.receipts.allFinished().then(() => this.payments.allFinished());
    await Promise.race([finished, limit]);
  }

  /** Reads a pay link and asks the application whether it may be paid. @throws LinkError */
  async openLink(base64: string): Promise<Checkout> {
    return await this.#open(readLink(base64, this.#surroundings.options.paymeMerchantId));
  }

  /** The same for a form. @throws LinkError */
  async openForm(form: URLSearchParams, referer: string | undefined): Promise<Checkout> {
    return await this.#open(readForm(form, this.#surroundings.options.paymeMerchantId, referer));
  }

  async #open(order: Order): Promise<Checkout> {
    const { amount, account } = order;
    const { answer } = await this.#client.ask({ method: 'CheckPerformTransaction', params: { amount, account } });
    const errors = describeEverywhere(answer);
    const { additional, detail } = answer.kind === 'result' ? answer.result : {};
    return this.world.addCheckout({
      id: makeId(this.#surroundings.clock.nowMs()),
      order,
      check: {
        ...(errors === null ? {} : { errors }),
        ...(additional == null ? {} : { additional }),
        ...(detail == null ? {} : { detail }),
      },
    });
  }

  /** The payer names a card. Whether it was taken stands in the checkout. */
  chooseCard(checkout: Checkout, form: CardForm): void {
    if (!isPayable(checkout)) return;
    const judged = judgeCard(form, checkout.order.language);
    delete checkout.problem;
    delete checkout.card_number;
    if ('card' in judged) checkout.card_number = judged.card.number;
    else checkout.problem = judged.problem;
    this.world.checkouts.touch(checkout.id);
  }

  /** The payer types the code. A right one starts the payment; a second click starts nothing new. */
  confirm(checkout: Checkout, code: string, stopAfter?: StopAfter): void {
    const card = findCard(checkout.card_number ?? '');
    if (card === null || !isPayable(checkout)) return;
    delete checkout.problem;
    if (code.trim() === SMS_CODE) {
      checkout.transaction_id = this.payments.start(
        checkout.order,
        card,
        stopAfter === undefined ? {} : { stop_after: stopAfter },
      ).id;
    } else {
      checkout.problem = { code: -31103, message: CODE_WRONG[checkout.order.language] };
    }
    this.world.checkouts.touch(checkout.id);
  }

  /** The payment of a checkout, once there is one. */
  transactionOf(checkout: Checkout): TransactionRecord | undefined {
    return checkout.transaction_id === undefined ? undefined : this.world.transactions.get(checkout.transaction_id);
  }

  /** Opens a link and says what the page would show. */
  async check(url: string): Promise<SimPaymeCheck> {
    const checkout = await this.openLink(linkOf(url));
    const { amount, account, language } = checkout.order;
    const { errors, ...shown } = checkout.check;
    if (errors === undefined) return { status: 'allowed', amount, account, ...shown };
    return { status: 'refused', amount, account, error: errors[language] };
  }

  /** A whole visit: opens the link, types card and code, and waits for the end. */
  async pay({ url, card, expire, sms, stopAfter }: PayForm): Promise<SimPaymePayResult> {
    const checkout = await this.#tryLink(url);
    if ('code' in checkout) return refused(checkout);
    const refusal = checkout.check.errors?.[checkout.order.language];
    if (refusal !== undefined) return refused(refusal);
    this.chooseCard(checkout, { number: card ?? TEST_CARDS[0]?.number ?? '', expire: expire ?? CARD_EXPIRE });
    if (checkout.problem !== undefined) return refused(checkout.problem);
    this.confirm(checkout, sms ?? SMS_CODE, stopAfter);
    const transaction = this.transactionOf(checkout);
    if (transaction === undefined) return refused(checkout.problem);
    await this.payments.finished(transaction.id);
    const redirect = fillCallback(checkout.order, transaction.id);
    return {
      status: transaction.status,
      ...(transaction.error === undefined ? {} : { error: transaction.error }),
      transaction: present(transaction),
      steps: transaction.steps,
      ...(redirect === null ? {} : { redirect_url: redirect }),
    };
  }

  async #tryLink(url: string): Promise<Checkout | SimProviderError> {
    try {
      return await this.openLink(linkOf(url));
    } catch (error) {
      if (error instanceof LinkError) return { code: error.code, message: error.message, data: error.field };
      throw error;
    }
  }
}

/** Whether the payer may still type something. */
function isPayable(checkout: Checkout): boolean {
  return checkout.check.errors === undefined && checkout.transaction_id === undefined;
}

function describeEverywhere(answer: Answer<Method>): Record<Language, SimProviderError> | null {
  const [ru, uz, en] = (['ru', 'uz', 'en'] as const).map((language) => describeFailure(answer, language));
  return ru && uz && en ? { ru, uz, en } : null;
}

function judgeCard(form: CardForm, language: Language): { card: TestCard } | { problem: SimProviderError } {
  const card = findCard(form.number);
  const hasExpire = form.expire.replace(/\D/g, '') === CARD_EXPIRE.replace('/', '');
  if (card === null || !hasExpire) return { problem: { code: -31300, message: CARD_WRONG[language] } };
  if (card.refusedAtOnce === undefined) return { card };
  return { problem: { code: card.refusedAtOnce.code, message: card.refusedAtOnce.words[language] } };
}

function refused(error: SimProviderError | undefined): SimPaymePayResult {
  return { status: 'refused', transaction: null, steps: [], ...(error === undefined ? {} : { error }) };
}

/** The base64 part of a pay link, on whatever host it stands. */
function linkOf(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : url;
  const encoded = path.replace(/^\/?(payme\/)?/, '');
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
