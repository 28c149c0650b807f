import type { Agenda } from '../agenda.ts';
import type { Clock } from '../clock.ts';
import { HttpClient, type PostResult } from '../http-client.ts';
import type { TrafficLog } from '../traffic.ts';
import type { UpdateRecord } from './records.ts';
import type { World } from './world.ts';

const MAX_RETRY_AFTER_SECONDS = 3_600;
const LONGEST_DELAY_SECONDS = 60;
/** Telegram opens a lost connection again about every two seconds, whatever the updates' own delays are. */
const RECONNECT_SECONDS = 2;
const SHORTEST_RECONNECT_MS = 20;
const PENDING_KEPT = 20_000;

type Queue = { name: string; updates: UpdateRecord[]; isBusy: boolean; isReady: boolean };

export type DeliveryOptions = {
  world: World;
  clock: Clock;
  agenda: Agenda;
  traffic: TrafficLog;
  retryScale: number;
  timeoutMs: number;
  /** Runs a Bot API call found in the webhook's answer. */
  executeReply: (contentType: string, body: string) => void;
  /** An update left the books: delivered, expired or dropped. */
  onGone: (update: UpdateRecord) => void;
  stateChanged: () => void;
};

/**
 * Brings pending updates to the webhook by the rules of Telegram's server (tdlib/telegram-bot-api WebhookActor.cpp):
 * one queue per chat or user, in order and one at a time within it, side by side across queues; a failed update is
 * tried again at once, then after 2, 4, 8 … seconds, and blocks its queue until it is taken or expires.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #client = new HttpClient();
  readonly #queues = new Map<string, Queue>();
  #ready: Queue[] = [];
  #inFlight = 0;
  #isDownUntilMs = 0;
  #isClosed = false;
  #settledWaiters: (() => void)[] = [];

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Takes up what was pending when the sandbox stopped. */
  wake(): void {
    const pending = [...this.#options.world.updates.values()];
    for (const update of pending.sort((a, b) => a.update_id - b.update_id || a.copy - b.copy)) this.#enqueue(update);
    this.pump();
  }

  add(update: UpdateRecord): void {
    const { updates } = this.#options.world;
    updates.set(updateKey(update), update);
    if (updates.size > PENDING_KEPT) this.#dropOldest();
    this.#enqueue(update);
    this.pump();
    this.#options.stateChanged();
  }

  /** Forgets every pending update (drop_pending_updates). */
  clear(): void {
    this.#options.world.updates.clear();
    for (const queue of this.#queues.values()) queue.updates.length = 0;
    this.#queues.clear();
    this.#ready = [];
    this.#options.stateChanged();
  }

  /** Forgets updates below this id: a getUpdates call has confirmed them. */
  confirmBelow(updateId: number): void {
    for (const update of [...this.#options.world.updates.values()]) {
      if (update.update_id < updateId) this.#remove(update);
    }
  }

  /** Pending updates from this id on, oldest first; for getUpdates. */
  list(fromUpdateId: number, limit: number): UpdateRecord[] {
    const nowMs = this.#options.clock.nowMs();
    const found: UpdateRecord[] = [];
    for (const update of [...this.#options.world.updates.values()]) {
      if (update.expires_at_ms < nowMs) this.#remove(update);
      else if (update.update_id >= fromUpdateId && update.not_before_ms <= nowMs) found.push(update);
      if (found.length === limit) break;
    }
    return found;
  }

  /** The webhook changed: everything is tried anew. */
  webhookChanged(): void {
    this.#isDownUntilMs = 0;
    for (const queue of this.#queues.values()) this.#makeReady(queue);
    this.pump();
  }

  /** The clock moved: waiting times may be over, updates expired. */
  clockMoved(): void {
    this.#isDownUntilMs = 0;
    const latestMs = this.#options.clock.nowMs() + MAX_RETRY_AFTER_SECONDS * 1000;
    for (const queue of this.#queues.values()) {
      const [head] = queue.updates;
      // After a move back an update would else wait for a time that is far off now.
      if (head !== undefined && head.not_before_ms > latestMs) head.not_before_ms = 0;
      this.#makeReady(queue);
    }
    this.pump();
  }

  /** Resolves when nothing is on its way or could be sent now, or after `limitMs` of real time. */
  async settled(limitMs: number): Promise<void> {
    if (this.#isSettled()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#settledWaiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  /** Sends what may be sent, up to max_connections at a time. */
  pump(): void {
    const { world, clock } = this.#options;
    const limit = world.webhook.max_connections;
    while (!this.#isClosed && world.webhook.url !== '' && this.#inFlight < limit) {
      if (this.#isDownUntilMs > clock.nowMs()) break;
      const queue = this.#ready.shift();
      if (queue === undefined) break;
      queue.isReady = false;
      const update = this.#takeHead(queue);
      if (update !== null) void this.#deliver(queue, update);
    }
    if (!this.#isSettled()) return;
    for (const waiter of this.#settledWaiters.splice(0)) waiter();
  }

  #isSettled(): boolean {
    const canSend = this.#options.world.webhook.url !== '' && this.#isDownUntilMs <= this.#options.clock.nowMs();
    return this.#inFlight === 0 && (this.#ready.length === 0 || !canSend);
  }

  /** The queue's first update if it may go now; plans a later visit if not. */
  #takeHead(queue: Queue): UpdateRecord | null {
    const nowMs = this.#options.clock.nowMs();
    for (let update = queue.updates[0]; update !== undefined; update = queue.updates[0]) {
      if (update.expires_at_ms < nowMs) {
        this.#options.traffic.begin('to_bot', update.type, update.json).end('dropped', 'expired');
        this.#remove(update);
        continue;
      }
      if (update.not_before_ms <= nowMs) return update;
      this.#options.agenda.plan(update.not_before_ms, () => {
        this.#makeReady(queue);
        this.pump();
      });
      return null;
    }
    return null;
  }

  async #deliver(queue: Queue, update: UpdateRecord): Promise<void> {
    const { world, traffic, timeoutMs } = this.#options;
    queue.isBusy = true;
    this.#inFlight += 1;
    const mark = traffic.begin('to_bot', update.type, update.json);
    const { url, secret_token: secretToken } = world.webhook;
    const headers = webhookHeaders(secretToken);
    const result = await this.#client.post({ url, headers, body: update.json, timeoutMs });
    this.#inFlight -= 1;
    queue.isBusy = false;
    if (this.#isClosed) return;
    mark.end(
      result.kind === 'answered' ? result.status : 'no_answer',
      result.kind === 'answered' ? result.body : result.message,
    );
    if (result.kind === 'answered' && result.status >= 200 && result.status <= 299) {
      this.#remove(update);
      this.#options.executeReply(result.contentType, result.body);
    } else {
      this.#fail(update, result);
    }
    this.#makeReady(queue);
    this.pump();
  }

  #fail(update: UpdateRecord, result: PostResult): void {
    const { world, clock, agenda, retryScale } = this.#options;
    const message =
      result.kind === 'answered'
        ? `Wrong response from the webhook: ${result.status} ${result.reason}`
        : result.message;
    world.webhook.last_error_message = message;
    world.webhook.last_error_date = clock.now();
    world.saveWebhook();
    this.#options.stateChanged();
    const nowMs = clock.nowMs();
    if (result.kind === 'unreachable') {
      this.#isDownUntilMs = nowMs + Math.max(SHORTEST_RECONNECT_MS, RECONNECT_SECONDS * 1000 * retryScale);
      agenda.plan(this.#isDownUntilMs, () => this.pump());
      return;
    }
    const retryAfter =
      result.kind === 'answered' ? Math.min(Math.max(0, result.retryAfterSeconds), MAX_RETRY_AFTER_SECONDS) : 0;
    const delaySeconds = nextDelay(update, retryAfter);
    const notBeforeMs = nowMs + delaySeconds * 1000 * retryScale;
    if (notBeforeMs > update.expires_at_ms) {
      this.#remove(update);
      return;
    }
    update.fail_count += 1;
    update.not_before_ms = notBeforeMs;
    world.updates.touch(updateKey(update));
  }

  #enqueue(update: UpdateRecord): void {
    const queue = this.#queues.get(update.queue) ?? { name: update.queue, updates: [], isBusy: false, isReady: false };
    if (queue.updates.length === 0) this.#queues.set(update.queue, queue);
    queue.updates.push(update);
    if (queue.updates.length === 1) this.#makeReady(queue);
  }

  #makeReady(queue: Queue): void {
    if (queue.isBusy || queue.isReady || queue.updates.length === 0) return;
    queue.isReady = true;
    this.#ready.push(queue);
  }

  #remove(update: UpdateRecord): void {
    this.#options.world.updates.delete(updateKey(update));
    const queue = this.#queues.get(update.queue);
    const index = queue?.updates.indexOf(update) ?? -1;
    if (queue !== undefined && index >= 0) queue.updates.splice(index, 1);
    if (queue !== undefined && queue.updates.length === 0) this.#queues.delete(queue.name);
    this.#options.onGone(update);
    this.#options.stateChanged();
  }

  #dropOldest(): void {
    for (const update of this.#options.world.updates.values()) {
      this.#remove(update);
      return;
    }
  }
}

/** Seconds until the next try; doubles the update's own delay unless the webhook asked for a time. */
function nextDelay(update: UpdateRecord, retryAfterSeconds: number): number {
  if (retryAfterSeconds > 0) return retryAfterSeconds;
  if (update.fail_count === 0) return 0;
  const longest = LONGEST_DELAY_SECONDS * (1 + Math.random());
  update.delay_seconds = Math.min(longest, update.delay_seconds * 2);
  return update.delay_seconds;
}

/** The few headers of Telegram's server. */
function webhookHeaders(secretToken: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'accept-encoding': 'gzip, deflate',
    ...(secretToken === '' ? {} : { 'x-telegram-bot-api-secret-token': secretToken }),
  };
}

function updateKey(update: UpdateRecord): string {
  return `${update.update_id}:${update.copy}`;
}
