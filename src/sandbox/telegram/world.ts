import type { SimUser } from '../control.ts';
import type { Store, Table } from '../store.ts';
import {
  type BotRecord,
  type Counters,
  type FileRecord,
  firstBot,
  firstCounters,
  firstGroup,
  firstUsers,
  firstWebhook,
  type GroupRecord,
  type InvoiceRecord,
  type MessageRecord,
  type SubscriptionRecord,
  type TopicRecord,
  type TransactionRecord,
  type UpdateRecord,
  type UserRecord,
  type WebhookRecord,
} from './records.ts';
import type { TUser } from './wire.ts';

// Together with pending updates these keep a full sandbox within a heap of 160 MB.
const MESSAGES_PER_CHAT = 500;
const MESSAGES_TOTAL = 30_000;
const INVOICES_KEPT = 50_000;
const TRANSACTIONS_KEPT = 100_000;

/** Everything the sandbox remembers, with the indexes that make each look-up direct. No rule lives here. */
export class World {
  readonly users: Table<UserRecord>;
  readonly messages: Table<MessageRecord>;
  readonly invoices: Table<InvoiceRecord>;
  readonly transactions: Table<TransactionRecord>;
  readonly subscriptions: Table<SubscriptionRecord>;
  readonly updates: Table<UpdateRecord>;
  readonly topics: Table<TopicRecord>;
  readonly groups: Table<GroupRecord>;
  readonly settings: Table<unknown>;
  /** Payments by charge id. */
  readonly charges = new Map<string, { payment: TransactionRecord; isRefunded: boolean }>();
  readonly #messageIds = new Map<number, number[]>();
  readonly #subscriptionIds = new Map<number, string[]>();
  #transactionKeys: number[] = [];
  #starBalance = 0;
  counters: Counters = firstCounters();
  webhook: WebhookRecord = firstWebhook();
  bot: BotRecord = firstBot();
  /** Called with the files of messages that fall out. */
  onFileDropped: (file: FileRecord) => void = () => undefined;

  constructor(store: Store) {
    this.users = store.table('users');
    this.messages = store.table('messages');
    this.invoices = store.table('invoices');
    this.transactions = store.table('transactions');
    this.subscriptions = store.table('subscriptions');
    this.updates = store.table('updates');
    this.topics = store.table('topics');
    this.groups = store.table('groups');
    this.settings = store.table('settings');
  }

  /** After the store was read: takes up the single records and builds the indexes. */
  wake(): void {
    this.counters = this.#setting('counters', this.counters);
    this.webhook = this.#setting('webhook', this.webhook);
    this.bot = this.#setting('bot', this.bot);
    // Groups of an older run knew less.
    for (const group of this.groups.values()) this.groups.set(group.id, { ...firstGroup(), ...group });
    for (const message of this.messages.values()) this.#indexMessage(message);
    for (const subscription of this.subscriptions.values()) this.#indexSubscription(subscription);
    for (const transaction of [...this.transactions.values()].sort((a, b) => a.sequence - b.sequence)) {
      this.#indexTransaction(transaction);
    }
    if (this.users.size === 0) for (const user of firstUsers()) this.users.set(user.id, user);
  }

  /** As on the first day; webhook, commands and menu stay. Numbers go on, so that no id is ever given twice. */
  reset(): void {
    const tables = [this.users, this.messages, this.invoices, this.transactions, this.subscriptions, this.updates];
    for (const table of [...tables, this.topics, this.groups]) table.clear();
    this.charges.clear();
    this.#messageIds.clear();
    this.#subscriptionIds.clear();
    this.#transactionKeys = [];
    this.#starBalance = 0;
    this.bot.has_topics_enabled = false;
    this.saveBot();
    for (const user of firstUsers()) this.users.set(user.id, user);
  }

  /** The kept record, with what an older run did not know yet filled in. */
  #setting<T extends object>(key: string, first: T): T {
    return this.settings.set(key, { ...first, ...(this.settings.get(key) as Partial<T> | undefined) }) as T;
  }

  nextNumber(counter: keyof Counters): number {
    this.counters[counter] += 1;
    this.settings.touch('counters');
    return this.counters[counter];
  }

  saveWebhook(): void {
    this.settings.set('webhook', this.webhook);
  }

  saveBot(): void {
    this.settings.set('bot', this.bot);
  }

  addMessage(message: MessageRecord): MessageRecord {
    this.messages.set(messageKey(message.chat_id, message.message_id), message);
    const ids = this.#indexMessage(message);
    if (ids.length > MESSAGES_PER_CHAT) {
      for (const id of ids.splice(0, ids.length - MESSAGES_PER_CHAT)) this.#dropMessage(message.chat_id, id);
    }
    this.messages.trim(MESSAGES_TOTAL, (dropped) => {
      const others = this.#messageIds.get(dropped.chat_id);
      others?.splice(others.indexOf(dropped.message_id), 1);
      if (dropped.document !== undefined) this.onFileDropped(dropped.document);
    });
    return message;
  }

  findMessage(chatId: number, messageId: number): MessageRecord | undefined {
    return this.messages.get(messageKey(chatId, messageId));
  }

  touchMessage(message: MessageRecord): void {
    this.messages.touch(messageKey(message.chat_id, message.message_id));
  }

  deleteMessage(chatId: number, messageId: number): void {
    const ids = this.#messageIds.get(chatId);
    const index = ids?.indexOf(messageId) ?? -1;
    if (index >= 0) ids?.splice(index, 1);
    this.#dropMessage(chatId, messageId);
  }

  /** Oldest first. */
  messagesOf(chatId: number, after: number, limit: number): MessageRecord[] {
    const ids = (this.#messageIds.get(chatId) ?? []).filter((id) => id > after).slice(-limit);
    return ids.map((id) => this.findMessage(chatId, id)).filter((message) => message !== undefined);
  }

  addInvoice(invoice: InvoiceRecord): InvoiceRecord {
    this.invoices.set(invoice.slug, invoice);
    this.invoices.trim(INVOICES_KEPT);
    return invoice;
  }

  addTransaction(transaction: TransactionRecord): void {
    this.transactions.set(transaction.sequence, transaction);
    this.#indexTransaction(transaction);
    if (this.transactions.size > TRANSACTIONS_KEPT) {
      this.transactions.trim(TRANSACTIONS_KEPT - TRANSACTIONS_KEPT / 20, (dropped) => this.charges.delete(dropped.id));
      this.#transactionKeys = this.#transactionKeys.slice(-this.transactions.size);
    }
  }

  /** Chronological, from the oldest kept. */
  listTransactions(offset: number, limit: number): TransactionRecord[] {
    const keys = this.#transactionKeys.slice(offset, offset + limit);
    return keys.map((key) => this.transactions.get(key)).filter((transaction) => transaction !== undefined);
  }

  /** Newest first, of one user or of all. */
  latestTransactions(userId: number | null, limit: number): TransactionRecord[] {
    const found: TransactionRecord[] = [];
    for (let index = this.#transactionKeys.length - 1; index >= 0 && found.length < limit; index -= 1) {
      const transaction = this.transactions.get(this.#transactionKeys[index] ?? 0);
      if (transaction !== undefined && (userId === null || transaction.user_id === userId)) found.push(transaction);
    }
    return found;
  }

  /** Stars the bot holds; negative after chargebacks of Stars it no longer has. */
  get starBalance(): number {
    return this.#starBalance;
  }

  addSubscription(subscription: SubscriptionRecord): void {
    this.subscriptions.set(subscription.id, subscription);
    this.#indexSubscription(subscription);
  }

  subscriptionsOf(userId: number): SubscriptionRecord[] {
    const ids = this.#subscriptionIds.get(userId) ?? [];
    return ids.map((id) => this.subscriptions.get(id)).filter((subscription) => subscription !== undefined);
  }

  #dropMessage(chatId: number, messageId: number): void {
    const message = this.findMessage(chatId, messageId);
    if (message?.document !== undefined) this.onFileDropped(message.document);
    this.messages.delete(messageKey(chatId, messageId));
  }

  #indexMessage(message: MessageRecord): number[] {
    const ids = this.#messageIds.get(message.chat_id) ?? [];
    if (ids.length === 0) this.#messageIds.set(message.chat_id, ids);
    ids.push(message.message_id);
    return ids;
  }

  #indexSubscription(subscription: SubscriptionRecord): void {
    const ids = this.#subscriptionIds.get(subscription.user_id) ?? [];
    if (ids.length === 0) this.#subscriptionIds.set(subscription.user_id, ids);
    ids.push(subscription.id);
  }

  #indexTransaction(transaction: TransactionRecord): void {
    this.#transactionKeys.push(transaction.sequence);
    this.#starBalance += transaction.amount;
    if (transaction.amount >= 0) this.charges.set(transaction.id, { payment: transaction, isRefunded: false });
    const charge = this.charges.get(transaction.id);
    if (transaction.amount < 0 && charge !== undefined) charge.isRefunded = true;
  }
}

function messageKey(chatId: number, messageId: number): string {
  return `${chatId}:${messageId}`;
}

/** A person as the Bot API shows them. */
export function presentUser(user: SimUser): TUser {
  return {
    id: user.id,
    is_bot: false,
    first_name: user.first_name,
    ...(user.last_name === undefined ? {} : { last_name: user.last_name }),
    ...(user.username === undefined ? {} : { username: user.username }),
    language_code: user.language_code,
    ...(user.is_premium ? { is_premium: true as const } : {}),
  };
}
