/** The accounts of the books. */
export type LedgerAccount =
  | 'provider_receivable'
  | 'platform_revenue'
  | 'developer_payable'
  | 'processor_fees'
  /** A developer's share while its charge is disputed. */
  | 'dispute_hold';

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

/** From how much of a charge that had gone back before, to how much has now. */
export type Return = Readonly<{ from: bigint; to: bigint }>;

/**
 * What of one share goes back when the returned part of its charge grows. Rounded down from the beginning each time, so
 * that the parts of all returns sum to the share once the whole charge has gone back.
 */
export function returnedShare(share: bigint, amount: bigint, { from, to }: Return): bigint {
  return (share * to) / amount - (share * from) / amount;
}

/**
 * Books that a part of a charge went back, or all of it: developer and platform give their shares of it. A fee that the
 * provider keeps is the platform's loss. `held` is the developer's share that a lost dispute takes from its hold instead.
 */
export function entriesForReturn(
  payment: Shares,
  span: Return,
  { isFeeKept, held = 0n, extraFee = 0n }: { isFeeKept: boolean; held?: bigint; extraFee?: bigint },
): Entry[] {
  const { amount, currency, providerId } = payment;
  const owner = payment.developerUserId ?? '';
  const whole = span.to - span.from;
  const fee = isFeeKept ? 0n : returnedShare(payment.processorFee, amount, span);
  const developer = returnedShare(payment.developerShare, amount, span);
  const legs: Entry[] = [
    { account: 'provider_receivable', owner: providerId, amount: fee - whole - extraFee, currency },
    { account: 'processor_fees', owner: providerId, amount: extraFee - fee, currency },
    { account: 'developer_payable', owner, amount: developer - held, currency },
    { account: 'dispute_hold', owner, amount: held, currency },
    { account: 'platform_revenue', owner: '', amount: whole - developer, currency },
  ];
  return legs.filter((leg) => leg.amount !== 0n);
}

/** Books that a developer's share is held while its charge is disputed: still theirs, and not to be paid out. */
export function entriesForHold(hold: { developerUserId: string; share: bigint; currency: string }): Entry[] {
  const { currency, developerUserId: owner, share } = hold;
  const legs: Entry[] = [
    { account: 'developer_payable', owner, amount: share, currency },
    { account: 'dispute_hold', owner, amount: -share, currency },
  ];
  return legs.filter((leg) => leg.amount !== 0n);
}

/** Books what a provider charges for a dispute that was won, and gives its hold back. */
export function entriesForWonDispute(won: {
  providerId: string;
  developerUserId: string | null;
  held: bigint;
  fee: bigint;
  currency: string;
}): Entry[] {
  const { currency, fee, providerId } = won;
  const legs: Entry[] = [
    { account: 'provider_receivable', owner: providerId, amount: -fee, currency },
    { account: 'processor_fees', owner: providerId, amount: fee, currency },
  ];
  const released = entriesForHold({ developerUserId: won.developerUserId ?? '', share: won.held, currency });
  return [...legs.filter((leg) => leg.amount !== 0n), ...reversed(released)];
}

/** The same legs with the opposite sign: what was booked is taken back by new rows. */
export function reversed(entries: ReadonlyArray<Entry>): Entry[] {
  return entries.map((entry) => ({ ...entry, amount: -entry.amount }));
}
