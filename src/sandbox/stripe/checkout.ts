import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { AUTHENTICATION_FAILED, type CardForm, type Decline, findCard, judgeCardForm, type TestCard } from './cards.ts';
import type { TransferType } from './cash.ts';
import type { Means } from './charges.ts';
import type { Customers } from './customers.ts';
import type { Delayed } from './delayed.ts';
import type { Disputes } from './disputes.ts';
import type { Events } from './events.ts';
import { asksPayer, type Intents } from './intents.ts';
import type { Cause, Charge, PaymentIntent, PaymentMethod, Session, SetupIntent, Wallet } from './objects.ts';
import { BY_TIME, type Sessions } from './sessions.ts';
import type { Setups } from './setups.ts';
import { type EventRecord, makeId, type Visit, type World } from './world.ts';

export type Choice = 'card' | Wallet | 'konbini' | 'bank_transfer';
export type PayForm = { choice: Choice; card: CardForm; email: string };

type Parts = {
  world: World;
  events: Events;
  customers: Customers;
  sessions: Sessions;
  intents: Intents;
  setups: Setups;
  delayed: Delayed;
  disputes: Disputes;
};

/** What a payer does on the page of a session. */
export class Checkout {
  readonly #surroundings: Surroundings;
  readonly #parts: Parts;

  constructor(surroundings: Surroundings, parts: Parts) {
    this.#surroundings = surroundings;
    this.#parts = parts;
  }

  /** What the page offers: the wallets are ways to give a card. */
  choicesOf(session: Session): Choice[] {
    const has = (type: string): boolean => session.payment_method_types.includes(type);
    return [
      ...(has('card') ? (['card', 'apple_pay', 'google_pay'] as const) : []),
      ...((has('card') || has('link')) && session.wallet_options?.link?.display !== 'never' ? (['link'] as const) : []),
      ...(has('konbini') ? (['konbini'] as const) : []),
      ...(has('customer_balance') ? (['bank_transfer'] as const) : []),
    ];
  }

  /** In setup mode the intent is there from the beginning. */
  openSetup(session: Session, cause: Cause): void {
    this.#setupOf(session, this.#parts.sessions.visitOf(session), cause);
  }

  /** The payer submits the form. What did not go through stands in the visit; the rest waits for the application. */
  async submit(session: Session, form: PayForm): Promise<void> {
    const visit = this.#begin(session, form);
    if (form.choice === 'card') {
      const judged = judgeCardForm(form.card, this.#surroundings.clock.nowMs());
      if ('problem' in judged) return this.#refuse(visit, judged.problem);
      return await this.#payByCard(session, visit, judged.card, null);
    }
    if (form.choice === 'konbini') return await this.#payByKonbini(session, visit);
    if (form.choice === 'bank_transfer') return await this.#payByTransfer(session, visit);
    if (form.choice === 'link' && session.payment_method_types.includes('link'))
      return await this.#payByLink(session, visit);
    const card = findCard(form.card.number);
    if (card === undefined) throw new SimError(400, 'CARD_UNKNOWN', 'A wallet holds one of the test cards.');
    await this.#payByCard(session, visit, card, form.choice);
  }

  /** The answer on the page of the payer's bank. */
  async authenticate(session: Session, isGiven: boolean): Promise<void> {
    const visit = this.#parts.sessions.visitOf(session);
    const { challenge } = visit;
    const card = findCard(challenge?.number ?? '');
    if (challenge === undefined || card === undefined || session.status !== 'open') {
      throw new SimError(409, 'NO_CHALLENGE', 'No bank asks anything about this session.');
    }
    delete visit.challenge;
    this.#parts.world.visits.touch(visit.id);
    const cause = this.#causeOf(visit);
    if (session.mode === 'setup') return await this.#finishSetup(session, visit, card, isGiven, cause);
    const intent = this.#intentOf(session, visit, cause);
    const method = this.#methodOf(intent);
    if (!isGiven) return this.#refuse(visit, this.#parts.intents.failChallenge(intent, method, cause));
    const means: Means = { method, card, wallet: challenge.wallet, isAuthenticated: true };
    await this.#charge(session, visit, intent, means);
  }

  #begin(session: Session, { choice, email }: PayForm): Visit {
    if (session.status !== 'open') {
      throw new SimError(409, 'SESSION_NOT_OPEN', `The session is ${session.status}.`);
    }
    if (!this.choicesOf(session).includes(choice)) {
      throw new SimError(409, 'METHOD_NOT_OFFERED', `The session does not offer ${choice}.`);
    }
    const visit = this.#parts.sessions.visitOf(session);
    delete visit.problem;
    delete visit.challenge;
    visit.email = session.customer_email ?? (email.trim() || this.#customerEmail(session) || 'payer@example.com');
    this.#parts.world.visits.touch(visit.id);
    session.customer_details = {
      address: null,
      business_name: null,
      email: visit.email,
      individual_name: null,
      name: null,
      phone: null,
      tax_exempt: 'none',
      tax_ids: [],
    };
    this.#parts.sessions.save(session);
    this.#giveCustomer(session, visit);
    return visit;
  }

  #giveCustomer(session: Session, visit: Visit): void {
    const isWanted = session.customer_creation === 'always' || visit.intent.setup_future_usage !== null;
    if (session.customer !== null || !isWanted) return;
    session.customer = this.#parts.customers.create({ email: visit.email }, this.#causeOf(visit)).id;
    this.#parts.sessions.save(session);
  }

  #customerEmail(session: Session): string | null {
    return this.#parts.world.customers.get(session.customer ?? '')?.email ?? null;
  }

  async #payByCard(session: Session, visit: Visit, card: TestCard, wallet: Wallet | null): Promise<void> {
    const cause = this.#causeOf(visit);
    const method = this.#parts.customers.addMethod('card', { email: visit.email ?? null, card, wallet });
    const isAsked = asksPayer(card, false) && wallet === null;
    const url = `${visit.origin}/stripe/checkout/${session.id}`;
    if (isAsked) {
      visit.challenge = { number: card.number, wallet };
      this.#parts.world.visits.touch(visit.id);
    }
    if (session.mode === 'setup') {
      const intent = this.#setupOf(session, visit, cause);
      intent.payment_method = method.id;
      if (isAsked) return this.#parts.setups.challenge(intent, method, url, cause);
      return await this.#finishSetup(session, visit, card, true, cause);
    }
    const intent = this.#intentOf(session, visit, cause);
    if (isAsked) return this.#parts.intents.challenge(intent, method, { url }, cause);
    await this.#charge(session, visit, intent, { method, card, wallet });
  }

  async #payByLink(session: Session, visit: Visit): Promise<void> {
    const cause = this.#causeOf(visit);
    const method = this.#parts.customers.addMethod('link', { email: visit.email ?? null });
    if (session.mode !== 'setup') {
      return await this.#charge(session, visit, this.#intentOf(session, visit, cause), { method });
    }
    const intent = this.#setupOf(session, visit, cause);
    intent.payment_method = method.id;
    await this.#finishSetup(session, visit, undefined, true, cause);
  }

  async #charge(session: Session, visit: Visit, intent: PaymentIntent, means: Means): Promise<void> {
    const cause = this.#causeOf(visit);
    const decline = this.#parts.intents.charge(intent, means, cause);
    if (decline !== null) return this.#refuse(visit, decline);
    if (intent.setup_future_usage !== null) this.#attach(session, means.method, cause);
    const completed = this.#parts.sessions.complete(session, 'paid', cause);
    const charge = this.#parts.world.charges.get(intent.latest_charge ?? '') as Charge;
    if (means.card?.fate === 'disputed') this.#parts.disputes.open(charge, 'fraudulent', cause);
    await this.#waitForAnswer(completed);
  }

  async #payByKonbini(session: Session, visit: Visit): Promise<void> {
    const cause = this.#causeOf(visit);
    const method = this.#parts.customers.addMethod('konbini', { email: visit.email ?? null });
    const intent = this.#intentOf(session, visit, cause);
    this.#parts.delayed.awaitKonbini(intent, method, visit.konbini_days, cause);
    await this.#waitForAnswer(this.#parts.sessions.complete(session, 'unpaid', cause));
  }

  async #payByTransfer(session: Session, visit: Visit): Promise<void> {
    const cause = this.#causeOf(visit);
    const method = this.#parts.customers.addMethod('customer_balance', { email: visit.email ?? null });
    const intent = this.#intentOf(session, visit, cause);
    const options = session.payment_method_options?.customer_balance?.bank_transfer;
    const transfer = { type: options?.type as TransferType, country: options?.eu_bank_transfer?.country ?? 'DE' };
    const { isPaid } = this.#parts.delayed.awaitTransfer(intent, method, transfer, cause);
    await this.#waitForAnswer(this.#parts.sessions.complete(session, isPaid ? 'paid' : 'unpaid', cause));
  }

  async #finishSetup(
    session: Session,
    visit: Visit,
    card: TestCard | undefined,
    isGiven: boolean,
    cause: Cause,
  ): Promise<void> {
    const { setups } = this.#parts;
    const intent = this.#setupOf(session, visit, cause);
    const method = this.#methodOf(intent);
    const decline = isGiven ? card?.decline : { ...AUTHENTICATION_FAILED, code: 'setup_intent_authentication_failure' };
    if (decline !== undefined) {
      setups.fail(intent, method, decline, cause);
      return this.#refuse(visit, decline);
    }
    this.#attach(session, method, cause);
    setups.succeed(intent, method, cause);
    await this.#waitForAnswer(this.#parts.sessions.complete(session, 'no_payment_required', cause));
  }

  #attach(session: Session, method: PaymentMethod, cause: Cause): void {
    const customer = this.#parts.world.customers.get(session.customer ?? '');
    if (customer !== undefined) this.#parts.customers.attach(method, customer, cause);
  }

  #refuse(visit: Visit, { code, decline_code, message }: Decline): void {
    visit.problem = { code, message, ...(decline_code === undefined ? {} : { decline_code }) };
    this.#parts.world.visits.touch(visit.id);
  }

  /** The browser is sent on when the application has answered, or after a time. */
  async #waitForAnswer(completed: EventRecord): Promise<void> {
    await this.#parts.events.firstTry(completed, this.#surroundings.options.stripeAnswerMs);
  }

  /** The payment of a session comes into being with the first try. */
  #intentOf(session: Session, visit: Visit, cause: Cause): PaymentIntent {
    const known = this.#parts.world.intents.get(session.payment_intent ?? '');
    if (known !== undefined) return known;
    const intent = this.#parts.intents.open(
      {
        ...visit.intent,
        allowed_payment_method_types: session.allowed_payment_method_types,
        amount: session.amount_total ?? 0,
        automatic_payment_methods: null,
        currency: session.currency ?? '',
        customer: session.customer,
        metadata: { ...visit.intent.metadata },
        payment_method_types: session.payment_method_types,
      },
      cause,
    );
    session.payment_intent = intent.id;
    this.#parts.sessions.save(session);
    return intent;
  }

  #setupOf(session: Session, visit: Visit, cause: Cause): SetupIntent {
    const known = this.#parts.world.setupIntents.get(session.setup_intent ?? '');
    if (known !== undefined) return known;
    const intent = this.#parts.setups.open(session, visit, cause);
    session.setup_intent = intent.id;
    this.#parts.sessions.save(session);
    return intent;
  }

  #methodOf(intent: PaymentIntent | SetupIntent): PaymentMethod {
    const method = this.#parts.world.methods.get(intent.payment_method ?? '');
    if (method === undefined) throw new Error(`the payment method of ${intent.id} is missing`);
    return method;
  }

  #causeOf(visit: Visit): Cause {
    return { origin: visit.origin, request: { ...BY_TIME, id: makeId('req', 14) } };
  }
}
