import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CatalogPlan, CatalogProduct } from '#domain/catalog/list-catalog.ts';
import type { CheckoutOffer } from '#domain/checkout/preview.ts';
import type { InvoiceRecord } from '#domain/checkout/records.ts';
import { CURRENCIES } from '#domain/money.ts';
import type { PaymentRecord } from '#domain/payment/records.ts';
import type { Capability } from '#domain/provider/capability.ts';
import type { AuditEvent, Subscription } from '#lib/generated/prisma/client.ts';
import {
  languageOfUser,
  presentInvoice,
  presentMe,
  presentMoney,
  presentPlan,
  presentPreview,
  presentProduct,
  presentSplit,
  widthsInBps,
} from './present.ts';
import { methodOf, presentReceipt, presentSubscription } from './present-payment.ts';

const NOW = new Date('2026-11-20T10:00:00.000Z');
const STARS: Capability = {
  method: 'telegram_stars',
  currency: 'XTR',
  fee: { bps: 0, fixed: 0n, network: false, isKept: false },
  privacy: 'high',
  renewalDays: [30],
  surfaces: ['mini_app'],
  maxAmount: { oneTime: 10_000n, renewing: 10_000n },
  settlesInMinutes: 1,
};
const planText = (name: string) => ({ name, description: `${name}!`, features: ['a'], privacy: ['b'] });
const plan: CatalogPlan = {
  id: 'pln_pro',
  code: 'pro',
  rank: 2,
  texts: { ja: planText('プロ'), en: planText('Pro') },
  limits: { notes: 5 },
  prices: [
    { id: 'prc_m', amount: 2999n, currency: 'USD', interval: 'month' },
    { id: 'prc_y', amount: 29_999n, currency: 'USD', interval: 'year' },
    { id: 'prc_s', amount: 150n, currency: 'XTR', interval: 'month' },
  ],
};
const product: CatalogProduct = {
  id: 'prd_log',
  code: 'log',
  kind: 'plan_line',
  fulfilment: 'digital',
  texts: { ja: { name: 'ログ', description: '記録' }, en: { name: 'Log', description: 'A log' } },
  developerUserId: null,
  platformFeeBps: null,
  plans: [plan],
};
const sold = { product, plan };

describe('money', () => {
  it.each([
    ['1500', 'XTR', 'en', '1,500 ★', '1,500 Telegram Stars'],
    ['1', 'XTR', 'en', '1 ★', '1 Telegram Star'],
    ['150', 'XTR', 'ja', '150 ★', 'Telegramスター 150個'],
    ['999', 'USD', 'en', '$9.99', '$9.99'],
    ['9007199254740993', 'JPY', 'en', '¥9,007,199,254,740,993', '¥9,007,199,254,740,993'],
  ] as const)('%s %s in %s', (amount, currency, language, text, label) => {
    const view = presentMoney({ amount: BigInt(amount), currency }, language);
    expect(view).toEqual({ amount, currency, text, label });
  });

  it('never shows the letters XTR', () => {
    for (const language of ['ja', 'en'] as const) {
      const { text, label } = presentMoney({ amount: 5n, currency: 'XTR' }, language);
      expect(text + label).not.toContain('XTR');
    }
  });
});

describe('widthsInBps', () => {
  it('sums to the whole for any parts', () => {
    const parts = fc.array(fc.bigInt(0n, 2n ** 63n), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(parts, (amounts) => {
        const widths = widthsInBps(amounts);
        const isNothing = amounts.every((amount) => amount === 0n);
        expect(widths.reduce((sum, width) => sum + width, 0)).toBe(isNothing ? 0 : 10_000);
        expect(widths.every((width) => width >= 0 && Number.isInteger(width))).toBe(true);
      }),
    );
  });
});

describe('presentSplit', () => {
  it('shows a developer only when there is one, and the fees always', () => {
    const own = presentSplit({ developerShare: 0n, platformFee: 150n, processorFee: 0n }, 'XTR', 'en');
    expect(own.map(({ party, bps }) => [party, bps])).toEqual([
      ['platform', 10_000],
      ['processor', 0],
    ]);
    const shared = presentSplit({ developerShare: 71n, platformFee: 30n, processorFee: 0n }, 'XTR', 'en');
    expect(shared.map(({ party, money }) => [party, money.text])).toEqual([
      ['developer', '71 ★'],
      ['platform', '30 ★'],
      ['processor', '0 ★'],
    ]);
  });
});

describe('the catalogue', () => {
  it('says what renews by itself and what a year saves, per currency', () => {
    const view = presentPlan(plan, [STARS], 'en');
    expect(view.prices.map(({ id, renewsEveryDays }) => [id, renewsEveryDays])).toEqual([
      ['prc_m', null],
      ['prc_y', null],
      ['prc_s', 30],
    ]);
    expect(view.savings).toEqual([
      { currency: 'USD', money: expect.objectContaining({ text: '$59.89' }), percent: 16 },
    ]);
  });

  it('marks what the reader holds, in their language', () => {
    const held = { id: 'ent_1', product, plan, since: NOW, until: null, renews: false };
    const view = presentProduct(product, [held], [], 'ja');
    expect(view).toMatchObject({
      name: 'ログ',
      current: { planName: 'プロ', until: null, since: { text: '2026年11月20日' } },
    });
    expect(presentProduct(product, [], [], 'en').current).toBeNull();
  });
});

describe('presentPreview', () => {
  const [price] = plan.prices;
  if (!price) throw new Error('no price');
  const offer: CheckoutOffer = {
    product,
    plan,
    price,
    accessUntil: NOW,
    methods: [
      {
        providerId: 'telegram-stars',
        capability: STARS,
        split: { developerShare: 0n, platformFee: 150n, processorFee: 0n },
        refusal: 'method_not_allowed_here',
        renewalDays: 30,
        isResting: true,
      },
    ],
    alternatives: [],
    blocked: 'already_subscribed',
    replaces: { subscriptionId: 'sub_1', planId: plan.id, until: NOW },
  };

  it('explains every refusal in words', () => {
    const view = presentPreview(offer, 'en');
    expect(view.methods[0]).toMatchObject({ isAllowed: false, isResting: true, reason: 'method_not_allowed_here' });
    expect(view.methods[0]?.reasonText).toMatch(/Stars only/);
    expect(view.blocked).toMatchObject({
      reason: 'already_subscribed',
      text: expect.stringContaining('already subscribed'),
    });
    expect(view.replaces).toMatchObject({ subscriptionId: 'sub_1', planName: 'Pro' });
    expect(view.price.renewsEveryDays).toBe(30);
  });

  it('leaves out what is not so', () => {
    const view = presentPreview({ ...offer, blocked: null, replaces: null, accessUntil: null }, 'ja');
    expect(view).toMatchObject({ blocked: null, replaces: null, accessUntil: null });
  });
});

describe('presentInvoice', () => {
  const READER = { now: NOW, surface: 'mini_app', policy: 'strict', language: 'en' } as const;
  const invoice = {
    id: 'inv_1',
    userId: 'usr_1',
    priceId: 'prc_s',
    planId: plan.id,
    productId: product.id,
    kind: 'subscription',
    interval: 'month',
    status: 'open',
    surface: 'mini_app',
    amount: 150n,
    currency: 'XTR',
    developerUserId: null,
    platformFeeBps: 3000,
    isLogged: true,
    sealed: null,
    expiresAt: new Date(NOW.getTime() + 60_000),
    createdAt: NOW,
    closedAt: null,
    attempts: [
      {
        id: 'att_1',
        invoiceId: 'inv_1',
        userId: 'usr_1',
        provider: 'telegram-stars',
        status: 'live',
        url: 'https://t.me/$x',
        reference: null,
        method: 'telegram_stars',
        openedBy: 'buyer' as const,
        questions: 0,
        failure: null,
        createdAt: NOW,
      },
    ],
    reservations: [],
    payments: [],
    subscription: null,
  } satisfies InvoiceRecord;

  it('has a link while it can be paid', () => {
    expect(presentInvoice(invoice, sold, READER)).toMatchObject({
      status: 'open',
      url: 'https://t.me/$x',
      payment: null,
      entitlement: null,
      price: { renewsEveryDays: 30, money: { text: '150 ★' } },
    });
  });

  it('is expired the moment its time is over, whatever the job did', () => {
    expect(presentInvoice(invoice, sold, { ...READER, now: invoice.expiresAt })).toMatchObject({
      status: 'expired',
      url: null,
    });
  });

  it.each(['paid', 'cancelled', 'expired'] as const)('has no link when %s', (status) => {
    expect(presentInvoice({ ...invoice, status }, sold, READER)).toMatchObject({ status, url: null });
  });

  it('names nothing that nobody knows any more', () => {
    const past = { ...invoice, status: 'expired', planId: null, priceId: null, productId: null } as const;
    expect(presentInvoice(past, null, READER)).toMatchObject({
      status: 'expired',
      planId: null,
      priceId: null,
      planName: null,
      productCode: null,
      productName: null,
      price: { money: { text: '150 ★' } },
    });
  });

  it('has no link while one is being made', () => {
    const [attempt] = invoice.attempts;
    const creating = { ...invoice, attempts: attempt ? [{ ...attempt, status: 'creating' as const, url: null }] : [] };
    expect(presentInvoice(creating, sold, READER).url).toBeNull();
  });
});

describe('presentReceipt', () => {
  const event = (action: string, objectId: string): AuditEvent => ({
    seq: 1n,
    at: NOW,
    actor: 'x',
    action,
    objectId,
    data: {},
    requestId: 'r',
  });
  const invoice = { id: 'inv_1' } as PaymentRecord['invoice'];
  const entitlement = { id: 'ent_1' } as PaymentRecord['entitlement'];
  const payment: PaymentRecord = {
    id: 'pay_1',
    invoiceId: 'inv_1',
    userId: 'usr_1',
    planId: plan.id,
    subscriptionId: null,
    provider: 'telegram-stars',
    chargeId: 'charge',
    kind: 'first',
    status: 'refunded',
    amount: 101n,
    currency: 'XTR',
    platformFee: 30n,
    processorFee: 0n,
    developerShare: 71n,
    developerUserId: 'usr_2',
    periodStart: NOW,
    periodEnd: NOW,
    method: null,
    irregularity: null,
    rightDroppedAt: null,
    returnedAmount: 101n,
    heldUntil: null,
    paidAt: NOW,
    createdAt: NOW,
    invoice,
    entitlement,
    refunds: [
      {
        id: 'ref_1',
        paymentId: 'pay_1',
        status: 'succeeded',
        reason: 'requested',
        amount: 101n,
        currency: 'XTR',
        requestedBy: 'key_1',
        failure: null,
        reference: null,
        claimUrl: null,
        askedAt: null,
        questions: 0,
        createdAt: NOW,
        completedAt: null,
      },
    ],
    disputes: [],
    audit: [
      event('invoice.opened', 'inv_1'),
      event('checkout.attempted', 'inv_1'),
      event('payment.settled', 'pay_1'),
      event('refund.requested', 'pay_1'),
      event('payment.refunded', 'pay_1'),
    ],
  };

  it('tells the story from the audit log', () => {
    const view = presentReceipt(payment, sold, 'telegram_stars', 'en');
    expect(view.timeline.map(({ kind }) => kind)).toEqual([
      'ordered',
      'paid',
      'unlocked',
      'refund_requested',
      'refunded',
    ]);
    expect(view.refund).toMatchObject({ id: 'ref_1', status: 'succeeded' });
    expect(view.split.reduce((sum, { bps }) => sum + bps, 0)).toBe(10_000);
  });

  it('of what is over keeps amount, date and story, and names nothing', () => {
    const past = { ...payment, planId: null, entitlement: null, rightDroppedAt: NOW };
    const view = presentReceipt(past, null, 'telegram_stars', 'en');
    expect(view).toMatchObject({ planName: null, productName: null, money: { amount: '101' } });
    expect(view.timeline.map(({ kind }) => kind)).toContain('unlocked');
    const surplus = presentReceipt({ ...past, kind: 'surplus', rightDroppedAt: null }, null, 'telegram_stars', 'en');
    expect(surplus.timeline.map(({ kind }) => kind)).not.toContain('unlocked');
  });

  it('does not tell a renewal as ordered', () => {
    const view = presentReceipt(
      { ...payment, kind: 'renewal', refunds: [], periodEnd: null },
      sold,
      'telegram_stars',
      'en',
    );
    expect(view.timeline.map(({ kind }) => kind)).not.toContain('ordered');
    expect(view).toMatchObject({ refund: null, period: null });
  });
});

describe('presentSubscription', () => {
  const subscription: Subscription = {
    id: 'sub_1',
    userId: 'usr_1',
    productId: product.id,
    planId: plan.id,
    priceId: 'prc_s',
    invoiceId: 'inv_1',
    provider: 'telegram-stars',
    firstChargeId: 'charge',
    status: 'active',
    cancelledBy: null,
    amount: 150n,
    currency: 'XTR',
    currentPeriodStart: NOW,
    currentPeriodEnd: NOW,
    graceUntil: null,
    createdAt: NOW,
    endedAt: null,
  };

  it.each([
    ['active', null, true, false, false],
    ['past_due', null, true, false, false],
    ['cancelling', 'hoshi', false, true, false],
    ['cancelling', 'user', false, false, true],
    ['expired', null, false, false, false],
    ['revoked', null, false, false, false],
  ] as const)('%s by %s', (status, cancelledBy, canCancel, canResume, resumesInTelegram) => {
    const view = presentSubscription({ ...subscription, status, cancelledBy }, sold, 'en');
    expect(view).toMatchObject({ canCancel, canResume, resumesInTelegram });
  });
});

it('a subscription that ended long ago has no name', () => {
  const past = { status: 'expired', planId: null, amount: 150n, currency: 'XTR' } as Subscription;
  const dates = { createdAt: NOW, currentPeriodEnd: NOW, graceUntil: null, endedAt: NOW };
  expect(presentSubscription({ ...past, ...dates }, null, 'en')).toMatchObject({ planId: null, planName: null });
});

describe('people', () => {
  const user = {
    id: 'usr_1',
    telegramId: 1n,
    role: 'user',
    language: 'ja',
    hasChosenLanguage: false,
    isReachable: true,
    wantsReminders: true,
    wantsSalesNotices: false,
    createdAt: NOW,
    erasedAt: null,
  } as const;

  it('never carry their Telegram id', () => {
    expect(presentMe(user, { botUsername: 'bot', supportContact: null }, null)).toEqual({
      userId: 'usr_1',
      role: 'user',
      language: 'ja',
      isReachable: true,
      wantsReminders: true,
      wantsSalesNotices: false,
      botUsername: 'bot',
      supportContact: '@bot',
      openInvoice: null,
    });
  });

  it('read English when their language is gone', () => {
    expect(languageOfUser({ language: 'tlh' })).toBe('en');
  });
});

it('names a method also for a provider that was removed', () => {
  const gone = { method: null, provider: 'gone' };
  expect(methodOf(new Map(), { ...gone, currency: 'XTR' })).toBe('telegram_stars');
  for (const currency of CURRENCIES) expect(methodOf(new Map(), { ...gone, currency })).toBeTruthy();
  expect(methodOf(new Map(), { ...gone, method: 'bank_transfer', currency: 'USD' })).toBe('bank_transfer');
});
