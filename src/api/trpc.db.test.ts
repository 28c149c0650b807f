import { createHmac } from 'node:crypto';
import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import type { AppRouter } from './router.ts';
import { BOT_TOKEN, CONTACT, orderOf, type Person, seconds, UNREACHABLE, useWorld } from './testing/world.ts';
import { MAX_BATCH } from './trpc-handler.ts';
import type { ErrorView } from './views.ts';

describe('tRPC', () => {
  const world = useWorld();

  const clientOf = (token?: string, headers: Record<string, string> = {}) =>
    createTRPCClient<AppRouter>({
      links: [
        httpBatchLink({
          url: `${world.url}/api/trpc`,
          headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
        }),
      ],
    });

  /** A launch as Telegram signs it. */
  function initData(telegramId: number, options: { token?: string; at?: Date; language?: string } = {}): string {
    const { at = world.clock.now(), language = 'ja', token = BOT_TOKEN } = options;
    const fields = {
      auth_date: String(seconds(at)),
      query_id: 'q',
      user: JSON.stringify({ id: telegramId, first_name: 'Aki', language_code: language }),
    };
    const check = Object.entries(fields)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join('\n');
    const secret = createHmac('sha256', 'WebAppData').update(token).digest();
    return new URLSearchParams({
      ...fields,
      hash: createHmac('sha256', secret).update(check).digest('hex'),
    }).toString();
  }

  /** What a call was refused with. */
  async function refusalOf(call: Promise<unknown>): Promise<ErrorView & { httpStatus: number }> {
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof TRPCClientError)) throw new Error('was not refused');
    return { ...error.data.hoshi, httpStatus: error.data.httpStatus };
  }

  it('says of a transfer that is awaited whether another way may be chosen, by whoever looks', async () => {
    const buyer = await world.person();
    const { db } = world.ctx;
    const order = { as: buyer.token, json: orderOf('year') };
    const { body } = await world.call('POST', '/api/v1/payments/create', order);
    const invoiceId = String(body['payment_id']);
    const now = world.clock.now();
    const hold = { id: 'rsv_awaited', provider: 'telegram-stars', chargeId: '~awaited', invoiceId, amount: 1500n };
    const times = { askedAt: now, createdAt: now };
    await db.reservation.create({
      data: { ...hold, ...times, currency: 'XTR', status: 'reserved', progress: 'awaiting_transfer' },
    });
    const seen = async () => {
      const [own, linked] = await Promise.all([
        clientOf(buyer.token).checkout.status.query({ invoiceId }),
        clientOf().pay.order.query({ invoiceId, language: 'en' }),
      ]);
      return [own.pending?.canBeReplaced, linked.pending?.canBeReplaced];
    };
    // Its owner began it.
    expect(await seen()).toEqual([true, false]);
    await db.paymentAttempt.updateMany({ where: { invoiceId }, data: { openedBy: 'link' } });
    expect(await seen()).toEqual([true, true]);
    await db.reservation.update({ where: { id: hold.id }, data: { progress: 'underpaid', missing: 1n } });
    expect(await seen()).toEqual([false, false]);
    await db.reservation.update({ where: { id: hold.id }, data: { progress: 'awaiting_transfer', missing: null } });
    // By its link an order is paid in its own time only; its owner's wish is a new order then.
    world.clock.advance(3_600_000);
    expect(await seen()).toEqual([true, false]);
  });

  it('starts a session from a launch and speaks its language', async () => {
    const started = await clientOf().session.start.mutate({ initData: initData(555_001), startParam: 'plan_pro' });
    expect(started.me).toMatchObject({ language: 'ja', role: 'user', ...CONTACT, openInvoice: null });
    const me = await clientOf(started.token).me.get.query();
    expect(me).toEqual(started.me);
    expect(new Date(started.expiresAt).getTime()).toBe(world.clock.now().getTime() + 12 * 3_600_000);
  });

  it.each([
    ['forged', () => `${initData(555_002)}0`.replace('555002', '555003'), 'init_data_malformed'],
    ['changed', () => initData(555_002).replace('555002', '555003'), 'init_data_forged'],
    ['of another bot', () => initData(555_002, { token: '1:other' }), 'init_data_forged'],
    ['old', () => initData(555_002, { at: new Date(world.clock.now().getTime() - 3_601_000) }), 'init_data_expired'],
    [
      'of tomorrow',
      () => initData(555_002, { at: new Date(world.clock.now().getTime() + 86_400_000) }),
      'init_data_from_future',
    ],
    ['with a doubled key', () => `${initData(555_002)}&auth_date=1`, 'init_data_malformed'],
    ['empty', () => '', 'init_data_malformed'],
  ])('refuses a launch that is %s', async (_, make, reason) => {
    const refusal = await refusalOf(clientOf().session.start.mutate({ initData: make() }));
    expect(refusal.reason).toBe(reason);
    expect(refusal.httpStatus).toBe(reason === 'init_data_malformed' ? 400 : 401);
  });

  it('sells a plan from picker to receipt', async () => {
    const buyer = await world.person('user', 'ja');
    const client = clientOf(buyer.token);
    const products = await client.catalog.list.query();
    expect(products.map(({ code, kind, current }) => [code, kind, current])).toEqual([
      ['log', 'plan_line', null],
      ['tool', 'plugin', null],
    ]);

    const preview = await client.checkout.preview.query({ priceId: 'prc_log_month' });
    expect(preview).toMatchObject({
      blocked: null,
      price: { renewsEveryDays: 30, money: { text: '150 ★' } },
      methods: [{ method: 'telegram_stars', isAllowed: true, privacy: 'high' }],
    });

    const order = await client.checkout.start.mutate({ priceId: 'prc_log_month', method: 'telegram_stars' });
    expect(order).toMatchObject({
      status: 'open',
      surface: 'mini_app',
      url: expect.stringContaining('https://t.me/$'),
    });
    expect(await client.checkout.start.mutate({ priceId: 'prc_log_month', method: 'telegram_stars' })).toEqual(order);
    expect((await client.me.get.query()).openInvoice).toEqual(order);

    const cancelled = await client.checkout.cancel.mutate({ invoiceId: order.id });
    expect(cancelled).toMatchObject({ status: 'cancelled', url: null });
    const { invoiceId, paymentId } = await world.buy(buyer, 'month');

    expect(await client.checkout.status.query({ invoiceId })).toMatchObject({
      status: 'paid',
      payment: { id: paymentId },
      entitlement: { planName: 'Pro（日）', renews: true },
    });
    expect(await client.entitlements.list.query()).toMatchObject([
      { productCode: 'log', renews: true, until: { text: '2026年12月20日' } },
    ]);
    expect((await client.catalog.list.query())[0]?.current).toMatchObject({ productCode: 'log' });
    expect(await client.payments.months.query()).toEqual(['2026-11']);
    const page = await client.payments.list.query({ limit: 1, month: '2026-11', status: 'succeeded' });
    expect(page).toMatchObject({ rows: [{ id: paymentId, kind: 'first' }], nextCursor: null });
    const receipt = await client.payments.receipt.query({ paymentId });
    expect(receipt.timeline.map(({ kind }) => kind)).toEqual(['ordered', 'paid', 'unlocked']);

    const [subscription] = await client.subscriptions.list.query();
    if (!subscription) throw new Error('no subscription');
    expect(subscription).toMatchObject({ status: 'active', canCancel: true });
    const stopped = await client.subscriptions.cancel.mutate({ subscriptionId: subscription.id });
    expect(stopped).toMatchObject({ status: 'cancelling', canResume: true, resumesInTelegram: false });
    expect(await client.subscriptions.resume.mutate({ subscriptionId: subscription.id })).toMatchObject({
      status: 'active',
    });

    const again = await client.checkout.preview.query({ priceId: 'prc_log_month' });
    expect(again.blocked?.reason).toBe('already_subscribed');
    expect(
      (await refusalOf(client.checkout.start.mutate({ priceId: 'prc_log_month', method: 'telegram_stars' }))).reason,
    ).toBe('already_subscribed');
  });

  it('names its type once', async () => {
    const { token } = await world.person();
    const answer = await world.call('GET', '/api/trpc/me.get', { as: token });
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it('names the request also when a batch mixes what cannot be mixed', async () => {
    const answer = await world.call('GET', '/api/trpc/me.get,me.allowMessages?batch=1&input={}');
    const { hoshi } = (answer.body as { error: { data: { hoshi: ErrorView } } }).error.data;
    expect([answer.status, hoshi.reason]).toEqual([400, 'malformed_request']);
    expect(hoshi.requestId).toBe(answer.headers.get('x-request-id'));
  });

  it('keeps settings', async () => {
    const { token } = await world.person('user', 'ja');
    const client = clientOf(token);
    expect(await client.me.update.mutate({ language: 'en', wantsReminders: false })).toMatchObject({
      language: 'en',
      wantsReminders: false,
      wantsSalesNotices: true,
    });
    expect(await client.me.allowMessages.mutate()).toMatchObject({ isReachable: true });
    expect((await client.catalog.list.query())[0]?.name).toBe('Log');
  });

  it('refuses in the reader’s language, with what a client needs', async () => {
    const buyer = await world.person('user', 'ja');
    const refusal = await refusalOf(
      clientOf(buyer.token, { 'x-request-id': '4bf92f3577b34da6a3ce929d0e0e4736' }).payments.receipt.query({
        paymentId: 'pay_nothing',
      }),
    );
    expect(refusal).toMatchObject({
      kind: 'not_found',
      reason: 'payment_not_found',
      httpStatus: 404,
      requestId: '4bf92f3577b34da6a3ce929d0e0e4736',
      retryAfterSeconds: null,
    });
    expect(refusal.text).toMatch(/この支払いは見つかりません/);
    const before = await refusalOf(clientOf(undefined, { 'accept-language': 'ja' }).me.get.query());
    expect(before).toMatchObject({
      reason: 'session_missing',
      httpStatus: 401,
      text: expect.stringContaining('ログイン'),
    });
  });

  it('counts down after five attempts', async () => {
    const { token } = await world.person();
    const client = clientOf(token);
    const start = () => refusalOf(client.checkout.start.mutate({ priceId: 'prc_log_year', method: 'telegram_stars' }));
    world.telegram.failure = UNREACHABLE;
    for (let attempt = 0; attempt < 5; attempt += 1) expect((await start()).reason).toBe('provider_unavailable');
    world.telegram.failure = null;
    expect(await start()).toMatchObject({ reason: 'too_many_attempts', httpStatus: 429, retryAfterSeconds: 60 });
  });

  it('shows nobody what is somebody’s', async () => {
    const [owner, stranger]: Person[] = [await world.person(), await world.person()];
    if (!owner || !stranger) throw new Error('two people');
    const { invoiceId, paymentId } = await world.buy(owner, 'month');
    const { id } = await world.ctx.db.subscription.findFirstOrThrow({ where: { userId: owner.userId } });
    const client = clientOf(stranger.token);
    const reasons = await Promise.all(
      [
        client.checkout.status.query({ invoiceId }),
        client.checkout.cancel.mutate({ invoiceId }),
        client.payments.receipt.query({ paymentId }),
        client.subscriptions.cancel.mutate({ subscriptionId: id }),
        client.subscriptions.resume.mutate({ subscriptionId: id }),
      ].map(async (call) => (await refusalOf(call)).reason),
    );
    expect(reasons).toEqual([
      'invoice_not_found',
      'invoice_not_found',
      'payment_not_found',
      'subscription_not_found',
      'subscription_not_found',
    ]);
  });

  it('opens nothing for a server’s key', async () => {
    expect((await refusalOf(clientOf(await world.key()).me.get.query())).reason).toBe('session_missing');
  });

  describe('hostile requests', () => {
    const post = async (
      path: string,
      body: string,
      headers: Record<string, string> = { 'content-type': 'application/json' },
    ) => {
      const answer = await world.send('POST', `/api/trpc/${path}`, { headers, body });
      const error = answer.body['error'] as { message: string; data: { hoshi: ErrorView } } | undefined;
      return { ...answer, reason: error?.data.hoshi.reason, message: error?.message };
    };

    it.each([
      ['half a JSON', '{"initData":', 400, 'malformed_request'],
      ['nine levels', '['.repeat(9) + ']'.repeat(9), 400, 'malformed_request'],
      ['more than 128 kB', JSON.stringify({ initData: 'x'.repeat(131_072) }), 413, 'body_too_large'],
      ['another type', '{"initData":5}', 400, 'malformed_request'],
      ['an unknown field', '{"initData":"x","admin":true}', 400, 'malformed_request'],
      ['nothing', '', 400, 'malformed_request'],
    ])('%s', async (_, body, status, reason) => {
      const answer = await post('session.start', body);
      expect([answer.status, answer.reason, answer.message]).toEqual([status, reason, reason]);
      expect(answer.headers.get('x-request-id')).toBeTruthy();
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.text).not.toMatch(/stack|node_modules|zod/i);
    });

    it('another content type', async () => {
      expect(await post('session.start', '{"initData":"x"}', { 'content-type': 'text/plain' })).toMatchObject({
        status: 415,
        reason: 'unsupported_media_type',
      });
    });

    it('a procedure that is none', async () => {
      expect(await post('admin.grant', '{}')).toMatchObject({ status: 404, reason: 'route_not_found' });
      expect(await post('__proto__.constructor', '{}')).toMatchObject({ status: 404, reason: 'route_not_found' });
    });

    it('a query sent as a mutation', async () => {
      expect(await post('me.get', '{}')).toMatchObject({ reason: 'route_not_found' });
    });

    it('a batch over the limit', async () => {
      const paths = Array.from({ length: MAX_BATCH + 1 }, () => 'me.get').join(',');
      const answer = await world.send('GET', `/api/trpc/${paths}?batch=1&input={}`);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('malformed_request');
      const allowed = await world.send(
        'GET',
        `/api/trpc/${Array.from({ length: MAX_BATCH }, () => 'me.get').join(',')}?batch=1&input={}`,
      );
      expect(allowed.status).toBe(401);
    });

    it('an address over the limit', async () => {
      const answer = await world.send('GET', `/api/trpc/me.get?input=${'x'.repeat(8192)}`);
      expect(answer.status).toBe(413);
    });

    it.each(["x'; DROP TABLE payment; --", '\u0000', '💣', 'x'.repeat(101), ''])('the id "%s"', async (invoiceId) => {
      const { token } = await world.person();
      expect(await refusalOf(clientOf(token).checkout.status.query({ invoiceId }))).toMatchObject({
        reason: 'malformed_request',
        details: { fields: 'invoiceId' },
      });
    });
  });

  it('counts calls by procedure and writes one line each, without anything personal', async () => {
    const { token, telegramId } = await world.person();
    const before = world.lines.length;
    const client = clientOf(token);
    await Promise.all([client.me.get.query(), client.entitlements.list.query()]);
    await clientOf().session.start.mutate({ initData: initData(telegramId) });
    const lines = world.lines.slice(before);
    expect(lines.map((line) => (JSON.parse(line) as { route: string }).route).sort()).toEqual([
      'trpc:entitlements.list',
      'trpc:me.get',
      'trpc:session.start',
    ]);
    expect(lines.join('')).not.toMatch(new RegExp(`${telegramId}|${token}|hash=`));
    const text = await world.ctx.metrics.registry.metrics();
    expect(text).toMatch(/hoshi_http_requests_total\{route="trpc:me.get",method="GET",status="200"\}/);
    expect(text).not.toContain('admin.grant');
  });
});
