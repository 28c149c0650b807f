import { describe, expect, it } from 'vitest';
import { addMethod } from '#domain/payment-method/add.ts';
import { claimMethod } from '#domain/payment-method/claim.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { finishOpenAdding, openAdding } from '#domain/payment-method/open-adding.ts';
import { payWithMethod } from '#domain/payment-method/pay.ts';
import { listMethods } from '#domain/payment-method/records.ts';
import { forgetMethod, removeMethod } from '#domain/payment-method/remove.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { makeSecret } from '#lib/crypto.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { CARDS, openStripe, STRIPE } from '../../testing/stripe.ts';
import { type Buyer, DAY_MS } from '../../testing/world.ts';

const rail = openStripe();
const { world } = rail;

const INTENTS = 'POST /v1/payment_intents';
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { reason?: string; details?: object }) => ({ reason: error.reason ?? String(error), ...error.details }),
  );
const begin = (buyer: Buyer) => addMethod(buyer.ctx, { userId: buyer.id, providerId: STRIPE, language: 'en' });
const confirm = (buyer: Buyer, methodId: string) => confirmMethod(buyer.ctx, { methodId, token: null, code: null });

/** Whoever is led back by Stripe says in Telegram that the card is theirs. */
async function claim(buyer: Buyer, { id, url }: { id: string; url: string | null }) {
  const session = /cs_test_\w+/.exec(url ?? '')?.[0];
  const { success_url: returnUrl } = await rail.read<{ success_url: string }>(`checkout/sessions/${session}`);
  const back = new URL(returnUrl).searchParams.get('back');
  const secret = makeSecret();
  const stranger = world.as({ kind: 'stranger' });
  await finishOpenAdding(stranger, { methodId: id, token: null, code: null, secret, back });
  return claimMethod(buyer.ctx, { methodId: id, secret });
}

type Owner = Readonly<{ buyer: Buyer; methodId: string }>;

/** A buyer who has stored a card. */
async function owner(card: string = CARDS.good): Promise<Owner> {
  const buyer = await world.newBuyer();
  const { id, url } = await begin(buyer);
  expect(await rail.pay({ url: url ?? '' }, { card })).toMatchObject({ status: 'saved' });
  await claim(buyer, { id, url });
  return { buyer, methodId: id };
}

const buy = ({ buyer, methodId }: Owner, priceId: string = CATALOG.pluginUsd) => {
  world.clock.advance(1_000);
  return payWithMethod(buyer.ctx, { methodId, userId: buyer.id, priceId, surface: 'browser', language: 'en' });
};
const orderOf = async ({ buyer }: Owner) => {
  const [row] = await world.sql<{ id: string }>(
    'SELECT id FROM invoice WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1',
    [buyer.id],
  );
  return { invoiceId: row?.id ?? '' };
};
/** The token that we keep sealed: the customer and the card at Stripe. */
const chargesOf = async (order: { invoiceId: string }) => {
  const { data } = await rail.read<{ data: Array<{ status: string; metadata: { invoice?: string } }> }>(
    'payment_intents?limit=100',
  );
  return data.filter(({ metadata }) => metadata.invoice === order.invoiceId).map(({ status }) => status);
};
const statusOf = async (methodId: string) =>
  (
    await world.sql<{ status: string; sealed: Buffer | null }>(
      'SELECT status, sealed FROM payment_method WHERE id = $1',
      [methodId],
    )
  )[0];

describe('storing a card', () => {
  it('is finished by Stripe’s message; brand, last digits and end are shown, the number is nowhere', async () => {
    const { buyer, methodId } = await owner();
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([
      expect.objectContaining({
        id: methodId,
        provider: STRIPE,
        method: 'credit_card',
        brand: 'visa',
        last4: '4242',
        expires: '2029-12',
      }),
    ]);
    expect((await statusOf(methodId))?.sealed?.includes('pm_')).toBe(false);
  });

  it('tells who turns back on its page nothing by which the card could be claimed', async () => {
    const buyer = await world.newBuyer();
    const { id, url } = await begin(buyer);
    const session = await rail.read<Record<'success_url' | 'cancel_url', string>>(
      `checkout/sessions/${/cs_test_\w+/.exec(url ?? '')?.[0]}`,
    );
    expect(session.success_url).toMatch(new RegExp(`/methods/${id}\\?back=[\\w-]{22}$`));
    expect(session.cancel_url).toBe(session.success_url.split('?')[0]);
  });

  it('goes on at the one page that was begun, however often its link is opened', async () => {
    const buyer = await world.newBuyer();
    const { id, url } = await begin(buyer);
    const asked = async () => (await rail.read<{ data: object[] }>('checkout/sessions?limit=100')).data.length;
    const before = await asked();
    const opened = await Promise.all([1, 2, 3].map(() => openAdding(world.as({ kind: 'stranger' }), id)));
    expect(opened.map((adding) => adding.url)).toEqual([url, url, url]);
    expect(await asked()).toBe(before);
    await removeMethod(buyer.ctx, id);
    // Its page at Stripe is still there: a card that is added on it all the same is not kept.
    await rail.pay({ url: url ?? '' });
    expect((await statusOf(id))?.status).toBe('removing');
    await forgetMethod(world.system, id);
    expect(await statusOf(id)).toEqual({ status: 'removed', sealed: null });
  });

  it('is finished by asking when the message was lost', async () => {
    const buyer = await world.newBuyer();
    const { id, url } = await begin(buyer);
    expect(await confirm(buyer, id)).toBeNull();
    await rail.loseMessages();
    await rail.pay({ url: url ?? '' });
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
    expect(await confirm(buyer, id)).toMatchObject({ id, status: 'confirming' });
    expect(await claim(buyer, { id, url })).toMatchObject({ id, last4: '4242' });
    expect(await confirm(buyer, id)).toMatchObject({ id, last4: '4242' });
    expect(await listMethods(buyer.ctx, buyer.id)).toHaveLength(1);
  });

  it('a card that is refused leaves the page open for another', async () => {
    const buyer = await world.newBuyer();
    const { id, url } = await begin(buyer);
    expect(await rail.pay({ url: url ?? '' }, { card: CARDS.declined })).toMatchObject({ status: 'declined' });
    expect(await confirm(buyer, id)).toBeNull();
    expect(await rail.pay({ url: url ?? '' }, { card: CARDS.asksAlways })).toMatchObject({ status: 'saved' });
    expect(await listMethods(buyer.ctx, buyer.id)).toMatchObject([{ id, status: 'confirming' }]);
    expect(await claim(buyer, { id, url })).toMatchObject({ id, last4: '3184' });
  });

  it('that was given up is over when its page is: no message of it waits, and no customer is left', async () => {
    const buyer = await world.newBuyer();
    const customers = async () => (await rail.read<{ data: object[] }>('customers?limit=100')).data.length;
    const before = await customers();
    const { id, url } = await begin(buyer);
    expect(await customers()).toBe(before + 1);
    await rail.act(`sessions/${/cs_test_\w+/.exec(url ?? '')?.[0]}/expire`);
    expect(await customers()).toBe(before);
    expect(await statusOf(id)).toMatchObject({ status: 'removed' });
    expect(await world.sql("SELECT kind FROM webhook_event WHERE status <> 'processed'")).toEqual([]);
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
  });

  it('each card has a customer of its own at Stripe, without a name', async () => {
    const { buyer } = await owner();
    const { url } = await begin(buyer);
    await rail.pay({ url: url ?? '' }, { card: '5555555555554444' });
    expect(await listMethods(buyer.ctx, buyer.id)).toHaveLength(2);
    const { data } = await rail.read<{ data: Array<{ id: string; email: string | null; name: string | null }> }>(
      'customers?limit=2',
    );
    expect(new Set(data.map(({ id }) => id)).size).toBe(2);
    for (const { email, name } of data) expect([email, name]).toEqual([null, null]);
  });
});

describe('paying by a stored card', () => {
  it('takes the money at once; the order is paid when Stripe says so', async () => {
    const holder = await owner();
    expect(await buy(holder)).toMatchObject({ url: null, providerId: STRIPE });
    const order = await orderOf(holder);
    await expect.poll(() => rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    expect(await rail.facts(order)).toMatchObject({ payments: [{ method: 'credit_card', fee: 59, developer: 658 }] });
    await expectWholeBooks(world.system);
  });

  it.each([
    ['a plugin', CATALOG.pluginUsd],
    ['a year, which may be bought twice', CATALOG.proYearUsd],
  ])('for %s, told before it is answered, is one order and one charge', async (_name, priceId) => {
    const holder = await owner();
    rail.tap.weather = async (name) => {
      const isPaid = async () => (await rail.facts(await orderOf(holder))).order;
      if (name === INTENTS) await expect.poll(isPaid).toBe('paid');
      return 'fair';
    };
    const { invoiceId, url } = await buy(holder, priceId);
    expect(url).toBeNull();
    expect(await rail.facts({ invoiceId })).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    expect(await chargesOf({ invoiceId })).toEqual(['succeeded']);
    const orders = await world.sql('SELECT id FROM invoice WHERE user_id = $1', [holder.buyer.id]);
    expect(orders).toEqual([{ id: invoiceId }]);
    await expectWholeBooks(world.system);
  });

  it('in yen takes whole yen', async () => {
    const holder = await owner();
    await buy(holder, CATALOG.pluginJpy);
    const order = await orderOf(holder);
    await expect
      .poll(() => rail.facts(order))
      .toMatchObject({ payments: [{ amount: 1_001, currency: 'JPY', fee: 36 }] });
  });

  it('is found by asking when every message was lost', async () => {
    const holder = await owner();
    await rail.loseMessages();
    await buy(holder);
    world.clock.advance(180_000);
    await askOpenOrders(world.system);
    expect(await rail.facts(await orderOf(holder))).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('that is refused says why, and another tap may pay', async () => {
    const holder = await owner();
    await world.sandbox.setFaults({ stripe: { kind: 'decline', method: 'charge', remaining: 1 } });
    expect(await refusalOf(buy(holder))).toMatchObject({ reason: 'provider_declined', failure: 'card_declined' });
    const order = await orderOf(holder);
    expect(await rail.facts(order)).toMatchObject({
      order: 'open',
      payments: [],
      // Stripe's message and its answer race: either may be the one that ends the try.
      tries: [[expect.stringMatching(/^(failed|closed)$/), 'card_declined']],
    });
    await buy(holder);
    await expect.poll(() => rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    expect((await chargesOf(order)).sort()).toEqual(['requires_payment_method', 'succeeded']);
    await expectWholeBooks(world.system);
  });

  it('whose bank asks its owner leads to the bank, and is paid after a yes', async () => {
    const holder = await owner(CARDS.asksAlways);
    const { url } = await buy(holder);
    const order = await orderOf(holder);
    expect(url).toContain('/stripe/bank/pi_');
    expect((await fetch(url ?? '')).status).toBe(200);
    expect(await rail.facts(order)).toMatchObject({ order: 'open', payments: [], tries: [['live', null]] });
    await rail.act(`payments/${/pi_\w+/.exec(url ?? '')?.[0]}/authenticate`, { answer: 'accept' });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('whose owner says no to the bank is not charged, and can be tried again', async () => {
    const holder = await owner(CARDS.asksAlways);
    const { url } = await buy(holder);
    const order = await orderOf(holder);
    await rail.act(`payments/${/pi_\w+/.exec(url ?? '')?.[0]}/authenticate`, { answer: 'refuse' });
    expect(await rail.facts(order)).toMatchObject({ order: 'open', tries: [['closed', 'authentication_failed']] });
    const again = await buy(holder);
    await rail.act(`payments/${/pi_\w+/.exec(again.url ?? '')?.[0]}/authenticate`, { answer: 'accept' });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('whose bank was never answered is given up when its owner turns to a transfer', async () => {
    const holder = await owner(CARDS.asksAlways);
    await buy(holder);
    const page = await rail.order(CATALOG.pluginUsd, { buyer: holder.buyer, method: 'bank_transfer' });
    expect(await chargesOf(page)).toEqual(['canceled']);
    expect(await rail.facts(page)).toMatchObject({ order: 'open', payments: [] });
    await expectWholeBooks(world.system);
  });

  /** Throws `times` answers to requests of these names away, once the first charge was answered. */
  const lose = (times: Record<string, number>) => {
    let hasBegun = false;
    rail.tap.weather = async (name) => {
      hasBegun ||= name === INTENTS;
      const left = times[name] ?? 0;
      if (!hasBegun || left === 0) return 'fair';
      times[name] = left - 1;
      return 'lost';
    };
  };

  it('whose answer was lost is looked for at once', async () => {
    const holder = await owner();
    await rail.loseMessages();
    // A connection that breaks is tried a second time by the SDK itself.
    lose({ [INTENTS]: 2 });
    expect(await buy(holder)).toMatchObject({ url: null });
    const order = await orderOf(holder);
    expect(await chargesOf(order)).toEqual(['succeeded']);
    world.clock.advance(180_000);
    await askOpenOrders(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it('of which nobody can say what came is waited for: a second tap does not charge, and Stripe’s message settles it', async () => {
    const holder = await owner();
    await rail.loseMessages();
    lose({ [INTENTS]: 2, 'GET /v1/payment_intents': 2 });
    expect(await buy(holder)).toMatchObject({ url: null });
    const order = await orderOf(holder);
    expect(await rail.facts(order)).toMatchObject({ order: 'open', tries: [['live', null]] });
    expect(await refusalOf(buy(holder))).toEqual({ reason: 'invoice_reserved' });
    expect(await chargesOf(order)).toEqual(['succeeded']);
    await rail.catchUp();
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it('whose process died before it kept the answer is charged once, also by the next tap', async () => {
    const holder = await owner();
    await rail.loseMessages();
    await buy(holder);
    const order = await orderOf(holder);
    // As it stands when the process dies between Stripe's answer and our commit.
    await world.sql(
      "UPDATE payment_attempt SET status = 'creating', url = NULL, reference = NULL WHERE invoice_id = $1",
      [order.invoiceId],
    );
    world.clock.advance(21_000);
    await buy(holder);
    expect(await chargesOf(order)).toEqual(['succeeded']);
    world.clock.advance(180_000);
    await askOpenOrders(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it('of somebody else is not found', async () => {
    const { methodId } = await owner();
    const other = await world.newBuyer();
    expect(await refusalOf(buy({ buyer: other, methodId }))).toEqual({ reason: 'payment_method_not_found' });
  });
});

describe('removing a stored card', () => {
  it('makes it unusable at once, and Stripe forgets it', async () => {
    const holder = await owner();
    await removeMethod(holder.buyer.ctx, holder.methodId);
    expect(await listMethods(holder.buyer.ctx, holder.buyer.id)).toEqual([]);
    expect(await refusalOf(buy(holder))).toEqual({ reason: 'payment_method_not_found' });
    const { data: before } = await rail.read<{ data: Array<{ id: string }> }>('customers?limit=1');
    await forgetMethod(world.system, holder.methodId);
    expect(await statusOf(holder.methodId)).toEqual({ status: 'removed', sealed: null });
    expect(await rail.read<{ deleted?: boolean; error?: object }>(`customers/${before[0]?.id}`)).toSatisfy(
      (customer: { deleted?: boolean; error?: object }) => customer.deleted === true || customer.error !== undefined,
    );
  });

  it('is done again when its worker was killed after Stripe had forgotten it', async () => {
    const holder = await owner();
    await removeMethod(holder.buyer.ctx, holder.methodId);
    const row = await statusOf(holder.methodId);
    await forgetMethod(world.system, holder.methodId);
    await world.sql("UPDATE payment_method SET status = 'removing', sealed = $2 WHERE id = $1", [
      holder.methodId,
      row?.sealed,
    ]);
    await forgetMethod(world.system, holder.methodId);
    expect(await statusOf(holder.methodId)).toEqual({ status: 'removed', sealed: null });
  });

  it('that was removed in the Dashboard is refused as a card, and leaves no open end', async () => {
    const holder = await owner();
    const { data } = await rail.read<{ data: Array<{ id: string }> }>('customers?limit=1');
    const cards = await rail.read<{ data: Array<{ id: string }> }>(`customers/${data[0]?.id}/payment_methods`);
    await rail.api(`payment_methods/${cards.data[0]?.id}/detach`, {});
    expect(await refusalOf(buy(holder))).toMatchObject({ reason: 'provider_declined', failure: 'card_declined' });
    expect(await rail.facts(await orderOf(holder))).toMatchObject({
      order: 'open',
      payments: [],
      tries: [['failed', 'card_declined']],
    });
    await removeMethod(holder.buyer.ctx, holder.methodId);
    await forgetMethod(world.system, holder.methodId);
    expect(await statusOf(holder.methodId)).toEqual({ status: 'removed', sealed: null });
  });

  it('begun and never finished leaves nothing that is tried for ever', async () => {
    const buyer = await world.newBuyer();
    const { id } = await begin(buyer);
    await world.advance(2 * DAY_MS);
    await retryWebhooks(world.system);
    await expect.poll(() => statusOf(id)).toMatchObject({ status: 'removed' });
  });
});
