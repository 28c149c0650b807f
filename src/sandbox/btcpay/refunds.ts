import { z } from 'zod';
import { divideToNearest, formatDecimal, parseDecimal, unitsOf } from '../decimal.ts';
import type { Surroundings } from '../surroundings.ts';
import { makeId } from './address.ts';
import { accountingOf, COIN_DIGITS, coinText, digitsOf, isAccounted, rateUnits } from './amounts.ts';
import { decimalText } from './fields.ts';
import type { Invoices } from './invoices.ts';
import { Invalid, Problems, Refusal } from './refusal.ts';
import { isRefundable } from './status.ts';
import type { InvoiceRecord, MethodId, Prompt, PullPaymentRecord, World } from './world.ts';

const PERCENT_DIGITS = 8;
const WHOLE = 100n * unitsOf(PERCENT_DIGITS);
const NO_METHOD = 'Please select one of the payment methods which were available for the original invoice';

const refundBody = z.object({
  refundVariant: z.enum(['RateThen', 'CurrentRate', 'OverpaidAmount', 'Fiat', 'Custom']).nullish(),
  payoutMethods: z.array(z.string()).nullish(),
  payoutMethodId: z.string().nullish(),
  subtractPercentage: decimalText.nullish(),
  customAmount: decimalText.nullish(),
  customCurrency: z.string().nullish(),
  name: z.string().nullish(),
  description: z.string().nullish(),
});
type RefundRequest = z.infer<typeof refundBody>;

/** An amount in whole units of 10^-digits of its currency. */
type Offer = { currency: string; units: bigint; digits: number; autoApproves: boolean };

/** Refunds of invoices: each is a pull payment, from which the buyer claims with an address of their own. */
export class Refunds {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #invoices: Invoices;

  constructor(surroundings: Surroundings, world: World, invoices: Invoices) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#invoices = invoices;
  }

  /** Offers money back. `origin` is where the buyer claims it. @throws Invalid, Refusal */
  create(invoice: InvoiceRecord, body: unknown, origin: string): PullPaymentRecord {
    if (!isRefundable(invoice)) throw new Refusal(400, 'non-refundable', 'Cannot refund this invoice');
    const parsed = refundBody.safeParse(body);
    if (!parsed.success) {
      throw new Invalid(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
    }
    const request = parsed.data;
    const { methods, prompt } = readMethods(invoice, request);
    checkRequest(request);
    const offer = subtract(this.#offer(invoice, prompt, request), request);
    if (offer.units <= 0n) throw new Refusal(400, null, 'Amount out of bound');
    const pullPayment = this.#world.addPullPayment({
      id: makeId(20),
      origin,
      name: request.name ?? `Refund ${invoice.id}`,
      description: request.description ?? '',
      currency: offer.currency,
      amount: formatDecimal(offer.units, offer.digits),
      starts_at_ms: this.#surroundings.clock.nowMs() - 1_000,
      auto_approves: offer.autoApproves,
      methods,
      invoice_id: invoice.id,
      is_archived: false,
    });
    invoice.refunds.push(pullPayment.id);
    this.#invoices.save(invoice);
    this.#invoices.announce(invoice, 'InvoiceRefund', { pullPaymentId: pullPayment.id });
    return pullPayment;
  }

  #offer(invoice: InvoiceRecord, prompt: Prompt, request: RefundRequest): Offer {
    const { paid, total } = paidOf(invoice, prompt);
    const digits = digitsOf(invoice.currency);
    // What was paid, in the invoice's own currency and to its last decimal.
    const paidInCurrency = divideToNearest(paid * rateUnits(prompt.rate), unitsOf(2 * COIN_DIGITS - digits));
    const inCoins = (units: bigint): Offer => ({ currency: 'BTC', units, digits: COIN_DIGITS, autoApproves: true });
    switch (request.refundVariant) {
      case 'RateThen':
        return inCoins(paid);
      case 'CurrentRate': {
        const rate = rateUnits(this.#world.settings.rates[invoice.currency] ?? '');
        return inCoins(divideToNearest(paidInCurrency * unitsOf(2 * COIN_DIGITS - digits), rate));
      }
      case 'OverpaidAmount':
        if (invoice.additional_status !== 'PaidOver') {
          throw new Invalid([{ path: 'RefundVariant', message: 'Invoice is not overpaid' }]);
        }
        return inCoins(paid - total);
      case 'Custom':
        return this.#customOffer(request);
      default:
        return { currency: invoice.currency, units: paidInCurrency, digits, autoApproves: false };
    }
  }

  #customOffer({ customAmount, customCurrency }: RefundRequest): Offer {
    const problems = new Problems();
    const currency = customCurrency?.toUpperCase() ?? '';
    const units = parseDecimal(customAmount ?? '', digitsOf(currency));
    if (units === null || units === 0n) problems.add('CustomAmount', 'Amount must be greater than 0');
    if (this.#world.settings.rates[currency] === undefined) problems.add('CustomCurrency', 'Invalid currency');
    problems.throwIfAny();
    return { currency, units: units ?? 0n, digits: digitsOf(currency), autoApproves: currency === 'BTC' };
  }
}

/** What was paid for good; one settled by hand without any payment counts as paid in full. */
function paidOf(invoice: InvoiceRecord, prompt: Prompt): { paid: bigint; total: bigint } {
  const { paid, total } = accountingOf(invoice, prompt);
  const isMarked = invoice.status === 'Settled' && invoice.additional_status === 'Marked';
  return paid === 0n && isMarked ? { paid: total, total: 0n } : { paid, total };
}

function readMethods(invoice: InvoiceRecord, request: RefundRequest): { methods: MethodId[]; prompt: Prompt } {
  const problems = new Problems();
  const path = request.payoutMethods == null ? 'PayoutMethodId' : 'PayoutMethods';
  const wanted = request.payoutMethods ?? [request.payoutMethodId ?? invoice.default_method];
  const methods = wanted.filter((method): method is MethodId => method === 'BTC-CHAIN' || method === 'BTC-LN');
  for (const method of request.payoutMethods ?? []) {
    if (!(methods as string[]).includes(method)) problems.add(path, `Invalid or unsupported payout method: ${method}`);
  }
  const used = invoice.payments.filter(isAccounted).map(({ payment_method_id: method }) => method);
  const prompt = invoice.prompts.find(({ method }) => used.includes(method)) ?? invoice.prompts[0];
  if (methods.length === 0 || prompt === undefined) problems.add(path, NO_METHOD);
  if (request.refundVariant == null) problems.add('RefundVariant', '`refundVariant` is mandatory');
  problems.throwIfAny();
  return { methods: [...new Set(methods)], prompt: prompt as Prompt };
}

function checkRequest({ refundVariant, customAmount, customCurrency, subtractPercentage }: RefundRequest): void {
  const problems = new Problems();
  if (refundVariant !== 'Custom' && customAmount != null) {
    problems.add('CustomAmount', 'CustomAmount should only be set if the refundVariant is Custom');
  }
  if (refundVariant !== 'Custom' && customCurrency != null) {
    problems.add('CustomCurrency', 'CustomCurrency should only be set if the refundVariant is Custom');
  }
  const percentage = parseDecimal(subtractPercentage ?? '0', PERCENT_DIGITS);
  if (percentage === null || percentage > WHOLE) {
    problems.add('SubtractPercentage', 'Percentage must be a numeric value between 0 and 100');
  }
  problems.throwIfAny();
}

function subtract(offer: Offer, { subtractPercentage }: RefundRequest): Offer {
  const percentage = parseDecimal(subtractPercentage ?? '0', PERCENT_DIGITS) ?? 0n;
  return { ...offer, units: divideToNearest(offer.units * (WHOLE - percentage), WHOLE) };
}

/** What of a pull payment nobody has claimed, in its currency. */
export function restOf(world: World, pullPayment: PullPaymentRecord): bigint {
  const digits = digitsOf(pullPayment.currency);
  const claimed = world
    .payoutsOf(pullPayment.id)
    .filter(({ state }) => state !== 'Cancelled')
    .reduce((sum, payout) => sum + (parseDecimal(payout.original_amount, digits) ?? 0n), 0n);
  return (parseDecimal(pullPayment.amount, digits) ?? 0n) - claimed;
}

/** An amount of a currency as coins, at the rate of now. */
export function toPayout(world: World, currency: string, units: bigint): string | null {
  const rate = world.settings.rates[currency];
  if (rate === undefined) return null;
  const digits = digitsOf(currency);
  const dividend = units * unitsOf(2 * COIN_DIGITS - digits);
  const divisor = rateUnits(rate);
  return coinText((dividend + divisor - 1n) / divisor);
}
