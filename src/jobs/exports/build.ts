import type { Ctx } from '#domain/context/context.ts';
import type { Language } from '#domain/identity/rules.ts';
import { readAudit } from '#domain/privacy/export/audit.ts';
import { decimalOf, type ExportRow, type ExportScope, readBooks, writePayment } from '#domain/privacy/export/books.ts';
import {
  readAgreements,
  readCards,
  readCopies,
  readErasures,
  readSubscriptions,
} from '#domain/privacy/export/lists.ts';
import { readOrders } from '#domain/privacy/export/orders.ts';
import { type ExportOwner, type FiledRow, readAccount, readKeys, readRecords } from '#domain/privacy/export/own.ts';
import { type ExportSale, readSales, writeSale } from '#domain/privacy/export/sales.ts';
import { translator } from '#messages/translate.ts';
import { type Copy, csvFormat, JSON_LIST } from './copy.ts';
import { renderSummaryPdf } from './summary-pdf.ts';
import { makeTotals, type Total } from './totals.ts';

export const SCHEMA_VERSION = 1;

type Payment = Parameters<typeof writePayment>[0];

/**
 * The columns of payments.csv. Numbers stay numbers and never begin with a minus: what went back has a column of its own, and
 * everything else is text.
 */
const PAYMENTS_CSV = csvFormat<Payment>({
  payment_id: ({ id }) => id,
  paid_at: ({ paid_at }) => paid_at.toISOString(),
  kind: ({ kind }) => kind,
  status: ({ status }) => status,
  product: ({ product }) => product,
  plan: ({ plan_name }) => plan_name,
  amount: ({ amount, currency }) => ({ number: decimalOf(amount, currency) }),
  returned: ({ currency, returned_amount }) => ({ number: decimalOf(returned_amount, currency) }),
  currency: ({ currency }) => currency,
  provider: ({ provider }) => provider,
  method: ({ method }) => method,
  order_id: ({ invoice_id }) => invoice_id,
  charge_id: ({ charge_id }) => charge_id,
});

/** The columns of sales.csv, in the manner of payments.csv. */
const SALES_CSV = csvFormat<ExportSale>({
  payment_id: ({ id }) => id,
  paid_at: ({ paidAt }) => paidAt.toISOString(),
  status: ({ status }) => status,
  amount: ({ amount, currency }) => ({ number: decimalOf(amount, currency) }),
  returned: ({ currency, returnedAmount }) => ({ number: decimalOf(returnedAmount, currency) }),
  platform_fee: ({ currency, platformFee }) => ({ number: decimalOf(platformFee, currency) }),
  processor_fee: ({ currency, processorFee }) => ({ number: decimalOf(processorFee, currency) }),
  developer_share: ({ currency, developerShare }) => ({ number: decimalOf(developerShare, currency) }),
  currency: ({ currency }) => currency,
});

/** What is copied for whom. `onRows` is told of every page of rows that was written. */
export type Building = Readonly<{
  scope: ExportScope & Readonly<{ language: Language }>;
  owner: ExportOwner;
  onRows: (count: number) => Promise<void>;
}>;

/** Writes everything that is kept of a person. Returns how many documents it took. */
export async function buildCopy(ctx: Ctx, copy: Copy, building: Building): Promise<number> {
  const { onRows, owner, scope } = building;
  const { asOf, language, userId } = scope;
  const t = translator(language);
  const account = await readAccount(ctx, userId, owner.telegramId);
  copy.add('account.json', Buffer.from(`${JSON.stringify(account, null, 2)}\n`));
  const totals = await writeBooks(ctx, copy, building);
  const sums = copy.list('summary', JSON_LIST);
  for (const total of totals) sums.write(writeTotal(total));
  sums.end();
  copy.add('summary.pdf', await renderSummaryPdf({ userId, asOf, totals }, language));
  await writeOrders(ctx, copy, building);
  await writeList(copy, 'subscriptions', readSubscriptions(ctx, scope), onRows);
  // Few at most, and not among the rows that were counted.
  await writeList(copy, 'cards', readCards(ctx, scope), async () => undefined);
  await writeList(copy, 'agreements', readAgreements(ctx, scope), async () => undefined);
  await writeFiled(copy, 'keys', readKeys(ctx, scope, owner.dataKey), async () => undefined);
  await writeFiled(copy, 'records', readRecords(ctx, scope, owner.dataKey), onRows);
  await writeSales(ctx, copy, building);
  await writeList(copy, 'copies', readCopies(ctx, scope), async () => undefined);
  await writeList(copy, 'erasures', readErasures(ctx, scope), async () => undefined);
  await writeList(copy, 'audit', readAudit(ctx, scope), onRows);
  return copy.finish({
    schema_version: SCHEMA_VERSION,
    generated_at: asOf.toISOString(),
    user_id: userId,
    notes: (['amounts', 'records', 'waiting', 'audit', 'sales', 'hashes'] as const).map((note) =>
      t(`export.note.${note}`),
    ),
  });
}

function writeTotal({ count, currency, paid, returned, year }: Total): object {
  return {
    year,
    currency,
    payments: count,
    paid: decimalOf(paid, currency),
    returned: decimalOf(returned, currency),
  };
}

async function writeBooks(ctx: Ctx, copy: Copy, { onRows, scope }: Building): Promise<Total[]> {
  const payments = copy.list('payments', JSON_LIST);
  const csv = copy.list('payments', PAYMENTS_CSV);
  const parts = {
    refunds: copy.list('refunds', JSON_LIST),
    disputes: copy.list('disputes', JSON_LIST),
    entitlements: copy.list('entitlements', JSON_LIST),
  };
  const totals = makeTotals();
  for await (const page of readBooks(ctx, scope)) {
    for (const payment of page.payments) {
      payments.write(writePayment(payment));
      csv.write(payment);
      totals.add(payment);
    }
    for (const name of ['refunds', 'disputes', 'entitlements'] as const)
      for (const row of page[name]) parts[name].write(row);
    await copy.settle();
    await onRows(page.payments.length);
  }
  for (const list of [payments, csv, ...Object.values(parts)]) list.end();
  return totals.list();
}

async function writeOrders(ctx: Ctx, copy: Copy, { onRows, owner, scope }: Building): Promise<void> {
  const lists = {
    orders: copy.list('orders', JSON_LIST),
    attempts: copy.list('attempts', JSON_LIST),
    reservations: copy.list('reservations', JSON_LIST),
  };
  for await (const page of readOrders(ctx, scope, owner.dataKey)) {
    for (const name of ['orders', 'attempts', 'reservations'] as const)
      for (const row of page[name]) lists[name].write(row);
    await copy.settle();
    await onRows(page.orders.length);
  }
  for (const list of Object.values(lists)) list.end();
}

async function writeSales(ctx: Ctx, copy: Copy, { onRows, scope }: Building): Promise<void> {
  const sales = copy.list('sales', JSON_LIST);
  const csv = copy.list('sales', SALES_CSV);
  for await (const page of readSales(ctx, scope)) {
    for (const sale of page) {
      sales.write(writeSale(sale));
      csv.write(sale);
    }
    await copy.settle();
    await onRows(page.length);
  }
  for (const list of [sales, csv]) list.end();
}

async function writeList(
  copy: Copy,
  name: string,
  pages: AsyncIterable<ExportRow[]>,
  onRows: Building['onRows'],
): Promise<void> {
  const list = copy.list(name, JSON_LIST);
  for await (const rows of pages) {
    for (const row of rows) list.write(row);
    await copy.settle();
    await onRows(rows.length);
  }
  list.end();
}

/** A list whose rows have files beside it, each named with its hash. */
async function writeFiled(
  copy: Copy,
  name: string,
  pages: AsyncIterable<FiledRow[]>,
  onRows: Building['onRows'],
): Promise<void> {
  const list = copy.list(name, JSON_LIST);
  for await (const rows of pages) {
    for (const { file, row } of rows) {
      const sha256 = file && copy.addListed(file.name, file.text);
      list.write({ ...row, file: file?.name ?? null, sha256 });
      await copy.settle();
    }
    await onRows(rows.length);
  }
  list.end();
}
