import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { asActor } from '#domain/context/context.ts';
import { runErasure } from '#domain/privacy/erasure/run.ts';
import { AGREEMENT } from '#messages/versions.ts';
import type { AppRouter } from './router.ts';
import { orderOf, type Person, useWorld } from './testing/world.ts';
import type { ErrorView } from './views.ts';

// biome-ignore lint/correctness/useHookAtTopLevel: no React hook.
const world = useWorld();
const clientOf = ({ token }: Person) =>
  createTRPCClient<AppRouter>({
    links: [httpLink({ url: `${world.url}/api/trpc`, headers: { authorization: `Bearer ${token}` } })],
  });
const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) =>
      error instanceof TRPCClientError ? (error.data as { hoshi: ErrorView }).hoshi.reason : String(error),
  );
const orderInApp = (person: Person) =>
  clientOf(person).checkout.start.mutate({ priceId: 'prc_log_year', method: 'telegram_stars' });
const consentsOf = ({ userId }: Person) => world.ctx.db.consent.findMany({ where: { userId }, orderBy: { id: 'asc' } });

describe('the erasure in the app', () => {
  it('shows what stands in the way, what would go and what would stay, in the reader’s words', async () => {
    const person = await world.person('user', 'ja');
    await world.buy(person, 'month');
    const { subscription } = {
      subscription: await world.ctx.db.subscription.findFirstOrThrow({ where: { userId: person.userId } }),
    };
    const view = await clientOf(person).privacy.erasure.query();
    expect(view).toMatchObject({ state: 'none', id: null, dueAt: null, word: '消去する' });
    expect(view.blockers).toEqual([{ kind: 'subscription', subscriptionId: subscription.id, planName: 'Pro（日）' }]);
    expect(view.goes).toContainEqual({ class: 'rights', count: 1 });
    expect(view.goes.at(-1)).toEqual({ class: 'identity_link', count: 1 });
    expect(view.stays).toContainEqual({
      class: 'payments',
      count: 1,
      until: { iso: '2033-11-20', text: '2033年11月20日' },
    });
    expect(view.stays.find(({ class: name }) => name === 'audit')?.until).toBeNull();
    expect(await reasonOf(clientOf(person).privacy.askErasure.mutate({ word: '消去する' }))).toBe('erasure_blocked');
    expect(await reasonOf(clientOf(person).privacy.askErasure.mutate({ word: 'DELETE' }))).toBe('erasure_word_wrong');
  });

  it('is asked for, keeps its person from buying, is taken back, and ends their session when it is done', async () => {
    const person = await world.person();
    const app = clientOf(person);
    const asked = await app.privacy.askErasure.mutate({ word: 'DELETE' });
    expect(asked).toMatchObject({
      state: 'waiting',
      minutesLeft: 1_440,
      dueAt: { iso: '2026-11-21T10:00:00.000Z', text: expect.stringContaining('21 November 2026') },
    });
    expect((await app.privacy.askErasure.mutate({ word: 'DELETE' })).id).toBe(asked.id);
    expect(await reasonOf(orderInApp(person))).toBe('erasure_waiting');
    // Nobody is led to a button that refuses.
    const offer = () => app.checkout.preview.query({ priceId: 'prc_log_year' });
    expect((await offer()).blocked?.reason).toBe('erasure_waiting');
    expect(
      (await world.call('POST', '/api/v1/payments/create', { as: person.token, json: orderOf('year') })).body,
    ).toMatchObject({
      error: { reason: 'erasure_waiting' },
    });
    expect((await app.privacy.cancelErasure.mutate()).state).toBe('cancelled');
    expect((await offer()).blocked).toBeNull();
    expect(await reasonOf(app.privacy.cancelErasure.mutate())).toBe('erasure_not_found');
    expect(await reasonOf(orderInApp(person))).toBe('done');

    const other = await world.person();
    const { id } = await clientOf(other).privacy.askErasure.mutate({ word: 'DELETE' });
    await world.ctx.db.erasure.update({
      where: { id: id ?? '' },
      data: { dueAt: new Date(world.clock.now().getTime() + 1) },
    });
    const later = {
      ...asActor(world.ctx, { kind: 'system', name: 'test' }),
      clock: { now: () => new Date('2026-11-22T00:00:00Z'), stop: () => undefined },
    };
    expect(await runErasure(later, id ?? '', async () => 'told')).toBeNull();
    expect(await reasonOf(clientOf(other).me.get.query())).toBe('session_expired');
    expect((await world.call('GET', '/api/v1/payment/methods', { as: other.token })).status).toBe(401);
  });
});

describe('what is agreed to by paying', () => {
  it('is written down with the order, once for each version and place', async () => {
    const person = await world.person();
    expect((await clientOf(person).privacy.agreements.query()).given).toEqual([]);
    await orderInApp(person);
    await orderInApp(person);
    const rows = await consentsOf(person);
    expect(rows.map(({ kind, surface, version }) => ({ kind, surface, version }))).toEqual([
      { kind: 'terms', surface: 'mini_app', version: AGREEMENT.terms },
      { kind: 'privacy', surface: 'mini_app', version: AGREEMENT.privacy },
    ]);
    expect((await clientOf(person).privacy.agreements.query()).given).toEqual([
      {
        kind: 'privacy',
        surface: 'mini_app',
        version: AGREEMENT.privacy,
        isCurrent: true,
        givenAt: expect.objectContaining({ text: '20 November 2026' }),
      },
      { kind: 'terms', surface: 'mini_app', version: AGREEMENT.terms, isCurrent: true, givenAt: expect.anything() },
    ]);
  });

  it('is written down too by whoever goes on with an order that their server placed', async () => {
    const person = await world.person();
    const key = await world.key();
    const json = { ...orderOf('year'), customer_telegram_id: person.telegramId };
    expect((await world.call('POST', '/api/v1/payments/create', { as: key, json })).status).toBe(201);
    expect(await consentsOf(person)).toEqual([]);
    await orderInApp(person);
    expect(await consentsOf(person)).toHaveLength(2);
  });

  it('cannot be changed or taken out of the table', async () => {
    await orderInApp(await world.person());
    await expect(world.ctx.pool.query("UPDATE consent SET version = 'x'")).rejects.toMatchObject({ code: '23001' });
    await expect(world.ctx.pool.query('DELETE FROM consent')).rejects.toMatchObject({ code: '23001' });
  });
});

describe('a payment that is in question', () => {
  it('is held by a server that may write payments, until a time or no more', async () => {
    const { paymentId } = await world.buy(await world.person(), 'year');
    const path = `/api/v1/payments/${paymentId}/hold`;
    const held = async () => (await world.ctx.db.payment.findUniqueOrThrow({ where: { id: paymentId } })).heldUntil;
    const until = '2040-01-01T00:00:00.000Z';
    const reader = await world.key(['payments:read']);
    expect((await world.call('POST', path, { as: reader, json: { until } })).status).toBe(403);
    const server = await world.key(['payments:write']);
    expect((await world.call('POST', path, { as: server, json: { until } })).body).toEqual({
      success: true,
      payment_id: paymentId,
      held_until: until,
    });
    expect(await held()).toEqual(new Date(until));
    expect((await world.call('POST', path, { as: server, json: { until: null } })).status).toBe(200);
    expect(await held()).toBeNull();
    expect((await world.call('POST', '/api/v1/payments/pay_none/hold', { as: server, json: { until } })).status).toBe(
      404,
    );
  });
});
