import type { RecordOwner } from '#domain/billing-record/owner.ts';
import type { RecordDraft } from '#domain/billing-record/seal.ts';
import type { OrderDetails } from '#domain/checkout/details.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { SoldItem } from '#domain/payment/load.ts';

/** A settled charge, as its records say it. Amounts in minor units of `currency`. */
export type SettledCharge = Readonly<{
  paymentId: string;
  kind: 'one_time' | 'first' | 'renewal' | 'surplus';
  amount: bigint;
  currency: string;
  platformFee: bigint;
  processorFee: bigint;
  developerShare: bigint;
  item: SoldItem | null;
  interval: string;
  period: Readonly<{ start: Date; end: Date | null }> | null;
  provider: Readonly<{ id: string; charge: string; method: string | null }>;
  /** Why nothing was owed for it. */
  reason: string | null;
  paidAt: Date;
}>;

/** What the one who paid is told of a charge. `details`: what the seller's server said of the order. */
export function describePayment(owner: RecordOwner, charge: SettledCharge, details: OrderDetails = {}): RecordDraft {
  const { paidAt: at, paymentId: objectId, period, provider, reason } = charge;
  const facts = {
    ...moneyOf(charge),
    ...itemOf(charge, owner.language),
    ...details,
    provider,
    ...(period && { period: { start: period.start.toISOString(), end: period.end?.toISOString() ?? null } }),
    ...(reason !== null && { reason }),
  };
  return { owner, type: charge.kind === 'renewal' ? 'renewal' : 'payment', objectId, facts, at };
}

/** What the developer is told of it: what was sold and how it is shared, and nothing of who bought it. */
export function describeShare(owner: RecordOwner, charge: SettledCharge): RecordDraft {
  const { paidAt: at, paymentId: objectId } = charge;
  const facts = { ...moneyOf(charge), ...itemOf(charge, owner.language) };
  return { owner, type: 'revenue_share', objectId, facts, at };
}

function moneyOf({ amount, currency, developerShare, platformFee, processorFee }: SettledCharge) {
  const money = (value: bigint) => ({ amount: value.toString(), currency });
  return {
    amount: money(amount),
    shares: { developer: money(developerShare), platform: money(platformFee), processor: money(processorFee) },
  };
}

function itemOf({ interval, item }: SettledCharge, language: Language) {
  if (!item) return {};
  const named = ({ code, names }: SoldItem['plan']) => ({ code, name: names[language] ?? code });
  return { item: { product: named(item.product), plan: named(item.plan), interval } };
}
