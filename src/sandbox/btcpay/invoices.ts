import { z } from 'zod';
import { formatDecimal, parseDecimal } from '../decimal.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { makeAddress, makeId, makeLightningInvoice } from './address.ts';
import { PRICE_DIGITS } from './amounts.ts';
import { decimalText, metadata } from './fields.ts';
import { Invalid, Problems, Refusal } from './refusal.ts';
import { markableStatuses, nextStanding } from './status.ts';
import type { Webhooks } from './webhooks.ts';
import type { InvoiceRecord, MethodId, World } from './world.ts';

const METHODS: readonly MethodId[] = ['BTC-CHAIN', 'BTC-LN'];
const SHORTEST_EXPIRY_MINUTES = 0.5;
const MINUTE_MS = 60_000;
/** Twenty years: longer times are a mistake. */
const MOST_MINUTES = 10_519_200;
/** BTCPay looks a second after the time, so that the time is surely over. */
const WATCH_DELAY_MS = 1_000;
/** InvoiceWatcher's own limit; more rounds than it ever needs. */
const MOST_ROUNDS = 5;

const checkoutFields = z.object({
  speedPolicy: z.enum(['HighSpeed', 'MediumSpeed', 'LowMediumSpeed', 'LowSpeed']).nullish(),
  paymentMethods: z.array(z.string()).nullish(),
  defaultPaymentMethod: z.string().nullish(),
  expirationMinutes: z.number().max(MOST_MINUTES).nullish(),
  monitoringMinutes: z.number().min(0).max(MOST_MINUTES).nullish(),
  paymentTolerance: z.number().nullish(),
  redirectURL: z.string().nullish(),
  redirectAutomatically: z.boolean().nullish(),
  defaultLanguage: z.string().nullish(),
});
const createBody = z.object({
  amount: decimalText.nullish(),
  currency: z.string().nullish(),
  metadata: metadata.nullish(),
  checkout: checkoutFields.nullish(),
  receipt: metadata.nullish(),
  additionalSearchTerms: z.array(z.string()).nullish(),
});

/** Invoices of the store: how they are made, watched, marked and archived. */
export class Invoices {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #webhooks: Webhooks;

  constructor(surroundings: Surroundings, world: World, webhooks: Webhooks) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#webhooks = webhooks;
  }

  /** After the store was read. */
  wake(): void {
    for (const invoice of this.#world.invoices.values()) this.#planWatches(invoice);
  }

  /** Makes an invoice of a request's body. @throws Invalid, Refusal */
  create(body: unknown, origin: string): InvoiceRecord {
    const given = readRequest(body);
    const checkout = given.checkout ?? {};
    const methods = checkout.paymentMethods?.length ? (checkout.paymentMethods as MethodId[]) : METHODS;
    const currency = (given.currency ?? 'USD').toUpperCase();
    const rate = this.#world.settings.rates[currency];
    if (rate === undefined) throw new Refusal(400, null, `No rate is known for BTC_${currency}.`);
    const nowMs = this.#surroundings.clock.nowMs();
    const expiresAtMs = nowMs + Math.round((checkout.expirationMinutes ?? 15) * MINUTE_MS);
    const price = parseDecimal(given.amount ?? '0', PRICE_DIGITS) ?? 0n;
    const invoice = this.#world.addInvoice({
      id: makeId(16),
      origin,
      type: given.amount == null ? 'TopUp' : 'Standard',
      amount: formatDecimal(price, PRICE_DIGITS),
      currency,
      metadata: given.metadata ?? {},
      speed_policy: checkout.speedPolicy ?? 'MediumSpeed',
      default_method: methods.find((method) => method === checkout.defaultPaymentMethod) ?? methods[0] ?? 'BTC-CHAIN',
      created_at_ms: nowMs,
      expires_at_ms: expiresAtMs,
      monitoring_until_ms: expiresAtMs + Math.round((checkout.monitoringMinutes ?? 1_440) * MINUTE_MS),
      tolerance: String(checkout.paymentTolerance ?? 0),
      redirect_url: checkout.redirectURL ?? null,
      redirects_automatically: checkout.redirectAutomatically ?? false,
      language: checkout.defaultLanguage ?? null,
      search_terms: given.additionalSearchTerms ?? [],
      receipt: given.receipt ?? {},
      prompts: methods.map((method) => ({
        method,
        destination: method === 'BTC-LN' ? makeLightningInvoice() : makeAddress(),
        rate,
      })),
      payments: [],
      status: 'New',
      additional_status: 'None',
      is_archived: false,
      refunds: [],
    });
    this.announce(invoice, 'InvoiceCreated', {});
    this.#planWatches(invoice);
    return invoice;
  }

  /** Tells the webhooks. `own`: the members that only this event has. */
  announce(invoice: InvoiceRecord, type: string, own: Readonly<Record<string, unknown>>): void {
    const { btcpayStoreId: storeId } = this.#surroundings.options;
    const { id: invoiceId, metadata: known } = invoice;
    this.#webhooks.announce(type, invoiceId, { ...own, storeId, invoiceId, metadata: known });
  }

  /** Follows what time and payments have made of the invoice. */
  watch(invoice: InvoiceRecord): InvoiceRecord {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const { standing, events } = nextStanding(invoice, this.#surroundings.clock.nowMs());
      const { status, additional_status: additional, amount } = invoice;
      const isSame =
        standing.status === status && standing.additional_status === additional && standing.amount === amount;
      if (isSame) break;
      Object.assign(invoice, standing);
      this.save(invoice);
      for (const { type, ...own } of events) this.announce(invoice, type, own);
    }
    return invoice;
  }

  /** The merchant's word: settled or invalid, whatever was paid. False where that cannot be. */
  mark(invoice: InvoiceRecord, status: string): boolean {
    const wanted = markableStatuses(invoice).find((markable) => markable === status);
    if (wanted === undefined) return false;
    invoice.status = wanted;
    invoice.additional_status = 'Marked';
    this.save(invoice);
    const own = wanted === 'Settled' ? { manuallyMarked: true, overPaid: false } : { manuallyMarked: true };
    this.announce(invoice, `Invoice${wanted}`, own);
    return true;
  }

  get(id: string): InvoiceRecord {
    const invoice = this.#world.invoices.get(id);
    if (invoice === undefined) throw new SimError(404, 'INVOICE_NOT_FOUND', `There is no invoice ${id}.`);
    return this.watch(invoice);
  }

  save(invoice: InvoiceRecord): void {
    if (this.#world.invoices.get(invoice.id) === invoice) this.#world.invoices.touch(invoice.id);
  }

  #planWatches(invoice: InvoiceRecord): void {
    const nowMs = this.#surroundings.clock.nowMs();
    for (const atMs of [invoice.expires_at_ms, invoice.monitoring_until_ms]) {
      if (atMs + WATCH_DELAY_MS > nowMs) this.#planWatch(invoice, atMs + WATCH_DELAY_MS);
    }
    if (invoice.expires_at_ms <= nowMs) this.#planWatch(invoice, nowMs);
  }

  #planWatch(invoice: InvoiceRecord, atMs: number): void {
    const watch = (): void => {
      if (this.#world.invoices.get(invoice.id) === invoice) this.watch(invoice);
    };
    this.#surroundings.agenda.plan(atMs, watch, true);
  }
}

type CreateRequest = z.infer<typeof createBody>;

function readRequest(body: unknown): CreateRequest {
  const parsed = createBody.safeParse(body);
  if (!parsed.success) {
    throw new Invalid(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
  }
  const { amount, checkout } = parsed.data;
  const problems = new Problems();
  if (amount?.startsWith('-')) problems.add('Amount', 'The amount should be 0 or more.');
  else if (amount != null && parseDecimal(amount, PRICE_DIGITS) === null) problems.add('Amount', 'Invalid amount');
  for (const [index, method] of (checkout?.paymentMethods ?? []).entries()) {
    if (!(METHODS as readonly string[]).includes(method)) {
      problems.add(`Checkout.PaymentMethods[${index}]`, 'Invalid PaymentMethodId');
    }
  }
  const expiry = checkout?.expirationMinutes;
  if (expiry != null && expiry < SHORTEST_EXPIRY_MINUTES) {
    problems.add('Checkout.Expiration', 'Expiration time must be at least 30 seconds');
  }
  const tolerance = checkout?.paymentTolerance;
  if (tolerance != null && !(tolerance >= 0 && tolerance <= 100)) {
    problems.add('Checkout.PaymentTolerance', 'PaymentTolerance can only be between 0 and 100 percent');
  }
  problems.throwIfAny();
  return parsed.data;
}
