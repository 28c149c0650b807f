import { randomBytes } from 'node:crypto';
import { type Args, asObject } from './args.ts';
import { badRequest } from './errors.ts';
import type { InvoiceRecord } from './records.ts';
import type { World } from './world.ts';

const TITLE_LIMIT = 32;
const DESCRIPTION_LIMIT = 255;
const PAYLOAD_LIMIT_BYTES = 128;
const SUBSCRIPTION_PERIOD_SECONDS = 2_592_000;
const SUBSCRIPTION_STARS_LIMIT = 10_000;
const STARS_LIMIT = 100_000;
const AMOUNT_LIMIT = 999_999_999_999;

export type InvoiceDraft = Omit<InvoiceRecord, 'slug' | 'message'> & { start_parameter: string };

/**
 * Reads and checks an invoice in the order of Telegram's server: first its shape (tdlib/telegram-bot-api
 * get_input_message_invoice), then the rules for Stars, whose codes come from the server behind it.
 */
export function readInvoice(args: Args, isLink: boolean): InvoiceDraft {
  const title = args.requiredText('title');
  const description = args.requiredText('description');
  const payload = args.requiredText('payload');
  if (!args.isUtf8('payload')) throw badRequest('The payload must be encoded in UTF-8');
  const currency = args.requiredText('currency');
  args.requiredText('prices');
  const amounts = readPrices(args.json('prices', "Can't parse prices JSON object"));
  const total = amounts.reduce((sum, amount) => sum + amount, 0);
  if (total <= 0) throw badRequest('Total price must be positive');
  if (total > AMOUNT_LIMIT) throw badRequest('Total price is too big');
  checkStars(args, currency, amounts);
  if (total > STARS_LIMIT) throw badRequest('CURRENCY_TOTAL_AMOUNT_INVALID');
  if (Buffer.byteLength(payload) > PAYLOAD_LIMIT_BYTES) throw badRequest('INVOICE_PAYLOAD_INVALID');
  if (title.length > TITLE_LIMIT) throw badRequest('TITLE_INVALID');
  if (description.length > DESCRIPTION_LIMIT) throw badRequest('MEDIA_INVALID');
  const period = readPeriod(args, total, isLink);
  return {
    title,
    description,
    payload,
    total_amount: total,
    start_parameter: args.text('start_parameter'),
    ...(period === 0 ? {} : { subscription_period: period }),
  };
}

function readPrices(value: unknown): number[] {
  if (!Array.isArray(value)) throw badRequest('Expected an Array of labeled prices');
  if (value.length === 0) throw badRequest('There must be at least one price');
  return value.map((item: unknown) => {
    const price = asObject(item);
    if (price === null) throw priceComplaint('LabeledPrice must be an Object');
    const { label, amount } = price;
    if (typeof label !== 'string') throw priceComplaint('Can\'t find field "label"');
    if (label === '') throw priceComplaint('LabeledPrice label must be non-empty');
    if (amount === undefined) throw priceComplaint('Can\'t find field "amount"');
    const number = typeof amount === 'string' ? Number(amount) : amount;
    if (typeof number !== 'number' || !Number.isInteger(number))
      throw priceComplaint('Can\'t parse "amount" as Number');
    if (Math.abs(number) > AMOUNT_LIMIT) throw badRequest('Too big amount of the currency specified');
    return number;
  });
}

function priceComplaint(text: string): Error {
  return badRequest(`Can't parse labeled price: ${text}`);
}

/** This world knows no payment provider, so every other currency fails as it does without a provider token. */
function checkStars(args: Args, currency: string, amounts: number[]): void {
  if (currency !== 'XTR') throw badRequest('PAYMENT_PROVIDER_INVALID');
  const hasTips = args.integer('max_tip_amount', 0) !== 0 || !['', '[]'].includes(args.text('suggested_tip_amounts'));
  if (amounts.length !== 1 || args.text('provider_token') !== '' || hasTips) throw badRequest('STARS_INVOICE_INVALID');
}

function readPeriod(args: Args, total: number, isLink: boolean): number {
  const period = args.integer('subscription_period', 0, 0);
  if (period === 0) return 0;
  if (!isLink) throw badRequest('SUBSCRIPTION_EXPORT_MISSING');
  if (period !== SUBSCRIPTION_PERIOD_SECONDS) throw badRequest('SUBSCRIPTION_PERIOD_INVALID');
  if (total > SUBSCRIPTION_STARS_LIMIT) throw badRequest('STARS_INVOICE_INVALID');
  return period;
}

/** Keeps the invoice under a new slug. */
export function createInvoice(world: World, draft: InvoiceDraft, message?: InvoiceRecord['message']): InvoiceRecord {
  const { start_parameter: _, ...invoice } = draft;
  return world.addInvoice({
    ...invoice,
    slug: randomBytes(15).toString('base64url'),
    ...(message === undefined ? {} : { message }),
  });
}
