import type { Agenda } from '../agenda.ts';
import type { Clock } from '../clock.ts';
import type { SimSubscription } from '../control.ts';
import { SimError } from '../errors.ts';
import type { Chats } from './chats.ts';
import { badRequest } from './errors.ts';
import type { InvoiceRecord, SubscriptionRecord, UserRecord } from './records.ts';
import type { Stars } from './stars.ts';
import type { Updates } from './updates.ts';
import { presentUser, type World } from './world.ts';

/** A renewal without enough Stars is tried again once a day, this many times (not verified against Telegram). */
const RETRIES = 3;
const DAY_SECONDS = 86_400;
const UPDATE_KEPT_SECONDS = 86_400;

export type SubscriptionsOptions = {
  world: World;
  clock: Clock;
  agenda: Agenda;
  updates: Updates;
  chats: Chats;
  stars: Stars;
};

/** Star subscriptions: 30-day periods that renew by themselves on the sandbox clock. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Plans what is due for every subscription that was running when the sandbox stopped. */
  wake(): void {
    for (const subscription of this.#options.world.subscriptions.values()) {
      if (!subscription.has_ended) this.#plan(subscription);
    }
  }

  /** The first payment; returns the charge id, which is also the subscription's name. */
  begin(user: UserRecord, invoice: InvoiceRecord, period: number): string {
    const { world, clock, stars } = this.#options;
    const date = clock.now();
    const until = date + period;
    const id = stars.charge({
      user,
      title: invoice.title,
      amount: invoice.total_amount,
      payload: invoice.payload,
      date,
      subscription: { period, until, isFirst: true },
    });
    const subscription: SubscriptionRecord = {
      id,
      user_id: user.id,
      title: invoice.title,
      amount: invoice.total_amount,
      period,
      invoice_payload: invoice.payload,
      until,
      is_canceled_by_user: false,
      is_canceled_by_bot: false,
      has_ended: false,
      failures: 0,
    };
    world.addSubscription(subscription);
    this.#plan(subscription);
    return id;
  }

  /** The user cancels or takes that back in their settings. */
  changeByUser(id: string, isCanceled: boolean): SimSubscription {
    const { world } = this.#options;
    const subscription = world.subscriptions.get(id);
    if (subscription === undefined) throw new SimError(404, 'SUBSCRIPTION_NOT_FOUND', 'There is no such subscription.');
    if (subscription.has_ended) throw new SimError(409, 'SUBSCRIPTION_ENDED', 'This subscription has ended.');
    if (!isCanceled && subscription.is_canceled_by_bot) {
      throw new SimError(409, 'SUBSCRIPTION_CANCELED_BY_BOT', 'The bot canceled it; only the bot can allow it again.');
    }
    if (subscription.is_canceled_by_user !== isCanceled) {
      subscription.is_canceled_by_user = isCanceled;
      world.subscriptions.touch(id);
      this.#tell(subscription, isCanceled ? 'canceled' : 'active');
    }
    return present(subscription);
  }

  /** editUserStarSubscription. No update follows (not verified against Telegram). */
  changeByBot(userId: number, id: string, isCanceled: boolean): void {
    const { world } = this.#options;
    if (world.users.get(userId) === undefined) throw badRequest('USER_ID_INVALID');
    const subscription = world.subscriptions.get(id);
    if (subscription === undefined || subscription.user_id !== userId) throw badRequest('CHARGE_ID_INVALID');
    subscription.is_canceled_by_bot = isCanceled;
    world.subscriptions.touch(id);
  }

  list(userId: number): SimSubscription[] {
    return this.#options.world.subscriptionsOf(userId).map(present);
  }

  #plan(subscription: SubscriptionRecord): void {
    const dueAt = subscription.until + subscription.failures * DAY_SECONDS;
    this.#options.agenda.plan(dueAt * 1000, () => this.#fallDue(subscription.id, dueAt), true);
  }

  #fallDue(id: string, dueAt: number): void {
    const { world } = this.#options;
    const subscription = world.subscriptions.get(id);
    if (subscription === undefined || subscription.has_ended) return;
    if (subscription.until + subscription.failures * DAY_SECONDS !== dueAt) return;
    const user = world.users.get(subscription.user_id);
    const isCanceled = subscription.is_canceled_by_user || subscription.is_canceled_by_bot;
    if (user === undefined || isCanceled) subscription.has_ended = true;
    else if (user.balance >= subscription.amount) this.#renew(subscription, user, dueAt);
    else this.#failToRenew(subscription);
    world.subscriptions.touch(id);
    if (!subscription.has_ended) this.#plan(subscription);
  }

  /** Renewals ask no pre_checkout_query (not verified against Telegram). The new period follows the old without a gap. */
  #renew(subscription: SubscriptionRecord, user: UserRecord, date: number): void {
    subscription.until += subscription.period;
    subscription.failures = 0;
    this.#options.stars.charge({
      user,
      title: subscription.title,
      amount: subscription.amount,
      payload: subscription.invoice_payload,
      date,
      subscription: { period: subscription.period, until: subscription.until, isFirst: false },
    });
  }

  #failToRenew(subscription: SubscriptionRecord): void {
    if (subscription.failures === 0) this.#tell(subscription, 'failed');
    if (subscription.failures >= RETRIES) subscription.has_ended = true;
    else subscription.failures += 1;
  }

  #tell(subscription: SubscriptionRecord, state: 'canceled' | 'active' | 'failed'): void {
    const { updates, chats } = this.#options;
    updates.emit({
      type: 'subscription',
      content: {
        user: presentUser(chats.getUser(subscription.user_id)),
        invoice_payload: subscription.invoice_payload,
        state,
      },
      queue: `subscription:${subscription.user_id}`,
      keepSeconds: UPDATE_KEPT_SECONDS,
    });
  }
}

function present(subscription: SubscriptionRecord): SimSubscription {
  const { id, user_id, title, amount, invoice_payload, until } = subscription;
  return { id, user_id, title, amount, invoice_payload, until, state: stateOf(subscription) };
}

function stateOf(subscription: SubscriptionRecord): SimSubscription['state'] {
  if (subscription.has_ended) return 'ended';
  if (subscription.is_canceled_by_bot) return 'canceled_by_bot';
  if (subscription.is_canceled_by_user) return 'canceled_by_user';
  return subscription.failures > 0 ? 'failed' : 'active';
}
