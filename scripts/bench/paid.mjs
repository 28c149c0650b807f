import { createServer } from 'node:http';
import { digitsOf, invoiceId, USD_PRICE } from './requests.mjs';
import { seedCheckouts, seedUsdOrders } from './seed.mjs';

/** Orders that are opened and paid at the same time. */
const AT_ONCE = 8;

/** Which of a provider's webhooks says that an order is paid, and how it is asked for at the simulator. */
const PAID = {
  stripe: { method: 'credit_card', isPaid: ({ type }) => type === 'checkout.session.completed' },
  'crypto-pay': { method: 'cryptocurrency', isPaid: ({ update_type: type }) => type === 'invoice_paid' },
  btcpay: { method: 'cryptocurrency', isPaid: ({ type }) => type === 'InvoiceSettled' },
};

/**
 * Stands where the simulator takes the application to be. It takes every webhook and keeps those that say "paid", so that
 * they can be sent when it is measured and not before.
 */
export async function startSink({ port }) {
  const kept = new Map(Object.keys(PAID).map((provider) => [provider, []]));
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const provider = request.url.split('/').at(-1);
    if (PAID[provider]?.isPaid(JSON.parse(body))) kept.get(provider).push(body);
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    take: (provider) => kept.get(provider).splice(0),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Orders of Hoshi that are paid at a provider, of which Hoshi has not heard yet. Returns the webhooks that say so. */
export const preparePaid =
  (provider) =>
  async (client, { cell, count, all }) => {
    await seedUsdOrders(client, { cell, count });
    const { bodies, references } = await payOrders(all, { provider, cell, count });
    await seedCheckouts(client, { cell, provider, references });
    return bodies;
  };

/** The same, and Hoshi has heard: what is left is the repetition. */
export const prepareKnown =
  (provider, send) =>
  async (client, { cell, count, all }) => {
    const bodies = await preparePaid(provider)(client, { cell, count, all });
    for (const body of bodies) await send(all, body);
    return bodies;
  };

/** Opens checkouts as Hoshi opens them and pays them at the simulator. */
export async function payOrders({ ports, sink, values }, { provider, cell, count }) {
  const references = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const n = next++;
      const { reference, url } = await values.providers.get(provider).createCheckout(checkoutOf(provider, cell, n));
      references[n] = reference;
      await pay(ports.sandbox, provider, url);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const bodies = sink.take(provider);
  if (bodies.length !== count) throw new Error(`${provider} told of ${bodies.length} payments, ${count} were made`);
  return { bodies, references };
}

function checkoutOf(provider, cell, n) {
  return {
    invoiceId: invoiceId(cell, n),
    attemptId: `att_01kahw9d6x${digitsOf(cell, n)}`,
    method: PAID[provider].method,
    price: { amount: BigInt(USD_PRICE.amount), currency: USD_PRICE.currency },
    title: 'Personal log Pro',
    description: 'Twenty topics, three years of searchable records, and files.',
    language: 'en',
    renewalDays: null,
    chatId: null,
    returnUrl: 'http://localhost/pay',
    expiresAt: new Date(Date.now() + 1_800_000),
    token: null,
  };
}

async function pay(port, provider, url) {
  const response = await fetch(`http://127.0.0.1:${port}/sim/${provider}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
  });
  if (!response.ok) throw new Error(`${provider} refused a payment: ${await response.text()}`);
  await response.arrayBuffer();
}
