import { describe, expect, it } from 'vitest';
import { getPlan, getPlans, getPrice, listCatalog } from '#domain/catalog/list-catalog.ts';
import { BREAKER_OPEN_MS } from '#domain/checkout/rules.ts';
import { concealAll } from '#domain/context/conceal-references.ts';
import { getPayment, listPayments } from '#domain/payment/records.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { CheckoutLink } from '#domain/provider/request.ts';
import { cancelSubscription, resumeSubscription } from '#domain/subscription/cancel.ts';
import { listSubscriptions } from '#domain/subscription/records.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG, DEVELOPER } from '../../testing/catalog.ts';
import { makeRail, RAIL } from '../../testing/rail.ts';
import { preCheckoutQuery } from '../../testing/updates.ts';
import { type Buyer, openWorld, STARS } from '../../testing/world.ts';
import { answerInquiry } from './answer-inquiry.ts';
import { cancelInvoice } from './cancel.ts';
import { expireInvoices } from './expire.ts';
import { payLink } from './open-link.ts';
import { previewCheckout } from './preview.ts';
import { findOpenInvoice, getInvoice } from './records.ts';
import { ATTEMPTS_PER_MINUTE } from './rules.ts';
import { startCheckout } from './start.ts';

const world = openWorld();
const rail = makeRail(world);
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );
const rows = async (buyer: Buyer) => ({
  open: (await world.sql("SELECT id FROM invoice WHERE user_id = $1 AND status = 'open'", [buyer.id])).length,
  live: (
    await world.sql("SELECT id FROM payment_attempt WHERE user_id = $1 AND status IN ('creating', 'live')", [buyer.id])
  ).length,
  attempts: (await world.sql('SELECT id FROM payment_attempt WHERE user_id = $1', [buyer.id])).length,
});
const MINUTE_MS = 60_000;

describe('startCheckout', () => {
  it('twenty taps at once open one order with one link', async () => {
    const buyer = await world.newBuyer();
    const taps = await Promise.allSettled(Array.from({ length: 20 }, () => world.order(buyer, CATALOG.basicMonth)));
    const opened = taps.flatMap((tap) => (tap.status === 'fulfilled' ? [tap.value] : []));
    const refused = taps.flatMap((tap) => (tap.status === 'rejected' ? [tap.reason.reason] : []));
    expect(opened.length).toBeGreaterThanOrEqual(1);
    expect(new Set(opened.map(({ url }) => url)).size).toBe(1);
    expect(new Set(refused)).toEqual(new Set(refused.length > 0 ? ['busy'] : []));
    expect(await rows(buyer)).toEqual({ open: 1, live: 1, attempts: 1 });
    const again = await world.order(buyer, CATALOG.basicMonth);
    expect(again).toMatchObject({ isResumed: true, url: opened[0]?.url });
  });

  it('five attempts a minute, also when forty come at once into the chat and for different prices', async () => {
    const buyer = await world.newBuyer();
    await world.sandbox.changeUser(Number(buyer.telegramId), { has_started_bot: true });
    const prices = [
      CATALOG.basicYear,
      CATALOG.proYear,
      CATALOG.pluginOnce,
      CATALOG.basicMonth,
      CATALOG.proMonth,
    ] as const;
    const taps = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        world.order(buyer, prices[index % 5] ?? CATALOG.basicYear, { surface: 'bot', chatId: buyer.telegramId }),
      ),
    );
    const reasons = new Set(taps.flatMap((tap) => (tap.status === 'rejected' ? [tap.reason.reason] : [])));
    expect([...reasons].every((reason) => reason === 'busy' || reason === 'too_many_attempts')).toBe(true);
    expect((await rows(buyer)).attempts).toBeLessThanOrEqual(ATTEMPTS_PER_MINUTE);
    for (let tap = 0; tap < 6; tap += 1)
      await world.order(buyer, CATALOG.basicYear, { surface: 'bot', chatId: buyer.telegramId }).catch(() => null);
    expect((await rows(buyer)).attempts).toBe(ATTEMPTS_PER_MINUTE);
    await expect(
      world.order(buyer, CATALOG.basicYear, { surface: 'bot', chatId: buyer.telegramId }),
    ).rejects.toMatchObject({
      kind: 'rate_limited',
      retryAfterSeconds: 60,
    });
    world.clock.advance(MINUTE_MS);
    expect(await world.order(buyer, CATALOG.basicYear, { surface: 'bot', chatId: buyer.telegramId })).toMatchObject({
      url: null,
    });
  });

  it('counts attempts by a link for its order alone: whoever holds it keeps the buyer from nothing', async () => {
    const buyer = await world.newBuyer();
    rail.change({ createCheckout: () => Promise.reject(new ProviderError('declined', 'NO')) });
    const stranger = rail.in(world.as({ kind: 'stranger' }));
    const orders = [CATALOG.proYearUsd, CATALOG.pluginOnce] as const;
    const ids: string[] = [];
    for (const priceId of orders) {
      await refusal(rail.order(buyer, priceId));
      const open = 'SELECT id FROM invoice WHERE user_id = $1 AND price_id = $2';
      ids.push(...(await world.sql<{ id: string }>(open, [buyer.id, priceId])).map(({ id }) => id));
    }
    const [ofCard = '', ofStars = ''] = ids;
    const byLink = (invoiceId: string, method: 'credit_card' | 'telegram_stars') =>
      refusal(payLink(stranger, { invoiceId, method, providerId: RAIL, language: 'en' }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => byLink(ofCard, 'credit_card')));
    for (let attempt = 0; attempt <= ATTEMPTS_PER_MINUTE; attempt += 1)
      answers.push(await byLink(ofCard, 'credit_card'));
    expect(answers.at(-1)).toBe('too_many_attempts');
    expect((await rows(buyer)).attempts).toBe(ATTEMPTS_PER_MINUTE + 2);
    expect(await byLink(ofStars, 'telegram_stars')).toBe('provider_declined');
    // The buyer has their own: two are used.
    for (let attempt = 2; attempt < ATTEMPTS_PER_MINUTE; attempt += 1)
      expect(await refusal(rail.order(buyer, CATALOG.proYearUsd))).toBe('provider_declined');
    expect(await refusal(rail.order(buyer, CATALOG.proYearUsd))).toBe('too_many_attempts');
    world.clock.advance(MINUTE_MS);
    rail.reset();
    expect(await rail.order(buyer, CATALOG.proYearUsd)).toMatchObject({ invoiceId: ofCard });
  });

  it('makes a new order when the old one is over, and never two open ones', async () => {
    const buyer = await world.newBuyer();
    const first = await world.order(buyer, CATALOG.basicMonth);
    world.clock.advance(30 * MINUTE_MS);
    const second = await world.order(buyer, CATALOG.basicMonth);
    expect(second.invoiceId).not.toBe(first.invoiceId);
    expect((await getInvoice(buyer.ctx, first.invoiceId)).status).toBe('expired');
    expect(await rows(buyer)).toEqual({ open: 1, live: 1, attempts: 2 });
  });

  it('takes over from a process that died while asking for a link', async () => {
    const buyer = await world.newBuyer();
    const first = await world.order(buyer, CATALOG.basicMonth);
    await world.sql("UPDATE payment_attempt SET status = 'creating', url = NULL WHERE invoice_id = $1", [
      first.invoiceId,
    ]);
    expect(await refusal(world.order(buyer, CATALOG.basicMonth))).toBe('busy');
    world.clock.advance(20_000);
    expect(await world.order(buyer, CATALOG.basicMonth)).toMatchObject({
      invoiceId: first.invoiceId,
      isResumed: false,
    });
    expect((await rows(buyer)).live).toBe(1);
  });

  it.each([
    ['flood', 'unavailable', 'provider_unavailable'],
    ['server_error', 'unavailable', 'provider_unavailable'],
  ] as const)('keeps the order when Telegram is down (%s), for the next tap', async (kind, error, reason) => {
    const buyer = await world.newBuyer();
    await world.sandbox.setFaults({ api: { kind, remaining: 1, retry_after: 3 } });
    await expect(world.order(buyer, CATALOG.basicMonth)).rejects.toMatchObject({ kind: error, reason });
    expect(await rows(buyer)).toEqual({ open: 1, live: 0, attempts: 1 });
    const [{ id } = { id: '' }] = await world.sql<{ id: string }>('SELECT id FROM invoice WHERE user_id = $1', [
      buyer.id,
    ]);
    expect(await world.order(buyer, CATALOG.basicMonth)).toMatchObject({ invoiceId: id });
  });

  it.each([
    ['a price that does not exist', { priceId: 'prc_none' }, 'price_not_found'],
    ['a method that Telegram forbids here', { method: 'credit_card' }, 'method_not_allowed_here'],
    ['a method nobody has', { method: 'credit_card', surface: 'browser' }, 'method_unavailable'],
  ] as const)('refuses %s', async (_name, change, reason) => {
    const buyer = await world.newBuyer();
    expect(await refusal(world.order(buyer, CATALOG.basicMonth, change))).toBe(reason);
  });

  it('refuses what is owned, renewed, no longer sold, or for somebody else', async () => {
    const buyer = await world.newBuyer();
    await world.buy(buyer, CATALOG.pluginOnce);
    await world.buy(buyer, CATALOG.proMonth);
    expect(await refusal(world.order(buyer, CATALOG.pluginOnce))).toBe('already_owned');
    expect(await refusal(world.order(buyer, CATALOG.proMonth))).toBe('already_subscribed');
    expect(await refusal(world.order(buyer, CATALOG.basicMonth, { userId: DEVELOPER.id }))).toBe('not_yours');
    const request = {
      userId: 'usr_none',
      priceId: CATALOG.basicMonth,
      surface: 'api',
      method: 'telegram_stars',
      language: 'en',
    } as const;
    expect(await refusal(startCheckout(world.asServer(), request))).toBe('user_not_found');
    await world.sql('UPDATE price SET is_active = false WHERE id = $1', [CATALOG.basicYear]);
    expect(await refusal(world.order(buyer, CATALOG.basicYear))).toBe('plan_not_for_sale');
    await world.sql('UPDATE price SET is_active = true WHERE id = $1', [CATALOG.basicYear]);
  });

  it('does not resume an order whose price was withdrawn', async () => {
    const buyer = await world.newBuyer();
    const first = await world.order(buyer, CATALOG.proYear);
    await world.sql('UPDATE price SET is_active = false WHERE id = $1', [CATALOG.proYear]);
    expect(await refusal(world.order(buyer, CATALOG.proYear))).toBe('plan_not_for_sale');
    await world.sql('UPDATE price SET is_active = true WHERE id = $1', [CATALOG.proYear]);
    await world.sql("UPDATE product SET status = 'draft' WHERE id = $1", [CATALOG.line]);
    expect(await refusal(world.order(buyer, CATALOG.proYear))).toBe('plan_not_for_sale');
    await world.sql("UPDATE product SET status = 'published' WHERE id = $1", [CATALOG.line]);
    expect(await world.order(buyer, CATALOG.proYear)).toEqual({ ...first, isResumed: true });
    expect(await rows(buyer)).toEqual({ open: 1, live: 1, attempts: 1 });
  });

  it.each([
    ['owned', CATALOG.pluginOnce, 'already_owned'],
    ['renewed', CATALOG.basicMonth, 'already_subscribed'],
  ] as const)('does not resume an order for what is %s by now', async (_name, priceId, reason) => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, priceId);
    // An order of before that is still open, with its link.
    const left = await world.newBuyer();
    const open = await world.order(left, priceId);
    await world.sql('UPDATE invoice SET user_id = $2 WHERE id = $1', [open.invoiceId, buyer.id]);
    await world.sql('UPDATE payment_attempt SET user_id = $2 WHERE invoice_id = $1', [open.invoiceId, buyer.id]);
    expect(open.invoiceId).not.toBe(invoiceId);
    expect(await refusal(world.order(buyer, priceId))).toBe(reason);
  });

  it('says our own mistake as ours, and a refusal of Telegram as such', async () => {
    const buyer = await world.newBuyer();
    const stars = world.door.providers.get(STARS);
    if (!stars) throw new Error('not registered');
    const failing = (error: Error): Provider => ({ ...stars, createCheckout: () => Promise.reject(error) });
    const asked = (provider: Provider) => {
      world.clock.advance(MINUTE_MS);
      return startCheckout(
        { ...buyer.ctx, providers: new Map([[STARS, provider]]) },
        { userId: buyer.id, priceId: CATALOG.basicYear, surface: 'mini_app', method: 'telegram_stars', language: 'ja' },
      );
    };
    expect(await refusal(asked(failing(new ProviderError('misconfigured', 'Unauthorized'))))).toBe(
      'provider_misconfigured',
    );
    expect(await refusal(asked(failing(new ProviderError('invalid', 'TITLE_INVALID'))))).toBe('provider_misconfigured');
    expect(await refusal(asked(failing(new ProviderError('declined', 'blocked'))))).toBe('provider_declined');
    await expect(asked(failing(new Error('a bug')))).rejects.toThrow('a bug');
  });

  it('lets the next candidate try only when the first was unavailable', async () => {
    const stars = world.door.providers.get(STARS);
    if (!stars) throw new Error('not registered');
    const tried: string[] = [];
    const standIn = (id: string, answer: () => Promise<CheckoutLink>): [string, Provider] => [
      id,
      {
        ...stars,
        id,
        createCheckout: () => {
          tried.push(id);
          return answer();
        },
      },
    ];
    const fail = (failure: 'unavailable' | 'declined') => () => Promise.reject(new ProviderError(failure, 'X'));
    const ask = async (...providers: Array<[string, Provider]>) => {
      tried.length = 0;
      const buyer = await world.newBuyer();
      const opened = startCheckout(
        { ...buyer.ctx, providers: concealAll(new Map(providers), TEST_VAULT) },
        { userId: buyer.id, priceId: CATALOG.basicYear, surface: 'mini_app', method: 'telegram_stars', language: 'en' },
      );
      return opened.then(
        ({ providerId }) => providerId,
        (error: { reason: string }) => error.reason,
      );
    };
    const working = standIn('second', () => Promise.resolve({ url: 'https://t.me/$x', reference: null }));
    expect([await ask(standIn('first', fail('unavailable')), working), [...tried]]).toEqual([
      'second',
      ['first', 'second'],
    ]);
    expect([await ask(standIn('first', fail('declined')), working), [...tried]]).toEqual([
      'provider_declined',
      ['first'],
    ]);
    expect(await ask(standIn('first', fail('unavailable')), standIn('second', fail('unavailable')))).toBe(
      'provider_unavailable',
    );
  });

  it('passes a provider over for half a minute after three failures in a row, in every process, and says so', async () => {
    const stars = world.door.providers.get(STARS);
    if (!stars) throw new Error('not registered');
    let isAway = true;
    const tried: string[] = [];
    const standIn = (id: string, answers: () => boolean): [string, Provider] => [
      id,
      {
        ...stars,
        id,
        createCheckout: async () => {
          tried.push(id);
          if (answers()) return { url: `https://t.me/$${id}`, reference: null };
          throw new ProviderError('unavailable', 'NO_ANSWER');
        },
      },
    ];
    const ask = async (...providers: Array<[string, Provider]>) => {
      tried.length = 0;
      const buyer = await world.newBuyer();
      const opened = await startCheckout(
        { ...buyer.ctx, providers: concealAll(new Map(providers), TEST_VAULT) },
        { userId: buyer.id, priceId: CATALOG.basicYear, surface: 'mini_app', method: 'telegram_stars', language: 'en' },
      );
      return [opened.providerId, [...opened.passedOver], [...tried]];
    };
    const away = standIn('away', () => !isAway);
    const steady = standIn('steady', () => true);
    for (let failure = 1; failure <= 3; failure += 1)
      expect(await ask(away, steady)).toEqual(['steady', ['away'], ['away', 'steady']]);
    expect(await ask(away, steady)).toEqual(['steady', ['away'], ['steady']]);
    // Nobody else could take over: it is asked all the same.
    expect(await refusal(ask(away))).toBe('provider_unavailable');
    expect(tried).toEqual(['away']);
    world.clock.advance(BREAKER_OPEN_MS);
    expect(await ask(away, steady)).toEqual(['steady', ['away'], ['away', 'steady']]);
    expect(await ask(away, steady)).toEqual(['steady', ['away'], ['steady']]);
    world.clock.advance(BREAKER_OPEN_MS);
    isAway = false;
    expect(await ask(away, steady)).toEqual(['away', [], ['away']]);
    isAway = true;
    expect(await ask(away, steady)).toEqual(['steady', ['away'], ['away', 'steady']]);
    expect(await ask(away, steady)).toEqual(['steady', ['away'], ['away', 'steady']]);
  });

  it('keeps an order of a browser out of Telegram, unless the operator permits its method there', async () => {
    const buyer = await world.newBuyer();
    const card = { surface: 'api', method: 'credit_card' } as const;
    const { invoiceId } = await world.order(buyer, CATALOG.proYearUzs, card);
    expect(await findOpenInvoice(buyer.ctx, buyer.id)).toBeNull();
    const permissive = { ...buyer.ctx, policy: { ...buyer.ctx.policy, surfacePolicy: 'permissive' as const } };
    expect(await findOpenInvoice(permissive, buyer.id)).toMatchObject({ id: invoiceId });
    const stars = await world.order(buyer, CATALOG.basicYear);
    expect(await findOpenInvoice(buyer.ctx, buyer.id)).toMatchObject({ id: stars.invoiceId });
  });

  it('takes the terms of a server: its fee, and a time to pay of at most an hour', async () => {
    const buyer = await world.newBuyer();
    const request = {
      userId: buyer.id,
      priceId: CATALOG.pluginOnce,
      surface: 'api',
      method: 'telegram_stars',
      language: 'en',
    } as const;
    const opened = await startCheckout(world.asServer(), {
      ...request,
      terms: { platformFeeBps: 1_000, expiresInMinutes: 600 },
    });
    expect(opened.expiresAt.getTime() - world.clock.now().getTime()).toBe(60 * MINUTE_MS);
    expect(await getInvoice(buyer.ctx, opened.invoiceId)).toMatchObject({
      platformFeeBps: 1_000,
      developerUserId: DEVELOPER.id,
      surface: 'api',
    });
  });
});

describe('orders', () => {
  it('are shown to their buyer, and to nobody else', async () => {
    const buyer = await world.newBuyer();
    expect(await findOpenInvoice(buyer.ctx, buyer.id)).toBeNull();
    const { invoiceId } = await world.order(buyer, CATALOG.basicMonth);
    expect((await findOpenInvoice(buyer.ctx, buyer.id))?.id).toBe(invoiceId);
    const other = await world.newBuyer();
    expect(await refusal(getInvoice(other.ctx, invoiceId))).toBe('invoice_not_found');
    expect(await refusal(getInvoice(buyer.ctx, 'inv_none'))).toBe('invoice_not_found');
    expect(await refusal(findOpenInvoice(other.ctx, buyer.id))).toBe('not_yours');
    expect(await refusal(cancelInvoice(other.ctx, invoiceId))).toBe('invoice_not_found');
    expect((await cancelInvoice(buyer.ctx, invoiceId)).status).toBe('cancelled');
    expect((await cancelInvoice(buyer.ctx, invoiceId)).status).toBe('cancelled');
    expect(await findOpenInvoice(buyer.ctx, buyer.id)).toBeNull();
    expect((await rows(buyer)).live).toBe(0);
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    expect(await refusal(cancelInvoice(buyer.ctx, bought.invoiceId))).toBe('invoice_already_paid');
    expect((await getInvoice(buyer.ctx, bought.invoiceId)).payments).toMatchObject([
      { kind: 'first', entitlement: { planId: CATALOG.basic } },
    ]);
  });

  it('expire in time, each once, however many workers look', async () => {
    const buyers = await Promise.all(Array.from({ length: 12 }, () => world.newBuyer()));
    const opened = await Promise.all(buyers.map((buyer) => world.order(buyer, CATALOG.basicYear)));
    await expireInvoices(world.system);
    world.clock.advance(30 * MINUTE_MS);
    await expireInvoices(world.system);
    await Promise.all([expireInvoices(world.system), expireInvoices(world.system)]);
    const ids = opened.map(({ invoiceId }) => invoiceId);
    expect(await world.sql('SELECT DISTINCT status FROM invoice WHERE id = ANY($1)', [ids])).toEqual([
      { status: 'expired' },
    ]);
    expect(
      await world.sql(
        "SELECT count(*)::int AS n FROM audit_event WHERE action = 'invoice.expired' AND object_id = ANY($1)",
        [ids],
      ),
    ).toEqual([{ n: 12 }]);
    expect(await expireInvoices(world.system)).toBe(0);
    await expectWholeBooks(world.system);
  });
});

describe('support', () => {
  it('reads orders, payments and subscriptions of others, and neither makes, cancels nor resumes any', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce);
    const staff = await world.newBuyer();
    const support = { ...staff, ctx: world.as({ kind: 'user', userId: staff.id, role: 'support' }) };
    const { rows: payments } = await listPayments(support.ctx, { userId: buyer.id, limit: 5 });
    expect(payments.map(({ chargeId }) => TEST_VAULT.reveal(chargeId))).toEqual([bought.chargeId]);
    expect(await getPayment(support.ctx, payments[0]?.id ?? '')).toMatchObject({ userId: buyer.id });
    expect(await getInvoice(support.ctx, invoiceId)).toMatchObject({ status: 'open' });
    const [subscription] = await listSubscriptions(support.ctx, buyer.id);
    const id = subscription?.id ?? '';

    expect(await refusal(cancelInvoice(support.ctx, invoiceId))).toBe('not_yours');
    expect(await refusal(world.order(support, CATALOG.proYear, { userId: buyer.id }))).toBe('not_yours');
    expect(await refusal(cancelSubscription(support.ctx, id))).toBe('not_yours');
    expect(await refusal(resumeSubscription(support.ctx, id))).toBe('not_yours');
    expect(await refusal(requestRefund(support.ctx, { paymentId: payments[0]?.id ?? '' }))).toBe('not_yours');
    expect((await getInvoice(buyer.ctx, invoiceId)).status).toBe('open');
    expect(await listSubscriptions(buyer.ctx, buyer.id)).toMatchObject([{ id, status: 'active' }]);
    // For themselves they are a person like any other.
    const own = await world.order(support, CATALOG.pluginOnce);
    expect((await cancelInvoice(support.ctx, own.invoiceId)).status).toBe('cancelled');
  });
});

describe('answerInquiry', () => {
  const ask = (buyer: Buyer, invoiceId: string, amount: number) => {
    const query = preCheckoutQuery(1, { payer: buyer, invoiceId, amount }).pre_checkout_query;
    return answerInquiry(world.door, {
      type: 'may_pay',
      inquiryId: query.id,
      invoiceId,
      payerId: buyer.telegramId,
      price: { amount: BigInt(amount), currency: 'XTR' },
      languageCode: null,
    });
  };
  const reason = async (...question: Parameters<typeof ask>) => {
    const verdict = await ask(...question);
    return verdict.ok ? 'yes' : verdict.reason;
  };

  it('says yes to an open order, and each no from the rows as they are', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.basicMonth);
    expect(await reason(buyer, invoiceId, 50)).toBe('yes');
    expect(await reason(buyer, invoiceId, 49)).toBe('amount_mismatch');
    expect(await reason(buyer, 'inv_none', 50)).toBe('invoice_not_found');
    expect(await reason(await world.newBuyer(), invoiceId, 50)).toBe('payer_is_not_buyer');
    await world.sql('UPDATE price SET amount = 60 WHERE id = $1', [CATALOG.basicMonth]);
    expect(await reason(buyer, invoiceId, 50)).toBe('amount_mismatch');
    await world.sql('UPDATE price SET amount = 50 WHERE id = $1', [CATALOG.basicMonth]);
    await world.sql("UPDATE product SET status = 'retired' WHERE id = $1", [CATALOG.line]);
    expect(await reason(buyer, invoiceId, 50)).toBe('plan_not_for_sale');
    await world.sql("UPDATE product SET status = 'published' WHERE id = $1", [CATALOG.line]);
    world.clock.advance(30 * MINUTE_MS);
    expect(await reason(buyer, invoiceId, 50)).toBe('invoice_expired');
  });

  it('says no to a second subscription and a second licence by an order opened before', async () => {
    const buyer = await world.newBuyer();
    const [month, plugin] = [
      await world.order(buyer, CATALOG.basicMonth),
      await world.order(buyer, CATALOG.pluginOnce),
    ];
    await world.sql("UPDATE invoice SET status = 'cancelled' WHERE id = ANY($1)", [
      [month.invoiceId, plugin.invoiceId],
    ]);
    await world.sql("UPDATE payment_attempt SET status = 'closed' WHERE user_id = $1", [buyer.id]);
    await world.buy(buyer, CATALOG.basicMonth);
    await world.buy(buyer, CATALOG.pluginOnce);
    await world.sql("UPDATE invoice SET status = 'open' WHERE id = ANY($1)", [[month.invoiceId, plugin.invoiceId]]);
    expect(await reason(buyer, month.invoiceId, 50)).toBe('already_subscribed');
    expect(await reason(buyer, plugin.invoiceId, 101)).toBe('already_owned');
  });
});

describe('previewCheckout', () => {
  const preview = (buyer: Buyer, priceId: string, surface: 'mini_app' | 'browser' = 'mini_app') =>
    previewCheckout(buyer.ctx, { userId: buyer.id, priceId, surface });

  it('shows where the money goes, and until when access lasts', async () => {
    const buyer = await world.newBuyer();
    const month = await preview(buyer, CATALOG.basicMonth);
    expect(month).toMatchObject({
      blocked: null,
      replaces: null,
      accessUntil: new Date(world.clock.now().getTime() + 30 * 86_400_000),
    });
    expect(month.methods).toMatchObject([
      { providerId: STARS, refusal: null, renewalDays: 30, split: { platformFee: 50n, developerShare: 0n } },
    ]);
    expect((await preview(buyer, CATALOG.pluginOnce)).methods).toMatchObject([
      { split: { platformFee: 30n, developerShare: 71n } },
    ]);
    expect((await preview(buyer, CATALOG.pluginOnce)).accessUntil).toBeNull();
    const inDollars = await preview(buyer, CATALOG.proYearUsd);
    expect(inDollars.methods.map(({ refusal }) => refusal)).toEqual(
      inDollars.methods.map(() => 'method_not_allowed_here'),
    );
    expect(inDollars.alternatives.map(({ price }) => price.currency)).toEqual(['XTR']);
  });

  it('shows a provider that is passed over at present as resting, in every currency', async () => {
    const buyer = await world.newBuyer();
    const resting = async (priceId: string) => {
      const { alternatives, methods } = await preview(buyer, priceId);
      const all = [...methods, ...alternatives.flatMap((other) => other.methods)];
      return all.filter(({ providerId }) => providerId === STARS).map(({ isResting, refusal }) => [isResting, refusal]);
    };
    const until = new Date(world.clock.now().getTime() + BREAKER_OPEN_MS);
    const breaker = { failures: 3, openUntil: until };
    await world.door.db.providerBreaker.upsert({
      where: { provider: STARS },
      create: { provider: STARS, ...breaker },
      update: breaker,
    });
    expect([await resting(CATALOG.basicMonth), await resting(CATALOG.proYearUsd)]).toEqual([
      [[true, null]],
      [[true, null]],
    ]);
    world.clock.advance(BREAKER_OPEN_MS);
    expect(await resting(CATALOG.basicMonth)).toEqual([[false, null]]);
  });

  it('shows what blocks it, what it replaces, and where time is added', async () => {
    const buyer = await world.newBuyer();
    await world.buy(buyer, CATALOG.pluginOnce);
    const basic = await world.buy(buyer, CATALOG.basicMonth);
    expect((await preview(buyer, CATALOG.pluginOnce)).blocked).toBe('already_owned');
    expect((await preview(buyer, CATALOG.basicMonth)).blocked).toBe('already_subscribed');
    expect((await preview(buyer, CATALOG.proMonth)).replaces).toMatchObject({
      planId: CATALOG.basic,
      until: basic.until,
    });
    const year = await preview(buyer, CATALOG.basicYear);
    expect(year).toMatchObject({ blocked: null, replaces: { planId: CATALOG.basic } });
    expect(year.accessUntil?.getTime()).toBeGreaterThan(basic.until.getTime() + 364 * 86_400_000);
    expect(
      await refusal(
        previewCheckout(buyer.ctx, { userId: DEVELOPER.id, priceId: CATALOG.basicMonth, surface: 'mini_app' }),
      ),
    ).toBe('not_yours');
  });

  it('shows a method that Telegram forbids or that cannot take so much as refused', async () => {
    const buyer = await world.newBuyer();
    const stars = world.door.providers.get(STARS);
    const [capability] = stars?.accepts ?? [];
    if (!stars || !capability) throw new Error('not registered');
    const card = { ...stars, id: 'card', accepts: [{ ...capability, method: 'credit_card' as const }] };
    const small = { ...stars, id: 'small', accepts: [{ ...capability, maxAmount: { oneTime: 1n, renewing: 1n } }] };
    const ctx = {
      ...buyer.ctx,
      providers: new Map([
        ['card', card],
        ['small', small],
      ]),
    };
    const offer = await previewCheckout(ctx, { userId: buyer.id, priceId: CATALOG.basicMonth, surface: 'mini_app' });
    expect(offer.methods.map(({ providerId, refusal }) => [providerId, refusal])).toEqual([
      ['card', 'method_not_allowed_here'],
      ['small', 'method_unavailable'],
    ]);
  });
});

describe('the catalogue', () => {
  it('lists what is sold: lines before plugins, plans by rank, active prices only', async () => {
    await world.sql('UPDATE price SET is_active = false WHERE id = $1', [CATALOG.proYear]);
    const products = await listCatalog(world.door);
    expect(products.map(({ code, plans }) => [code, plans.map((plan) => plan.code)])).toEqual([
      ['line', ['basic', 'pro']],
      ['plugin', ['plugin-license']],
    ]);
    expect(products[0]?.plans[1]?.prices.map(({ id }) => id)).toEqual([
      CATALOG.proYearUsd,
      CATALOG.proYearUzs,
      CATALOG.proMonth,
    ]);
    expect(await refusal(getPrice(world.door, CATALOG.proYear))).toBe('plan_not_for_sale');
    expect(await refusal(getPrice(world.door, 'prc_none'))).toBe('price_not_found');
    await world.sql('UPDATE price SET is_active = true WHERE id = $1', [CATALOG.proYear]);
  });

  it('finds a plan by id and by code, and several at once', async () => {
    expect((await getPlan(world.door, CATALOG.basic)).plan.code).toBe('basic');
    expect((await getPlan(world.door, 'basic')).product.code).toBe('line');
    expect(await refusal(getPlan(world.door, 'none'))).toBe('plan_not_found');
    const plans = await getPlans(world.door, [CATALOG.basic, CATALOG.plugin, 'pln_none']);
    expect([...plans.keys()].toSorted()).toEqual([CATALOG.basic, CATALOG.plugin, CATALOG.pro]);
  });
});
