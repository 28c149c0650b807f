import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimProviderFault } from '../control.ts';
import { SimError } from '../errors.ts';
import { Outgoing, type Reply, type Wire } from '../outgoing.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Cause, EventObject } from './objects.ts';
import { API_VERSION } from './version.ts';
import { type EventRecord, makeId, type World } from './world.ts';

/** The types the one webhook endpoint is registered for; others are only kept for `GET /v1/events`. */
const LISTENED: ReadonlySet<string> = new Set([
  'charge.dispute.closed',
  'charge.dispute.created',
  'charge.dispute.funds_reinstated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.updated',
  'charge.failed',
  'charge.refunded',
  'charge.succeeded',
  'charge.updated',
  'checkout.session.async_payment_failed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.completed',
  'checkout.session.expired',
  'customer_cash_balance_transaction.created',
  'payment_intent.canceled',
  'payment_intent.partially_funded',
  'payment_intent.payment_failed',
  'payment_intent.processing',
  'payment_intent.requires_action',
  'payment_intent.succeeded',
  'refund.created',
  'refund.failed',
  'refund.updated',
  'setup_intent.setup_failed',
  'setup_intent.succeeded',
]);

/** Before the second try, the third …; the last one again and again. Real time, scaled. */
const RETRY_DELAYS_MS = [1_000, 5_000, 30_000, 300_000, 1_800_000, 3_600_000] as const;
const GIVE_UP_AFTER_SECONDS = 3 * 86_400;
/** How long a held event waits for a next one. */
const HELD_MS = 2_000;
const DELIVERIES_KEPT = 40;
const HELD_BACK: ReadonlySet<SimProviderFault['kind']> = new Set(['reorder']);
const WRONG_SECRET = 'whsec_not_the_secret_of_this_endpoint';

/** Makes snapshot events and posts them to the application until it answers 2xx, at most for three days. */
export class Events {
  readonly outgoing: Outgoing;
  readonly #surroundings: Surroundings;
  readonly #world: World;
  /** First tries, for those who wait for an answer. */
  readonly #firstTries = new Map<string, Promise<void>>();
  readonly #inFlight = new Set<Promise<void>>();
  #waitingForNext: (() => void)[] = [];

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.outgoing = new Outgoing('stripe', surroundings);
  }

  /** What was not delivered when the sandbox stopped is sent again. */
  wake(): void {
    for (const record of this.#world.events.values()) if (record.state === 'pending') this.#start(record);
  }

  /** Something happened to `object`, of which the event keeps a copy. */
  emit(type: string, object: object, cause: Cause, previous?: Record<string, unknown>): EventRecord {
    const isListened = LISTENED.has(type);
    const copy = structuredClone(object) as Record<string, unknown>;
    const event: EventObject = {
      id: makeId('evt'),
      object: 'event',
      api_version: API_VERSION,
      created: this.#surroundings.clock.now(),
      data: { object: copy, ...(previous === undefined ? {} : { previous_attributes: structuredClone(previous) }) },
      livemode: false,
      pending_webhooks: isListened ? 1 : 0,
      request: cause.request,
      type,
    };
    const record: EventRecord = {
      event,
      subject: subjectOf(copy),
      state: isListened ? 'pending' : 'quiet',
      deliveries: [],
    };
    this.#world.events.set(event.id, record);
    this.#world.trim();
    if (isListened) this.#start(record);
    return record;
  }

  /** Resolves when the first try of an event is over, or after `limitMs` of real time. */
  async firstTry({ event }: EventRecord, limitMs: number): Promise<void> {
    const limit = new AbortController();
    const timer = sleep(limitMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([this.#firstTries.get(event.id), timer]);
    limit.abort();
  }

  /** Sends an event once more, whatever became of it. */
  async redeliver(id: string): Promise<EventRecord> {
    const record = this.#world.events.get(id);
    if (record === undefined) throw new SimError(404, 'EVENT_NOT_FOUND', `There is no event ${id}.`);
    await this.#track(this.#attempt(record));
    return record;
  }

  /** Resolves when all that is being sent at this moment has its answer; later tries are not waited for. */
  async sentSoFar(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #start(record: EventRecord): void {
    const { agenda } = this.#surroundings;
    agenda.plan((record.event.created + GIVE_UP_AFTER_SECONDS) * 1000, () => this.#giveUp(record));
    const first = this.#track(this.#holdBack(record).then(() => this.#attempt(record)));
    this.#firstTries.set(record.event.id, first);
    void first.then(() => this.#firstTries.delete(record.event.id)).then(() => this.#retry(record));
  }

  /** What the closing of the sandbox breaks off goes on after the next start. */
  #track(work: Promise<void>): Promise<void> {
    const guarded = work
      .catch((error: unknown) => {
        if (this.outgoing.isClosed) return;
        this.#surroundings.options.say(
          `A Stripe event failed: ${error instanceof Error ? error.stack : String(error)}`,
        );
      })
      .finally(() => this.#inFlight.delete(guarded));
    this.#inFlight.add(guarded);
    return guarded;
  }

  async #retry(record: EventRecord): Promise<void> {
    for (let tries = 0; record.state === 'pending'; tries += 1) {
      const delayMs = RETRY_DELAYS_MS[Math.min(tries, RETRY_DELAYS_MS.length - 1)] as number;
      try {
        await this.outgoing.pause(delayMs);
      } catch (error) {
        if (this.outgoing.isClosed) return;
        throw error;
      }
      if (record.state === 'pending' && this.#isKept(record)) await this.#track(this.#attempt(record));
      if (!this.#isKept(record)) return;
    }
  }

  /** The fault `reorder`: this event is sent after the one that comes next. */
  async #holdBack({ event }: EventRecord): Promise<void> {
    const fault = this.#surroundings.faults.takeForProvider('stripe', event.type, HELD_BACK);
    if (fault === null) return;
    const next = new Promise<void>((resolve) => this.#waitingForNext.push(resolve));
    await Promise.race([next, sleep(fault.delay_ms ?? HELD_MS, undefined, { ref: false })]);
  }

  async #attempt(record: EventRecord): Promise<void> {
    const { event } = record;
    const replies = await this.outgoing.send({
      name: event.type,
      compose: (bend) => this.#compose(event, bend === 'wrong_auth'),
      hasAmount: false,
    });
    const isTaken = replies.some((reply) => reply.kind === 'answered' && reply.status >= 200 && reply.status < 300);
    for (const reply of replies) record.deliveries.push(describe(reply, this.#surroundings.clock.nowMs()));
    if (record.deliveries.length > DELIVERIES_KEPT) record.deliveries.shift();
    if (isTaken && record.state !== 'delivered') {
      record.state = 'delivered';
      event.pending_webhooks = 0;
    }
    if (this.#isKept(record)) this.#world.events.touch(event.id);
    for (const release of this.#waitingForNext.splice(0)) release();
  }

  /** `Stripe-Signature` as in https://docs.stripe.com/webhooks#verify-manually; `v0` is what test mode adds. */
  #compose(event: EventObject, isWrong: boolean): Wire {
    const { options, clock, faults } = this.#surroundings;
    const body = JSON.stringify(event, null, 2);
    const at = clock.now();
    const sign = (secret: string): string => createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
    const second = faults.current.stripe_second_secret;
    const secrets = isWrong ? [WRONG_SECRET] : [options.stripeWebhookSecret, ...(second === undefined ? [] : [second])];
    const signatures = secrets.map((secret) => `v1=${sign(secret)}`);
    return {
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': [`t=${at}`, ...signatures, `v0=${sign(WRONG_SECRET)}`].join(','),
      },
      body,
    };
  }

  #giveUp(record: EventRecord): void {
    if (record.state !== 'pending' || !this.#isKept(record)) return;
    record.state = 'given_up';
    this.#world.events.touch(record.event.id);
  }

  /** After a reset an event under way must not come back. */
  #isKept(record: EventRecord): boolean {
    return this.#world.events.get(record.event.id) === record;
  }
}

function describe(reply: Reply, atMs: number): EventRecord['deliveries'][number] {
  if (reply.kind === 'no_answer') return { atMs, status: null, answer: reply.message };
  return { atMs, status: reply.status, answer: reply.body.slice(0, 500) };
}

/** The payment an object belongs to; else its own id, or that of the customer of a cash balance. */
function subjectOf(object: Record<string, unknown>): string {
  const move = (object['applied_to_payment'] ?? object['unapplied_from_payment'] ?? object) as Record<string, unknown>;
  const { payment_intent: intent } = move;
  return typeof intent === 'string' ? intent : String(object['id'] ?? object['customer']);
}
