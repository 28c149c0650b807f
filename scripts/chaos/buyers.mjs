import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RAIL_NAMES, RAILS } from './rails.mjs';

const RETRY_MS = 200;
/** Then a person goes away: the process that held their request was killed, and its key is free again after a minute. */
const PATIENCE_TRIES = 15;
const PAY_TRIES = 5;
/** One of so many payments goes back or is disputed. */
const CHANGES = 6;
const CHANGE_TRIES = 10;

/** What speaks to the simulator: answers are JSON, refusals too. */
export function makeSimulator(simUrl, values) {
  const ask = (path, init) => fetch(simUrl + path, init).then((response) => response.json());
  const crypto = { 'crypto-pay-api-token': values.CRYPTO_PAY_TOKEN };
  const btcpay = { authorization: `token ${values.BTCPAY_API_KEY}` };
  return {
    get: (path) => ask(path),
    post: (path, content) =>
      ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) }),
    /** What Crypto Pay sent back, newest first. */
    transfers: async () => (await ask('/crypto-pay/api/getTransfers?count=1000', { headers: crypto })).result.items,
    /** What BTCPay offers back. */
    pullPayments: () =>
      ask(`/btcpay/api/v1/stores/${values.BTCPAY_STORE_ID}/pull-payments?includeArchived=true`, { headers: btcpay }),
  };
}

/**
 * People who buy one thing each through the real doors: the order over REST with an idempotency key that is used until an
 * answer comes, the payment at the provider's simulator. Now and then the money goes back or is disputed. `stop` lets those
 * under way come to an end.
 */
export function startBuyers({ count, webUrl, sim, apiKey, random }) {
  const bought = {
    paid: new Map(),
    refused: new Map(),
    changed: new Map(),
    /** Every order that could be paid: `{ orderId, userId, provider }`. */
    orders: [],
    users: [],
    orderRetries: new Map(),
    abandoned: 0,
  };
  const note = (counts, name) => counts.set(name, (counts.get(name) ?? 0) + 1);
  let isOpen = true;

  const post = (path, content, headers = {}) =>
    fetch(webUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey, ...headers },
      body: JSON.stringify(content),
      signal: AbortSignal.timeout(20_000),
    }).then(async (response) => ({ status: response.status, body: await response.json() }));

  /** Id and link of the order; null when none came in time. */
  const order = async (userId, rail) => {
    const key = { 'idempotency-key': randomUUID() };
    const content = { item_type: 'plan', customer_telegram_id: userId, ...rail.order(random) };
    for (let tries = 0; isOpen && tries < PATIENCE_TRIES; tries += 1) {
      const answer = await post('/api/v1/payments/create', content, key).catch(() => null);
      if (answer?.status === 201) return { orderId: answer.body.payment_id, url: answer.body.payment_url };
      if (answer && answer.status < 500 && answer.status !== 409 && answer.status !== 429) {
        throw new Error(`an order was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      note(bought.orderRetries, answer?.body.error?.reason ?? 'no answer');
      await sleep(RETRY_MS);
    }
    bought.abandoned += 1;
    return null;
  };

  const app = {
    refund: (orderId) => post(`/api/v1/payments/${orderId}/refund`, {}).catch(() => ({ status: 0 })),
  };

  /** Tries until there is something to change: the payment may not be in the books yet. */
  const change = async (provider, sale) => {
    for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
      const changed = await RAILS[provider].change({ ...sale, app });
      if (changed !== null) return note(bought.changed, `${provider} ${changed}`);
      await sleep(RETRY_MS);
    }
  };

  const buyOnce = async () => {
    const provider = random.pick(RAIL_NAMES);
    const user = await sim.post('/sim/users', { balance: 10_000, has_started_bot: true });
    bought.users.push(user.id);
    const made = await order(user.id, RAILS[provider]);
    if (made === null) return;
    const { orderId, url } = made;
    bought.orders.push({ orderId, userId: user.id, provider });
    const sale = { orderId, userId: user.id, url, sim, random };
    // A question that nobody answered in ten seconds ends the try, as for a person at a phone.
    for (let tries = 0; tries < PAY_TRIES; tries += 1) {
      const { isPaid, reason } = await RAILS[provider].pay(sale);
      if (isPaid) {
        note(bought.paid, provider);
        if (random.isOneIn(CHANGES)) await change(provider, sale);
        return;
      }
      note(bought.refused, reason);
      if (!isOpen) return;
    }
  };

  const failures = [];
  const work = Array.from({ length: count }, async () => {
    while (isOpen) await buyOnce().catch((error) => failures.push(error));
  });
  return {
    bought,
    failures,
    stop: async () => {
      isOpen = false;
      await Promise.all(work);
    },
  };
}
