import { allocate, type Money, WHOLE_BPS } from '#domain/money.ts';
import type { ProcessorFee } from '#domain/provider/capability.ts';

/** Where the parts of a charge go, in minor units of its currency. They sum to the charge. */
export type RevenueSplit = Readonly<{ developerShare: bigint; platformFee: bigint; processorFee: bigint }>;

/**
 * Splits a charge: the processor's fee comes off first (rounded up, never more than the charge), the rest is divided
 * between platform and developer. Without a developer the platform keeps all of it.
 */
export function splitRevenue(
  charge: Money,
  terms: { processor: ProcessorFee; platformFeeBps: number; hasDeveloper: boolean },
): RevenueSplit {
  const whole = BigInt(WHOLE_BPS);
  const proportional = (charge.amount * BigInt(terms.processor.bps) + whole - 1n) / whole;
  const wanted = proportional + terms.processor.fixed;
  const processorFee = wanted > charge.amount ? charge.amount : wanted;
  const net = charge.amount - processorFee;
  if (!terms.hasDeveloper) return { developerShare: 0n, platformFee: net, processorFee };
  const [platformFee = 0n, developerShare = 0n] = allocate(net, [
    terms.platformFeeBps,
    WHOLE_BPS - terms.platformFeeBps,
  ]);
  return { developerShare, platformFee, processorFee };
}
