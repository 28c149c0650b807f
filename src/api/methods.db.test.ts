import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { makeSecret } from '#lib/crypto.ts';
import type { AppRouter } from './router.ts';
import { type Card, makeVault, VAULT } from './testing/vault.ts';
import { type Person, useWorld } from './testing/world.ts';
import type { ErrorView } from './views.ts';

const PRICE = 'prc_log_usd';
const ITEM = { item_id: 'log-pro', amount: 999, currency: 'USD', interval: 'month' };
const DAY_MS = 86_400_000;

describe('payment methods', () => {
  let vault: ReturnType<typeof makeVault> | undefined;
  const world = useWorld({
    surfacePolicy: 'permissive',
    others: (stars) => {
      vault = makeVault(stars);
      return [vault.provider];
    },
  });

  const client = (token?: string) =>
    createTRPCClient<AppRouter>({
      links: [
        httpLink({
          url: `${world.url}/api/trpc`,
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        }),
      ],
    });
  const reasonOf = (answer: { body: Record<string, unknown> }) => (answer.body['error'] as { reason: string }).reason;

  async function refusalOf(call: Promise<unknown>): Promise<ErrorView> {
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof TRPCClientError)) throw new Error('was not refused');
    return error.data.hoshi;
  }

  async function cardOf(person: Person, card: Card): Promise<string> {
    const own = client(person.token);
    const { id } = await own.methods.add.mutate({ provider: VAULT });
    await own.methods.confirm.mutate({ methodId: id, token: `tok_${card}` });
    return id;
  }

  describe('stored methods in the Mini App', () => {
    it('are begun, confirmed, shown, offered and removed', async () => {
      const person = await world.person();
      const own = client(person.token);
      expect(await own.methods.providers.query()).toEqual([
        { provider: VAULT, method: 'credit_card', currencies: ['USD'] },
      ]);
      const adding = await own.methods.add.mutate({ provider: VAULT });
      expect(adding).toMatchObject({
        provider: VAULT,
        url: null,
        client: { endpoint: 'https://vault.test/tokens', publicId: 'pk_1' },
        pageUrl: `http://localhost:3000/methods/${adding.id}`,
      });
      expect(await own.methods.list.query()).toEqual([]);
      expect(await own.methods.confirm.mutate({ methodId: adding.id })).toBeNull();
      expect(await own.methods.confirm.mutate({ methodId: adding.id, token: 'tok_wants-code' })).toBeNull();
      const method = await own.methods.confirm.mutate({ methodId: adding.id, token: 'tok_wants-code', code: '12345' });
      expect(method).toMatchObject({ id: adding.id, brand: 'visa', last4: '4242', expires: '2029-04' });
      expect(await own.methods.list.query()).toEqual([method]);
      expect((await own.checkout.preview.query({ priceId: PRICE })).stored).toEqual([method]);
      expect((await own.checkout.preview.query({ priceId: 'prc_log_month' })).stored).toEqual([]);
      expect(await own.methods.remove.mutate({ methodId: adding.id })).toEqual({ isRemoved: true });
      expect(await own.methods.remove.mutate({ methodId: adding.id })).toEqual({ isRemoved: true });
      expect(await own.methods.list.query()).toEqual([]);
    });

    it('are not for others, and a wrong token or provider is refused', async () => {
      const owner = await world.person();
      const methodId = await cardOf(owner, 'pays');
      const other = client((await world.person()).token);
      const hidden = 'payment_method_not_found';
      expect((await refusalOf(other.methods.confirm.mutate({ methodId, token: 'tok_pays' }))).reason).toBe(hidden);
      expect((await refusalOf(other.methods.remove.mutate({ methodId }))).reason).toBe(hidden);
      const start = { priceId: PRICE, method: 'credit_card', storedMethodId: methodId } as const;
      expect((await refusalOf(other.checkout.start.mutate(start))).reason).toBe(hidden);
      expect((await refusalOf(other.methods.add.mutate({ provider: 'telegram-stars' }))).reason).toBe(
        'method_unavailable',
      );
      expect((await refusalOf(client().methods.list.query())).reason).toBe('session_missing');
      const { id } = await other.methods.add.mutate({ provider: VAULT });
      const wrong = await refusalOf(other.methods.confirm.mutate({ methodId: id, token: 'nonsense' }));
      expect(wrong.reason).toBe('provider_declined');
      const asked = vault?.asked.length;
      const number = await refusalOf(other.methods.confirm.mutate({ methodId: id, token: '4242 4242 4242 4242' }));
      expect(number).toMatchObject({ reason: 'malformed_request', details: { fields: 'token' } });
      expect(vault?.asked.length).toBe(asked);
    });

    it.each([
      ['pays', { status: 'paid', failure: null, pending: null }],
      ['declined', { status: 'open', failure: { failure: 'insufficient_funds' }, url: null }],
      ['transfers', { status: 'open', pending: { progress: 'awaiting_transfer', missing: { amount: '999' } } }],
      ['asks', { status: 'open', url: expect.stringMatching(/^https:\/\/vault\.test\/confirm\//) }],
      ['silent', { status: 'open', url: null, failure: null, pending: null }],
    ] as const)('show at once what becomes of a card that %s', async (card, expected) => {
      const person = await world.person();
      const storedMethodId = await cardOf(person, card);
      const start = { priceId: PRICE, method: 'credit_card', storedMethodId } as const;
      expect(await client(person.token).checkout.start.mutate(start)).toMatchObject(expected);
    });

    it('say so when a refusal has no name', async () => {
      const person = await world.person();
      const storedMethodId = await cardOf(person, 'unknown-refusal');
      const start = { priceId: PRICE, method: 'credit_card', storedMethodId } as const;
      expect((await refusalOf(client(person.token).checkout.start.mutate(start))).reason).toBe('provider_declined');
    });

    it('are waited for no longer than the time box, and settle behind it', async () => {
      const person = await world.person();
      const storedMethodId = await cardOf(person, 'stuck');
      const own = client(person.token);
      const start = { priceId: PRICE, method: 'credit_card', storedMethodId } as const;
      const waiting = await own.checkout.start.mutate(start);
      expect(waiting).toMatchObject({ status: 'open', pending: null });
      vault?.release();
      const status = async () => (await own.checkout.status.query({ invoiceId: waiting.id })).status;
      await expect.poll(status, { timeout: 5_000 }).toBe('paid');
    }, 15_000);

    it('do not change how a page of the provider is opened', async () => {
      const person = await world.person();
      const start = { priceId: PRICE, method: 'credit_card', provider: VAULT } as const;
      const opened = await client(person.token).checkout.start.mutate(start);
      expect(opened.url).toMatch(/^https:\/\/vault\.test\/pay\//);
      const other = { ...start, provider: 'telegram-stars' };
      expect((await refusalOf(client(person.token).checkout.start.mutate(other))).reason).toBe('method_unavailable');
    });
  });

  describe('adding by the link alone', () => {
    it('goes on without a session and says which card it became', async () => {
      const person = await world.person();
      const { id: methodId } = await client(person.token).methods.add.mutate({ provider: VAULT });
      const link = { methodId, language: 'ja' } as const;
      const secret = makeSecret();
      const here = { ...link, secret };
      expect(await client().adding.get.query(link)).toEqual({
        provider: VAULT,
        status: 'adding',
        url: null,
        client: { endpoint: 'https://vault.test/tokens', publicId: 'pk_1' },
        card: null,
      });
      // In another language it is the same page.
      expect(await client().adding.get.query({ methodId, language: 'en' })).toMatchObject({ status: 'adding' });
      expect(await client().adding.confirm.mutate({ ...here, token: null })).toMatchObject({ status: 'adding' });
      const card = { brand: 'visa', last4: '4242' };
      const nearly = { provider: VAULT, status: 'confirming', url: null, client: null, card };
      expect(await client().adding.confirm.mutate({ ...here, token: 'tok_pays' })).toEqual(nearly);
      // A second hand cannot put another card in its place, nor make it its own.
      const elsewhere = { ...link, token: 'tok_declined', secret: makeSecret() };
      expect(await client().adding.confirm.mutate(elsewhere)).toEqual({ ...nearly, card: null });
      expect(await client().adding.get.query(link)).toEqual({ ...nearly, card: null });
      const own = client(person.token);
      expect(await own.methods.list.query()).toMatchObject([{ id: methodId, status: 'confirming', last4: '' }]);
      const wrong = { methodId, secret: elsewhere.secret };
      expect((await refusalOf(own.methods.claim.mutate(wrong))).reason).toBe('payment_method_not_found');
      expect((await refusalOf(client().methods.claim.mutate({ methodId, secret }))).reason).toBe('session_missing');
      expect(await own.methods.claim.mutate({ methodId, secret })).toMatchObject({ status: 'active', ...card });
      const done = { ...nearly, status: 'active' };
      expect(await client().adding.get.query(link)).toEqual(done);
      await client(person.token).methods.remove.mutate({ methodId });
      expect(await client().adding.get.query(link)).toMatchObject({ status: 'removed', card: null });
    });

    it('has a card forgotten that another account says is theirs, and tells them so kindly', async () => {
      const [owner, other] = [await world.person(), await world.person()];
      const { id: methodId } = await client(owner.token).methods.add.mutate({ provider: VAULT });
      const secret = makeSecret();
      await client().adding.confirm.mutate({ methodId, language: 'en', token: 'tok_pays', secret });
      expect(await refusalOf(client(other.token).methods.claim.mutate({ methodId, secret }))).toMatchObject({
        kind: 'forbidden',
        reason: 'method_of_another',
        text: expect.stringContaining('was not saved'),
      });
      expect(await client(owner.token).methods.list.query()).toEqual([]);
      const gone = await refusalOf(client(owner.token).methods.claim.mutate({ methodId, secret }));
      expect(gone.reason).toBe('payment_method_not_found');
      expect(await client().adding.get.query({ methodId, language: 'en' })).toMatchObject({ status: 'removed' });
    });

    it('refuses a token that is stored, in words', async () => {
      const [first, second] = [await world.person(), await world.person()];
      const token = `tok_pays.${first.userId}`;
      const begin = async (person: Person) => (await client(person.token).methods.add.mutate({ provider: VAULT })).id;
      const bring = (methodId: string) =>
        client().adding.confirm.mutate({ methodId, language: 'en', token, secret: makeSecret() });
      await bring(await begin(first));
      expect(await refusalOf(bring(await begin(second)))).toMatchObject({
        kind: 'conflict',
        reason: 'method_stored_before',
        text: expect.stringContaining('saved already'),
      });
    });

    it.each(['', 'short', `${'x'.repeat(21)}.`, 'x'.repeat(23)])('takes no secret like %j', async (secret) => {
      const { token } = await world.person();
      const link = { methodId: 'pmt_none', language: 'en', token: null } as const;
      for (const wrong of [
        { ...link, secret },
        { ...link, secret: makeSecret(), back: secret },
      ])
        expect((await refusalOf(client().adding.confirm.mutate(wrong))).reason).toBe('malformed_request');
      const claim = client(token).methods.claim.mutate({ methodId: 'pmt_none', secret });
      expect((await refusalOf(claim)).reason).toBe('malformed_request');
    });

    it('ends at the fifth token that is no good, in words', async () => {
      const person = await world.person();
      const { id: methodId } = await client(person.token).methods.add.mutate({ provider: VAULT });
      const attempt = () =>
        refusalOf(
          client().adding.confirm.mutate({
            methodId,
            language: 'en',
            token: 'nonsense',
            code: '1234',
            secret: makeSecret(),
          }),
        );
      const reasons: string[] = [];
      for (let time = 1; time < 5; time += 1) reasons.push((await attempt()).reason);
      expect(reasons).toEqual(Array.from({ length: 4 }, () => 'provider_declined'));
      expect(await attempt()).toMatchObject({
        reason: 'too_many_codes',
        text: expect.stringContaining('begin again'),
      });
      expect(await client().adding.get.query({ methodId, language: 'ja' })).toMatchObject({ status: 'removed' });
    });

    it('is begun ten times a day', async () => {
      const own = client((await world.person()).token);
      for (let time = 0; time < 10; time += 1) {
        const { id: methodId } = await own.methods.add.mutate({ provider: VAULT });
        await own.methods.remove.mutate({ methodId });
      }
      const refused = await refusalOf(own.methods.add.mutate({ provider: VAULT }));
      expect(refused).toMatchObject({ reason: 'too_many_begun', retryAfterSeconds: 86_400 });
    });

    it('ends after a day, and no other id opens anything', async () => {
      const person = await world.person();
      const methodId = await cardOf(person, 'pays');
      const { id: begun } = await client(person.token).methods.add.mutate({ provider: VAULT });
      world.clock.advance(DAY_MS);
      for (const id of [methodId, begun, person.userId, 'pmt_none']) {
        const link = { methodId: id, language: 'en' } as const;
        expect((await refusalOf(client().adding.get.query(link))).reason).toBe('payment_method_not_found');
        const answer = { ...link, token: 'tok_pays', secret: makeSecret() };
        const refused = await refusalOf(client().adding.confirm.mutate(answer));
        expect(refused.reason).toBe('payment_method_not_found');
      }
    });
  });

  describe('stored methods by REST', () => {
    const METHODS = '/api/v1/payment/methods';
    const PROCESS = '/api/v1/payment/process';

    it('are kept by a server for a person', async () => {
      const key = await world.key(['payments:write', 'payments:read']);
      const { telegramId, token, userId } = await world.person();
      const begun = await world.call('POST', METHODS, {
        as: key,
        json: { customer_telegram_id: telegramId, provider: VAULT },
      });
      expect([begun.status, begun.body]).toEqual([
        201,
        {
          success: true,
          payment_method_id: expect.stringMatching(/^pmt_/),
          provider: VAULT,
          setup_url: null,
          client_endpoint: 'https://vault.test/tokens',
          client_public_id: 'pk_1',
          page_url: expect.stringContaining('/methods/pmt_'),
        },
      ]);
      const path = `${METHODS}/${begun.body['payment_method_id']}`;
      const waiting = await world.call('POST', `${path}/confirm`, { as: key, json: {} });
      expect(waiting.body).toEqual({ success: true, status: 'adding', payment_method: null });
      const unclaimable = await world.call('POST', `${path}/confirm`, { as: key, json: { token: 'tok_pays' } });
      expect([unclaimable.status, unclaimable.body['error']]).toMatchObject([
        400,
        { reason: 'malformed_request', details: { fields: 'secret' } },
      ]);
      const secret = makeSecret();
      const brought = { as: key, json: { token: 'tok_pays', secret } };
      const given = await world.call('POST', `${path}/confirm`, brought);
      const unknown = { status: 'confirming', brand: '', last4: '', expires: null };
      expect(given.body).toMatchObject({ status: 'confirming', payment_method: unknown });
      // The server may say it as often as it likes: only the person makes it theirs.
      expect((await world.call('POST', `${path}/confirm`, brought)).body).toEqual(given.body);
      const listed = () => world.call('GET', `${METHODS}?user_id=${userId}`, { as: key });
      expect((await listed()).body['payment_methods']).toEqual([given.body['payment_method']]);
      const json = { ...ITEM, payment_method_id: begun.body['payment_method_id'], user_id: userId };
      expect(reasonOf(await world.call('POST', PROCESS, { as: key, json }))).toBe('payment_method_not_found');
      const claim = { methodId: String(begun.body['payment_method_id']), secret };
      await client(token).methods.claim.mutate(claim);
      expect((await listed()).body['payment_methods']).toMatchObject([{ status: 'active', last4: '4242' }]);
      const removed = await world.call('DELETE', path, { as: key });
      expect([removed.status, removed.body]).toMatchObject([200, { success: true }]);
      expect((await world.call('GET', `${METHODS}?user_id=${userId}`, { as: key })).body['payment_methods']).toEqual(
        [],
      );
    });

    it('belong to their person', async () => {
      const owner = await world.person();
      const methodId = await cardOf(owner, 'pays');
      const as = (await world.person()).token;
      const confirm = await world.call('POST', `${METHODS}/${methodId}/confirm`, { as, json: { token: 'tok_pays' } });
      const remove = await world.call('DELETE', `${METHODS}/${methodId}`, { as });
      const pay = await world.call('POST', PROCESS, { as, json: { ...ITEM, payment_method_id: methodId } });
      for (const answer of [confirm, remove, pay])
        expect([answer.status, reasonOf(answer)]).toEqual([404, 'payment_method_not_found']);
      const foreign = await world.call('POST', METHODS, { as, json: { user_id: owner.userId, provider: VAULT } });
      expect([foreign.status, reasonOf(foreign)]).toEqual([403, 'not_yours']);
      const list = await world.call('GET', `${METHODS}?user_id=${owner.userId}`, { as });
      expect([list.status, reasonOf(list)]).toEqual([403, 'not_yours']);
      // A server may pay for everybody, and still only with the buyer's own card.
      const key = await world.key(['payments:write']);
      const { userId } = await world.person();
      const json = { ...ITEM, payment_method_id: methodId, user_id: userId };
      expect(reasonOf(await world.call('POST', PROCESS, { as: key, json }))).toBe('payment_method_not_found');
      const support = await world.person('support');
      expect((await world.call('DELETE', `${METHODS}/${methodId}`, { as: support.token })).status).toBe(404);
      const reader = await world.key(['payments:read']);
      const refused = await world.call('DELETE', `${METHODS}/${methodId}`, { as: reader });
      expect([refused.status, reasonOf(refused)]).toEqual([403, 'scope_missing']);
    });

    it('never take card data, and keep and log nothing of them', async () => {
      const person = await world.person();
      const as = person.token;
      const bodies = [
        { provider: VAULT, card: { number: '4242424242424242', cvc: '123' } },
        { provider: '4242 4242 4242 4242' },
        { provider: VAULT, note: 'x4242424242424242' },
      ];
      const before = await world.ctx.db.paymentMethod.count();
      for (const json of bodies) {
        const answer = await world.call('POST', METHODS, {
          as,
          json,
          headers: { 'idempotency-key': `card-${person.userId}` },
        });
        expect([answer.status, reasonOf(answer)]).toEqual([400, 'card_data_refused']);
      }
      const { id } = await client(as).methods.add.mutate({ provider: VAULT });
      const confirm = await world.call('POST', `${METHODS}/${id}/confirm`, { as, json: { token: '4242424242424242' } });
      expect(reasonOf(confirm)).toBe('card_data_refused');
      const process = await world.call('POST', PROCESS, { as, json: { ...ITEM, payment_method_id: id, cvv: '123' } });
      expect(reasonOf(process)).toBe('card_data_refused');
      expect(await world.ctx.db.paymentMethod.count()).toBe(before + 1);
      expect(await world.ctx.db.idempotencyKey.count({ where: { key: `card-${person.userId}` } })).toBe(0);
      expect(world.lines.join('')).not.toContain('4242424242424242');
    });

    it.each([
      ['no provider', {}],
      ['a number as the provider', { provider: 7 }],
      ['a list', []],
      ['an unknown field', { provider: VAULT, constructor: 1 }],
      ['a path as the provider', { provider: '../x' }],
    ])('refuse %s', async (_, json) => {
      const { token } = await world.person();
      const answer = await world.call('POST', METHODS, { as: token, json });
      expect([answer.status, reasonOf(answer)]).toEqual([400, 'malformed_request']);
    });

    it('refuse a body that is too large, strangers, and providers that keep none', async () => {
      const { token } = await world.person();
      const huge = await world.call('POST', METHODS, { as: token, json: { provider: 'x'.repeat(300_000) } });
      expect([huge.status, reasonOf(huge)]).toEqual([413, 'body_too_large']);
      expect((await world.call('POST', METHODS, { json: { provider: VAULT } })).status).toBe(401);
      const none = await world.call('POST', METHODS, { as: token, json: { provider: 'telegram-stars' } });
      expect([none.status, reasonOf(none)]).toEqual([400, 'method_unavailable']);
    });

    it.each([
      ['pays', { status: 'paid', failure: null, confirmation_url: null }],
      [
        'declined',
        { status: 'failed', failure: { code: 'insufficient_funds', text: expect.stringContaining('card') } },
      ],
      ['transfers', { status: 'pending', progress: 'awaiting_transfer' }],
      ['asks', { status: 'requires_action', confirmation_url: expect.stringContaining('/confirm/') }],
      ['silent', { status: 'pending', progress: null, failure: null }],
    ] as const)('pay, with a card that %s', async (card, expected) => {
      const person = await world.person();
      const payment_method_id = await cardOf(person, card);
      const key = await world.key(['payments:write']);
      const json = { ...ITEM, payment_method_id, user_id: person.userId };
      const answer = await world.call('POST', PROCESS, { as: key, json });
      expect([answer.status, answer.body]).toMatchObject([201, { ...expected, amount: '999', currency: 'USD' }]);
      const id = answer.body['payment_id'];
      const order = await world.call('GET', `/api/v1/payment/payments/${id}`, { as: person.token });
      expect(order.body['payment']).toMatchObject({ payment_method: 'credit_card', provider: VAULT });
    });

    it('charge once for one Idempotency-Key, and only what the catalogue asks', async () => {
      const person = await world.person();
      const payment_method_id = await cardOf(person, 'pays');
      const ask = (json: Record<string, unknown>) =>
        world.call('POST', PROCESS, { as: person.token, json, headers: { 'idempotency-key': `pay-${person.userId}` } });
      const order = { ...ITEM, payment_method_id };
      const [first, again] = [await ask(order), await ask(order)];
      expect(again.body).toEqual(first.body);
      expect(again.headers.get('idempotency-hit')).toBe('true');
      expect(await world.ctx.db.payment.count({ where: { userId: person.userId } })).toBe(1);
      expect(reasonOf(await ask({ ...order, amount: 1 }))).toBe('idempotency_key_reused');
      const other = await world.person();
      const cheap = { ...ITEM, amount: 1, payment_method_id: await cardOf(other, 'pays') };
      const refused = await world.call('POST', PROCESS, { as: other.token, json: cheap });
      expect([refused.status, reasonOf(refused)]).toEqual([412, 'amount_mismatch']);
    });

    it('count down after five attempts', async () => {
      const person = await world.person();
      const json = { ...ITEM, payment_method_id: await cardOf(person, 'declined') };
      for (let attempt = 0; attempt < 5; attempt += 1)
        expect((await world.call('POST', PROCESS, { as: person.token, json })).body['status']).toBe('failed');
      const answer = await world.call('POST', PROCESS, { as: person.token, json });
      expect([answer.status, reasonOf(answer)]).toEqual([429, 'too_many_attempts']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    });
  });

  describe('parts of a refund', () => {
    it('go back exactly, one at a time, and stand in the payment', async () => {
      const person = await world.person();
      const json = { ...ITEM, payment_method_id: await cardOf(person, 'pays') };
      const paid = await world.call('POST', '/api/v1/payment/process', { as: person.token, json });
      const key = await world.key(['refunds:write']);
      const path = `/api/v1/payments/${paid.body['payment_id']}/refund`;
      const ask = (body: unknown) => world.call('POST', path, { as: key, json: body });
      for (const amount of [0, -1, 1.5, '01', '1.0', 'x', null, [1], true])
        expect([amount, reasonOf(await ask({ amount }))]).toEqual([amount, 'malformed_request']);
      const much = await ask({ amount: 1000 });
      expect([much.status, reasonOf(much)]).toEqual([400, 'refund_amount_wrong']);
      const part = await ask({ amount: '250' });
      expect([part.status, part.body['refund']]).toMatchObject([
        202,
        { status: 'requested', amount: '250', currency: 'USD', reference: null, claim_url: null },
      ]);
      expect((await ask({ amount: 250 })).body).toEqual(part.body);
      const other = await ask({ amount: 251 });
      expect([other.status, reasonOf(other)]).toEqual([409, 'refund_in_progress']);
      const { paymentId } = await world.ctx.db.refund.findFirstOrThrow({ where: { amount: 250n } });
      const shown = await world.call('GET', `/api/v1/payment/payments/${paymentId}`, { as: person.token });
      expect(shown.body['payment']).toMatchObject({
        status: 'refunding',
        returned_amount: '0',
        refunds: [{ status: 'requested', amount: '250', claim_url: null }],
        disputes: [],
      });
    });
  });
});
