import { afterEach, describe, expect, it } from 'vitest';
import { addMethod } from '#domain/payment-method/add.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { makeRail, outcomeOf, RAIL } from '../../testing/rail.ts';
import { openWorld } from '../../testing/world.ts';
import { payStored } from './pay-stored.ts';

const world = openWorld();
const rail = makeRail(world);
afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

/** A buyer with a stored card, one charge of which was begun by a process that ended before it heard what came of it. */
async function unheard(find?: NonNullable<Provider['find']>) {
  let charges = 0;
  rail.change({
    createCheckout: async ({ attemptId }) => {
      charges += 1;
      return { url: null, reference: `pi_${attemptId}` };
    },
    storedMethods: {
      method: 'credit_card',
      currencies: ['USD'],
      begin: async () => ({ url: null, reference: null, client: { endpoint: 'https://pay.example', publicId: 'us' } }),
      confirm: async ({ token }) => ({ token: token ?? '', brand: 'visa', last4: '4242', expires: null }),
      remove: async () => undefined,
    },
  });
  const buyer = await world.newBuyer();
  const ctx = () => rail.in(buyer.ctx);
  const { id: methodId } = await addMethod(ctx(), { userId: buyer.id, providerId: RAIL, language: 'en' });
  await confirmMethod(ctx(), { methodId, token: rail.name('tok'), code: null });
  const order = {
    userId: buyer.id,
    priceId: CATALOG.proYearUsd,
    surface: 'browser',
    language: 'en',
    methodId,
  } as const;
  const pay = () => payStored(ctx(), order);
  const invoiceId = await pay();
  await world.sql("UPDATE payment_attempt SET status = 'creating', reference = NULL WHERE invoice_id = $1", [
    invoiceId,
  ]);
  world.clock.advance(30_000);
  if (find) rail.change({ find });
  return { buyer, pay, invoiceId, charges: () => charges };
}

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );

describe('a stored card whose charge nobody heard the end of', () => {
  it('is not charged again when its provider says that it was', async () => {
    const chargeId = rail.name('ch');
    const { charges, invoiceId, pay } = await unheard(async ({ invoiceId: id }) => [
      rail.paid({ invoiceId: id ?? '', priceId: CATALOG.proYearUsd, buyer: await world.newBuyer() }, chargeId),
    ]);
    expect(await pay()).toBe(invoiceId);
    expect(charges()).toBe(1);
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'succeeded', hasRight: true });
  });

  it('is charged when its provider knows of none', async () => {
    const { charges, invoiceId, pay } = await unheard(async () => []);
    expect(await pay()).toBe(invoiceId);
    expect(charges()).toBe(2);
  });

  it('waits while its provider cannot say', async () => {
    const { charges, pay } = await unheard(async () => {
      throw new ProviderError('unavailable', 'TIMEOUT');
    });
    expect(await reasonOf(pay())).toBe('provider_unavailable');
    expect(charges()).toBe(1);
  });

  it('is nobody else’s to ask about', async () => {
    const { buyer, invoiceId } = await unheard(async () => []);
    const stranger = await world.newBuyer();
    const order = { userId: buyer.id, priceId: CATALOG.proYearUsd, surface: 'browser', language: 'en' } as const;
    const work = payStored(rail.in(stranger.ctx), { ...order, methodId: 'pmt_none' });
    expect(await reasonOf(work)).toBe('not_yours');
    expect(invoiceId).toMatch(/^inv_/);
  });
});
