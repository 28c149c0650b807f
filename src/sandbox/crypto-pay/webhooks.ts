import type { SimWebhookTry } from '../control-crypto.ts';
import { SimError } from '../errors.ts';
import { Outgoing, type Reply } from '../outgoing.ts';
import type { Surroundings } from '../surroundings.ts';
import { signBody } from './sign.ts';
import { isoTime } from './wire.ts';
import type { DeliveryRecord, World } from './world.ts';

/** Before the second, third … try; the last one repeats. The real schedule is published nowhere. */
const RETRY_DELAYS_MS = [1_000, 5_000, 30_000, 60_000, 600_000];
const MOST_TRIES = 50;
/** update_id is documented as not unique: it goes round, so that nobody takes it for a key. */
const UPDATE_IDS = 5;
const WRONG_TOKEN = '1:not-the-token-of-this-app';

/** Tells the application that invoices were paid: each until it answers 2xx, none waiting for another. */
export class Webhooks {
  readonly outgoing: Outgoing;
  readonly #surroundings: Surroundings;
  readonly #world: World;
  /** Deliveries being sent right now, not those that wait to be sent again. They never reject. */
  readonly #sending = new Map<number, Promise<void>>();

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.outgoing = new Outgoing('crypto-pay', surroundings);
  }

  /** After the store was read: what was not taken is sent again. */
  wake(): void {
    for (const delivery of this.#world.deliveries.values()) {
      if (delivery.status === 'pending') this.#start(delivery);
    }
  }

  announce(invoiceId: number, payload: Readonly<Record<string, unknown>>): DeliveryRecord {
    const id = this.#world.nextNumber('delivery');
    const delivery = this.#world.addDelivery({
      id,
      invoice_id: invoiceId,
      update_id: 1 + (id % UPDATE_IDS),
      status: 'pending',
      tries: [],
      payload: structuredClone(payload),
    });
    this.#start(delivery);
    return delivery;
  }

  /** Sends once more, whether it was taken or not. */
  async redeliver(id: number, hasWrongSignature: boolean): Promise<DeliveryRecord> {
    const delivery = this.#world.deliveries.get(id);
    if (delivery === undefined) throw new SimError(404, 'DELIVERY_NOT_FOUND', `There is no delivery ${id}.`);
    await this.#send(delivery, hasWrongSignature);
    return delivery;
  }

  /** Resolves when the delivery is not being sent right now. */
  async sent(id: number): Promise<void> {
    await this.#sending.get(id);
  }

  /** Resolves when nothing is being sent. */
  async allSent(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending.values());
  }

  #start(delivery: DeliveryRecord): void {
    this.#insist(delivery).catch((error: unknown) => {
      if (this.outgoing.isClosed) return;
      this.#surroundings.options.say(`A webhook of Crypto Pay failed: ${String(error)}`);
    });
  }

  async #insist(delivery: DeliveryRecord): Promise<void> {
    for (let round = 0; ; round += 1) {
      await this.#send(delivery, false);
      if (delivery.status !== 'pending' || this.#world.deliveries.get(delivery.id) !== delivery) return;
      await this.outgoing.pause(RETRY_DELAYS_MS[Math.min(round, RETRY_DELAYS_MS.length - 1)] ?? 0);
    }
  }

  async #send(delivery: DeliveryRecord, hasWrongSignature: boolean): Promise<void> {
    const posting = this.#post(delivery, hasWrongSignature);
    // Who waits for the end only wants to know when; an error goes to the sender below.
    const ended: Promise<void> = posting
      .catch(() => undefined)
      .then(() => {
        if (this.#sending.get(delivery.id) === ended) this.#sending.delete(delivery.id);
      });
    this.#sending.set(delivery.id, ended);
    await posting;
  }

  async #post(delivery: DeliveryRecord, hasWrongSignature: boolean): Promise<void> {
    const { options, clock } = this.#surroundings;
    const replies = await this.outgoing.send({
      name: 'invoice_paid',
      hasAmount: false,
      compose: (bend) => {
        const { update_id, payload } = delivery;
        const requestDate = isoTime(clock.nowMs());
        const body = JSON.stringify({ update_id, update_type: 'invoice_paid', request_date: requestDate, payload });
        const isWrong = bend === 'wrong_auth' || hasWrongSignature;
        const signature = signBody(body, isWrong ? WRONG_TOKEN : options.cryptoPayToken);
        return { headers: { 'content-type': 'application/json', 'crypto-pay-api-signature': signature }, body };
      },
    });
    delivery.tries.push(...replies.map((reply) => describeTry(reply, clock.nowMs(), hasWrongSignature)));
    const isTaken = replies.some((reply) => reply.kind === 'answered' && reply.status >= 200 && reply.status < 300);
    if (isTaken && !hasWrongSignature) delivery.status = 'delivered';
    else if (delivery.status === 'pending' && delivery.tries.length >= MOST_TRIES) delivery.status = 'given_up';
    this.#world.saveDelivery(delivery);
  }
}

function describeTry(reply: Reply, atMs: number, hasWrongSignature: boolean): SimWebhookTry {
  const note = hasWrongSignature ? 'signed with a wrong token' : reply.kind === 'no_answer' ? reply.message : null;
  return {
    atMs,
    status: reply.kind === 'answered' ? reply.status : null,
    ...(note === null ? {} : { note }),
  };
}
