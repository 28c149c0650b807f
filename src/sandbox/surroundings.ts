import type { Agenda } from './agenda.ts';
import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { SandboxOptions } from './options.ts';
import type { Store } from './store.ts';
import type { TrafficLog } from './traffic.ts';

/** What every simulated provider shares with the others: one time, one disk, one wire log, one set of faults. */
export type Surroundings = {
  options: SandboxOptions;
  store: Store;
  clock: Clock;
  agenda: Agenda;
  traffic: TrafficLog;
  faults: Faults;
};

export type Language = 'ru' | 'uz' | 'en';

/** A text in the three languages a payer in Uzbekistan may read. */
export type Words = Readonly<Record<Language, string>>;
