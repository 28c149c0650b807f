import { describe, expect, it } from 'vitest';
import { forgetItems } from '#domain/checkout/forget-items.ts';
import { forgetRights } from '#domain/entitlement/forget-ended.ts';
import { forgetSubscriptions } from '#domain/subscription/forget-ended.ts';
import { endSubscriptions } from '#domain/subscription/run-schedule.ts';
import { orderOf, useWorld } from './testing/world.ts';

const DAY_MS = 86_400_000;

describe('what is over for long, through REST', () => {
  const world = useWorld();

  it('keeps amount, date and kind, and names nothing', async () => {
    const buyer = await world.person();
    const { invoiceId, paymentId } = await world.buy(buyer, 'month');
    // A session would be over by then.
    const as = await world.key();
    const get = async (path: string) => (await world.call('GET', `/api/v1/${path}`, { as })).body;
    const whose = `user_id=${buyer.userId}`;
    const named = { plan_name: 'Pro', product_name: 'Log' };
    const page = () => get(`payment/history?${whose}`);
    expect(await page()).toMatchObject({ payments: [named] });
    expect(await get(`payment/payments/${paymentId}`)).toMatchObject({ payment: named });
    expect(await get(`payment/payments/${invoiceId}`)).toMatchObject({ payment: { plan_id: 'pln_log_pro', ...named } });
    expect(await get(`payment/subscription?${whose}`)).toMatchObject({
      subscription: { plan_id: 'pln_log_pro', ...named },
    });

    await world.ctx.db.subscription.updateMany({ data: { status: 'cancelling' } });
    world.clock.advance(31 * DAY_MS);
    await endSubscriptions(world.ctx);
    const unpaid = await world.call('POST', '/api/v1/payments/create', {
      as,
      json: { ...orderOf('year'), user_id: buyer.userId },
    });
    const unpaidId = String(unpaid.body['payment_id']);
    await world.call('POST', `/api/v1/payments/${unpaidId}/cancel`, { as, json: {} });
    world.clock.advance(31 * DAY_MS);
    for (const forget of [forgetItems, forgetSubscriptions, forgetRights]) expect(await forget(world.ctx)).toBe(1);

    const unnamed = { plan_name: null, product_name: null };
    const past = { ...unnamed, plan_id: null, product_code: null };
    expect(await page()).toMatchObject({ payments: [{ ...unnamed, kind: 'first', amount: '150' }] });
    expect(await get(`payment/payments/${paymentId}`)).toMatchObject({ payment: { ...unnamed, amount: '150' } });
    for (const id of [invoiceId, unpaidId])
      expect(await get(`payment/payments/${id}`)).toMatchObject({ payment: { ...past, object: 'invoice' } });
    expect(await get(`payment/subscription?${whose}`)).toMatchObject({
      subscription: null,
      subscriptions: [{ ...past, status: 'expired' }],
    });
    const pdf = await world.call('GET', `/api/v1/payment/payments/${paymentId}/receipt`, { as });
    expect([pdf.status, pdf.text.slice(0, 5)]).toEqual([200, '%PDF-']);
  });
});
