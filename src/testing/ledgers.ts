import { Currency, fromDecimal } from '#domain/money.ts';
import type { SimTransaction } from '../sandbox/control.ts';
import type { SimClickPayment, SimPaymeTransaction } from '../sandbox/control-payme-click.ts';
import type { SimStripePayment } from '../sandbox/control-stripe.ts';
import type { World } from './world.ts';

/** What was taken minus what was given back, in minor units, by provider and currency: `btcpay USD`. Zeros are left out. */
export type Sums = Readonly<Record<string, bigint>>;

/** The public values of the sandbox. */
const CRYPTO_PAY_TOKEN = '90004:AAHoshiSandboxCryptoPayToken00000';
const BTCPAY_STORE = 'HoshiSandboxStore00000000000000000000000000000';
const BTCPAY_KEY = 'HoshiSandboxBtcpayApiKey0000000000000000';

/**
 * As our books have it: what providers hold for us and what they kept of it are together what payers gave. So no fee model
 * comes into the comparison; of coins, fees that are no whole units of ours are in neither.
 */
export async function ourSums(world: World): Promise<Sums> {
  const rows = await world.sql<{ owner: string; currency: string; total: string }>(
    `SELECT owner, currency, sum(amount)::text AS total FROM ledger_entry
     WHERE account IN ('provider_receivable', 'processor_fees') GROUP BY 1, 2`,
  );
  return toSums(rows.map(({ currency, owner, total }) => [`${owner} ${currency}`, BigInt(total)]));
}

/** As each simulator's own ledger has it. Coins are compared by the price of their invoice, which is what was asked. */
export async function providersSums(world: World): Promise<Sums> {
  return toSums([
    ...(await stars(world)),
    ...(await stripe(world)),
    ...(await payme(world)),
    ...(await click(world)),
    ...(await cryptoPay(world)),
    ...(await btcpay(world)),
  ]);
}

type Row = readonly [key: string, amount: bigint];

function toSums(rows: ReadonlyArray<Row>): Sums {
  const sums: Record<string, bigint> = {};
  for (const [key, amount] of rows) sums[key] = (sums[key] ?? 0n) + amount;
  return Object.fromEntries(Object.entries(sums).filter(([, amount]) => amount !== 0n));
}

/** Of a price as a text, in minor units of its currency. */
function toMinor(text: string, code: string): bigint {
  const money = fromDecimal(text.includes('.') ? text.replace(/\.?0+$/, '') : text, Currency.parse(code));
  if (!money) throw new Error(`${text} ${code} is finer than its currency`);
  return money.amount;
}

async function stars(world: World): Promise<Row[]> {
  const rows = await world.sandbox.ask<SimTransaction[]>('GET', '/transactions?limit=500');
  return rows.map(({ amount }) => ['telegram-stars XTR', BigInt(amount)]);
}

async function stripe(world: World): Promise<Row[]> {
  const rows = await world.sandbox.ask<SimStripePayment[]>('GET', '/stripe/payments?limit=500');
  return rows.flatMap(({ amount, currency, disputes, refunds, status }): Row[] => {
    if (status !== 'succeeded') return [];
    const gone = refunds
      .filter((refund) => refund.status === 'succeeded')
      .reduce((sum, refund) => sum + refund.amount, 0);
    const lost = disputes
      .filter((dispute) => dispute.status === 'lost')
      .reduce((sum, dispute) => sum + dispute.amount, 0);
    return [[`stripe ${currency.toUpperCase()}`, BigInt(amount - gone - lost)]];
  });
}

async function payme(world: World): Promise<Row[]> {
  const rows = await world.sandbox.ask<SimPaymeTransaction[]>('GET', '/payme/transactions?limit=500');
  return rows.filter(({ money }) => money === 'debited').map(({ amount }) => ['payme UZS', BigInt(amount)]);
}

async function click(world: World): Promise<Row[]> {
  const rows = await world.sandbox.ask<SimClickPayment[]>('GET', '/click/payments?limit=500');
  return rows.map(({ amount, money, reversed_tiyin: reversed }) => [
    'click UZS',
    money === 'none' ? 0n : money === 'returned' ? 0n : toMinor(amount, 'UZS') - BigInt(reversed),
  ]);
}

type CryptoInvoice = Readonly<{ invoice_id: number; amount: string; fiat?: string; asset?: string }>;

async function cryptoPay(world: World): Promise<Row[]> {
  const ask = async <Item>(method: string, query: string): Promise<Item[]> => {
    const url = `${world.sandboxUrl}/crypto-pay/api/${method}?count=1000${query}`;
    const answer = await fetch(url, { headers: { 'crypto-pay-api-token': CRYPTO_PAY_TOKEN } });
    return ((await answer.json()) as { result: { items: Item[] } }).result.items;
  };
  const invoices = await ask<CryptoInvoice>('getInvoices', '&status=paid');
  const transfers = await ask<{ comment?: string }>('getTransfers', '');
  const returned = new Set(transfers.map(({ comment }) => / of invoice (\d+)$/.exec(comment ?? '')?.[1]));
  return invoices.flatMap(({ amount, asset, fiat, invoice_id: id }): Row[] => {
    const currency = fiat ?? asset ?? '';
    return returned.has(String(id)) ? [] : [[`crypto-pay ${currency}`, toMinor(amount, currency)]];
  });
}

type ChainInvoice = Readonly<{ paidAmount: string; currency: string }>;
type Offer = Readonly<{ id: string; amount: string; description: string }>;
type Payout = Readonly<{ state: string; originalAmount: string }>;

async function btcpay(world: World): Promise<Row[]> {
  const ask = async <Answer>(path: string): Promise<Answer> => {
    const url = `${world.sandboxUrl}/btcpay/api/v1/${path}`;
    return (await fetch(url, { headers: { authorization: `token ${BTCPAY_KEY}` } })).json() as Promise<Answer>;
  };
  const invoices = await ask<ChainInvoice[]>(`stores/${BTCPAY_STORE}/invoices?take=1000`);
  const rows: Row[] = invoices.map(({ currency, paidAmount }) => [`btcpay ${currency}`, toMinor(paidAmount, currency)]);
  for (const { amount, description, id } of await ask<Offer[]>(`stores/${BTCPAY_STORE}/pull-payments`)) {
    const payouts = await ask<Payout[]>(`pull-payments/${id}/payouts`);
    const isPaid = payouts.some(({ originalAmount, state }) => state === 'Completed' && originalAmount === amount);
    const [, price = '0', currency = 'USD'] = /: ([\d.]+) ([A-Z]{3})$/.exec(description) ?? [];
    if (isPaid) rows.push([`btcpay ${currency}`, -toMinor(price, currency)]);
  }
  return rows;
}
