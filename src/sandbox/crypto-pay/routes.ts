import { z } from 'zod';
import type { SimCryptoPaySettings } from '../control-crypto.ts';
import { type Ask, type Route, readLimit, route } from '../control-route.ts';
import { ASSET_CODES, type Asset, FIAT_PER_USD } from './money.ts';
import { presentDelivery, presentInvoice } from './wire.ts';
import { newestFirst } from './world.ts';

const LIST_LIMIT = 500;

const assetCode = z.enum(ASSET_CODES as [Asset, ...Asset[]]);
const payBody = z.strictObject({
  url: z.string().min(1),
  asset: assetCode.optional(),
  comment: z.string().max(1_024).optional(),
  anonymous: z.boolean().optional(),
  user_id: z.int().positive().optional(),
});
const redeliverBody = z.strictObject({ wrong_signature: z.boolean().default(false) });
const rate = z
  .string()
  .regex(/^\d{1,15}(\.\d{1,8})?$/)
  .refine((text) => /[1-9]/.test(text), 'must be above 0');
const amount = z.string().regex(/^\d{1,15}(\.\d{1,8})?$/);
const settingsBody = z.strictObject({
  asset_usd: z.partialRecord(assetCode, rate).optional(),
  fiat_per_usd: z.partialRecord(z.enum(Object.keys(FIAT_PER_USD) as [string, ...string[]]), rate).optional(),
  balances: z.partialRecord(assetCode, amount).optional(),
  fee_bps: z.int().min(0).max(10_000).optional(),
  disabled_methods: z.array(z.string()).optional(),
});

/** Crypto Pay's part of the control API (see control-crypto.ts). */
export const cryptoPayRoutes: readonly Route[] = [
  route('POST', '/crypto-pay/pay', async ({ cryptoPay, body }) => {
    const { url, asset, comment, anonymous: isAnonymous, user_id: userId } = payBody.parse(body);
    return await cryptoPay.pay(url, { asset, comment, isAnonymous, userId });
  }),
  route('GET', '/crypto-pay/invoices', listInvoices),
  route('GET', '/crypto-pay/invoices/:id', ({ cryptoPay, part }) => {
    const invoice = cryptoPay.invoices.get(Number(part(1)));
    const deliveries = newestFirst(cryptoPay.world.deliveries)
      .filter(({ invoice_id: id }) => id === invoice.invoice_id)
      .map(presentDelivery);
    return { invoice: presentInvoice(invoice), deliveries };
  }),
  route('GET', '/crypto-pay/deliveries', ({ cryptoPay, query }) =>
    newestFirst(cryptoPay.world.deliveries).slice(0, readLimit(query, LIST_LIMIT)).map(presentDelivery),
  ),
  route('POST', '/crypto-pay/deliveries/:id/redeliver', async ({ cryptoPay, part, body }) => {
    const { wrong_signature: isWrong } = redeliverBody.parse(body);
    return presentDelivery(await cryptoPay.webhooks.redeliver(Number(part(1)), isWrong));
  }),
  route('POST', '/crypto-pay/checks/:id/activate', ({ cryptoPay, part }) => ({
    status: cryptoPay.transfers.activateCheck(Number(part(1))).status,
  })),
  route('GET', '/crypto-pay/settings', ({ cryptoPay }) => cryptoPay.world.settings),
  route('PUT', '/crypto-pay/settings', changeSettings),
];

function listInvoices({ cryptoPay, query }: Ask): unknown {
  const wanted = query.get('payload');
  return cryptoPay.invoices
    .list()
    .filter(({ payload }) => wanted === null || payload === wanted)
    .slice(0, readLimit(query, LIST_LIMIT))
    .map(presentInvoice);
}

/** Members that are tables are changed row by row. */
function changeSettings({ cryptoPay, body }: Ask): SimCryptoPaySettings {
  const { world } = cryptoPay;
  const given = settingsBody.parse(body);
  const { settings } = world;
  return world.change({
    asset_usd: overlay(settings.asset_usd, given.asset_usd),
    fiat_per_usd: overlay(settings.fiat_per_usd, given.fiat_per_usd),
    balances: overlay(settings.balances, given.balances),
    fee_bps: given.fee_bps ?? settings.fee_bps,
    disabled_methods: given.disabled_methods ?? settings.disabled_methods,
  });
}

function overlay(
  table: Record<string, string>,
  changes: Record<string, string | undefined> = {},
): Record<string, string> {
  const given = Object.entries(changes).filter((row): row is [string, string] => row[1] !== undefined);
  return { ...table, ...Object.fromEntries(given) };
}
