import { z } from 'zod';
import { type Ask, type Route, readLimit, route } from '../control-route.ts';
import { SimError } from '../errors.ts';
import { orderIdOf, showDelivery, showInvoice, showPayout } from './wire.ts';
import { type InvoiceRecord, newestFirst } from './world.ts';

const LIST_LIMIT = 500;

const coins = z.string().regex(/^\d{1,8}(\.\d{1,8})?$/);
const method = z.enum(['BTC-CHAIN', 'BTC-LN']);
const blocks = z.int().min(0).max(1_000);
const payBody = z.strictObject({
  url: z.string().min(1),
  amount: coins.optional(),
  outcome: z.enum(['exact', 'under', 'over']).optional(),
  method: method.optional(),
  confirmations: blocks.default(6),
  rbf: z.boolean().optional(),
});
const confirmBody = z.strictObject({ confirmations: blocks.min(1).default(1) });
const markBody = z.strictObject({ status: z.enum(['Settled', 'Invalid']) });
const claimBody = z.strictObject({
  destination: z.string().optional(),
  amount: z.string().optional(),
  method: method.optional(),
});
const rate = z
  .string()
  .regex(/^\d{1,15}(\.\d{1,8})?$/)
  .refine((text) => /[1-9]/.test(text), 'must be above 0');
const settingsBody = z.strictObject({
  rates: z.record(z.string().regex(/^[A-Z]{3,5}$/), rate).optional(),
  permissions: z.array(z.string()).nullable().optional(),
});

/** BTCPay's part of the control API (see control-crypto.ts). */
export const btcpayRoutes: readonly Route[] = [
  route('POST', '/btcpay/pay', async ({ btcpay, body }) => {
    const { url, rbf: isRbf, ...sending } = payBody.parse(body);
    return await btcpay.pay(url, { ...sending, isRbf });
  }),
  route('POST', '/btcpay/invoices/:id/confirm', (ask) => {
    const { confirmations } = confirmBody.parse(ask.body);
    return change(ask, (invoice) => ask.btcpay.wallet.confirm(invoice, confirmations));
  }),
  route('POST', '/btcpay/invoices/:id/drop', (ask) => change(ask, (invoice) => ask.btcpay.wallet.drop(invoice))),
  route('POST', '/btcpay/invoices/:id/mark', (ask) => {
    const { status } = markBody.parse(ask.body);
    return change(ask, (invoice) => {
      if (!ask.btcpay.invoices.mark(invoice, status)) {
        throw new SimError(409, 'NOT_MARKABLE', `An invoice that is ${invoice.status} cannot be marked ${status}.`);
      }
    });
  }),
  route('GET', '/btcpay/invoices', listInvoices),
  route('GET', '/btcpay/invoices/:id', ({ btcpay, part }) => showInvoice(btcpay.invoices.get(part(1)))),
  route('GET', '/btcpay/deliveries', listDeliveries),
  route('POST', '/btcpay/deliveries/:id/redeliver', async ({ btcpay, part }) => {
    const { webhooks } = btcpay;
    const delivery = webhooks.get(part(1));
    if (webhooks.isPruned(delivery)) throw new SimError(409, 'PRUNED', 'A delivery is kept for sixty days.');
    const again = webhooks.redeliver(delivery);
    await webhooks.quiet();
    return showDelivery(again);
  }),
  route('POST', '/btcpay/pull-payments/:id/claim', async ({ btcpay, part, body }) => {
    const payout = btcpay.claim(part(1), claimBody.parse(body));
    await btcpay.webhooks.quiet();
    return showPayout(payout);
  }),
  route('GET', '/btcpay/payouts', ({ btcpay, query }) =>
    newestFirst(btcpay.world.payouts).slice(0, readLimit(query, LIST_LIMIT)).map(showPayout),
  ),
  ...(['approve', 'start', 'complete', 'cancel'] as const).map((action) =>
    route('POST', `/btcpay/payouts/:id/${action}`, async ({ btcpay, part }) => {
      const payout = btcpay.handlePayout(part(1), action);
      await btcpay.webhooks.quiet();
      return showPayout(payout);
    }),
  ),
  route('GET', '/btcpay/settings', ({ btcpay }) => btcpay.world.settings),
  route('PUT', '/btcpay/settings', ({ btcpay, body }) => {
    const { settings } = btcpay.world;
    const { rates, permissions = settings.permissions } = settingsBody.parse(body);
    return btcpay.world.change({ rates: { ...settings.rates, ...rates }, permissions });
  }),
];

/** Does something to an invoice and answers when the webhooks are out. */
async function change({ btcpay, part }: Ask, act: (invoice: InvoiceRecord) => unknown): Promise<unknown> {
  const invoice = btcpay.invoices.get(part(1));
  act(invoice);
  await btcpay.webhooks.quiet();
  return showInvoice(invoice);
}

function listInvoices({ btcpay, query }: Ask): unknown {
  const wanted = query.get('order');
  return newestFirst(btcpay.world.invoices)
    .filter(({ metadata }) => wanted === null || orderIdOf(metadata) === wanted)
    .slice(0, readLimit(query, LIST_LIMIT))
    .map((invoice) => showInvoice(btcpay.invoices.watch(invoice)));
}

function listDeliveries({ btcpay, query }: Ask): unknown {
  const wanted = query.get('invoice');
  return newestFirst(btcpay.world.deliveries)
    .filter(({ invoice_id: id }) => wanted === null || id === wanted)
    .slice(0, readLimit(query, LIST_LIMIT))
    .map(showDelivery);
}
