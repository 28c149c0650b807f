import { afterEach, beforeEach, expect, it } from 'vitest';
import { Bench, DAY, DILNOZA, HANA, MONTH, type Update } from './test-bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start();
  await bench.setWebhook();
  bench.agree();
});
afterEach(() => bench.close());

type Payment = { telegram_payment_charge_id: string; subscription_expiration_date: number };

async function subscribe(userId: number): Promise<Payment> {
  const slug = await bench.link({ subscription_period: MONTH });
  expect(await bench.pay(slug, userId)).toMatchObject({ status: 'paid', reported: ['paid'] });
  return paymentOf((await payments(1))[0]);
}

function payments(count: number): Promise<Update[]> {
  return bench.bot.until(`${count} payments`, (bot) => {
    const found = bot.messages('successful_payment');
    return found.length === count && found;
  });
}

const paymentOf = (update: Update | undefined): Payment => update?.['message'].successful_payment;
const states = (): unknown[] => bench.bot.of('subscription').map((update) => update['subscription'].state);

it('renews for months, each at its time, and only the first asks', async () => {
  const first = await subscribe(HANA);
  expect(first).toMatchObject({ is_recurring: true, is_first_recurring: true });
  await bench.advance(95 * DAY);
  const all = (await payments(4)).map(paymentOf);
  for (const [index, payment] of all.entries()) {
    expect(payment.subscription_expiration_date).toBe(first.subscription_expiration_date + index * MONTH);
    if (index > 0) expect(payment).not.toHaveProperty('is_first_recurring');
  }
  expect(new Set(all.map((payment) => payment.telegram_payment_charge_id)).size).toBe(4);
  expect(bench.bot.of('pre_checkout_query')).toHaveLength(1);
  const dates = bench.bot.messages('successful_payment').map((update) => update['message'].date as number);
  expect(dates.slice(1)).toEqual([0, 1, 2].map((index) => first.subscription_expiration_date + index * MONTH));
  expect(await bench.subscriptions(HANA)).toMatchObject([
    { id: first.telegram_payment_charge_id, state: 'active', amount: 150 },
  ]);
});

it('lets followers of the clock see each period before the next one starts', async () => {
  const first = await subscribe(HANA);
  const seen: number[] = [];
  let offset = (await bench.state()).clockOffsetMs;
  const follow = async (): Promise<void> => {
    while (seen.length < 3) {
      const now = await bench.sim<{ nowMs: number; offsetMs: number }>('GET', `/clock?after=${offset}&wait=5`);
      offset = now.offsetMs;
      seen.push(bench.bot.messages('successful_payment').length);
    }
  };
  const following = follow();
  await bench.sim('GET', '/clock');
  await bench.advance(65 * DAY);
  await following;
  expect(seen).toEqual([1, 2, 3]);
  expect(first.subscription_expiration_date).toBeGreaterThan(0);
});

it('fails without Stars, recovers within three days, and ends otherwise', async () => {
  const first = await subscribe(DILNOZA);
  await bench.sim('PATCH', `/users/${DILNOZA}`, { balance: 10 });
  await bench.advance(30 * DAY + 1);
  await bench.bot.until('the failure', () => states().length === 1);
  const failed = bench.bot.of('subscription')[0]?.['subscription'];
  expect(failed).toEqual({
    user: expect.objectContaining({ id: DILNOZA }),
    invoice_payload: 'order-1',
    state: 'failed',
  });
  expect(await bench.subscriptions(DILNOZA)).toMatchObject([{ state: 'failed' }]);
  await bench.sim('PATCH', `/users/${DILNOZA}`, { balance: 500 });
  await bench.advance(DAY);
  const recovered = paymentOf((await payments(2))[1]);
  expect(recovered.subscription_expiration_date).toBe(first.subscription_expiration_date + MONTH);
  expect(await bench.subscriptions(DILNOZA)).toMatchObject([{ state: 'active' }]);
  await bench.sim('PATCH', `/users/${DILNOZA}`, { balance: 0 });
  await bench.advance(35 * DAY);
  await bench.bot.until('the second failure', () => states().length === 2);
  expect(await bench.subscriptions(DILNOZA)).toMatchObject([{ state: 'ended' }]);
});

it('is canceled and restored by its user, who is told apart from the bot', async () => {
  const { telegram_payment_charge_id: id } = await subscribe(HANA);
  expect(await bench.sim('POST', `/subscriptions/${id}/cancel`)).toMatchObject({ state: 'canceled_by_user' });
  expect(await bench.sim('POST', `/subscriptions/${id}/restore`)).toMatchObject({ state: 'active' });
  await bench.bot.until('both updates', () => states().length === 2);
  expect(states()).toEqual(['canceled', 'active']);
  const edit = { user_id: HANA, telegram_payment_charge_id: id };
  expect((await bench.api('editUserStarSubscription', { ...edit, is_canceled: true })).result).toBe(true);
  expect(await bench.trySim('POST', `/subscriptions/${id}/restore`)).toMatchObject({
    status: 409,
    content: { error: 'SUBSCRIPTION_CANCELED_BY_BOT' },
  });
  await bench.api('editUserStarSubscription', { ...edit, is_canceled: false });
  expect(await bench.subscriptions(HANA)).toMatchObject([{ state: 'active' }]);
  await bench.sim('POST', `/subscriptions/${id}/cancel`);
  await bench.advance(40 * DAY);
  expect(await bench.subscriptions(HANA)).toMatchObject([{ state: 'ended' }]);
  expect(bench.bot.messages('successful_payment')).toHaveLength(1);
});

it('goes on after a refund until the bot cancels it', async () => {
  const { telegram_payment_charge_id: id } = await subscribe(HANA);
  await bench.api('refundStarPayment', { user_id: HANA, telegram_payment_charge_id: id });
  await bench.advance(31 * DAY);
  await payments(2);
});
