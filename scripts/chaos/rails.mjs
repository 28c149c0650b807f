import { setTimeout as sleep } from 'node:timers/promises';

/*
 * The ways to pay, each with what people do on it at its simulator. `order` is what they ask of us; `pay` says whether the
 * money is taken, and in the provider's word why not; `change` is what becomes of the money later, null when nothing could;
 * `finish` brings what was interrupted to its end; `readLedger` says what the simulator charged for an order and what went
 * back of it, in minor units, with what it has to complain of.
 */

const DECLINED_CARD = '4000000000009995';
const INTERRUPTIONS = 20;
const PAUSE_MS = 250;

const STARS = [
  { item_id: 'personal-pro', interval: 'month', amount: 150 },
  { item_id: 'personal-pro', interval: 'year', amount: 1500 },
  { item_id: 'personal-basic', interval: 'month', amount: 50 },
];
const DOLLARS = { item_id: 'personal-pro', interval: 'year', currency: 'USD', amount: 2_999 };
const SOM = {
  item_id: 'personal-pro',
  interval: 'year',
  currency: 'UZS',
  amount: 36_000_000,
  payment_method: 'credit_card',
};

/** A person is as patient as this with a payment that hangs: its provider goes on with it when it is told to. */
async function goOn(payment, isOpen, next) {
  let current = payment;
  for (let tries = 0; isOpen(current) && tries < INTERRUPTIONS; tries += 1) {
    await sleep(PAUSE_MS);
    current = (await next(current)) ?? current;
  }
  return current;
}

const telegramStars = {
  order: (random) => ({ currency: 'XTR', ...random.pick(STARS) }),
  async pay({ sim, url, userId }) {
    const slug = url.slice(url.indexOf('$') + 1);
    const form = await sim.post(`/sim/invoices/${slug}/form`, { user_id: userId });
    const { error, error_message, status } = await sim.post(`/sim/invoices/${slug}/pay`, {
      user_id: userId,
      form_id: form.form_id,
    });
    return { isPaid: status === 'paid', reason: `${error ?? status} ${error_message ?? ''}`.trim() };
  },
  /** From Telegram's side, at once: the refund may overtake its payment. */
  async change({ sim, userId }) {
    const transactions = await sim.get(`/sim/transactions?user_id=${userId}`);
    await sim.post('/sim/refunds', { charge_id: transactions[0].id });
    return 'refund';
  },
  async readLedger({ sim, userId }) {
    const transactions = await sim.get(`/sim/transactions?user_id=${userId}`);
    const refunded = new Set(transactions.filter(({ amount }) => amount < 0).map(({ id }) => id));
    return transactions
      .filter(({ amount }) => amount > 0)
      .map(({ amount, id }) => ({ id, amount, returned: refunded.has(id) ? amount : 0 }));
  },
};

const stripe = {
  order: () => ({ ...DOLLARS, payment_method: 'credit_card', provider: 'stripe' }),
  async pay({ random, sim, url }) {
    const card = random.isOneIn(8) ? { card: DECLINED_CARD } : {};
    const { error, message, status } = await sim.post('/sim/stripe/pay', { url, ...card });
    return { isPaid: status === 'paid' || message?.includes('complete') === true, reason: status ?? error };
  },
  /** In the Dashboard, or by the payer's bank, which has decided at once. */
  async change({ orderId, random, sim }) {
    const [{ amount, id }] = await sim.get(`/sim/stripe/payments?order=${orderId}`);
    if (random.isOneIn(2)) {
      await sim.post(`/sim/stripe/payments/${id}/refund`, random.isOneIn(2) ? {} : { amount: Math.floor(amount / 3) });
      return 'refund';
    }
    const dispute = await sim.post(`/sim/stripe/payments/${id}/dispute`, {});
    await sleep(random.between(0, 1_000));
    await sim.post(`/sim/stripe/disputes/${dispute.id}/close`, { outcome: random.pick(['won', 'lost']) });
    return 'dispute';
  },
  async readLedger({ orderId, sim }) {
    const payments = await sim.get(`/sim/stripe/payments?order=${orderId}`);
    const lostIn = (disputes) => disputes.filter(({ status }) => status === 'lost').reduce(sumOf, 0);
    return payments
      .filter(({ status }) => status === 'succeeded')
      .map(({ amount, amount_refunded, disputes, id }) => ({
        id,
        amount,
        returned: amount_refunded + lostIn(disputes),
      }));
  },
};

const sumOf = (sum, { amount }) => sum + amount;

/** Asks us for the whole back, as support does. Null when we say that there is nothing to give back (yet). */
async function askForRefund({ app, orderId }) {
  const { status } = await app.refund(orderId);
  return status === 202 ? 'refund' : null;
}

const cryptoPay = {
  order: () => ({ ...DOLLARS, payment_method: 'cryptocurrency', provider: 'crypto-pay' }),
  async pay({ random, sim, url }) {
    const { error, invoice, message } = await sim.post('/sim/crypto-pay/pay', {
      url,
      asset: random.pick(['BTC', 'ETH', 'TON', 'USDT']),
    });
    return { isPaid: invoice?.status === 'paid' || message?.includes('paid') === true, reason: error };
  },
  change: askForRefund,
  async readLedger({ orderId, sim, transfers }) {
    const invoices = await sim.get(`/sim/crypto-pay/invoices?payload=${orderId}`);
    return invoices
      .filter(({ status }) => status === 'paid')
      .map(({ invoice_id: id }) => {
        const given = transfers.filter(({ comment }) => comment?.endsWith(`of invoice ${id}`));
        return { id: String(id), amount: DOLLARS.amount, returned: given.length * DOLLARS.amount };
      });
  },
};

const btcpay = {
  order: () => ({ ...DOLLARS, payment_method: 'cryptocurrency', provider: 'btcpay' }),
  /** Half of them are seen first and confirmed later, and hold the order meanwhile. */
  async pay({ random, sim, url }) {
    const confirmations = random.isOneIn(2) ? 6 : 0;
    const { error, id, message, status } = await sim.post('/sim/btcpay/pay', { url, confirmations });
    if (status === 'Processing') {
      await sleep(random.between(0, 1_000));
      await sim.post(`/sim/btcpay/invoices/${id}/confirm`, { confirmations: 6 });
    }
    return { isPaid: status !== undefined || message?.startsWith('Nothing is due') === true, reason: error };
  },
  change: askForRefund,
  /** Buyers claim what they are offered, and the operator pays it. */
  async finish({ sim }) {
    const payouts = await sim.get('/sim/btcpay/payouts?limit=500');
    const claimed = new Set(payouts.map(({ pull_payment_id: id }) => id));
    for (const { id } of (await sim.pullPayments()).filter((offer) => !claimed.has(offer.id))) {
      const payout = await sim.post(`/sim/btcpay/pull-payments/${id}/claim`, {});
      await sim.post(`/sim/btcpay/payouts/${payout.id}/complete`, {});
    }
  },
  async readLedger({ orderId, payouts, sim }) {
    const invoices = await sim.get(`/sim/btcpay/invoices?order=${orderId}`);
    return invoices
      .filter(({ status }) => status === 'Settled')
      .map(({ id, refunds }) => {
        const given = payouts.filter(
          (payout) => payout.state === 'Completed' && refunds.includes(payout.pull_payment_id),
        );
        return { id, amount: DOLLARS.amount, returned: given.length * DOLLARS.amount };
      });
  },
};

const payme = {
  order: () => ({ ...SOM, provider: 'payme' }),
  async pay({ sim, url }) {
    const { error, status, transaction } = await sim.post('/sim/payme/pay', { url });
    if (!transaction) return { isPaid: false, reason: `payme ${error?.code ?? status ?? error}` };
    const { status: end } = await resumePayme(sim, transaction);
    return { isPaid: end === 'paid', reason: `payme ${end}` };
  },
  /** In Payme's cabinet. */
  async change({ orderId, sim }) {
    const [transaction] = await sim.get(`/sim/payme/transactions?account=${orderId}`);
    await sim.post(`/sim/payme/transactions/${transaction.id}/refund`, {});
    return 'refund';
  },
  async finish({ orderId, sim }) {
    for (const transaction of await sim.get(`/sim/payme/transactions?account=${orderId}`))
      await resumePayme(sim, transaction);
  },
  async readLedger({ orderId, sim }) {
    const transactions = await sim.get(`/sim/payme/transactions?account=${orderId}`);
    return transactions
      .filter(({ state }) => Math.abs(state) === 2)
      .map(({ amount, complaints, id, status }) => ({
        ...{ id, amount, complaints },
        returned: status === 'refunded' ? amount : 0,
      }));
  },
};

function resumePayme(sim, transaction) {
  return goOn(
    transaction,
    ({ status }) => status === 'unclear',
    async ({ id }) => {
      const next = await sim.post(`/sim/payme/transactions/${id}/resume`, {});
      return next.id ? next : null;
    },
  );
}

const click = {
  order: () => ({ ...SOM, provider: 'click' }),
  async pay({ random, sim, url }) {
    const { error, payment, status } = await sim.post('/sim/click/pay', {
      url,
      outcome: random.isOneIn(10) ? 'lost_answer' : 'paid',
    });
    if (!payment) return { isPaid: false, reason: `click ${error?.code ?? status ?? error}` };
    const { status: end } = await completeClick(sim, payment);
    return { isPaid: end === 'paid', reason: `click ${end}` };
  },
  change: askForRefund,
  async finish({ orderId, sim }) {
    for (const payment of await sim.get(`/sim/click/payments?order=${orderId}`)) await completeClick(sim, payment);
  },
  async readLedger({ orderId, sim }) {
    const payments = await sim.get(`/sim/click/payments?order=${orderId}`);
    return payments
      .filter(({ money }) => money !== 'none')
      .map(({ click_trans_id: id, complaints, reversed_tiyin: returned }) => ({
        ...{ id, amount: SOM.amount, returned, complaints },
      }));
  },
};

function completeClick(sim, payment) {
  return goOn(
    payment,
    ({ merchant_prepare_id: held, status }) => held !== null && (status === 'unclear' || status === 'investigation'),
    async ({ click_trans_id: id }) => {
      const next = await sim.post(`/sim/click/payments/${id}/complete`, {});
      return next.click_trans_id ? next : null;
    },
  );
}

export const RAILS = {
  'telegram-stars': telegramStars,
  stripe,
  'crypto-pay': cryptoPay,
  btcpay,
  payme,
  click,
};

/** Stars as often as all others together are wanted least: their way is the busiest in life too. */
export const RAIL_NAMES = ['telegram-stars', 'telegram-stars', 'telegram-stars', ...Object.keys(RAILS).slice(1)];
