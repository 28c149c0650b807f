/** What was paid in a year (UTC) in one currency, in minor units. */
export type Total = Readonly<{ year: number; currency: string; count: number; paid: bigint; returned: bigint }>;

type Paid = Readonly<{ paid_at: Date; currency: string; amount: bigint; returned_amount: bigint }>;

/** Adds payments up, one at a time. */
export function makeTotals() {
  const totals = new Map<string, Total>();
  return {
    add({ amount, currency, paid_at, returned_amount }: Paid): void {
      const year = paid_at.getUTCFullYear();
      const key = `${year} ${currency}`;
      const { count = 0, paid = 0n, returned = 0n } = totals.get(key) ?? {};
      totals.set(key, { year, currency, count: count + 1, paid: paid + amount, returned: returned + returned_amount });
    },
    /** The latest year first, its currencies by name. */
    list: (): Total[] => [...totals.values()].sort((a, b) => b.year - a.year || (a.currency < b.currency ? -1 : 1)),
  };
}
