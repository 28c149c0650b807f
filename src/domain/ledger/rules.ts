/** The accounts of the books. */
export type LedgerAccount = 'provider_receivable' | 'platform_revenue' | 'developer_payable' | 'processor_fees';

/** One leg. Positive amounts are what we hold or spend, negative ones what we owe or earned; a transaction sums to zero. */
export type Entry = Readonly<{ account: LedgerAccount; owner: string; amount: bigint; currency: string }>;

type Shares = Readonly<{
  providerId: string;
  currency: string;
  amount: bigint;
  platformFee: bigint;
  processorFee: bigint;
  developerShare: bigint;
  developerUserId: string | null;
}>;

/** Books a charge: the provider holds the whole, which is owed and earned by the parties. Zero legs are left out. */
export function entriesForPayment(payment: Shares): Entry[] {
  const { currency, developerUserId, providerId } = payment;
  const legs: Entry[] = [
    { account: 'provider_receivable', owner: providerId, amount: payment.amount - payment.processorFee, currency },
    { account: 'processor_fees', owner: providerId, amount: payment.processorFee, currency },
    { account: 'developer_payable', owner: developerUserId ?? '', amount: -payment.developerShare, currency },
    { account: 'platform_revenue', owner: '', amount: -payment.platformFee - payment.processorFee, currency },
  ];
  return legs.filter((leg) => leg.amount !== 0n);
}

/** Books the return of a whole charge: the same legs with the opposite sign. */
export function entriesForRefund(payment: Shares): Entry[] {
  return entriesForPayment(payment).map((leg) => ({ ...leg, amount: -leg.amount }));
}
