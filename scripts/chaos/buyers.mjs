import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const ITEMS = [
  { item_type: 'plan', item_id: 'personal-pro', interval: 'month', amount: 150 },
  { item_type: 'plan', item_id: 'personal-pro', interval: 'year', amount: 1500 },
  { item_type: 'plan', item_id: 'personal-basic', interval: 'month', amount: 50 },
];
const RETRY_MS = 200;
/** Then a person goes away: the process that held their request was killed, and its key is free again after a minute. */
const PATIENCE_TRIES = 15;

/**
 * People who buy one thing each through the real doors: the order over REST with an idempotency key that is used until an
 * answer comes, the payment in the simulator's pay sheet. `stop` lets those under way come to an end.
 */
export function startBuyers({ count, webUrl, simUrl, apiKey, random }) {
  const bought = { paid: 0, refused: new Map(), users: [], orderRetries: 0, abandoned: 0, refunds: 0 };
  let isOpen = true;

  const post = (base, path, content, headers = {}) =>
    fetch(base + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(content),
      signal: AbortSignal.timeout(20_000),
    }).then(async (response) => ({ status: response.status, body: await response.json() }));

  /** The link of the order; null when none came in time. */
  const order = async (userId) => {
    const key = randomUUID();
    const content = { currency: 'XTR', customer_telegram_id: userId, ...random.pick(ITEMS) };
    for (let tries = 0; isOpen && tries < PATIENCE_TRIES; tries += 1) {
      const answer = await post(webUrl, '/api/v1/payments/create', content, {
        'x-api-key': apiKey,
        'idempotency-key': key,
      }).catch(() => null);
      if (answer?.status === 201) return answer.body.payment_url;
      if (answer && answer.status < 500 && answer.status !== 409 && answer.status !== 429) {
        throw new Error(`an order was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      bought.orderRetries += 1;
      await sleep(RETRY_MS);
    }
    bought.abandoned += 1;
    return null;
  };

  const buyOnce = async () => {
    const { body: user } = await post(simUrl, '/sim/users', { balance: 10_000, has_started_bot: true });
    bought.users.push(user.id);
    const url = await order(user.id);
    if (url === null) return;
    const slug = url.slice(url.indexOf('$') + 1);
    // A question that nobody answered in ten seconds ends the try, as for a person at a phone.
    for (let tries = 0; tries < 5; tries += 1) {
      const { body: form } = await post(simUrl, `/sim/invoices/${slug}/form`, { user_id: user.id });
      const { body: result } = await post(simUrl, `/sim/invoices/${slug}/pay`, {
        user_id: user.id,
        form_id: form.form_id,
      });
      if (result.status === 'paid') {
        bought.paid += 1;
        if (random.isOneIn(20)) await refundByTelegram(user.id);
        return;
      }
      const reason = `${result.error ?? result.status} ${result.error_message ?? ''}`.trim();
      bought.refused.set(reason, (bought.refused.get(reason) ?? 0) + 1);
      if (!isOpen) return;
    }
  };

  /** Refunds from Telegram's side, at once: the refund may overtake its payment. */
  const refundByTelegram = async (userId) => {
    const transactions = await fetch(`${simUrl}/sim/transactions?user_id=${userId}`).then((response) =>
      response.json(),
    );
    await post(simUrl, '/sim/refunds', { charge_id: transactions[0].id });
    bought.refunds += 1;
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
