import type { Surroundings } from '../surroundings.ts';
import { Cash } from './cash.ts';
import { Checkout } from './checkout.ts';
import { Customers } from './customers.ts';
import { Delayed } from './delayed.ts';
import { Disputes } from './disputes.ts';
import { Events } from './events.ts';
import { Intents } from './intents.ts';
import { Ledger } from './ledger.ts';
import { Refunds } from './refunds.ts';
import { Sessions } from './sessions.ts';
import { Setups } from './setups.ts';
import { World } from './world.ts';

/** The concepts of the simulated Stripe, each of which knows some of the others. */
export type Parts = {
  world: World;
  events: Events;
  ledger: Ledger;
  customers: Customers;
  intents: Intents;
  sessions: Sessions;
  setups: Setups;
  cash: Cash;
  delayed: Delayed;
  refunds: Refunds;
  disputes: Disputes;
  checkout: Checkout;
};

/** Makes them, each with those it needs. */
export function assemble(surroundings: Surroundings): Parts {
  const world = new World(surroundings.store);
  const events = new Events(surroundings, world);
  const ledger = new Ledger(surroundings, world);
  const customers = new Customers(surroundings, world, events);
  const intents = new Intents(surroundings, world, events, ledger);
  const sessions = new Sessions(surroundings, world, events, customers, intents);
  const setups = new Setups(surroundings, world, events);
  const cash = new Cash(surroundings, world, events);
  const delayed = new Delayed(surroundings, { world, events, intents, sessions, cash });
  const refunds = new Refunds(surroundings, { world, events, intents, ledger, cash });
  const disputes = new Disputes(surroundings, world, events, ledger);
  const checkout = new Checkout(surroundings, {
    ...{ world, events, customers, sessions, intents, setups, delayed, disputes },
  });
  return { world, events, ledger, customers, intents, sessions, setups, cash, delayed, refunds, disputes, checkout };
}
