import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { TrafficLog } from '../traffic.ts';
import type { Delivery } from './delivery.ts';
import type { UpdateRecord } from './records.ts';
import type { World } from './world.ts';

/** Not sent unless the bot asks for them by name (setWebhook, allowed_updates). */
const OPT_IN_TYPES: ReadonlySet<string> = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);

/** How long an update put behind its successor waits for one, in real time. */
const REORDER_PATIENCE_MS = 5_000;

export type Emission = {
  type: string;
  /** What a message is about (successful_payment …): a finer name for faults. */
  subject?: string | undefined;
  /** What stands under the type's name in the update. */
  content: unknown;
  /** Updates with the same queue name are delivered in order. */
  queue: string;
  /** How long Telegram keeps it: 24 h for messages, 150 s for queries. */
  keepSeconds: number;
};

type LongPoll = {
  fromUpdateId: number;
  limit: number;
  answer: (updates: UpdateRecord[]) => void;
  conflict: () => void;
};

export type UpdatesOptions = { world: World; clock: Clock; faults: Faults; traffic: TrafficLog; delivery: Delivery };

/** The birth of updates: which are made at all, the accidents that befall them, and getUpdates. */
export class Updates {
  readonly #options: UpdatesOptions;
  /** Held back until their successor has gone, each with the end of its patience. */
  readonly #held = new Map<UpdateRecord, NodeJS.Timeout>();
  #successorId: number | null = null;
  #longPoll: LongPoll | null = null;

  constructor(options: UpdatesOptions) {
    this.#options = options;
  }

  emit(emission: Emission): void {
    const { world, clock, faults, traffic } = this.#options;
    if (!isAllowed(world.webhook.allowed_updates, emission.type)) return;
    const nowMs = clock.nowMs();
    const updateId = world.nextNumber('update');
    const update: UpdateRecord = {
      update_id: updateId,
      copy: 0,
      type: emission.type,
      queue: emission.queue,
      json: JSON.stringify({ update_id: updateId, [emission.type]: emission.content }),
      expires_at_ms: nowMs + emission.keepSeconds * 1000,
      not_before_ms: nowMs,
      fail_count: 0,
      delay_seconds: 1,
    };
    const fault = faults.takeForUpdate([emission.type, emission.subject ?? emission.type]);
    if (fault?.kind === 'drop') {
      traffic.begin('to_bot', emission.type, update.json).end('dropped', '');
      return;
    }
    if (fault?.kind === 'reorder') {
      this.#holdBack(update, fault.delay_ms ?? REORDER_PATIENCE_MS);
      return;
    }
    if (fault?.kind === 'delay') update.not_before_ms = nowMs + (fault.delay_ms ?? 0);
    this.#admit(update);
    if (fault?.kind === 'duplicate') this.#admit({ ...update, copy: 1 });
  }

  /** A delivered or dropped update lets those go that were to come after it. */
  onGone = (update: UpdateRecord): void => {
    if (this.#successorId !== update.update_id) return;
    this.#successorId = null;
    for (const late of [...this.#held.keys()]) this.#release(late);
  };

  /** getUpdates: answers at once when something is pending, else when something comes or `waitMs` is over. */
  async poll(
    offset: number,
    limit: number,
    waitMs: number,
    abandoned: AbortSignal,
  ): Promise<UpdateRecord[] | 'conflict'> {
    const { delivery } = this.#options;
    const fromUpdateId = this.#confirm(offset);
    const pending = delivery.list(fromUpdateId, limit);
    if (pending.length > 0 || waitMs === 0) return pending;
    this.abortPoll();
    return await new Promise((resolve) => {
      const finish = (answer: UpdateRecord[] | 'conflict'): void => {
        clearTimeout(timer);
        if (this.#longPoll === poll) this.#longPoll = null;
        resolve(answer);
      };
      const timer = setTimeout(() => finish([]), waitMs);
      const poll: LongPoll = { fromUpdateId, limit, answer: finish, conflict: () => finish('conflict') };
      this.#longPoll = poll;
      abandoned.addEventListener('abort', () => finish([]), { once: true });
    });
  }

  /** Ends a waiting getUpdates with a conflict: another one, or a webhook, has come. */
  abortPoll(): void {
    this.#longPoll?.conflict();
  }

  close(): void {
    for (const timer of this.#held.values()) clearTimeout(timer);
    this.#longPoll?.answer([]);
  }

  #confirm(offset: number): number {
    const { delivery, world } = this.#options;
    if (offset > 0) delivery.confirmBelow(offset);
    if (offset >= 0) return offset;
    const ids = [...world.updates.values()].map((update) => update.update_id);
    const from = ids.at(offset) ?? ids[0] ?? 0;
    delivery.confirmBelow(from);
    return from;
  }

  #holdBack(update: UpdateRecord, patienceMs: number): void {
    this.#held.set(
      update,
      setTimeout(() => this.#release(update), patienceMs),
    );
  }

  #release(update: UpdateRecord): void {
    clearTimeout(this.#held.get(update));
    if (this.#held.delete(update)) this.#admit(update);
  }

  #admit(update: UpdateRecord): void {
    if (this.#held.size > 0) this.#successorId ??= update.update_id;
    this.#options.delivery.add(update);
    const poll = this.#longPoll;
    if (poll === null || this.#options.world.webhook.url !== '') return;
    const pending = this.#options.delivery.list(poll.fromUpdateId, poll.limit);
    if (pending.length > 0) poll.answer(pending);
  }
}

function isAllowed(allowed: string[] | null, type: string): boolean {
  return allowed === null ? !OPT_IN_TYPES.has(type) : allowed.includes(type);
}
