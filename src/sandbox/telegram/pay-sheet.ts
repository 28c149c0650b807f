import { randomInt } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { SimPayForm, SimPayResult } from '../control.ts';
import { SimError } from '../errors.ts';
import type { Faults } from '../faults.ts';
import type { Chats } from './chats.ts';
import { badRequest, QUERY_TOO_OLD } from './errors.ts';
import type { InvoiceRecord, UserRecord } from './records.ts';
import type { Stars } from './stars.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Updates } from './updates.ts';
import { presentUser, type World } from './world.ts';

const FORM_LIFE_SECONDS = 600;
const QUERY_KEPT_SECONDS = 150;
const FORMS_KEPT = 20_000;

type Form = { id: string; slug: string; user_id: number; amount: number; expiresAt: number; isUsed: boolean };
type Verdict = { ok: true } | { ok: false; error: string; error_message?: string };
type Query = { judge: (verdict: Verdict) => void };

export type PaySheetOptions = {
  world: World;
  clock: Clock;
  faults: Faults;
  updates: Updates;
  chats: Chats;
  stars: Stars;
  subscriptions: Subscriptions;
  preCheckoutTimeoutMs: number;
};

/** The person's side of an invoice: the form, the tap on Pay, the wait for the bot, the charge. */
export class PaySheet {
  readonly #options: PaySheetOptions;
  readonly #forms = new Map<string, Form>();
  readonly #queries = new Map<string, Query>();
  #nextQuery: bigint;

  constructor(options: PaySheetOptions) {
    this.#options = options;
    // Query ids differ from run to run, so that an answer to a query of an earlier run meets nothing.
    this.#nextQuery = 40_000_000_000_000_000n + BigInt(randomInt(2 ** 40)) * 1_000n;
  }

  /** Opens the sheet. Throws SLUG_INVALID, or INVOICE_ALREADY_PAID for a paid chat message. */
  open(slug: string, userId: number): SimPayForm {
    const { world, clock, chats } = this.#options;
    const user = chats.getUser(userId);
    const invoice = this.#getInvoice(slug);
    const form: Form = {
      id: String(randomInt(2 ** 47)),
      slug,
      user_id: userId,
      amount: invoice.total_amount,
      expiresAt: clock.now() + FORM_LIFE_SECONDS,
      isUsed: false,
    };
    this.#forms.set(form.id, form);
    for (const oldest of this.#forms.keys()) {
      if (this.#forms.size <= FORMS_KEPT) break;
      this.#forms.delete(oldest);
    }
    return {
      form_id: form.id,
      slug,
      title: invoice.title,
      description: invoice.description,
      currency: 'XTR',
      total_amount: invoice.total_amount,
      ...(invoice.subscription_period === undefined ? {} : { subscription_period: invoice.subscription_period }),
      balance: world.users.get(user.id)?.balance ?? 0,
      expires_at: form.expiresAt,
    };
  }

  /** Pays. Telegram's own refusals come as a failed result, since that is what its clients make of them. */
  async pay(slug: string, userId: number, formId: string): Promise<SimPayResult> {
    const user = this.#options.chats.getUser(userId);
    const invoice = this.#getInvoice(slug);
    const form = this.#forms.get(formId);
    const refusal = this.#refuse(user, invoice, form);
    if (refusal !== null || form === undefined)
      return this.#report({ status: 'failed', error: refusal ?? 'FORM_EXPIRED' });
    form.isUsed = true;
    const verdict = await this.#ask(user, invoice);
    if (!verdict.ok) {
      const { error, error_message: words } = verdict;
      return this.#report({ status: 'failed', error, ...(words === undefined ? {} : { error_message: words }) });
    }
    return this.#report({ status: 'paid' });
  }

  /** answerPreCheckoutQuery. `errorMessage` null means: go ahead. */
  answer(queryId: string, errorMessage: string | null): void {
    const query = this.#queries.get(queryId);
    if (query === undefined) throw badRequest(QUERY_TOO_OLD);
    query.judge(
      errorMessage === null
        ? { ok: true }
        : { ok: false, error: 'BOT_PRECHECKOUT_FAILED', error_message: errorMessage },
    );
  }

  /** Ends all waiting at once, as if the bot had been silent, and takes every form away. */
  close(): void {
    this.#forms.clear();
    for (const query of [...this.#queries.values()]) query.judge({ ok: false, error: 'BOT_PRECHECKOUT_TIMEOUT' });
  }

  #refuse(user: UserRecord, invoice: InvoiceRecord, form: Form | undefined): string | null {
    if (form === undefined || form.user_id !== user.id || form.slug !== invoice.slug) return 'FORM_EXPIRED';
    if (form.isUsed) return 'FORM_SUBMIT_DUPLICATE';
    if (form.expiresAt < this.#options.clock.now()) return 'FORM_EXPIRED';
    if (form.amount !== invoice.total_amount) return 'STARS_FORM_AMOUNT_MISMATCH';
    return user.balance < invoice.total_amount ? 'BALANCE_TOO_LOW' : null;
  }

  #getInvoice(slug: string): InvoiceRecord {
    const { world } = this.#options;
    const invoice = world.invoices.get(slug);
    if (invoice === undefined) throw new SimError(400, 'SLUG_INVALID', 'There is no such invoice.');
    const message =
      invoice.message === undefined
        ? undefined
        : world.findMessage(invoice.message.chat_id, invoice.message.message_id);
    if (message?.invoice?.state === 'paid') {
      throw new SimError(400, 'INVOICE_ALREADY_PAID', 'This invoice message was paid; it shows a receipt now.');
    }
    return invoice;
  }

  /** Asks the bot and, when it agrees in time, charges in the same step. */
  async #ask(user: UserRecord, invoice: InvoiceRecord): Promise<Verdict> {
    const { updates, preCheckoutTimeoutMs } = this.#options;
    const id = String(this.#nextQuery++);
    return await new Promise<Verdict>((resolve) => {
      const judge = (verdict: Verdict): void => {
        clearTimeout(timer);
        this.#queries.delete(id);
        resolve(verdict.ok ? this.#charge(user, invoice) : verdict);
      };
      const timer = setTimeout(() => judge({ ok: false, error: 'BOT_PRECHECKOUT_TIMEOUT' }), preCheckoutTimeoutMs);
      this.#queries.set(id, { judge });
      updates.emit({
        type: 'pre_checkout_query',
        content: {
          id,
          from: presentUser(user),
          currency: 'XTR',
          total_amount: invoice.total_amount,
          invoice_payload: invoice.payload,
        },
        queue: `pay:${user.id}`,
        keepSeconds: QUERY_KEPT_SECONDS,
      });
    });
  }

  #charge(user: UserRecord, invoice: InvoiceRecord): Verdict {
    const { world, clock, chats, stars, subscriptions } = this.#options;
    if (user.balance < invoice.total_amount) return { ok: false, error: 'BALANCE_TOO_LOW' };
    if (invoice.subscription_period !== undefined) subscriptions.begin(user, invoice, invoice.subscription_period);
    else {
      const { title, total_amount: amount, payload } = invoice;
      stars.charge({ user, title, amount, payload, date: clock.now() });
    }
    const message =
      invoice.message === undefined
        ? undefined
        : world.findMessage(invoice.message.chat_id, invoice.message.message_id);
    if (message?.invoice !== undefined) {
      message.invoice.state = 'paid';
      chats.changed(message);
    }
    return { ok: true };
  }

  /** Adds what the client is to tell the Mini App, which the invoice_closed fault may turn into a lie. */
  #report(result: Omit<SimPayResult, 'reported'>): SimPayResult {
    const fault = this.#options.faults.current.invoice_closed;
    return { ...result, reported: reportedStatuses(result.status, fault) };
  }
}

type Status = SimPayResult['status'];

function reportedStatuses(status: Status, fault: string | undefined): Status[] {
  if (fault === 'missing') return [];
  // Seen with real clients: `paid`, and `cancelled` when the sheet's animation ended (TelegramSwift#1171).
  if (fault === 'twice') return [status, 'cancelled'];
  if (status !== 'paid') return [status];
  if (fault === 'charged_but_failed') return ['failed'];
  if (fault === 'charged_but_cancelled') return ['cancelled'];
  return fault === 'pending' ? ['pending'] : ['paid'];
}
