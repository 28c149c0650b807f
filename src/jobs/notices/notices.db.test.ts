import { describe, expect, it } from 'vitest';
import { encodePress } from '#bot/callback.ts';
import { buttonOf, forgedPress, useStage } from '#bot/testing/stage.ts';
import { asActor, type Ctx, newId } from '#domain/context/context.ts';
import { NOTICE_KINDS, type NoticeJob, type NoticeKind } from '#domain/context/queue.ts';
import { telegramIdOf } from '#domain/identity/account.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { bindLog } from '#domain/personal-log/bind.ts';
import { fixedClock } from '#lib/clock.ts';
import type { BillingKeyStatus, Prisma, User } from '#lib/generated/prisma/client.ts';
import { composeNotice } from './compose.ts';
import { makeNoticeSender, sendNotice } from './send.ts';

const NOW = new Date('2026-11-20T09:00:00Z');
const PERIOD_START = new Date('2026-10-21T09:00:00Z');
const PERIOD_END = new Date('2026-12-20T09:00:00Z');
const PLACE = { botUsername: 'hoshi_sandbox_bot' };
let nextTelegramId = 8_100_000_000n;

async function makeReader(ctx: Ctx, data: Partial<User> = {}): Promise<User> {
  nextTelegramId += 1n;
  const { id } = await ensureUser(ctx, { telegramId: nextTelegramId, languageCode: 'en' });
  return ctx.db.user.update({ where: { id }, data });
}

type Sold = { planId: string; productId: string; priceId: string; amount: bigint };
const MONTH: Sold = {
  planId: 'pln_personal_pro',
  productId: 'prd_personal_log',
  priceId: 'prc_personal_pro_month_xtr',
  amount: 150n,
};
const PLUGIN: Sold = {
  planId: 'pln_plugin_voice_notes_license',
  productId: 'prd_plugin_voice_notes',
  priceId: 'prc_plugin_voice_notes_license_once_xtr',
  amount: 250n,
};

async function makePayment(
  ctx: Ctx,
  reader: User,
  sold: Sold,
  data: Partial<Prisma.PaymentUncheckedCreateInput> = {},
): Promise<string> {
  const { amount, planId, priceId, productId } = sold;
  const order = { userId: reader.id, priceId, planId, productId, amount, currency: 'XTR' };
  const invoice = await ctx.db.invoice.create({
    data: {
      ...order,
      id: newId(ctx, 'inv'),
      kind: 'one_time',
      interval: 'year',
      status: 'paid',
      surface: 'bot',
      platformFeeBps: 3000,
      expiresAt: NOW,
      createdAt: NOW,
      closedAt: NOW,
    },
  });
  const id = newId(ctx, 'pay');
  const fees = { platformFee: amount, processorFee: 0n, developerShare: 0n };
  await ctx.db.payment.create({
    data: {
      id,
      invoiceId: invoice.id,
      userId: reader.id,
      provider: 'telegram-stars',
      chargeId: ctx.vault.conceal(`charge_${id}`),
      kind: 'one_time',
      status: 'succeeded',
      amount,
      currency: 'XTR',
      ...fees,
      periodStart: NOW,
      periodEnd: PERIOD_END,
      paidAt: NOW,
      createdAt: NOW,
      ...(data.status === 'refunded' ? { returnedAmount: amount } : {}),
      ...data,
    },
  });
  return id;
}

async function makeSubscription(
  ctx: Ctx,
  reader: User,
  data: Partial<Prisma.SubscriptionUncheckedCreateInput> = {},
): Promise<string> {
  const { amount, planId, priceId, productId } = MONTH;
  const order = { userId: reader.id, priceId, planId, productId, amount, currency: 'XTR' };
  const invoice = await ctx.db.invoice.create({
    data: {
      ...order,
      id: newId(ctx, 'inv'),
      kind: 'subscription',
      interval: 'month',
      status: 'paid',
      surface: 'bot',
      platformFeeBps: 3000,
      expiresAt: NOW,
      createdAt: NOW,
      closedAt: NOW,
    },
  });
  const id = newId(ctx, 'sub');
  const period = { currentPeriodStart: PERIOD_START, currentPeriodEnd: PERIOD_END };
  await ctx.db.subscription.create({
    data: {
      ...order,
      id,
      invoiceId: invoice.id,
      provider: 'telegram-stars',
      firstChargeId: ctx.vault.conceal(`charge_${id}`),
      status: 'active',
      ...period,
      createdAt: NOW,
      ...data,
    },
  });
  return id;
}

async function makeRefund(
  ctx: Ctx,
  paymentId: string,
  data: Partial<Prisma.RefundUncheckedCreateInput> = {},
): Promise<string> {
  const id = newId(ctx, 'ref');
  const about = { paymentId, amount: 40n, currency: 'XTR', reason: 'requested', requestedBy: 'key_1' } as const;
  await ctx.db.refund.create({
    data: { id, ...about, status: 'succeeded', createdAt: NOW, completedAt: NOW, ...data },
  });
  return id;
}

type DisputeState = 'open' | 'won' | 'lost';

async function makeDispute(
  ctx: Ctx,
  paymentId: string,
  status: DisputeState,
  data: Partial<Prisma.DisputeUncheckedCreateInput> = {},
): Promise<string> {
  const id = newId(ctx, 'dsp');
  const closedAt = status === 'open' ? null : NOW;
  const about = { paymentId, reference: ctx.vault.conceal(`reference_${id}`), amount: 150n, currency: 'XTR' };
  const end = { returnedAmount: status === 'lost' ? 150n : 0n, closedAt };
  await ctx.db.dispute.create({ data: { id, ...about, status, createdAt: NOW, ...end, ...data } });
  return id;
}

/** A payment that is or was in question, what it bought, and the dispute, as its recording leaves them. */
async function makeDisputed(
  ctx: Ctx,
  buyer: User,
  status: DisputeState,
  payment: Partial<Prisma.PaymentUncheckedCreateInput> = {},
): Promise<string> {
  const isDeveloped = typeof payment.developerUserId === 'string';
  const sold = isDeveloped ? PLUGIN : MONTH;
  const states = { open: 'disputed', won: 'succeeded', lost: 'charged_back' } as const;
  const hasGoneBack = status === 'lost' || payment.status === 'refunded';
  const returnedAmount = hasGoneBack ? sold.amount : 0n;
  const paymentId = await makePayment(ctx, buyer, sold, { status: states[status], returnedAmount, ...payment });
  const { periodEnd } = await ctx.db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const { planId, productId } = sold;
  const right = { userId: buyer.id, planId, productId, paymentId, startsAt: NOW, endsAt: periodEnd, createdAt: NOW };
  const revokedAt = status === 'won' ? null : NOW;
  await ctx.db.entitlement.create({ data: { id: newId(ctx, 'ent'), ...right, revokedAt } });
  const heldShare = isDeveloped ? 170n : 0n;
  return makeDispute(ctx, paymentId, status, {
    heldShare,
    amount: sold.amount,
    returnedAmount: status === 'lost' ? sold.amount : 0n,
  });
}

/** An order that is still open, with its checkout and what holds it. */
async function makeOpenOrder(ctx: Ctx, reader: User): Promise<{ invoiceId: string; attemptId: string }> {
  const { amount, planId, priceId, productId } = MONTH;
  const invoiceId = newId(ctx, 'inv');
  await ctx.db.invoice.create({
    data: {
      id: invoiceId,
      userId: reader.id,
      priceId,
      planId,
      productId,
      amount,
      currency: 'XTR',
      kind: 'one_time',
      interval: 'year',
      status: 'open',
      surface: 'browser',
      platformFeeBps: 3000,
      expiresAt: PERIOD_END,
      createdAt: NOW,
    },
  });
  const attemptId = newId(ctx, 'att');
  await ctx.db.paymentAttempt.create({
    data: {
      id: attemptId,
      invoiceId,
      userId: reader.id,
      provider: 'stripe',
      status: 'closed',
      failure: 'insufficient_funds',
      createdAt: NOW,
    },
  });
  return { invoiceId, attemptId };
}

async function makeHold(
  ctx: Ctx,
  reader: User,
  data: Partial<Prisma.ReservationUncheckedCreateInput> = {},
): Promise<string> {
  const { invoiceId } = await makeOpenOrder(ctx, reader);
  const id = newId(ctx, 'rsv');
  await ctx.db.reservation.create({
    data: {
      id,
      provider: 'stripe',
      chargeId: ctx.vault.conceal(`charge_${id}`),
      invoiceId,
      amount: MONTH.amount,
      currency: 'XTR',
      status: 'reserved',
      progress: 'awaiting_transfer',
      instructionsUrl: ctx.vault.conceal('https://pay.example/how'),
      askedAt: NOW,
      createdAt: NOW,
      ...data,
    },
  });
  return id;
}

/** A key in use that ends at `expiresAt`. Its notice does not look at what is sealed. */
async function makeKey(
  ctx: Ctx,
  reader: User,
  expiresAt: Date | null,
  status: BillingKeyStatus = 'active',
): Promise<string> {
  const id = newId(ctx, 'bky');
  const retiredAt = status === 'retired' ? NOW : null;
  const bytes = { sealed: new Uint8Array([0]), mark: new Uint8Array(Buffer.from(id)) };
  await ctx.db.billingKey.create({
    data: { id, userId: reader.id, status, ...bytes, expiresAt, createdAt: NOW, provenAt: NOW, retiredAt },
  });
  return id;
}

/** Every tag opened is closed in order, and nothing else looks like one. */
function isWellFormed(html: string): boolean {
  const open: string[] = [];
  for (const [, slash, name] of html.matchAll(/<(\/?)([a-z]+)>/g)) {
    if (!name) return false;
    if (!slash) open.push(name);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0 && !/<(?!\/?(b|i|code)>)/.test(html) && !/&(?!(amp|lt|gt|quot);)/.test(html);
}

function makeErasure(ctx: Ctx, { id }: User, status: 'waiting' | 'failed'): Promise<string> {
  const completedAt = status === 'failed' ? NOW : null;
  const data = { id: `era_${id.slice(4)}`, userId: id, status, requestedAt: NOW, dueAt: PERIOD_END, completedAt };
  return ctx.db.erasure.create({ data }).then((erasure) => erasure.id);
}

describe('notices', () => {
  const stage = useStage();
  const world = (now = NOW): Ctx => ({
    ...asActor(stage.ctx, { kind: 'system', name: 'send_notice' }),
    clock: fixedClock(now),
  });
  const compose = (reader: User, kind: NoticeKind, objectId: string, now?: Date) =>
    composeNotice(world(now), { userId: reader.id, kind, objectId }, PLACE);

  const sharedWith = (developer: User) => ({ developerUserId: developer.id, developerShare: 175n, platformFee: 75n });

  /** What each kind is about, in the state in which it is told. */
  const objects: Record<NoticeKind, (ctx: Ctx, reader: User) => Promise<string>> = {
    paid: (ctx, reader) => makePayment(ctx, reader, MONTH),
    renewed: (ctx, reader) => makePayment(ctx, reader, MONTH, { kind: 'renewal' }),
    refunded: (ctx, reader) => makePayment(ctx, reader, MONTH, { status: 'refunded' }),
    surplus_refunded: (ctx, reader) =>
      makePayment(ctx, reader, MONTH, { status: 'refunded', kind: 'surplus', periodStart: null, periodEnd: null }),
    sale: async (ctx, reader) => makePayment(ctx, await makeReader(ctx), PLUGIN, sharedWith(reader)),
    subscription_cancelled: (ctx, reader) =>
      makeSubscription(ctx, reader, { status: 'cancelling', cancelledBy: 'hoshi' }),
    subscription_resumed: (ctx, reader) => makeSubscription(ctx, reader),
    renewal_ahead: (ctx, reader) => makeSubscription(ctx, reader),
    end_ahead: (ctx, reader) => makePayment(ctx, reader, MONTH),
    renewal_failed: (ctx, reader) =>
      makeSubscription(ctx, reader, {
        status: 'past_due',
        currentPeriodEnd: NOW,
        graceUntil: new Date('2026-11-23T09:00:00Z'),
      }),
    subscription_ended: (ctx, reader) =>
      makeSubscription(ctx, reader, { status: 'expired', currentPeriodEnd: NOW, endedAt: NOW }),
    part_refunded: async (ctx, reader) => makeRefund(ctx, await makePayment(ctx, reader, MONTH)),
    refund_to_claim: async (ctx, reader) =>
      makeRefund(ctx, await makePayment(ctx, reader, MONTH, { status: 'refunding' }), {
        status: 'requested',
        claimUrl: ctx.vault.conceal('https://pay.example/claim'),
        completedAt: null,
      }),
    payment_waiting: (ctx, reader) => makeHold(ctx, reader),
    payment_failed: async (ctx, reader) => (await makeOpenOrder(ctx, reader)).attemptId,
    dispute_opened: (ctx, reader) => makeDisputed(ctx, reader, 'open'),
    dispute_won: (ctx, reader) => makeDisputed(ctx, reader, 'won'),
    dispute_lost: (ctx, reader) => makeDisputed(ctx, reader, 'lost'),
    share_held: async (ctx, reader) => makeDisputed(ctx, await makeReader(ctx), 'open', sharedWith(reader)),
    share_released: async (ctx, reader) => makeDisputed(ctx, await makeReader(ctx), 'won', sharedWith(reader)),
    share_lost: async (ctx, reader) => makeDisputed(ctx, await makeReader(ctx), 'lost', sharedWith(reader)),
    log_broken: async (ctx, reader) => {
      await bindLog(ctx, { userId: reader.id, group: { chatId: -1_002_000_000_001, topicId: 5 } });
      await ctx.db.personalLog.update({ where: { userId: reader.id }, data: { obstacle: 'removed' } });
      return reader.id;
    },
    attention: (ctx, reader) => makePayment(ctx, reader, MONTH, { irregularity: 'late' }),
    key_expiring: (ctx, reader) => makeKey(ctx, reader, PERIOD_END),
    erasure_asked: (ctx, reader) => makeErasure(ctx, reader, 'waiting'),
    erasure_failed: (ctx, reader) => makeErasure(ctx, reader, 'failed'),
  };

  /** Dates, amounts and buttons that must be there, whatever the words around them. */
  const meaning: Record<
    NoticeKind,
    { amounts: string[]; date: 'period' | 'today' | 'grace' | null; buttons: RegExp[] }
  > = {
    paid: { amounts: ['150 ★'], date: 'period', buttons: [/startapp=receipt_pay_/] },
    renewed: { amounts: ['150 ★'], date: 'period', buttons: [/startapp=receipt_pay_/] },
    refunded: { amounts: ['150 ★'], date: 'today', buttons: [/startapp=receipt_pay_/] },
    surplus_refunded: { amounts: ['150 ★'], date: null, buttons: [/startapp=receipt_pay_/] },
    sale: { amounts: ['250 ★', '175 ★'], date: null, buttons: [] },
    subscription_cancelled: { amounts: [], date: 'period', buttons: [/startapp=subscription/] },
    subscription_resumed: { amounts: ['150 ★'], date: 'period', buttons: [/startapp=subscription/] },
    renewal_ahead: {
      amounts: ['150 ★'],
      date: 'period',
      buttons: [/^tg:\/\/stars_topup\?balance=150&purpose=subs$/, /startapp=subscription/],
    },
    end_ahead: { amounts: [], date: 'period', buttons: [/startapp=plan_personal-pro$/] },
    renewal_failed: {
      amounts: ['150 ★'],
      date: 'grace',
      buttons: [/^tg:\/\/stars_topup\?balance=150&purpose=subs$/, /startapp=subscription/],
    },
    subscription_ended: { amounts: [], date: null, buttons: [/startapp=plan_personal-pro$/] },
    part_refunded: { amounts: ['40 ★'], date: null, buttons: [/startapp=receipt_pay_/] },
    refund_to_claim: { amounts: ['40 ★'], date: null, buttons: [/^https:\/\/pay\.example\/claim$/] },
    payment_waiting: { amounts: ['150 ★'], date: null, buttons: [/^https:\/\/pay\.example\/how$/] },
    payment_failed: { amounts: ['150 ★'], date: null, buttons: [] },
    dispute_opened: { amounts: ['150 ★'], date: 'today', buttons: [/startapp=receipt_pay_/] },
    dispute_won: { amounts: [], date: 'period', buttons: [/startapp=receipt_pay_/] },
    dispute_lost: {
      amounts: ['150 ★'],
      date: 'today',
      buttons: [/startapp=receipt_pay_/, /startapp=plan_personal-pro$/],
    },
    share_held: { amounts: ['250 ★', '170 ★'], date: null, buttons: [] },
    share_released: { amounts: ['170 ★'], date: null, buttons: [] },
    share_lost: { amounts: ['250 ★'], date: null, buttons: [] },
    log_broken: { amounts: [], date: null, buttons: [/^https:\/\/t\.me\/hoshi_sandbox_bot\?start=log$/] },
    attention: { amounts: ['150 ★'], date: null, buttons: [] },
    key_expiring: { amounts: [], date: 'period', buttons: [/startapp=keys$/] },
    erasure_asked: { amounts: [], date: 'period', buttons: [/startapp=erase$/] },
    erasure_failed: { amounts: [], date: null, buttons: [/startapp=erase$/] },
  };
  /** What a text calls the thing it is about; an operator reads ids. */
  const names = {
    en: {
      plan: 'Personal log Pro',
      plugin: 'Voice notes',
      key: 'keys for billing records',
      group: 'was removed from the group',
      data: 'our data',
    },
    ja: {
      plan: 'パーソナルログ プロ',
      plugin: 'ボイスメモ変換',
      key: 'お支払いの記録を暗号化する鍵',
      group: 'グループからHoshiが外されました',
      data: 'データ',
    },
  };
  const dates = {
    en: { period: '20 December 2026', today: '20 November 2026', grace: '23 November 2026' },
    ja: { period: '2026年12月20日', today: '2026年11月20日', grace: '2026年11月23日' },
  };

  describe.each(['en', 'ja'] as const)('in %s', (language) => {
    it.each(NOTICE_KINDS)('%s says what happened, with its dates, amounts and buttons', async (kind) => {
      const reader = await makeReader(stage.ctx, { language });
      const objectId = await objects[kind](stage.ctx, reader);
      const message = await compose(reader, kind, objectId);
      const { amounts, buttons, date } = meaning[kind];
      expect(message?.parse_mode).toBe('HTML');
      const text = message?.text ?? '';
      expect(isWellFormed(text), text).toBe(true);
      const { data, group, key, plan, plugin } = names[language];
      const isSold = kind === 'sale' || kind.startsWith('share_');
      const about: Partial<Record<NoticeKind, string>> = {
        attention: objectId,
        key_expiring: key,
        log_broken: group,
        erasure_asked: data,
        erasure_failed: data,
      };
      expect(text).toContain(about[kind] ?? (isSold ? plugin : plan));
      for (const amount of amounts) expect(text).toContain(amount);
      if (date) expect(text).toContain(dates[language][date]);
      const urls = (message?.buttons ?? []).flat().map((button) => ('url' in button ? button.url : ''));
      expect(urls).toHaveLength(buttons.length);
      for (const [index, pattern] of buttons.entries()) expect(urls[index]).toMatch(pattern);
    });
  });

  it('tells the end of a key ahead and afterwards, and only while it stands', async () => {
    const { ctx } = stage;
    const reader = await makeReader(ctx);
    const dayAfter = new Date(PERIOD_END.getTime() + 86_400_000);
    const keyId = await makeKey(ctx, reader, PERIOD_END);
    expect((await compose(reader, 'key_expiring', keyId))?.text).toContain('ends on 20 December 2026');
    expect((await compose(reader, 'key_expiring', keyId, dayAfter))?.text).toContain('ended on 20 December 2026');
    const retired = await makeKey(ctx, reader, PERIOD_END, 'retired');
    const extended = await makeKey(ctx, reader, new Date('2028-12-20T09:00:00Z'));
    const endless = await makeKey(ctx, reader, null);
    for (const id of [retired, extended, endless]) expect(await compose(reader, 'key_expiring', id)).toBeNull();
  });

  it('tells a subscription, a period and a lasting right apart when paid', async () => {
    const { ctx } = stage;
    const reader = await makeReader(ctx);
    const subscriptionId = await makeSubscription(ctx, reader);
    const first = await compose(
      reader,
      'paid',
      await makePayment(ctx, reader, MONTH, { kind: 'first', subscriptionId }),
    );
    expect(first?.text).toContain('It renews 20 December 2026 for 150 ★');
    const year = await compose(reader, 'paid', await makePayment(ctx, reader, MONTH));
    expect(year?.text).toContain('until 20 December 2026');
    expect(year?.text).toContain('does not renew');
    const good = await compose(reader, 'paid', await makePayment(ctx, reader, PLUGIN, { periodEnd: null }));
    expect(good?.text).toContain('Voice notes</b> is yours for good');
  });

  it.each([
    ['invoice_already_paid', 'was already paid'],
    ['already_owned', 'already yours for good'],
    ['already_subscribed', 'already have a subscription'],
    ['payer_is_not_buyer', 'belongs to another account'],
    ['amount_mismatch', 'did not match the price'],
    ['invoice_expired', 'more than 30 days ago'],
    ['something_new', 'was already paid'],
  ])('explains why a surplus payment went back: %s', async (reason, words) => {
    const { ctx } = stage;
    const reader = await makeReader(ctx);
    const paymentId = await objects.surplus_refunded(ctx, reader);
    await ctx.db.auditEvent.create({
      data: {
        at: NOW,
        actor: 'system',
        action: 'payment.surplus',
        objectId: paymentId,
        data: { reason },
        requestId: 'req_1',
      },
    });
    const message = await compose(reader, 'surplus_refunded', paymentId);
    expect(message?.text).toContain('150 ★ went back');
    expect(message?.text).toContain(words);
  });

  it.each([
    ['a part that is missing', { progress: 'underpaid', missing: 30n }, '30 ★ is still missing'],
    ['a transfer', { progress: 'awaiting_transfer' }, 'waits for your transfer of 150 ★'],
    ['a transfer without a page that explains it', { instructionsUrl: null }, 'waits for your transfer of 150 ★'],
  ])('says what is awaited: %s', async (_name, data, words) => {
    const reader = await makeReader(stage.ctx);
    const message = await compose(reader, 'payment_waiting', await makeHold(stage.ctx, reader, data));
    expect(message?.text).toContain(words);
    expect(message?.buttons).toHaveLength('instructionsUrl' in data ? 0 : 1);
  });

  it('says why money that was announced did not come', async () => {
    const reader = await makeReader(stage.ctx);
    const message = await compose(reader, 'payment_failed', await objects.payment_failed(stage.ctx, reader));
    expect(message?.text).toContain('There is not enough money on the card.');
  });

  it('says of a transfer that was called off that nothing must be sent any more', async () => {
    const reader = await makeReader(stage.ctx);
    const { attemptId } = await makeOpenOrder(stage.ctx, reader);
    const failure = 'cancelled_by_payer';
    const called = async (method: string) => {
      await stage.ctx.db.paymentAttempt.update({ where: { id: attemptId }, data: { failure, method } });
      return (await compose(reader, 'payment_failed', attemptId))?.text;
    };
    expect(await called('bank_transfer')).toContain('send nothing there any more');
    expect(await called('digital_wallet')).toContain('Nothing was charged; you can pay again at any time.');
  });

  it('tells operators apart what needs eyes, by ids and without a name', async () => {
    const { ctx } = stage;
    const [operator, buyer] = [await makeReader(ctx), await makeReader(ctx)];
    const paymentId = await makePayment(ctx, buyer, MONTH, { irregularity: 'excess' });
    const failed = await makeRefund(ctx, paymentId, { status: 'failed', failure: 'expired_card' });
    const told: Array<[objectId: string, words: RegExp]> = [
      [paymentId, /more was sent than asked/],
      [await makePayment(ctx, buyer, MONTH, { kind: 'surplus' }), /not that of its order/],
      [await makePayment(ctx, buyer, MONTH, { irregularity: 'underpaid' }), /by hand although less came/],
      [failed, /failed: <code>expired_card<\/code>/],
      [await makeDispute(ctx, paymentId, 'open'), /was opened for payment/],
      [await makeDispute(ctx, paymentId, 'won'), /was won/],
      [await makeDispute(ctx, paymentId, 'lost'), /was lost/],
      [await makeHold(ctx, buyer, { status: 'paid', paidAt: NOW, progress: null }), /that it had confirmed before/],
    ];
    for (const [objectId, words] of told) {
      const text = (await compose(operator, 'attention', objectId))?.text ?? '';
      expect(isWellFormed(text), text).toBe(true);
      expect(text).toContain(objectId);
      expect(text).toMatch(words);
      for (const secret of [buyer.id, String(await telegramIdOf(ctx, buyer.id))]) expect(text).not.toContain(secret);
    }
    await expect(compose(operator, 'attention', 'inv_none')).rejects.toMatchObject({ reason: 'payment_not_found' });
  });

  it('never tells a developer who bought, and nobody else of their share', async () => {
    const { ctx } = stage;
    const [developer, buyer, other] = [await makeReader(ctx), await makeReader(ctx), await makeReader(ctx)];
    const paymentId = await makePayment(ctx, buyer, PLUGIN, sharedWith(developer));
    const told: Array<[NoticeKind, string]> = [
      ['sale', paymentId],
      ['share_held', await makeDisputed(ctx, buyer, 'open', sharedWith(developer))],
      ['share_released', await makeDisputed(ctx, buyer, 'won', sharedWith(developer))],
      ['share_lost', await makeDisputed(ctx, buyer, 'lost', sharedWith(developer))],
    ];
    for (const [kind, objectId] of told) {
      const text = JSON.stringify(await compose(developer, kind, objectId));
      for (const secret of [buyer.id, String(await telegramIdOf(ctx, buyer.id)), objectId, 'receipt_'])
        expect(text).not.toContain(secret);
      expect(await compose(other, kind, objectId), kind).toBeNull();
    }
  });

  it('says what a buyer has again when a dispute was won: a while, for good, or time that is over', async () => {
    const { ctx } = stage;
    const reader = await makeReader(ctx);
    const until = await makeDisputed(ctx, reader, 'won');
    expect((await compose(reader, 'dispute_won', until))?.text).toContain('is yours again until 20 December 2026');
    const later = new Date('2027-01-01T00:00:00Z');
    const over = (await compose(reader, 'dispute_won', until, later))?.text;
    expect(over).toContain('Its time ended 20 December 2026');
    expect(over).toContain('/paysupport');
    const lasting = await makeDisputed(ctx, reader, 'won', { ...sharedWith(await makeReader(ctx)), periodEnd: null });
    expect((await compose(reader, 'dispute_won', lasting))?.text).toContain('is yours again, for good');
    // The developer's notice of the sale may have been kept from them meanwhile, the buyer's of the payment too.
    const open = await makeDisputed(ctx, reader, 'open');
    const { paymentId } = await ctx.db.dispute.findUniqueOrThrow({ where: { id: open } });
    expect(await compose(reader, 'paid', paymentId)).toBeNull();
    const opened = (await compose(reader, 'dispute_opened', open))?.text;
    expect(opened).toContain('Until that is decided, what you bought rests.');
    expect(opened).toContain('/paysupport');
  });

  it('says of a dispute only what is true when it is sent', async () => {
    const { ctx } = stage;
    const reader = await makeReader(ctx);
    const kinds = { open: 'dispute_opened', won: 'dispute_won', lost: 'dispute_lost' } as const;
    const states = ['open', 'won', 'lost'] as const;
    for (const state of states) {
      const disputeId = await makeDisputed(ctx, reader, state);
      for (const other of states.filter((each) => each !== state))
        expect(await compose(reader, kinds[other], disputeId), `${other} while ${state}`).toBeNull();
    }
    const shares = { open: 'share_held', won: 'share_released', lost: 'share_lost' } as const;
    for (const state of states) {
      const disputeId = await makeDisputed(ctx, await makeReader(ctx), state, sharedWith(reader));
      for (const other of states.filter((each) => each !== state))
        expect(await compose(reader, shares[other], disputeId), `${other} while ${state}`).toBeNull();
    }
    // Another dispute still keeps the right from them, or it had gone before.
    for (const status of ['disputed', 'refunded', 'charged_back'] as const)
      expect(await compose(reader, 'dispute_won', await makeDisputed(ctx, reader, 'won', { status }))).toBeNull();
    for (const status of ['refunded', 'charged_back'] as const)
      expect(await compose(reader, 'dispute_opened', await makeDisputed(ctx, reader, 'open', { status }))).toBeNull();
    expect(
      await compose(reader, 'dispute_lost', await makeDisputed(ctx, reader, 'lost', { status: 'refunded' })),
    ).toBeNull();
    // Nothing was bought by what nothing was owed for.
    const surplus = await makePayment(ctx, reader, MONTH, { kind: 'surplus', status: 'disputed' });
    expect(await compose(reader, 'dispute_opened', await makeDispute(ctx, surplus, 'open'))).toBeNull();
    // Nothing was left to go back.
    const empty = await makeDisputed(ctx, reader, 'lost');
    await ctx.db.dispute.update({ where: { id: empty }, data: { returnedAmount: 0n } });
    expect(await compose(reader, 'dispute_lost', empty)).toBeNull();
  });

  it('tells what it no longer knows as an earlier purchase, with no way to buy it again', async () => {
    const { ctx } = stage;
    const reader = await makeReader(ctx);
    const disputeId = await makeDisputed(ctx, reader, 'lost');
    const known = await compose(reader, 'dispute_lost', disputeId);
    expect([known?.text.includes('an earlier purchase'), known?.buttons.length]).toEqual([false, 2]);
    await ctx.db.invoice.updateMany({
      where: { userId: reader.id },
      data: { planId: null, priceId: null, productId: null },
    });
    await ctx.db.entitlement.deleteMany({ where: { userId: reader.id } });
    const message = await compose(reader, 'dispute_lost', disputeId);
    expect(message?.text).toContain('an earlier purchase');
    expect(message?.buttons).toHaveLength(1);
  });

  it('says nothing any more when the state has moved on', async () => {
    const { ctx } = stage;
    const reader = await makeReader(ctx);
    const refunded = await makePayment(ctx, reader, MONTH, { status: 'refunded' });
    const paid = await makePayment(ctx, reader, MONTH);
    const cancelling = await makeSubscription(ctx, reader, { status: 'cancelling' });
    const active = await makeSubscription(ctx, reader);
    const silent: Array<[NoticeKind, string]> = [
      ['paid', refunded],
      ['renewed', refunded],
      ['refunded', paid],
      ['surplus_refunded', paid],
      ['sale', paid],
      ['subscription_resumed', cancelling],
      ['renewal_ahead', cancelling],
      ['end_ahead', refunded],
      ['subscription_cancelled', active],
      ['renewal_failed', active],
      ['subscription_ended', active],
      ['part_refunded', await makeRefund(ctx, paid, { status: 'failed' })],
      ['refund_to_claim', await makeRefund(ctx, paid)],
      ['payment_waiting', await makeHold(ctx, reader, { status: 'paid', paidAt: NOW })],
      ['attention', await makeRefund(ctx, paid)],
      ['log_broken', reader.id],
    ];
    const { attemptId, invoiceId } = await makeOpenOrder(ctx, await makeReader(ctx));
    await ctx.db.invoice.update({ where: { id: invoiceId }, data: { status: 'paid', closedAt: NOW } });
    silent.push(['payment_failed', attemptId]);
    for (const [kind, objectId] of silent) expect(await compose(reader, kind, objectId), kind).toBeNull();
    const later = new Date('2027-01-01T00:00:00Z');
    expect(await compose(reader, 'renewal_ahead', active, later)).toBeNull();
    expect(await compose(reader, 'end_ahead', paid, later)).toBeNull();
    expect((await compose(reader, 'subscription_cancelled', cancelling, later))?.text).toContain('has ended');
  });

  it('lets people decline reminders and sales, but nothing about their money', async () => {
    const { ctx } = stage;
    for (const kind of NOTICE_KINDS) {
      const reader = await makeReader(ctx, { wantsReminders: false, wantsSalesNotices: false });
      const message = await compose(reader, kind, await objects[kind](ctx, reader));
      const isOptional = kind === 'renewal_ahead' || kind === 'end_ahead' || kind === 'sale';
      expect(message === null, kind).toBe(isOptional);
    }
  });

  it('refuses objects that do not exist', async () => {
    const reader = await makeReader(stage.ctx);
    await expect(compose(reader, 'paid', 'pay_none')).rejects.toMatchObject({ reason: 'payment_not_found' });
    await expect(compose(reader, 'renewed', 'sub_none')).rejects.toMatchObject({ reason: 'payment_not_found' });
    await expect(
      composeNotice(world(), { userId: 'usr_none', kind: 'paid', objectId: 'pay_none' }, PLACE),
    ).rejects.toMatchObject({ reason: 'user_not_found' });
  });
});

describe('sending notices', () => {
  const stage = useStage();
  const fault = (api?: Record<string, unknown>) =>
    stage.sandbox.sim('PUT', '/faults', api ? { api: { method: 'sendMessage', remaining: 1, ...api } } : {});
  const MESSAGE = {
    text: '<b>x</b> &amp; y',
    parse_mode: 'HTML',
    buttons: [[{ text: 'Get', url: 'tg://stars_topup?balance=1&purpose=subs' }]],
  } as const;
  const send = (chatId: number, message: { text: string } = MESSAGE) =>
    sendNotice(stage.bot.api, BigInt(chatId), { ...MESSAGE, buttons: [[...MESSAGE.buttons[0]]], ...message });
  /** As the engine: what follows the end is done after it. */
  const run = async (notice: NoticeJob) => {
    const send = makeNoticeSender({ api: stage.bot.api, ...PLACE });
    const outcome = await send(asActor(stage.ctx, { kind: 'system', name: 'send_notice' }), notice);
    if (outcome.kind !== 'done') return outcome;
    await outcome.afterwards?.();
    return { kind: outcome.kind };
  };

  it('says in our words what Telegram answered', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    expect(await send(person.id)).toMatchObject({ kind: 'sent', messageId: expect.any(Number) });
    expect((await person.messages()).at(-1)?.text).toBe('x & y');
    await fault({ kind: 'flood', retry_after: 9 });
    expect(await send(person.id)).toEqual({ kind: 'retry', afterSeconds: 9, code: 'FLOOD' });
    await fault({ kind: 'server_error' });
    expect(await send(person.id)).toMatchObject({ kind: 'retry', afterSeconds: null });
    await fault({ kind: 'lost_answer' });
    expect(await send(person.id)).toEqual({ kind: 'retry', afterSeconds: null, code: 'NO_ANSWER' });
    await fault();
    expect(await send(person.id, { text: '<b>broken' })).toMatchObject({ kind: 'refused' });
    expect(await send(123_456)).toEqual({ kind: 'unreachable' });
    await stage.sandbox.sim('PATCH', `/users/${person.id}`, { has_blocked_bot: true });
    expect(await send(person.id)).toEqual({ kind: 'unreachable' });
  });

  it('tells the buyer and the developer of a purchase, and remembers who can be reached', async () => {
    const person = await stage.person('ja');
    await person.write('/start');
    const buyer = await ensureUser(stage.ctx, { telegramId: BigInt(person.id), languageCode: null });
    const paymentId = await makePayment(stage.ctx, buyer, MONTH);
    const paid: NoticeJob = { userId: buyer.id, kind: 'paid', objectId: paymentId };
    expect(await run(paid)).toEqual({ kind: 'done' });
    expect((await person.messages()).at(-1)?.text).toContain('パーソナルログ プロを2026年12月20日まで');

    await stage.sandbox.sim('PATCH', `/users/${person.id}`, { has_blocked_bot: true });
    await stage.ctx.db.user.update({ where: { id: buyer.id }, data: { isReachable: true } });
    expect(await run(paid)).toEqual({ kind: 'done' });
    expect(await stage.ctx.db.user.findUnique({ where: { id: buyer.id } })).toMatchObject({ isReachable: false });

    await stage.sandbox.sim('PATCH', `/users/${person.id}`, { has_blocked_bot: false });
    await stage.ctx.db.user.update({ where: { id: buyer.id }, data: { isReachable: false } });
    expect(await run(paid)).toEqual({ kind: 'done' });
    expect(await stage.ctx.db.user.findUnique({ where: { id: buyer.id } })).toMatchObject({ isReachable: true });
  });

  it('delivers what a real purchase, a real cancellation and a real refund queued', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    const told = async (): Promise<string[]> => {
      const jobs = await stage.ctx.db.job.findMany({
        where: { name: 'send_notice', doneAt: null },
        orderBy: { id: 'asc' },
      });
      for (const { id, payload } of jobs) {
        await run(payload as NoticeJob);
        await stage.ctx.db.job.update({ where: { id }, data: { doneAt: NOW, outcome: 'done' } });
      }
      return jobs.map(({ payload }) => (payload as NoticeJob).kind);
    };
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('pay', PLUGIN.priceId, 'telegram_stars')));
    const invoice = (await person.messages()).find((message) => message.invoice)?.invoice;
    await person.pay(invoice?.slug ?? '');
    expect(await told()).toEqual(['paid', 'sale']);
    expect((await person.messages()).at(-1)?.text).toContain('Voice notes is yours for good. You paid 250 ★, once.');

    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('pay', MONTH.priceId, 'telegram_stars')));
    const link = buttonOf((await person.messages()).at(-1), 'Pay 150 ★').url;
    await person.pay(link?.split('$')[1] ?? '');
    expect(await told()).toEqual(['paid']);
    expect((await person.messages()).at(-1)?.text).toContain('for 150 ★, until you cancel');

    const subscription = await stage.ctx.db.subscription.findFirstOrThrow({
      where: { userId: (await ensureUser(stage.ctx, { telegramId: BigInt(person.id), languageCode: null })).id },
    });
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('cancel', subscription.id)));
    expect(await told()).toEqual(['subscription_cancelled']);
    expect((await person.messages()).at(-1)?.text).toContain('nothing more is charged');

    await stage.sandbox.sim('POST', '/refunds', { charge_id: stage.ctx.vault.reveal(subscription.firstChargeId) });
    await expect.poll(told).toContain('refunded');
    expect((await person.messages()).at(-1)?.text).toContain('was refunded in full');
  });

  it('is done with what need not be said, and tries again what Telegram did not take', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    const buyer = await ensureUser(stage.ctx, { telegramId: BigInt(person.id), languageCode: null });
    const before = (await person.messages()).length;
    const refunded = await makePayment(stage.ctx, buyer, MONTH, { status: 'refunded' });
    expect(await run({ userId: buyer.id, kind: 'paid', objectId: refunded })).toEqual({ kind: 'done' });
    await fault({ kind: 'flood', retry_after: 4 });
    expect(await run({ userId: buyer.id, kind: 'refunded', objectId: refunded })).toEqual({
      kind: 'retry',
      afterSeconds: 4,
      code: 'FLOOD',
    });
    expect((await person.messages()).length).toBe(before);
    await fault();
    expect(await run({ userId: buyer.id, kind: 'refunded', objectId: refunded })).toEqual({ kind: 'done' });
    expect((await person.messages()).at(-1)?.text).toContain('150 ★ went back to your Stars');
  });
});
