import { SimError } from '../errors.ts';
import { Outgoing, type Reply } from '../outgoing.ts';
import type { Surroundings } from '../surroundings.ts';
import { makeId } from './address.ts';
import { signBody } from './sign.ts';
import { composeBody, unixSeconds } from './wire.ts';
import type { DeliveryRecord, Metadata, WebhookRecord, World } from './world.ts';

/** Between a delivery and its automatic redeliveries (WebhookSender). */
const REDELIVERY_DELAYS_MS = [10_000, 60_000, ...Array<number>(6).fill(600_000)];
const KEPT_MS = 60 * 86_400_000;
const WRONG_SECRET = 'not-the-secret-of-this-webhook';

type Job = () => Promise<void>;
type Queue = { jobs: Job[]; isRunning: boolean; isPaused: boolean };

/** Tells the webhooks of the store what happens: one queue each, in order, a slow or failing delivery blocks the rest. */
export class Webhooks {
  readonly outgoing: Outgoing;
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #queues = new Map<string, Queue>();
  readonly #quietWaiters = new Set<() => void>();

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.outgoing = new Outgoing('btcpay', surroundings);
  }

  /** The store has one webhook from the beginning: that of the application. */
  ensureFirst(): void {
    const { webhooks } = this.#world;
    const first = [...webhooks.values()].find(({ is_first: isFirst }) => isFirst);
    if (first === undefined && webhooks.size > 0) return;
    const { appUrl, btcpayWebhookSecret: secret } = this.#surroundings.options;
    const id = first?.id ?? makeId(16);
    const url = `${appUrl}/api/v1/payment/webhooks/btcpay`;
    const rules = { enabled: true, automatic_redelivery: true, everything: true, specific_events: [] };
    webhooks.set(id, { id, url, secret, ...rules, is_first: true });
  }

  /** After the store was read: what was not sent is sent now. */
  wake(): void {
    this.ensureFirst();
    for (const delivery of [...this.#world.deliveries.values()]) {
      if (delivery.status === 'Pending') this.#enqueue(delivery);
    }
  }

  /** After a reset: what was waiting is forgotten. */
  forget(): void {
    for (const queue of this.#queues.values()) queue.jobs.length = 0;
  }

  /** An event for every webhook that listens to it. `rest`: its members after the timestamp. */
  announce(type: string, invoiceId: string | null, rest: Metadata): void {
    for (const webhook of this.#world.webhooks.values()) {
      if (!listensTo(webhook, type)) continue;
      const id = makeId(16);
      const nowMs = this.#surroundings.clock.nowMs();
      const event = { type, timestamp: unixSeconds(nowMs), rest: structuredClone(rest) };
      this.#enqueue(this.#add({ id, webhook_id: webhook.id, original_delivery_id: id, invoice_id: invoiceId }, event));
    }
  }

  get(id: string): DeliveryRecord {
    const delivery = this.#world.deliveries.get(id);
    if (delivery === undefined) throw new SimError(404, 'DELIVERY_NOT_FOUND', `There is no delivery ${id}.`);
    return delivery;
  }

  /** Deliveries older than sixty days can no longer be sent again. */
  isPruned({ created_at_ms: createdAtMs }: DeliveryRecord): boolean {
    return this.#surroundings.clock.nowMs() - createdAtMs > KEPT_MS;
  }

  /** Sends again by hand, at the end of the queue. */
  redeliver(delivery: DeliveryRecord): DeliveryRecord {
    const again = this.#repeat(delivery);
    this.#enqueue(again);
    return again;
  }

  /** Resolves when no queue can go on by itself: all sent, or waiting to send again. */
  async quiet(): Promise<void> {
    while (!this.#isQuiet()) await new Promise<void>((resolve) => this.#quietWaiters.add(resolve));
  }

  #isQuiet(): boolean {
    return [...this.#queues.values()].every(({ isRunning, isPaused }) => !isRunning || isPaused);
  }

  #tellQuiet(): void {
    if (!this.#isQuiet()) return;
    const waiters = [...this.#quietWaiters];
    this.#quietWaiters.clear();
    for (const waiter of waiters) waiter();
  }

  #add(
    ids: Pick<DeliveryRecord, 'id' | 'webhook_id' | 'original_delivery_id' | 'invoice_id'>,
    event: DeliveryRecord['event'],
  ): DeliveryRecord {
    const nowMs = this.#surroundings.clock.nowMs();
    return this.#world.addDelivery({
      ...ids,
      type: event.type,
      is_redelivery: ids.id !== ids.original_delivery_id,
      at_ms: nowMs,
      created_at_ms: nowMs,
      status: 'Pending',
      http_code: null,
      error: null,
      event,
    });
  }

  /** A new delivery of the same event, with its time. */
  #repeat({ webhook_id, original_delivery_id, invoice_id, event }: DeliveryRecord): DeliveryRecord {
    return this.#add({ id: makeId(16), webhook_id, original_delivery_id, invoice_id }, event);
  }

  #enqueue(delivery: DeliveryRecord): void {
    const queue = this.#queues.get(delivery.webhook_id) ?? { jobs: [], isRunning: false, isPaused: false };
    this.#queues.set(delivery.webhook_id, queue);
    queue.jobs.push(() => this.#process(queue, delivery));
    if (!queue.isRunning) void this.#run(queue);
  }

  async #run(queue: Queue): Promise<void> {
    queue.isRunning = true;
    for (let job = queue.jobs.shift(); job !== undefined && !this.outgoing.isClosed; job = queue.jobs.shift()) {
      try {
        await job();
      } catch (error) {
        if (!this.outgoing.isClosed) this.#surroundings.options.say(`A webhook of BTCPay failed: ${String(error)}`);
      }
    }
    queue.isRunning = false;
    this.#tellQuiet();
  }

  async #process(queue: Queue, first: DeliveryRecord): Promise<void> {
    let delivery = first;
    for (const delayMs of [...REDELIVERY_DELAYS_MS, null]) {
      const webhook = this.#listener(delivery);
      if (webhook === undefined) return;
      const isToRepeat = await this.#send(webhook, delivery);
      if (!isToRepeat || !webhook.automatic_redelivery || delayMs === null) return;
      queue.isPaused = true;
      this.#tellQuiet();
      await this.outgoing.pause(delayMs);
      queue.isPaused = false;
      if (this.#listener(first) === undefined) return;
      delivery = this.#repeat(first);
    }
  }

  /** The webhook of a delivery, unless it is gone, switched off, or no longer listens; or a reset came between. */
  #listener(delivery: DeliveryRecord): WebhookRecord | undefined {
    const webhook = this.#world.webhooks.get(delivery.webhook_id);
    const isKnown = this.#world.deliveries.get(delivery.id) === delivery;
    return webhook !== undefined && isKnown && listensTo(webhook, delivery.type) ? webhook : undefined;
  }

  /** Whether it is worth another try: no answer, 5xx, 408 and 429 are; other refusals are not. */
  async #send(webhook: WebhookRecord, delivery: DeliveryRecord): Promise<boolean> {
    delivery.at_ms = this.#surroundings.clock.nowMs();
    const replies = await this.outgoing.send({
      name: delivery.type,
      hasAmount: false,
      url: webhook.url,
      compose: (bend) => {
        const body = composeBody(delivery);
        const signature = signBody(body, bend === 'wrong_auth' ? WRONG_SECRET : webhook.secret);
        return { headers: { 'content-type': 'application/json', 'BTCPay-Sig': signature }, body };
      },
    });
    const reply = replies.find(isSuccess) ?? replies[0];
    delivery.http_code = reply.kind === 'answered' ? reply.status : null;
    delivery.status = isSuccess(reply) ? 'HttpSuccess' : reply.kind === 'answered' ? 'HttpError' : 'Failed';
    delivery.error = describeError(reply);
    if (this.#world.deliveries.get(delivery.id) === delivery) this.#world.deliveries.touch(delivery.id);
    const { http_code: code } = delivery;
    return code === null || code >= 500 || code === 408 || code === 429;
  }
}

function listensTo(webhook: WebhookRecord, type: string): boolean {
  return webhook.enabled && (webhook.everything || webhook.specific_events.includes(type));
}

function isSuccess(reply: Reply): boolean {
  return reply.kind === 'answered' && reply.status >= 200 && reply.status < 300;
}

function describeError(reply: Reply): string | null {
  if (reply.kind === 'no_answer') return reply.message;
  return isSuccess(reply) ? null : `HTTP Error Code ${reply.status}`;
}
