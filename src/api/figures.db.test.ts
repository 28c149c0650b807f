import { createTRPCClient, httpLink } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { asActor } from '#domain/context/context.ts';
import { issueReceiptLink } from '#domain/payment/receipt-link.ts';
import { addMethod } from '#domain/payment-method/add.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import { applyEvent } from '#domain/reconciliation/apply.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { actingFor } from './request.ts';
import { asSystem } from './rest/person.ts';
import { makeRoutes } from './rest.ts';
import type { AppRouter } from './router.ts';
import { makeVault, VAULT } from './testing/vault.ts';
import { useWorld } from './testing/world.ts';

/** The addresses that the older systems had and clients still call. */
const OLDER_ROUTES = [
  'get /api/v1/payments/health',
  'post /api/v1/payments/create',
  'post /api/v1/payments/webhook/telegram-stars',
  'get /api/v1/payments/history/{user_id}',
  'get /api/v1/payments/plans',
  'get /api/v1/payments/revenue-sharing/stats/{user_id}',
  'get /api/v1/payments/currencies',
  'post /api/v1/stripe/webhook',
  'post /api/v1/payment/methods',
  'get /api/v1/payment/methods',
  'delete /api/v1/payment/methods/{id}',
  'post /api/v1/payment/process',
  'get /api/v1/payment/history',
  'get /api/v1/payment/payments/{id}',
  'post /api/v1/payment/subscriptions',
  'get /api/v1/payment/subscription',
  'put /api/v1/payment/subscription/cancel',
  'get /api/v1/payment/plans',
  'get /api/v1/payment/plans/{id}',
  'post /api/v1/payment/webhooks/stripe',
  'get /api/v1/payment/analytics/revenue',
  'get /api/v1/payment/analytics/subscriptions',
];

type Body = Record<string, unknown>;

describe('receipts and figures', () => {
  const world = useWorld({ others: (stars) => [makeVault(stars).provider] });
  const client = (token: string) =>
    createTRPCClient<AppRouter>({
      links: [httpLink({ url: `${world.url}/api/trpc`, headers: { authorization: `Bearer ${token}` } })],
    });
  const reasonOf = (answer: { body: Body }) => (answer.body['error'] as { reason: string }).reason;

  it('stand at every address of the older systems', () => {
    const stars = world.ctx.providers.get('telegram-stars');
    if (!stars) throw new Error('not registered');
    const providers = new Map([stars, { ...stars, id: 'stripe' }].map((provider) => [provider.id, provider]));
    const routes = makeRoutes({ metricsToken: null, onMessage: async () => {}, providers });
    expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(OLDER_ROUTES));
    const without = makeRoutes({ metricsToken: null, onMessage: async () => {}, providers: world.ctx.providers });
    expect(without.map(({ path }) => path)).not.toContain('/api/v1/stripe/webhook');
  });

  it('tell fees and privacy of each currency as they are', async () => {
    const { body } = await world.call('GET', '/api/v1/payments/currencies');
    const currencies = body['currencies'] as { currency: string; methods: Body[] }[];
    const methods = (currency: string) => currencies.find((each) => each.currency === currency)?.methods;
    expect(methods('XTR')).toMatchObject([
      {
        payment_method: 'telegram_stars',
        platform_fee_percentage: '30',
        processor_fee_percentage: '0',
        processor_fee_is_kept: false,
        network_fee: false,
        privacy_level: 'high',
      },
    ]);
    expect(methods('USD')).toMatchObject([
      {
        provider: 'vault',
        processor_fee_percentage: '2.9',
        processor_fee_fixed: '30',
        processor_fee_is_kept: true,
        privacy_level: 'medium',
      },
    ]);
    expect(methods('BTC')).toEqual([]);
  });

  describe('a receipt', () => {
    it('is a PDF for its person and for servers that may read', async () => {
      const buyer = await world.person();
      const { paymentId } = await world.buy(buyer, 'month');
      const path = `/api/v1/payment/payments/${paymentId}/receipt`;
      for (const as of [buyer.token, await world.key(['payments:read'])]) {
        const answer = await world.call('GET', path, { as });
        expect(answer.status).toBe(200);
        expect(answer.text.startsWith('%PDF-')).toBe(true);
        expect(answer.headers.get('content-type')).toBe('application/pdf');
        expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="hoshi-${paymentId}.pdf"`);
        expect(answer.headers.get('cache-control')).toBe('private, no-cache');
        expect(answer.text).not.toContain(String(buyer.telegramId));
      }
      const stranger = await world.call('GET', path, { as: (await world.person()).token });
      expect([stranger.status, reasonOf(stranger)]).toEqual([404, 'payment_not_found']);
      expect((await world.call('GET', path)).status).toBe(401);
      expect((await world.call('GET', path, { as: await world.key(['refunds:write']) })).status).toBe(403);
    });

    it('may be kept by its reader, who asks whether it is still so', async () => {
      const buyer = await world.person();
      const { paymentId } = await world.buy(buyer, 'plugin');
      const ask = (headers: Record<string, string> = {}) =>
        world.call('GET', `/api/v1/payment/payments/${paymentId}/receipt`, { as: buyer.token, headers });
      const first = await ask();
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[\w-]{43}"$/);
      const again = await ask({ 'if-none-match': `"other", W/${etag}` });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
      // What it is kept as does not change by the answer that says so.
      expect(again.headers.get('content-type')).toBe('application/pdf');
      const inJapanese = await ask({ 'if-none-match': etag, 'accept-language': 'ja' });
      expect(inJapanese.status).toBe(200);
      expect(inJapanese.headers.get('etag')).not.toBe(etag);
      const refund = { as: await world.key(['refunds:write']), json: {} };
      expect((await world.call('POST', `/api/v1/payments/${paymentId}/refund`, refund)).status).toBe(202);
      const changed = await ask({ 'if-none-match': etag });
      expect(changed.status).toBe(200);
    });

    it('is answered or refused with a time to wait when one person asks for fifty, and others get theirs', async () => {
      const [greedy, patient] = [await world.person(), await world.person()];
      const { paymentId } = await world.buy(patient, 'plugin');
      const { paymentId: template } = await world.buy(greedy, 'plugin');
      const row = await world.ctx.db.payment.findUniqueOrThrow({ where: { id: template } });
      const many = Array.from({ length: 50 }, (_, index) => ({
        ...row,
        id: `pay_many${index}`,
        chargeId: TEST_VAULT.conceal(`many_${index}`),
      }));
      await world.ctx.db.payment.createMany({ data: many });
      const ask = (id: string, as: string) => world.call('GET', `/api/v1/payment/payments/${id}/receipt`, { as });
      const asked = many.map(({ id }) => ask(id, greedy.token));
      const other = await ask(paymentId, patient.token);
      expect(other.status).toBe(200);
      const answers = await Promise.all(asked);
      const kinds = new Set(answers.map(({ headers, status }) => `${status} ${headers.get('retry-after')}`));
      expect(['200 null', '503 2']).toEqual(expect.arrayContaining([...kinds]));
      // The same again is not printed again: as many as like are answered.
      const same = await Promise.all(Array.from({ length: 50 }, () => ask(paymentId, patient.token)));
      expect(new Set(same.map(({ status, text }) => `${status} ${text}`))).toEqual(new Set([`200 ${other.text}`]));
    });

    it('opens by a link of five minutes, and the link opens nothing else', async () => {
      const buyer = await world.person();
      const { paymentId } = await world.buy(buyer, 'plugin');
      const { expiresAt, url } = await client(buyer.token).payments.receiptLink.mutate({ paymentId });
      expect(new Date(expiresAt).getTime()).toBe(world.clock.now().getTime() + 300_000);
      const opened = await world.call('GET', url);
      expect([opened.status, opened.headers.get('content-disposition')]).toEqual([
        200,
        `attachment; filename="hoshi-${paymentId}.pdf"`,
      ]);
      // A link is no session, and a session is no link.
      const token = url.slice('/api/v1/receipts/'.length);
      expect((await world.call('GET', '/api/v1/payment/history', { as: token })).status).toBe(401);
      const tampered = `${token.slice(0, -2)}xx`;
      for (const wrong of [buyer.token, tampered, 'x', 'a.b.c'])
        expect(reasonOf(await world.call('GET', `/api/v1/receipts/${wrong}`))).toBe('receipt_link_ended');
      expect((await world.call('GET', `/api/v1/receipts/${'x'.repeat(1001)}`)).status).toBe(400);
      world.clock.advance(300_001);
      const late = await world.call('GET', url);
      expect([late.status, reasonOf(late)]).toEqual([404, 'receipt_link_ended']);
      expect(world.lines.join('')).not.toContain(token);
    });

    it('gets no link for a stranger', async () => {
      const { paymentId } = await world.buy(await world.person(), 'plugin');
      const { userId } = await world.person();
      const stranger = actingFor(world.ctx, { kind: 'user', userId, role: 'user' });
      await expect(issueReceiptLink(stranger, { paymentId, language: 'en' })).rejects.toMatchObject({
        reason: 'payment_not_found',
      });
    });
  });

  describe('analytics', () => {
    const REVENUE = '/api/v1/payment/analytics/revenue';
    const SUBSCRIPTIONS = '/api/v1/payment/analytics/subscriptions';
    /** A span that no other test buys in. */
    const later = () => world.clock.advance(100 * 86_400_000);
    const read = async (path: string, query = '') =>
      (await world.call('GET', `${path}${query}`, { as: await world.key(['revenue:read', 'subscriptions:read']) }))
        .body;

    it('sum what was taken and what went back, and their parts are the whole', async () => {
      later();
      const buyer = await world.person();
      const first = await world.buy(buyer, 'plugin');
      await world.buy(await world.person(), 'year');
      const { db } = world.ctx;
      // A third of the plugin went back, and a card payment whose fee its provider keeps went back whole.
      await db.payment.update({ where: { id: first.paymentId }, data: { returnedAmount: 33n } });
      const { id, ...copied } = await db.payment.findUniqueOrThrow({ where: { id: first.paymentId } });
      await db.payment.create({
        data: {
          ...copied,
          id: `${id}x`,
          provider: 'vault',
          chargeId: '~card',
          method: 'credit_card',
          currency: 'USD',
          amount: 1000n,
          processorFee: 59n,
          platformFee: 282n,
          developerShare: 659n,
          returnedAmount: 1000n,
        },
      });
      await db.paymentAttempt.updateMany({ where: { invoiceId: first.invoiceId }, data: { failure: 'card_declined' } });
      world.clock.advance(1000);
      const body = await read(REVENUE);
      const sums = body['currencies'] as Body[];
      // 71 stars were the developer's; 71 × 33 / 101 = 23.2 of them went back.
      const plugin = { developer_share: '48', processor_fees: '0' };
      expect(sums).toMatchObject([
        {
          currency: 'USD',
          payments: 1,
          gross: '1000',
          returned: '1000',
          net: '0',
          processor_fees: '59',
          platform_fee: '-59',
          developer_share: '0',
        },
        { currency: 'XTR', payments: 2, gross: '1601', returned: '33', net: '1568', ...plugin, platform_fee: '1520' },
      ]);
      expect(sums[1]).toMatchObject({
        by_method: [{ payment_method: 'telegram_stars', payments: 2, net: '1568' }],
        by_provider: [{ provider: 'telegram-stars', payments: 2, net: '1568' }],
      });
      expect(body['failures']).toEqual([{ code: 'card_declined', attempts: 1 }]);
      for (const { net, ...sum } of sums) {
        const parts = [sum['processor_fees'], sum['platform_fee'], sum['developer_share']].map((part) =>
          BigInt(String(part)),
        );
        expect(parts.reduce((total, part) => total + part, 0n)).toBe(BigInt(String(net)));
      }
    });

    it('say the same as the books, after parts of refunds and a lost dispute', async () => {
      later();
      const { ctx } = world;
      await ctx.db.price.create({
        data: { id: 'prc_tool_usd', planId: 'pln_tool', currency: 'USD', amount: 1001n, interval: 'once' },
      });
      const key = await world.key();
      const buy = async () => {
        const { userId } = await world.person();
        const { id } = await addMethod(asSystem(ctx), { userId, providerId: VAULT, language: 'en' });
        const owner = asActor(ctx, { kind: 'user', userId, role: 'user' });
        await confirmMethod(owner, { methodId: id, token: 'tok_pays', code: null });
        const json = { item_id: 'tool', amount: 1001, currency: 'USD', user_id: userId, payment_method_id: id };
        const answer = await world.call('POST', '/api/v1/payment/process', { as: key, json });
        expect(answer.body['status']).toBe('paid');
        return ctx.db.payment.findFirstOrThrow({ where: { userId } });
      };
      const tell = (event: ProviderEvent) => applyEvent(asSystem(ctx), { providerId: VAULT, event, inbox: null });
      const told = (eventId: string) => ({ eventId, occurredAt: ctx.clock.now() });
      const [parts, disputed] = [await buy(), await buy()];
      for (const amount of [333n, 17n]) {
        const { chargeId, invoiceId } = parts;
        const paid = { amount, currency: 'USD' } as const;
        const refund = { invoiceId, chargeId, payerId: null, paid, reference: `~re_${amount}`, refundId: null };
        await tell({ ...told(`refund ${amount}`), type: 'payment_refunded', ...refund });
      }
      const { amount, chargeId } = disputed;
      const dispute = { chargeId, reference: '~dp_1', amount: { amount, currency: 'USD' }, fee: 150n } as const;
      await tell({ ...told('opened'), type: 'payment_disputed', ...dispute, status: 'open' });
      await tell({ ...told('lost'), type: 'payment_disputed', ...dispute, status: 'lost' });

      const legs = await ctx.db.ledgerEntry.groupBy({
        by: ['account'],
        where: { currency: 'USD' },
        _sum: { amount: true },
      });
      const of = (account: string) => legs.find((leg) => leg.account === account)?._sum.amount ?? 0n;
      // Both were paid an age ago by the vault's clock: the span that is asked for is that of their payment.
      const body = await read(REVENUE, '?from=2026-11-20&to=2026-11-21');
      const usd = (body['currencies'] as Body[]).find(({ currency }) => currency === 'USD');
      expect(usd).toMatchObject({
        payments: 2,
        returned: (1001n + 350n).toString(),
        processor_fees: of('processor_fees').toString(),
        developer_share: (-of('developer_payable') - of('dispute_hold')).toString(),
        platform_fee: (-of('platform_revenue') - of('processor_fees')).toString(),
        net: (of('provider_receivable') + of('processor_fees')).toString(),
      });
    });

    it('count subscriptions and what they bring in a month', async () => {
      later();
      const before = await read(SUBSCRIPTIONS);
      const [stays, cancels] = [await world.person(), await world.person()];
      await world.buy(stays, 'month');
      await world.buy(cancels, 'month');
      await world.call('PUT', '/api/v1/payment/subscription/cancel', { as: cancels.token, json: {} });
      const ended = await world.ctx.db.subscription.findFirstOrThrow({ where: { userId: stays.userId } });
      world.clock.advance(1000);
      const after = await read(SUBSCRIPTIONS);
      expect(after).toMatchObject({
        active: Number(before['active']) + 1,
        cancelling: Number(before['cancelling']) + 1,
        new: 2,
        ended: 0,
      });
      const mrr = (body: Body) => BigInt(((body['mrr'] as Body[])[0]?.['amount'] as string | undefined) ?? '0');
      expect(mrr(after)).toBe(mrr(before) + 150n);
      const { db } = world.ctx;
      const change = (data: Parameters<typeof db.subscription.update>[0]['data']) =>
        db.subscription.update({ where: { id: ended.id }, data });
      await change({ status: 'expired', endedAt: world.clock.now() });
      world.clock.advance(1000);
      expect(await read(SUBSCRIPTIONS)).toMatchObject({ active: before['active'], ended: 1 });
      // A year's price counts a twelfth, and one whose renewal failed is still expected to pay.
      await change({ status: 'past_due', priceId: 'prc_log_year', currency: 'EUR', amount: 1500n, endedAt: null });
      const body = await read(SUBSCRIPTIONS);
      expect(body).toMatchObject({ past_due: 1, ended: 0 });
      expect(body['mrr']).toContainEqual({ currency: 'EUR', amount: '125', subscriptions: 1 });
    });

    it('take spans of at most 400 days', async () => {
      const key = await world.key(['revenue:read', 'subscriptions:read']);
      const ask = async (query: string) => (await world.call('GET', `${REVENUE}?${query}`, { as: key })).status;
      expect(await ask('from=2026-01-01&to=2027-02-05')).toBe(200);
      expect(await ask('from=2026-01-01&to=2027-02-06')).toBe(400);
      expect(await ask('from=2026-02-01&to=2026-01-01')).toBe(400);
      expect(await ask('from=yesterday')).toBe(400);
      expect(await ask("from=2026-01-01'--")).toBe(400);
      const { body } = await world.call('GET', SUBSCRIPTIONS, { as: key });
      expect(Date.parse(String(body['to'])) - Date.parse(String(body['from']))).toBe(30 * 86_400_000);
    });

    it.each([REVENUE, SUBSCRIPTIONS])('%s is for admins and keys that may read it', async (path) => {
      expect((await world.call('GET', path, { as: (await world.person()).token })).status).toBe(403);
      expect((await world.call('GET', path, { as: await world.key(['payments:read']) })).status).toBe(403);
      expect((await world.call('GET', path)).status).toBe(401);
      expect((await world.call('GET', path, { as: (await world.person('admin')).token })).status).toBe(200);
    });
  });
});
