import { describe, expect, it } from 'vitest';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { METRICS_TOKEN, orderOf, type Person, PRICES, UNREACHABLE, useWorld } from './testing/world.ts';

describe('REST', () => {
  const world = useWorld();
  const errorOf = (answer: { body: Record<string, unknown> }) =>
    answer.body['error'] as {
      reason: string;
      text: string;
      requestId: string;
      details: Record<string, unknown>;
      retryAfterSeconds: number | null;
    };
  const create = (as: string, json: unknown, headers: Record<string, string> = {}) =>
    world.call('POST', '/api/v1/payments/create', { as, json, headers });

  describe('create', () => {
    it('answers the older names for a person', async () => {
      const buyer = await world.person();
      const answer = await create(buyer.token, orderOf('month'));
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({
        success: true,
        payment_id: expect.stringMatching(/^inv_/),
        payment_url: expect.stringMatching(/^https:\/\/t\.me\/\$/),
        telegram_invoice_payload: answer.body['payment_id'],
        expires_at: '2026-11-20T10:30:00.000Z',
        personal_log_recorded: false,
        billing_data_encrypted: true,
        estimated_processing_time_minutes: 1,
        amount: '150',
        amount_text: '150 ★',
        provider: 'telegram-stars',
        is_resumed: false,
      });
      const call = world.telegram.calls.at(-1);
      expect(call).toMatchObject({
        method: 'createInvoiceLink',
        parameters: { payload: answer.body['payment_id'], subscription_period: 2_592_000 },
      });
    });

    it('resumes the open order of the same price', async () => {
      const buyer = await world.person();
      const first = await create(buyer.token, orderOf('month'));
      const second = await create(buyer.token, orderOf('month'));
      expect(second.body).toMatchObject({
        payment_id: first.body['payment_id'],
        payment_url: first.body['payment_url'],
        is_resumed: true,
      });
    });

    it('lets a server order for a Telegram user we never met', async () => {
      const key = await world.key(['payments:write']);
      const json = {
        ...orderOf('plugin'),
        item_type: 'plugin',
        item_id: 'tool',
        customer_telegram_id: 424_242,
        enable_revenue_sharing: true,
        encrypt_billing_data: true,
        log_to_personal_server: true,
        description: 'for the buyer',
      };
      const answer = await create(key, json);
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({
        billing_data_encrypted: true,
        personal_log_recorded: false,
        item: { type: 'plugin', plan_code: 'tool-license' },
      });
      const fees = answer.body['fees'] as { party: string; amount: string }[];
      expect(fees).toMatchObject([
        { party: 'developer', amount: '71' },
        { party: 'platform', amount: '30' },
        { party: 'processor', amount: '0' },
      ]);
      const resumed = await create(key, json);
      expect(resumed.body).toMatchObject({ is_resumed: true, payment_id: answer.body['payment_id'], fees });
    });

    it('lets a server set the fee and the expiry of a developer’s product', async () => {
      const key = await world.key(['payments:write']);
      const buyer = await world.person();
      const answer = await create(key, {
        ...orderOf('plugin'),
        user_id: buyer.userId,
        platform_fee_percentage: 12.5,
        expires_in_minutes: 5,
      });
      expect(answer.body).toMatchObject({ expires_at: '2026-11-20T10:05:00.000Z' });
      const invoice = await world.ctx.db.invoice.findUniqueOrThrow({
        where: { id: String(answer.body['payment_id']) },
      });
      expect(invoice.platformFeeBps).toBe(1250);
    });

    it.each([
      ['another amount', { amount: 149 }, 412, 'amount_mismatch'],
      ['another currency', { currency: 'EUR' }, 412, 'currency_mismatch'],
      ['a method the currency lacks', { payment_method: 'credit_card' }, 403, 'method_not_allowed_here'],
      ['an unknown item', { item_id: 'nothing' }, 404, 'plan_not_found'],
      ['an unknown price', { item_id: 'prc_nothing' }, 404, 'price_not_found'],
      ['a plan as a plugin', { item_type: 'plugin' }, 404, 'plan_not_found'],
      ['a free plan', { item_id: 'log-free', amount: 1, interval: undefined }, 412, 'plan_not_for_sale'],
      ['a fee', { platform_fee_percentage: 1 }, 400, 'fee_not_settable'],
      ['a developer', { developer_user_id: 'usr_x' }, 400, 'fee_not_settable'],
    ])('refuses %s', async (_, change, status, reason) => {
      const buyer = await world.person();
      const answer = await create(buyer.token, { ...orderOf('month'), ...change });
      expect([answer.status, errorOf(answer).reason]).toEqual([status, reason]);
    });

    it('counts down after five attempts', async () => {
      const buyer = await world.person();
      world.telegram.failure = UNREACHABLE;
      for (let attempt = 0; attempt < 5; attempt += 1)
        expect((await create(buyer.token, orderOf('month'))).status).toBe(503);
      world.telegram.failure = null;
      const answer = await create(buyer.token, orderOf('month'));
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBe(errorOf(answer).retryAfterSeconds);
      expect(errorOf(answer)).toMatchObject({ reason: 'too_many_attempts', retryAfterSeconds: 60 });
    });

    it('says so when Telegram is away', async () => {
      const buyer = await world.person();
      world.telegram.failure = UNREACHABLE;
      const answer = await create(buyer.token, orderOf('year'));
      world.telegram.failure = null;
      expect([answer.status, errorOf(answer).reason]).toEqual([503, 'provider_unavailable']);
      expect(answer.headers.get('retry-after')).toBe('5');
    });

    it('opens a subscription’s order by plan', async () => {
      const buyer = await world.person();
      const answer = await world.call('POST', '/api/v1/payment/subscriptions', {
        as: buyer.token,
        json: { plan_id: 'log-pro' },
      });
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({ item: { interval: 'month', price_id: 'prc_log_month' } });
      const missing = await world.call('POST', '/api/v1/payment/subscriptions', {
        as: buyer.token,
        json: { plan_id: 'tool-license' },
      });
      expect([missing.status, errorOf(missing).reason]).toEqual([404, 'plan_not_found']);
    });
  });

  describe('an order that is not wanted', () => {
    const cancel = (id: string, as?: string, headers: Record<string, string> = {}) =>
      world.call('POST', `/api/v1/payments/${id}/cancel`, { as, json: {}, headers });
    const openOrder = async (buyer: Person) => {
      const { body } = await create(buyer.token, orderOf('year'));
      return String(body['payment_id']);
    };

    it('is cancelled by its person, and stays so when that is asked again', async () => {
      const buyer = await world.person();
      const id = await openOrder(buyer);
      const first = await cancel(id, buyer.token);
      expect([first.status, first.body['payment']]).toMatchObject([
        200,
        { object: 'invoice', payment_id: id, status: 'cancelled', payment_url: null, payment: null },
      ]);
      const again = await cancel(id, buyer.token);
      expect([again.status, again.body['payment']]).toEqual([200, first.body['payment']]);
      expect(await world.ctx.db.auditEvent.count({ where: { objectId: id, action: 'invoice.cancelled' } })).toBe(1);
      const { body } = await world.call('GET', `/api/v1/payment/payments/${id}`, { as: buyer.token });
      expect(body['payment']).toEqual(first.body['payment']);
      // The same wish afterwards is another order.
      expect(await openOrder(buyer)).not.toBe(id);
    });

    it('is cancelled by twenty at once, once', async () => {
      const buyer = await world.person();
      const id = await openOrder(buyer);
      const answers = await Promise.all(Array.from({ length: 20 }, () => cancel(id, buyer.token)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(await world.ctx.db.auditEvent.count({ where: { objectId: id, action: 'invoice.cancelled' } })).toBe(1);
    });

    it('is cancelled by a server that may write, with a key for the request', async () => {
      const id = await openOrder(await world.person());
      const key = await world.key(['payments:write']);
      const headers = { 'idempotency-key': `cancel-${id}` };
      const first = await cancel(id, key, headers);
      expect(first.body['payment']).toMatchObject({ payment_id: id, status: 'cancelled' });
      const repeated = await cancel(id, key, headers);
      expect([repeated.status, repeated.body, repeated.headers.get('idempotency-hit')]).toEqual([
        200,
        first.body,
        'true',
      ]);
    });

    it('stays expired when its time was over', async () => {
      const buyer = await world.person();
      const id = await openOrder(buyer);
      await world.ctx.db.invoice.update({
        where: { id },
        data: { status: 'expired', closedAt: world.clock.now() },
      });
      const answer = await cancel(id, buyer.token);
      expect([answer.status, answer.body['payment']]).toMatchObject([200, { status: 'expired' }]);
    });

    it('is not cancelled once it is paid, by others, or where there is none', async () => {
      const buyer = await world.person();
      const { invoiceId, paymentId } = await world.buy(buyer, 'plugin');
      const refusals: Array<[id: string, as: string, status: number, reason: string]> = [
        [invoiceId, buyer.token, 409, 'invoice_already_paid'],
        [invoiceId, (await world.person()).token, 404, 'invoice_not_found'],
        [paymentId, buyer.token, 404, 'invoice_not_found'],
        ['inv_none', await world.key(['payments:write']), 404, 'invoice_not_found'],
        [invoiceId, await world.key(['payments:read']), 403, 'scope_missing'],
      ];
      for (const [id, as, status, reason] of refusals) {
        const answer = await cancel(id, as);
        expect([answer.status, errorOf(answer).reason]).toEqual([status, reason]);
      }
    });
  });

  describe('a purchase through the doors', () => {
    it('is an order, then a payment, a right, a subscription and a refund', async () => {
      const buyer = await world.person();
      const { invoiceId, paymentId, chargeId } = await world.buy(buyer, 'month');
      const as = buyer.token;

      const order = await world.call('GET', `/api/v1/payment/payments/${invoiceId}`, { as });
      expect(order.body['payment']).toMatchObject({
        object: 'invoice',
        status: 'paid',
        payment_url: null,
        payment: { payment_id: paymentId, status: 'succeeded' },
        access: { renews: true },
      });

      const receipt = await world.call('GET', `/api/v1/payment/payments/${paymentId}`, { as });
      expect(receipt.body['payment']).toMatchObject({
        object: 'payment',
        status: 'succeeded',
        charge_id: chargeId,
        invoice_id: invoiceId,
        kind: 'first',
        refund: null,
      });

      const right = await world.call('GET', `/api/v1/entitlements/${buyer.userId}?product=log`, { as });
      expect(right.body).toMatchObject({
        is_entitled: true,
        plan: 'log-pro',
        limits: { notes: 1000 },
        until: '2026-12-20T10:00:00.000Z',
      });
      const byTelegramId = await world.call('GET', `/api/v1/entitlements/${buyer.telegramId}?product=log`, { as });
      expect(byTelegramId.body).toEqual(right.body);

      const running = await world.call('GET', '/api/v1/payment/subscription', { as });
      expect(running.body).toMatchObject({ subscription: { status: 'active', can_cancel: true, amount: '150' } });

      const cancelled = await world.call('PUT', '/api/v1/payment/subscription/cancel', { as, json: {} });
      expect(cancelled.body).toMatchObject({ subscription: { status: 'cancelling', can_resume: true } });
      expect(world.telegram.calls.at(-1)).toMatchObject({
        method: 'editUserStarSubscription',
        parameters: { is_canceled: true },
      });
      const again = await world.call('PUT', '/api/v1/payment/subscription/cancel', { as, json: {} });
      expect([again.status, errorOf(again).reason]).toEqual([404, 'subscription_not_found']);

      const key = await world.key(['refunds:write']);
      const refund = await world.call('POST', `/api/v1/payments/${invoiceId}/refund`, { as: key, json: {} });
      expect(refund.status).toBe(202);
      expect(refund.body['refund']).toMatchObject({ payment_id: paymentId, status: 'requested', amount: '150' });
      const repeated = await world.call('POST', `/api/v1/payments/${paymentId}/refund`, { as: key });
      expect(repeated.body['refund']).toEqual(refund.body['refund']);
      expect(
        await world.ctx.db.job.count({
          where: {
            name: 'execute_refund',
            key: null,
            payload: { equals: { refundId: (refund.body['refund'] as { refund_id: string }).refund_id } },
          },
        }),
      ).toBe(1);
    });

    it('has nothing to give back for an unpaid order', async () => {
      const buyer = await world.person();
      const order = await create(buyer.token, orderOf('year'));
      const key = await world.key(['refunds:write']);
      const answer = await world.call('POST', `/api/v1/payments/${String(order.body['payment_id'])}/refund`, {
        as: key,
        json: {},
      });
      expect([answer.status, errorOf(answer).reason]).toEqual([412, 'refund_not_possible']);
    });

    it('pays the developer, whom the stats are for', async () => {
      const developer = await ensureUser(world.ctx, { telegramId: 99_001n, languageCode: null });
      const before = await statsOf(developer.id);
      await world.buy(await world.person(), 'plugin');
      const after = await statsOf(developer.id);
      expect(after.sales - before.sales).toBe(1);
      expect(BigInt(after.developer_share) - BigInt(before.developer_share)).toBe(71n);
    });

    async function statsOf(userId: string): Promise<{ sales: number; developer_share: string }> {
      world.clock.advance(1000);
      const key = await world.key(['revenue:read']);
      const { body } = await world.call('GET', `/api/v1/payments/revenue-sharing/stats/${userId}`, { as: key });
      const [stars] = body['currencies'] as { sales: number; developer_share: string }[];
      return stars ?? { sales: 0, developer_share: '0' };
    }
  });

  describe('history', () => {
    it('walks pages to the end, each payment once', async () => {
      const buyer = await world.person();
      const bought: string[] = [];
      for (let count = 0; count < 5; count += 1) {
        world.clock.advance(61_000);
        bought.unshift((await world.buy(buyer, 'year')).paymentId);
      }
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const path = `/api/v1/payments/history/${buyer.userId}?limit=2${cursor && `&cursor=${cursor}`}`;
        const { body } = await world.call('GET', path, { as: buyer.token });
        seen.push(...(body['payments'] as { payment_id: string }[]).map((payment) => payment.payment_id));
        cursor = body['next_cursor'] as string | null;
      }
      expect(seen).toEqual(bought);
      const own = await world.call('GET', '/api/v1/payment/history?month=2026-11&status=succeeded', {
        as: buyer.token,
      });
      expect(own.body['payments']).toHaveLength(5);
      const other = await world.call('GET', '/api/v1/payment/history?month=2026-10', { as: buyer.token });
      expect(other.body['payments']).toEqual([]);
    });

    it('is for its person, staff and servers that may', async () => {
      const [owner, stranger, support, admin] = await Promise.all([
        world.person(),
        world.person(),
        world.person('support'),
        world.person('admin'),
      ]);
      const { paymentId } = await world.buy(owner, 'month');
      const reader = await world.key(['payments:read']);
      const other = await world.key(['payments:write']);
      const names = [owner.userId, String(owner.telegramId)];
      for (const name of names) {
        const ask = (as?: string) => world.call('GET', `/api/v1/payments/history/${name}`, { as });
        for (const as of [owner.token, support.token, admin.token, reader]) {
          const { body } = await ask(as);
          expect((body['payments'] as { payment_id: string }[]).map((payment) => payment.payment_id)).toEqual([
            paymentId,
          ]);
        }
        for (const [as, status, reason] of [
          [stranger.token, 403, 'not_yours'],
          [other, 403, 'scope_missing'],
          [undefined, 401, 'session_missing'],
        ] as const) {
          const answer = await ask(as);
          expect([answer.status, errorOf(answer).reason]).toEqual([status, reason]);
          expect(answer.text).not.toContain(paymentId);
        }
      }
    });

    it('does not tell strangers who exists', async () => {
      const [owner, stranger] = await Promise.all([world.person(), world.person()]);
      const refusalOf = async (name: string | number) => {
        const { status, body } = await world.call('GET', `/api/v1/payments/history/${name}`, { as: stranger.token });
        const { requestId, ...rest } = body['error'] as Record<string, unknown>;
        return { status, rest, hasId: typeof requestId === 'string' };
      };
      expect(await refusalOf(owner.telegramId)).toEqual(await refusalOf(987_654_321));
      expect(await refusalOf(owner.userId)).toEqual(await refusalOf('usr_00000000000000000000000000'));
    });

    it('asks a server whom it means, and refuses two different people', async () => {
      const [one, two] = await Promise.all([world.person(), world.person()]);
      const key = await world.key(['payments:read']);
      const nobody = await world.call('GET', '/api/v1/payment/history', { as: key });
      expect([nobody.status, errorOf(nobody).details]).toEqual([400, { fields: 'user_id' }]);
      const both = await world.call(
        'GET',
        `/api/v1/payment/history?user_id=${one.userId}&customer_telegram_id=${two.telegramId}`,
        { as: key },
      );
      expect([both.status, errorOf(both).details]).toEqual([400, { fields: 'customer_telegram_id' }]);
      const same = await world.call(
        'GET',
        `/api/v1/payment/history?user_id=${one.userId}&customer_telegram_id=${one.telegramId}`,
        { as: key },
      );
      expect(same.status).toBe(200);
      const unknown = await world.call('GET', '/api/v1/payment/history?customer_telegram_id=987654321', { as: key });
      expect([unknown.status, errorOf(unknown).reason]).toEqual([404, 'user_not_found']);
    });
  });

  describe('the catalogue', () => {
    it('is the same at both older addresses', async () => {
      const [one, two] = await Promise.all([
        world.call('GET', '/api/v1/payments/plans'),
        world.call('GET', '/api/v1/payment/plans'),
      ]);
      expect(one.text).toBe(two.text);
      expect((one.body['plans'] as { code: string }[]).map((plan) => plan.code)).toEqual([
        'log-free',
        'log-pro',
        'tool-license',
      ]);
    });

    it('speaks the reader’s language', async () => {
      const answer = await world.call('GET', '/api/v1/payment/plans/log-pro', {
        headers: { 'accept-language': 'ja-JP,ja;q=0.9' },
      });
      expect(answer.body).toMatchObject({
        plan: {
          name: 'Pro（日）',
          prices: expect.arrayContaining([
            expect.objectContaining({ price_id: 'prc_log_month', renews_every_days: 30 }),
          ]),
        },
      });
      const byId = await world.call('GET', '/api/v1/payment/plans/pln_log_pro');
      expect(byId.body).toMatchObject({
        plan: { code: 'log-pro', name: 'Pro', yearly_savings: [{ amount: '300', percent: 16 }] },
      });
    });

    it('shows fees and the privacy level per method', async () => {
      const { body } = await world.call('GET', '/api/v1/payments/currencies');
      const currencies = body['currencies'] as { currency: string; is_available: boolean; methods: unknown[] }[];
      expect(currencies.map(({ currency }) => currency).sort()).toEqual([
        'BTC',
        'ETH',
        'EUR',
        'JPY',
        'USD',
        'UZS',
        'XTR',
      ]);
      expect(currencies.find(({ currency }) => currency === 'XTR')).toMatchObject({
        is_available: true,
        methods: [
          {
            payment_method: 'telegram_stars',
            platform_fee_percentage: '30',
            processor_fee_percentage: '0',
            privacy_level: 'high',
          },
        ],
      });
      expect(currencies.find(({ currency }) => currency === 'USD')).toMatchObject({ is_available: false, methods: [] });
    });
  });

  describe('webhooks', () => {
    const paths = [
      '/webhooks/telegram',
      '/api/v1/payments/webhook/telegram-stars',
      '/api/v1/payment/webhooks/telegram',
    ];

    it.each(paths)('%s hands on what is not about money, once', async (path) => {
      const before = world.botUpdates.length;
      const update = { update_id: 5_000_000 + paths.indexOf(path), message: { text: '/start' } };
      for (let delivery = 0; delivery < 3; delivery += 1)
        expect((await world.update(update, { path })).status).toBe(200);
      expect(world.botUpdates.slice(before)).toEqual([update]);
    });

    it.each(paths)('%s refuses a wrong secret', async (path) => {
      const answer = await world.update({ message: { text: '/start' } }, { path, secret: 'guess' });
      expect([answer.status, errorOf(answer).reason]).toEqual([401, 'webhook_secret_wrong']);
    });

    it('asks for the update again when the bot could not answer it', async () => {
      const update = { update_id: 6_000_000, message: { text: '/start' } };
      world.bot.failure = new Error('a fault of ours');
      expect((await world.update(update)).status).toBe(500);
      world.bot.failure = Object.assign(new Error('Telegram is away'), { retryAfterSeconds: 7 });
      const away = await world.update(update);
      expect([away.status, away.headers.get('retry-after')]).toEqual([503, '7']);
      world.bot.failure = null;
      expect((await world.update(update)).status).toBe(200);
      expect(world.botUpdates.filter((seen) => JSON.stringify(seen) === JSON.stringify(update))).toHaveLength(1);
    });

    it('lets one of ten deliveries at the same instant reach the bot', async () => {
      const update = { update_id: 6_000_001, message: { text: '/start' } };
      world.bot.delayMs = 50;
      const answers = await Promise.all(Array.from({ length: 10 }, () => world.update(update)));
      world.bot.delayMs = 0;
      for (const { status, headers } of answers)
        expect([
          [200, null],
          [503, '5'],
        ]).toContainEqual([status, headers.get('retry-after')]);
      expect(world.botUpdates.filter((seen) => JSON.stringify(seen) === JSON.stringify(update))).toHaveLength(1);
      expect((await world.update(update)).status).toBe(200);
    });

    it('answers a pre-checkout question in the payer’s language', async () => {
      const buyer = await world.person('user', 'ja');
      const stranger = await world.person('user', 'en');
      const order = await create(buyer.token, orderOf('month'));
      const ask = (from: Person, language: string) =>
        world.update({
          pre_checkout_query: {
            id: '1',
            from: { id: from.telegramId, language_code: language },
            currency: 'XTR',
            total_amount: PRICES.month.amount,
            invoice_payload: String(order.body['payment_id']),
          },
        });
      expect((await ask(buyer, 'ja')).body).toEqual({
        method: 'answerPreCheckoutQuery',
        pre_checkout_query_id: '1',
        ok: true,
      });
      expect((await ask(stranger, 'en')).body).toMatchObject({
        ok: false,
        error_message: expect.stringContaining('belongs to someone else'),
      });
      expect((await ask({ ...stranger, telegramId: 31_337 }, 'ja')).body).toMatchObject({
        ok: false,
        error_message: expect.stringContaining('別の方'),
      });
    });

    it('refuses a body over a megabyte without reading it whole', async () => {
      const answer = await world.send('POST', '/webhooks/telegram', {
        headers: { 'content-type': 'application/json' },
        body: 'x'.repeat(1_048_577),
      });
      expect([answer.status, errorOf(answer).reason]).toEqual([413, 'body_too_large']);
    });

    it('replays a stored event for those who may, dry first', async () => {
      const buyer = await world.person();
      const { chargeId } = await world.buy(buyer, 'month');
      const event = await world.ctx.db.webhookEvent.findFirstOrThrow({
        where: { kind: 'payment_succeeded' },
        orderBy: { receivedAt: 'desc' },
      });
      const key = await world.key(['webhooks:replay']);
      const dry = await world.call('POST', `/api/v1/webhooks/${event.id}/replay?dry_run=true`, { as: key, json: {} });
      expect(dry.body).toMatchObject({ success: true, dry_run: true, outcome: 'would_repeat', event_id: event.id });
      const real = await world.call('POST', `/api/v1/webhooks/${event.id}/replay`, { as: key, json: {} });
      expect(real.body).toMatchObject({ dry_run: false, outcome: 'duplicate' });
      expect(await world.ctx.db.payment.count({ where: { chargeId: TEST_VAULT.conceal(chargeId) } })).toBe(1);
      const unknown = await world.call('POST', '/api/v1/webhooks/whe_nothing/replay', { as: key, json: {} });
      expect([unknown.status, errorOf(unknown).reason]).toEqual([404, 'webhook_event_not_found']);
    });
  });

  describe('operation', () => {
    it('is alive, ready and healthy', async () => {
      expect((await world.call('GET', '/health/live')).body).toEqual({ status: 'ok' });
      expect((await world.call('GET', '/health/ready')).body).toEqual({ status: 'ok' });
      expect((await world.call('GET', '/api/v1/payments/health')).body).toMatchObject({
        success: true,
        status: 'healthy',
        providers: ['telegram-stars'],
      });
    });

    it('shows metrics only to who has the token, by route and never by path', async () => {
      const buyer = await world.person();
      await world.call('GET', `/api/v1/payments/history/${buyer.userId}`, { as: buyer.token });
      await world.call('GET', '/api/v1/no/such/route');
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: METRICS_TOKEN }]) {
        const answer = await world.call('GET', '/metrics', { headers });
        expect([answer.status, errorOf(answer).reason]).toEqual([404, 'route_not_found']);
      }
      const { status, text, headers } = await world.call('GET', '/metrics', { as: METRICS_TOKEN });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('text/plain');
      expect(text).toContain(
        'hoshi_http_requests_total{route="/api/v1/payments/history/{user_id}",method="GET",status="200"}',
      );
      expect(text).toContain('route="unmatched"');
      expect(text).not.toContain(buyer.userId);
      expect(text).not.toContain('no/such');
    });

    it('shows what waits for an operator, whichever process left it', async () => {
      const { pool } = world.ctx;
      await pool.query(
        "INSERT INTO job (name, lane, payload, run_at, created_at, done_at, outcome) VALUES ('send_notice', 'x', '{}', now(), now(), now(), 'dead'), ('send_notice', 'x', '{}', 'epoch', now(), NULL, NULL)",
      );
      await pool.query(
        "INSERT INTO webhook_event (id, provider, event_id, kind, status, received_at) VALUES ('whe_dead', 'p', '~1', 'k', 'dead', now())",
      );
      const { text } = await world.call('GET', '/metrics', { as: METRICS_TOKEN });
      expect(text).toContain('hoshi_backlog{what="jobs_dead"} 1');
      expect(text).toContain('hoshi_backlog{what="events_dead"} 1');
      expect(text).toMatch(/hoshi_backlog\{what="jobs_due"\} [1-9]/);
      expect(text).toMatch(/hoshi_backlog_oldest_seconds\{what="job"\} [1-9]\d{8}/);
    });

    it('names every request and logs one line without anything personal', async () => {
      const buyer = await world.person();
      const own = await world.call('GET', `/api/v1/payments/history/${buyer.telegramId}`, {
        as: buyer.token,
        headers: { 'x-request-id': '4bf92f35-77b3-4da6-a3ce-929d0e0e4736' },
      });
      expect(own.headers.get('x-request-id')).toBe('4bf92f35-77b3-4da6-a3ce-929d0e0e4736');
      const line = world.lines.filter((text) => text.includes('4bf92f35-77b3-4da6-a3ce-929d0e0e4736'));
      expect(line).toHaveLength(1);
      expect(line[0]?.match(/requestId/g)).toHaveLength(1);
      expect(JSON.parse(line[0] ?? '{}')).toMatchObject({
        requestId: '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
        route: '/api/v1/payments/history/{user_id}',
        method: 'GET',
        status: 200,
        ms: expect.any(Number),
      });
      for (const bad of ['', 'a b', 'x'.repeat(65), 'evil"}', 'alice_example_com', '7310000101']) {
        const answer = await world.call('GET', '/api/v1/payments/plans', { headers: { 'x-request-id': bad } });
        expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
      }
      const all = world.lines.join('');
      expect(all).not.toContain(String(buyer.telegramId));
      expect(all).not.toContain(buyer.token);
    });

    it('sends JSON that no browser may frame, sniff or keep', async () => {
      for (const path of ['/api/v1/payments/plans', '/api/v1/nothing', '/health/live']) {
        const { headers } = await world.call('GET', path);
        expect(Object.fromEntries(headers)).toMatchObject({
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'content-type': 'application/json',
          'x-request-id': expect.any(String),
        });
      }
    });
  });
});
