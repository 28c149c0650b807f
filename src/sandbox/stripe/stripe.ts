import type { SimStripeEvent, SimStripePayment, SimStripePayResult } from '../control-stripe.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { Api } from './api.ts';
import { ApiError } from './api-error.ts';
import { DEFAULT_CARD } from './cards.ts';
import type { Choice } from './checkout.ts';
import type { Cause, Charge, Dispute, PaymentIntent, Refund, Session } from './objects.ts';
import { answerBank } from './off-session.ts';
import { assemble, type Parts } from './parts.ts';
import { BY_TIME } from './sessions.ts';
import type { EventRecord } from './world.ts';

export type PayWish = {
  url: string;
  method: Choice;
  card?: string | undefined;
  expiry?: string | undefined;
  cvc?: string | undefined;
  email?: string | undefined;
  /** What the payer does when the bank asks (3-D Secure). */
  authenticate: 'accept' | 'refuse' | 'leave';
};

/** The simulated Stripe: its API, hosted pages, webhooks and books. */
export class Stripe {
  readonly parts: Parts;
  readonly api: Api;
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.parts = assemble(surroundings);
    this.api = new Api(surroundings, this.parts);
  }

  /** After the store was read: goes on where the last run stopped. */
  wake(): void {
    const { sessions, delayed, refunds, events } = this.parts;
    sessions.wake();
    delayed.wake();
    refunds.wake();
    events.wake();
  }

  reset(): void {
    this.parts.world.reset();
  }

  close(): void {
    this.parts.events.outgoing.close();
  }

  /** Resolves when what is being sent has its answer, or after `limitMs` of real time. */
  async settled(limitMs: number): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, limitMs).unref());
    await Promise.race([this.parts.events.sentSoFar(), limit]);
  }

  /** A whole visit: opens the page, pays, and waits until the application was told. @throws SimError */
  async pay(wish: PayWish): Promise<SimStripePayResult> {
    const session = this.#openPage(wish.url);
    const { checkout, events } = this.parts;
    const { card = DEFAULT_CARD, expiry = this.nextExpiry(), cvc = '123', email = '' } = wish;
    await checkout.submit(session, { choice: wish.method, card: { number: card, expiry, cvc }, email });
    const isAsked = this.parts.sessions.visitOf(session).challenge !== undefined;
    if (isAsked && wish.authenticate !== 'leave') await checkout.authenticate(session, wish.authenticate === 'accept');
    await events.sentSoFar();
    return this.#presentVisit(session);
  }

  /** Gives money back from the cabinet. @throws SimError */
  async refund(intentId: string, amount: number | undefined): Promise<Refund> {
    const intent = this.getIntent(intentId);
    return await this.#act(() => {
      const given = { payment_intent: intentId, ...(amount === undefined ? {} : { amount }) };
      return this.parts.refunds.create(given, this.#causeFor(intent));
    });
  }

  /** The payer goes to their bank. @throws SimError */
  async dispute(intentId: string, reason: string): Promise<Dispute> {
    const intent = this.getIntent(intentId);
    const charge = this.parts.world.charges.get(intent.latest_charge ?? '');
    if (charge === undefined) throw new SimError(409, 'NOT_PAID', 'Nothing was paid.');
    return await this.#act(() => this.parts.disputes.open(charge, reason, this.#causeFor(intent)));
  }

  async closeDispute(id: string, isWon: boolean): Promise<Dispute> {
    return await this.#act(() => this.parts.disputes.close(id, isWon, this.#causeFor(undefined)));
  }

  async settleRefund(id: string, isGood: boolean): Promise<Refund> {
    return await this.#act(() => this.parts.refunds.settle(id, isGood, this.#causeFor(undefined)));
  }

  async payVoucher(
    intentId: string,
    store: 'familymart' | 'lawson' | 'ministop' | 'seicomart',
  ): Promise<PaymentIntent> {
    const { origin } = this.#causeFor(this.getIntent(intentId));
    return await this.#act(() => this.parts.delayed.payVoucher(intentId, store, origin));
  }

  async transfer(intentId: string, amount: number): Promise<PaymentIntent> {
    const { origin } = this.#causeFor(this.getIntent(intentId));
    return await this.#act(() => this.parts.delayed.transfer(intentId, amount, origin));
  }

  /** What the payer answers the bank about a charge of a stored card. @throws SimError */
  async answerBank(intentId: string, isGiven: boolean): Promise<PaymentIntent> {
    const intent = this.getIntent(intentId);
    return await this.#act(() => {
      answerBank(this.parts, intent, isGiven, this.#causeFor(intent));
      return intent;
    });
  }

  async failPayment(intentId: string): Promise<PaymentIntent> {
    const { origin } = this.#causeFor(this.getIntent(intentId));
    return await this.#act(() => this.parts.delayed.fail(intentId, origin));
  }

  async expireSession(id: string): Promise<Session> {
    const { sessions } = this.parts;
    return await this.#act(() => {
      const session = sessions.get(id);
      return sessions.expire(session, { origin: sessions.visitOf(session).origin, request: BY_TIME });
    });
  }

  async redeliver(id: string): Promise<SimStripeEvent> {
    return presentEvent(await this.parts.events.redeliver(id));
  }

  getIntent(id: string): PaymentIntent {
    const intent = this.parts.world.intents.get(id);
    if (intent === undefined) throw new SimError(404, 'PAYMENT_NOT_FOUND', `There is no payment ${id}.`);
    return intent;
  }

  /** Newest first. */
  listPayments(limit: number, fits: (payment: PaymentIntent, session?: Session) => boolean): SimStripePayment[] {
    const { world } = this.parts;
    return [...world.intents.values()]
      .reverse()
      .filter((intent) => fits(intent, world.sessionOf(intent.id)))
      .slice(0, limit)
      .map((intent) => this.presentPayment(intent));
  }

  /** Newest first. */
  listEvents(limit: number, fits: (record: EventRecord) => boolean): SimStripeEvent[] {
    return [...this.parts.world.events.values()].reverse().filter(fits).slice(0, limit).map(presentEvent);
  }

  presentPayment(intent: PaymentIntent): SimStripePayment {
    const { world } = this.parts;
    const session = world.sessionOf(intent.id);
    const charges = [...world.charges.values()].filter(({ payment_intent: id }) => id === intent.id);
    const subjects: ReadonlySet<string> = new Set([intent.id, ...(session === undefined ? [] : [session.id])]);
    return {
      id: intent.id,
      created: intent.created,
      status: intent.status,
      amount: intent.amount,
      currency: intent.currency,
      amount_refunded: charges.reduce((sum, charge) => sum + charge.amount_refunded, 0),
      amount_remaining: intent.next_action?.display_bank_transfer_instructions?.amount_remaining ?? null,
      method: methodOf(charges.at(-1), intent),
      session: session?.id ?? null,
      client_reference_id: session?.client_reference_id ?? null,
      customer: intent.customer,
      metadata: intent.metadata,
      charges: charges.map(({ id, status, failure_code }) => ({ id, status, failure_code })),
      refunds: [...world.refunds.values()]
        .filter(({ payment_intent: id }) => id === intent.id)
        .map(({ id, amount, status }) => ({ id, amount, status: status ?? '' })),
      disputes: [...world.disputes.values()]
        .filter(({ payment_intent: id }) => id === intent.id)
        .map(({ id, amount, status }) => ({ id, amount, status })),
      events: [...world.events.values()].filter(({ subject }) => subjects.has(subject)).map(presentEvent),
    };
  }

  /** `MM/YY` of a card that is good for some years, by the sandbox clock. */
  nextExpiry(): string {
    return `12/${String((new Date(this.#surroundings.clock.nowMs()).getUTCFullYear() + 3) % 100).padStart(2, '0')}`;
  }

  #presentVisit(session: Session): SimStripePayResult {
    const visit = this.parts.sessions.visitOf(session);
    const { next_action: next } = this.parts.world.intents.get(session.payment_intent ?? '') ?? {};
    const instructions =
      next?.konbini_display_details?.hosted_voucher_url ??
      next?.display_bank_transfer_instructions?.hosted_instructions_url;
    return {
      status: statusOf(session, visit.challenge !== undefined),
      session: session.id,
      payment: session.payment_intent,
      ...(visit.problem === undefined ? {} : { error: visit.problem }),
      ...(session.status === 'complete' ? { redirect_url: fillSuccessUrl(session) } : {}),
      ...(instructions == null ? {} : { instructions_url: instructions }),
    };
  }

  /** The session of a link, on whatever host it stands, or of a bare id. */
  #openPage(url: string): Session {
    const id = /cs_test_\w+/.exec(url)?.[0] ?? '';
    const session = this.parts.world.sessions.get(id);
    if (session === undefined) throw new SimError(404, 'SESSION_NOT_FOUND', `There is no session at ${url}.`);
    return session;
  }

  /** Refusals of the API are refusals of the cabinet too. */
  async #act<T>(work: () => T): Promise<T> {
    try {
      const done = work();
      await this.parts.events.sentSoFar();
      return done;
    } catch (error) {
      if (error instanceof ApiError)
        throw new SimError(409, (error.fields.code ?? 'REFUSED').toUpperCase(), error.message);
      throw error;
    }
  }

  #causeFor(intent: PaymentIntent | undefined): Cause {
    const session = intent === undefined ? undefined : this.parts.world.sessionOf(intent.id);
    const visit = session === undefined ? undefined : this.parts.sessions.visitOf(session);
    return { origin: visit?.origin ?? `http://localhost:${this.#surroundings.options.port}`, request: BY_TIME };
  }
}

export function presentEvent({ event, subject, state, deliveries }: EventRecord): SimStripeEvent {
  return { id: event.id, type: event.type, created: event.created, subject, state, deliveries };
}

/** Where the payer is sent to. */
export function fillSuccessUrl(session: Session): string {
  return (session.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}

function statusOf(session: Session, isAsked: boolean): SimStripePayResult['status'] {
  if (session.status !== 'complete') return isAsked ? 'challenge' : 'declined';
  if (session.mode === 'setup') return 'saved';
  return session.payment_status === 'paid' ? 'paid' : 'unpaid';
}

function methodOf(charge: Charge | undefined, intent: PaymentIntent): string {
  const details = charge?.payment_method_details;
  if (details?.card != null) {
    const { brand, last4, wallet } = details.card;
    return `${wallet === null ? '' : `${wallet.type} `}${brand ?? 'card'} •••• ${last4 ?? ''}`;
  }
  if (details != null) return details.type;
  return intent.next_action?.type ?? '';
}
