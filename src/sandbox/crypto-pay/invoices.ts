import { formatDecimal, parseDecimal } from '../decimal.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Balances } from './balances.ts';
import { type Fields, invalid } from './fields.ts';
import {
  ASSET_CODES,
  type Asset,
  FIAT_DECIMALS,
  FIAT_PER_USD,
  priceInAsset,
  rateText,
  toText,
  toUnits,
  usdMillionths,
} from './money.ts';
import { Refusal } from './refusal.ts';
import type { Webhooks } from './webhooks.ts';
import { presentInvoice } from './wire.ts';
import { type DeliveryRecord, type InvoiceRecord, makeHash, newestFirst, type World } from './world.ts';

const BUTTONS = ['viewItem', 'openChannel', 'openBot', 'callback'] as const;
const SWAPS = ['USDT', 'TON', 'TRX', 'ETH', 'SOL', 'BTC', 'LTC'] as const;
const LONGEST_EXPIRY_SECONDS = 2_678_400;
const BPS = 10_000n;

export type Payment = {
  asset?: Asset | undefined;
  comment?: string | undefined;
  isAnonymous?: boolean | undefined;
  userId?: number | undefined;
};

/** What happens to an invoice: made, paid, expired, deleted. */
export class Invoices {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #balances: Balances;
  readonly #webhooks: Webhooks;

  constructor(surroundings: Surroundings, world: World, balances: Balances, webhooks: Webhooks) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#balances = balances;
    this.#webhooks = webhooks;
  }

  /** createInvoice. `origin` is where its links lead. @throws Refusal */
  create(fields: Fields, origin: string): InvoiceRecord {
    const currencyType = fields.oneOf('currency_type', ['crypto', 'fiat']) ?? 'crypto';
    const price = currencyType === 'crypto' ? readCoinPrice(fields) : readFiatPrice(fields);
    const nowMs = this.#surroundings.clock.nowMs();
    const expiresIn = fields.number('expires_in', 1, LONGEST_EXPIRY_SECONDS);
    const optional = {
      swap_to: fields.oneOf('swap_to', SWAPS),
      description: fields.text('description', 1_024),
      hidden_message: fields.text('hidden_message', 2_048),
      payload: readPayload(fields),
      expires_at_ms: expiresIn === undefined ? undefined : nowMs + expiresIn * 1_000,
      ...readButton(fields),
    };
    const given = Object.entries(optional).filter(([, value]) => value !== undefined);
    return this.#world.addInvoice({
      invoice_id: 528_000 + this.#world.nextNumber('invoice'),
      hash: makeHash('IV'),
      currency_type: currencyType,
      ...price,
      origin,
      status: 'active',
      created_at_ms: nowMs,
      allow_comments: fields.flag('allow_comments', true),
      allow_anonymous: fields.flag('allow_anonymous', true),
      ...(Object.fromEntries(given) as Partial<InvoiceRecord>),
    });
  }

  /** The invoice as of now: one whose time is over has expired. There is no webhook for that. */
  refresh(invoice: InvoiceRecord): InvoiceRecord {
    const isOver = (invoice.expires_at_ms ?? Number.POSITIVE_INFINITY) <= this.#surroundings.clock.nowMs();
    if (invoice.status === 'active' && isOver) {
      invoice.status = 'expired';
      this.#world.invoices.touch(invoice.invoice_id);
    }
    return invoice;
  }

  /** Newest first; all, or those of some ids, which are not searched for among all. */
  list(ids?: readonly string[]): InvoiceRecord[] {
    const rows =
      ids === undefined
        ? newestFirst(this.#world.invoices)
        : [...new Set(ids)]
            .flatMap((id) => this.#world.invoices.get(id) ?? [])
            .sort((left, right) => right.invoice_id - left.invoice_id);
    return rows.map((invoice) => this.refresh(invoice));
  }

  /** What the invoice costs in a coin now. */
  priceIn(invoice: InvoiceRecord, asset: Asset): string {
    if (invoice.fiat === undefined) return invoice.amount;
    return priceInAsset(this.#world.settings, invoice.amount, invoice.fiat, asset);
  }

  /** Coins that pay the invoice. */
  assetsOf(invoice: InvoiceRecord): readonly Asset[] {
    return invoice.asset !== undefined ? [invoice.asset] : (invoice.accepted_assets ?? ASSET_CODES);
  }

  /** A person pays; invoice_paid goes out. @throws SimError */
  pay(invoice: InvoiceRecord, payment: Payment): DeliveryRecord {
    const { status } = this.refresh(invoice);
    if (status !== 'active') throw new SimError(409, 'NOT_ACTIVE', `This invoice is ${status}.`);
    const asset = payment.asset ?? this.assetsOf(invoice)[0];
    if (asset === undefined || !this.assetsOf(invoice).includes(asset)) {
      throw new SimError(400, 'ASSET_NOT_ACCEPTED', `This invoice cannot be paid in ${asset ?? 'nothing'}.`);
    }
    const { settings } = this.#world;
    const amount = this.priceIn(invoice, asset);
    const units = toUnits(asset, amount) ?? 0n;
    const fee = (units * BigInt(settings.fee_bps)) / BPS;
    invoice.status = 'paid';
    invoice.paid = {
      at_ms: this.#surroundings.clock.nowMs(),
      asset,
      amount,
      ...(invoice.fiat === undefined ? {} : { fiat_rate: rateText(settings, asset, invoice.fiat) }),
      usd_rate: rateText(settings, asset, 'USD'),
      fee_amount: toText(asset, fee),
      fee_in_usd: formatDecimal(usdMillionths(settings, asset, fee), 6),
      is_anonymous: invoice.allow_anonymous && payment.isAnonymous === true,
      ...(payment.comment && invoice.allow_comments ? { comment: payment.comment } : {}),
      ...(payment.userId === undefined ? {} : { user_id: payment.userId }),
    };
    this.#world.invoices.touch(invoice.invoice_id);
    this.#balances.add(asset, units - fee);
    return this.#webhooks.announce(invoice.invoice_id, presentInvoice(invoice));
  }

  get(id: number): InvoiceRecord {
    const invoice = this.#world.invoices.get(id);
    if (invoice === undefined) throw new SimError(404, 'INVOICE_NOT_FOUND', `There is no invoice ${id}.`);
    return this.refresh(invoice);
  }

  /** deleteInvoice, which answers true. @throws Refusal */
  delete(id: number): true {
    const invoice = this.#world.invoices.get(id);
    if (invoice === undefined || this.refresh(invoice).status === 'paid') throw new Refusal('INVOICE_NOT_FOUND');
    this.#world.invoices.delete(id);
    return true;
  }
}

function readCoinPrice(fields: Fields): Pick<InvoiceRecord, 'asset' | 'amount'> {
  const asset = fields.asset();
  return { asset, amount: toText(asset, fields.coins(asset).units) };
}

function readFiatPrice(fields: Fields): Pick<InvoiceRecord, 'fiat' | 'amount' | 'accepted_assets'> {
  const fiat = fields.required('fiat', 16);
  if (!Object.hasOwn(FIAT_PER_USD, fiat)) throw invalid('fiat');
  const units = parseDecimal(fields.required('amount', 60), FIAT_DECIMALS);
  if (units === null || units === 0n) throw invalid('amount');
  return { fiat, amount: formatDecimal(units, FIAT_DECIMALS), accepted_assets: fields.assets('accepted_assets') };
}

function readPayload(fields: Fields): string | undefined {
  const payload = fields.text('payload', 4_096);
  if (payload !== undefined && Buffer.byteLength(payload) > 4_096) throw invalid('payload');
  return payload;
}

function readButton(fields: Fields): Partial<Pick<InvoiceRecord, 'paid_btn_name' | 'paid_btn_url'>> {
  const name = fields.oneOf('paid_btn_name', BUTTONS);
  if (name === undefined) return {};
  const url = fields.required('paid_btn_url', 1_024);
  if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol)) throw invalid('paid_btn_url');
  return { paid_btn_name: name, paid_btn_url: url };
}
