import type { SimFaults, SimPeer, SimProviderFault } from './control.ts';

type ApiFault = NonNullable<SimFaults['api']>;
type UpdateFault = NonNullable<SimFaults['updates']>;

/** The faults switched on now; those with a count switch themselves off. */
export class Faults {
  #faults: SimFaults = {};
  readonly #changed: (faults: SimFaults) => void;

  constructor(changed: (faults: SimFaults) => void) {
    this.#changed = changed;
  }

  get current(): SimFaults {
    return this.#faults;
  }

  replace(faults: SimFaults): void {
    this.#faults = faults;
    this.#changed(faults);
  }

  /** Takes one refusal for this Bot API method, if any is left. `method` in lower case. */
  takeForCall(method: string): ApiFault | null {
    const fault = this.#faults.api;
    if (fault === undefined || fault.remaining <= 0) return null;
    if (fault.method !== undefined && fault.method.toLowerCase() !== method) return null;
    const remaining = fault.remaining - 1;
    const { api: _, ...others } = this.#faults;
    this.replace(remaining > 0 ? { ...others, api: { ...fault, remaining } } : others);
    return fault;
  }

  /** Takes one accident for an update that goes by one of these names, if any is left. */
  takeForUpdate(names: readonly string[]): UpdateFault | null {
    const fault = this.#faults.updates;
    if (fault === undefined || fault.remaining <= 0) return null;
    if (fault.type !== undefined && !names.includes(fault.type)) return null;
    const remaining = fault.remaining - 1;
    const { updates: _, ...others } = this.#faults;
    this.replace(remaining > 0 ? { ...others, updates: { ...fault, remaining } } : others);
    return fault;
  }

  /** Takes one accident for a call between a payment provider and the application, if one of these kinds is left. */
  takeForProvider(
    peer: SimPeer,
    method: string,
    kinds: ReadonlySet<SimProviderFault['kind']>,
  ): SimProviderFault | null {
    const fault = this.#faults[peer];
    if (fault === undefined || fault.remaining <= 0 || !kinds.has(fault.kind)) return null;
    if (fault.method !== undefined && fault.method !== method) return null;
    const remaining = fault.remaining - 1;
    const { [peer]: _, ...others } = this.#faults;
    this.replace(remaining > 0 ? { ...others, [peer]: { ...fault, remaining } } : others);
    return fault;
  }
}
