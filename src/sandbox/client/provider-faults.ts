import type { SimFaults, SimProviderFault } from '../control.ts';

export type FaultKind = SimProviderFault['kind'];
export type ProviderName = 'payme' | 'click';
export type SwitchName = 'payme_uniform_card_errors' | 'click_uzcard_refuses_reversal';

/** A payment provider whose calls can be made to go wrong; its words stand in the dictionaries under the same name. */
export type ProviderEntry = {
  name: ProviderName;
  /** What the provider calls the application with, and which of it names an amount. */
  calls: readonly string[];
  callsWithAmount: readonly string[];
  /** What the application calls the provider with. */
  answered: readonly string[];
  /** What is on or off, beside the accidents of calls. */
  switches: readonly SwitchName[];
};

/** Every provider but Telegram. Another one is another entry here and its words in the two dictionaries. */
export const providers: readonly ProviderEntry[] = [
  {
    name: 'payme',
    calls: [
      'CheckPerformTransaction',
      'CreateTransaction',
      'PerformTransaction',
      'CancelTransaction',
      'CheckTransaction',
      'GetStatement',
      'SetFiscalData',
    ],
    callsWithAmount: ['CheckPerformTransaction', 'CreateTransaction'],
    answered: [
      'cards.create',
      'cards.get_verify_code',
      'cards.verify',
      'cards.check',
      'cards.remove',
      'receipts.create',
      'receipts.pay',
      'receipts.cancel',
      'receipts.check',
      'receipts.get',
    ],
    switches: ['payme_uniform_card_errors'],
  },
  {
    name: 'click',
    calls: ['Prepare', 'Complete'],
    callsWithAmount: ['Prepare', 'Complete'],
    answered: [
      'payment/status',
      'payment/status_by_mti',
      'payment/reversal',
      'payment/partial_reversal',
      'card_token/request',
      'card_token/verify',
      'card_token/payment',
      'card_token',
    ],
    switches: ['click_uzcard_refuses_reversal'],
  },
];

/** To which calls each kind can happen (see SimProviderFault). */
const reach: Readonly<Record<FaultKind, { calls: boolean | 'withAmount'; answered: boolean }>> = {
  lost_request: { calls: true, answered: true },
  lost_answer: { calls: true, answered: true },
  delay: { calls: true, answered: true },
  malformed: { calls: true, answered: true },
  duplicate: { calls: true, answered: false },
  wrong_auth: { calls: true, answered: false },
  amount_changed: { calls: 'withAmount', answered: false },
  http_error: { calls: false, answered: true },
};

/** In the order of the menu. */
export const faultKinds = Object.keys(reach) as readonly FaultKind[];

/** The methods that an accident of this kind can happen to. */
export function methodsFor({ calls, callsWithAmount, answered }: ProviderEntry, kind: FaultKind): readonly string[] {
  const own = reach[kind].calls === 'withAmount' ? callsWithAmount : reach[kind].calls ? calls : [];
  return reach[kind].answered ? [...own, ...answered] : own;
}

/** The fault with this kind in place of its own, without a method that does not go with it; null: none. */
export function chooseKind(
  entry: ProviderEntry,
  fault: SimProviderFault | undefined,
  kind: FaultKind | null,
): SimProviderFault | null {
  if (kind === null) return null;
  const method = fault?.method;
  return {
    kind,
    remaining: fault?.remaining ?? 1,
    ...(method !== undefined && methodsFor(entry, kind).includes(method) ? { method } : {}),
    ...(kind === 'delay' ? { delay_ms: fault?.delay_ms ?? 2_000 } : {}),
  };
}

/** All faults with this one of the provider; null takes it away. */
export function withProviderFault(faults: SimFaults, name: ProviderName, fault: SimProviderFault | null): SimFaults {
  const { [name]: _, ...others } = faults;
  return fault === null ? others : { ...others, [name]: fault };
}

/** All faults with this switch on or off. */
export function withSwitch(faults: SimFaults, name: SwitchName, isOn: boolean): SimFaults {
  const { [name]: _, ...others } = faults;
  return isOn ? { ...others, [name]: true } : others;
}

/** How many kinds of trouble the providers have. */
export function countProviderFaults(faults: SimFaults): number {
  return providers.reduce((sum, { name, switches }) => {
    const accidents = (faults[name]?.remaining ?? 0) > 0 ? 1 : 0;
    return sum + accidents + switches.filter((one) => faults[one] === true).length;
  }, 0);
}
