import { missing } from './api-error.ts';
import type { FormValue } from './form.ts';
import { type List, listPage } from './lists.ts';
import type { Cause } from './objects.ts';
import { createIntent } from './off-session.ts';
import { type Params, type params, readParams } from './params.ts';
import type { Parts } from './parts.ts';

const EVENTS_KEPT_SECONDS = 30 * 86_400;

type Name = keyof typeof params;
type Ask<N extends Name> = { parts: Parts; given: Params<N>; cause: Cause; id: string; url: string; now: number };

export type ApiRoute = {
  /** `GET /v1/charges/:id`, which is also its name for faults and the wire log. */
  name: string;
  /** Reads the parameters. @throws ApiError */
  read: (form: Record<string, FormValue>) => { given: unknown; expand: readonly string[] };
  run: (ask: Omit<Ask<Name>, 'given'> & { given: unknown }) => object;
};

function route<N extends Name>(name: string, form: N, run: (ask: Ask<N>) => object): ApiRoute {
  return {
    name,
    read: (given) => {
      const read = readParams(form, given);
      return { given: read, expand: (read as { expand?: string[] }).expand ?? [] };
    },
    run: (ask) => run(ask as Ask<N>),
  };
}

/** Everything below /v1 that is simulated. */
export const apiRoutes: readonly ApiRoute[] = [
  route('POST /v1/checkout/sessions', 'createSession', ({ parts, given, cause }) => {
    const session = parts.sessions.create(given, cause);
    if (session.mode === 'setup') parts.checkout.openSetup(session, cause);
    return session;
  }),
  route('GET /v1/checkout/sessions', 'listSessions', listSessions),
  route('GET /v1/checkout/sessions/:id', 'none', ({ parts, id }) => parts.sessions.get(id)),
  route('POST /v1/checkout/sessions/:id/expire', 'none', ({ parts, id, cause }) =>
    parts.sessions.expire(parts.sessions.get(id), cause),
  ),
  route('POST /v1/payment_intents', 'createIntent', ({ parts, given, cause }) => createIntent(parts, given, cause)),
  route('GET /v1/payment_intents', 'listIntents', ({ parts, given, url }) =>
    listPage(parts.world.intents.values(), given, {
      url,
      what: 'payment_intent',
      fits: ({ customer }) => matches(customer, given.customer),
    }),
  ),
  route('GET /v1/payment_intents/:id', 'none', ({ parts, id }) => parts.intents.get(id)),
  route('POST /v1/payment_intents/:id/cancel', 'cancelIntent', ({ parts, id, given, cause }) =>
    parts.delayed.cancel(parts.intents.get(id), given.cancellation_reason ?? null, cause),
  ),
  route('GET /v1/charges', 'listCharges', ({ parts, given, url }) =>
    listPage(parts.world.charges.values(), given, {
      url,
      what: 'charge',
      fits: (charge) =>
        matches(charge.customer, given.customer) && matches(charge.payment_intent, given.payment_intent),
    }),
  ),
  route('GET /v1/charges/:id', 'none', ({ parts, id }) => find(parts.world.charges.get(id), 'charge', id)),
  route('POST /v1/refunds', 'createRefund', ({ parts, given, cause }) => parts.refunds.create(given, cause)),
  route('GET /v1/refunds', 'listOfCharge', ({ parts, given, url }) => {
    const { world } = parts;
    return listPage(world.refunds.values(), given, { url, what: 'refund', fits: (row) => isOfCharge(row, given) });
  }),
  route('GET /v1/refunds/:id', 'none', ({ parts, id }) => parts.refunds.get(id)),
  route('GET /v1/disputes', 'listOfCharge', ({ parts, given, url }) => {
    const { world } = parts;
    return listPage(world.disputes.values(), given, { url, what: 'dispute', fits: (row) => isOfCharge(row, given) });
  }),
  route('GET /v1/disputes/:id', 'none', ({ parts, id }) => parts.disputes.get(id)),
  route('GET /v1/balance_transactions', 'listBalance', ({ parts, given, url }) =>
    listPage(parts.world.balanceTransactions.values(), given, {
      url,
      what: 'balance_transaction',
      fits: ({ currency, source, type }) =>
        matches(currency, given.currency) && matches(source, given.source) && matches(type, given.type),
    }),
  ),
  route('GET /v1/balance_transactions/:id', 'none', ({ parts, id }) =>
    find(parts.world.balanceTransactions.get(id), 'balance_transaction', id),
  ),
  route('POST /v1/customers', 'writeCustomer', ({ parts, given, cause }) => parts.customers.create(given, cause)),
  route('GET /v1/customers', 'listCustomers', ({ parts, given, url }) =>
    listPage(parts.world.customers.values(), given, {
      url,
      what: 'customer',
      fits: ({ email }) => matches(email, given.email),
    }),
  ),
  route('GET /v1/customers/:id', 'none', ({ parts, id }) => parts.customers.get(id)),
  route('POST /v1/customers/:id', 'writeCustomer', ({ parts, id, given, cause }) =>
    parts.customers.update(parts.customers.get(id), given, cause),
  ),
  route('DELETE /v1/customers/:id', 'none', ({ parts, id, cause }) =>
    parts.customers.delete(parts.customers.get(id), cause),
  ),
  route('GET /v1/customers/:id/payment_methods', 'listMethods', ({ parts, id, given, url }) => {
    const customer = parts.customers.get(id);
    return listPage(parts.world.methods.values(), given, {
      url,
      what: 'PaymentMethod',
      fits: (method) => method.customer === customer.id && matches(method.type, given.type),
    });
  }),
  route('GET /v1/setup_intents/:id', 'none', ({ parts, id }) => parts.setups.get(id)),
  route('GET /v1/payment_methods/:id', 'none', ({ parts, id }) => parts.customers.getMethod(id)),
  route('POST /v1/payment_methods/:id/attach', 'attachMethod', ({ parts, id, given, cause }) =>
    parts.customers.attach(parts.customers.getMethod(id), parts.customers.get(given.customer, 'customer'), cause),
  ),
  route('POST /v1/payment_methods/:id/detach', 'none', ({ parts, id, cause }) =>
    parts.customers.detach(parts.customers.getMethod(id), cause),
  ),
  route('GET /v1/events', 'listEvents', listEvents),
  route('GET /v1/events/:id', 'none', ({ parts, id }) => find(parts.world.events.get(id)?.event, 'event', id)),
];

function listSessions({ parts, given, url }: Ask<'listSessions'>): List<object> {
  return listPage(parts.world.sessions.values(), given, {
    url,
    what: 'checkout.session',
    fits: (session) =>
      matches(session.customer, given.customer) &&
      matches(session.payment_intent, given.payment_intent) &&
      matches(session.status, given.status),
  });
}

/** Of the last thirty days. */
function listEvents({ parts, given, url, now }: Ask<'listEvents'>): List<object> {
  const wanted = given.types ?? (given.type === undefined ? null : [given.type]);
  const isWanted = (type: string): boolean =>
    wanted === null || wanted.some((one) => (one.endsWith('*') ? type.startsWith(one.slice(0, -1)) : type === one));
  const records = [...parts.world.events.values()].filter(
    ({ state }) =>
      given.delivery_success === undefined || (state !== 'pending' && state !== 'given_up') === given.delivery_success,
  );
  return listPage(
    records.map(({ event }) => event),
    given,
    { url, what: 'event', fits: ({ created, type }) => created > now - EVENTS_KEPT_SECONDS && isWanted(type) },
  );
}

function matches(value: string | null, wanted: string | undefined): boolean {
  return wanted === undefined || value === wanted;
}

function isOfCharge(
  row: { charge: string | null; payment_intent: string | null },
  given: { charge?: string | undefined; payment_intent?: string | undefined },
): boolean {
  return matches(row.charge, given.charge) && matches(row.payment_intent, given.payment_intent);
}

function find<T extends object>(found: T | undefined, what: string, id: string): T {
  if (found === undefined) throw missing(what, id);
  return found;
}
