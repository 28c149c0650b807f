import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Capability, METHODS, SURFACES } from '#domain/provider/capability.ts';
import type { InquiryReason } from '#domain/provider/inquiry.ts';
import {
  ATTEMPTS_PER_MINUTE,
  checkAttemptLimit,
  chooseProviders,
  judgeInquiry,
  judgeSurface,
  type PayableOrder,
  renewalDaysFor,
} from './rules.ts';

const now = new Date('2026-11-20T10:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);

describe('checkAttemptLimit', () => {
  it('lets five through in a minute and says when the sixth may come', () => {
    expect(checkAttemptLimit([], now)).toEqual({ ok: true });
    expect(checkAttemptLimit([50, 40, 30, 20].map(ago), now)).toEqual({ ok: true });
    expect(checkAttemptLimit([50, 40, 30, 20, 10].map(ago), now)).toEqual({ ok: false, retryAfterSeconds: 10 });
    expect(checkAttemptLimit([60, 40, 30, 20, 10].map(ago), now)).toEqual({ ok: true });
    expect(checkAttemptLimit([59.9, 40, 30, 20, 10].map(ago), now)).toEqual({ ok: false, retryAfterSeconds: 1 });
    expect(checkAttemptLimit([0, 0, 0, 0, 0].map(ago), now)).toEqual({ ok: false, retryAfterSeconds: 60 });
  });

  it('never allows a sixth attempt within a minute, and waiting as told is always enough', () => {
    const times = fc.array(fc.integer({ min: 0, max: 120 }).map(ago), { maxLength: 12 });
    fc.assert(
      fc.property(times, (recent) => {
        const inWindow = recent.filter((at) => at > ago(60)).length;
        const verdict = checkAttemptLimit(recent, now);
        expect(verdict.ok).toBe(inWindow < ATTEMPTS_PER_MINUTE);
        if (verdict.ok) return;
        const later = new Date(now.getTime() + verdict.retryAfterSeconds * 1000);
        expect(checkAttemptLimit(recent, later).ok).toBe(true);
      }),
    );
  });
});

describe('judgeSurface', () => {
  it('refuses exactly: digital goods inside Telegram for anything but Stars, under the strict policy', () => {
    for (const surface of SURFACES)
      for (const method of METHODS)
        for (const fulfilment of ['digital', 'physical'] as const)
          for (const policy of ['strict', 'permissive'] as const) {
            const isRefused =
              policy === 'strict' &&
              fulfilment === 'digital' &&
              (surface === 'mini_app' || surface === 'bot') &&
              method !== 'telegram_stars';
            expect(judgeSurface({ surface, method, fulfilment, policy })).toEqual(
              isRefused ? { ok: false, reason: 'method_not_allowed_here' } : { ok: true },
            );
          }
  });
});

const stars: Capability = {
  method: 'telegram_stars',
  currency: 'XTR',
  fee: { bps: 0, fixed: 0n, network: false, isKept: false },
  privacy: 'high',
  renewalDays: [30],
  surfaces: ['mini_app', 'bot'],
  maxAmount: { oneTime: 100_000n, renewing: 10_000n },
  settlesInMinutes: 1,
};

describe('chooseProviders', () => {
  const providers = [
    { id: 'first', accepts: [stars] },
    { id: 'second', accepts: [{ ...stars, renewalDays: [] }] },
  ];
  const order = {
    price: { amount: 50n, currency: 'XTR' },
    method: 'telegram_stars',
    surface: 'mini_app',
    interval: 'month',
  } as const;

  it('keeps the order of the registry and says which renew by themselves', () => {
    expect(chooseProviders(providers, order).map(({ providerId, renewalDays }) => [providerId, renewalDays])).toEqual([
      ['first', 30],
      ['second', null],
    ]);
  });

  it.each([
    ['another method', { ...order, method: 'credit_card' }],
    ['another currency', { ...order, price: { amount: 50n, currency: 'USD' } }],
    ['another surface', { ...order, surface: 'browser' }],
    ['too much at once', { ...order, interval: 'year', price: { amount: 100_001n, currency: 'XTR' } }],
  ] as const)('has nobody for %s', (_name, asked) => {
    expect(chooseProviders(providers, asked)).toEqual([]);
  });

  it('leaves out who cannot renew so much, up to the very unit', () => {
    const ids = (amount: bigint) =>
      chooseProviders(providers, { ...order, price: { amount, currency: 'XTR' } }).map(
        (candidate) => candidate.providerId,
      );
    expect(ids(10_000n)).toEqual(['first', 'second']);
    expect(ids(10_001n)).toEqual(['second']);
  });

  it('renews months only', () => {
    expect(renewalDaysFor('month', stars)).toBe(30);
    expect(renewalDaysFor('year', stars)).toBeNull();
    expect(renewalDaysFor('once', stars)).toBeNull();
    expect(renewalDaysFor('month', { ...stars, renewalDays: [7] })).toBeNull();
  });
});

describe('judgeInquiry', () => {
  const order: PayableOrder = {
    status: 'open',
    buyer: 'seven',
    price: { amount: 50n, currency: 'XTR' },
    cataloguePrice: { amount: 50n, currency: 'XTR' },
    createdAt: ago(60),
    expiresAt: new Date(now.getTime() + 60_000),
  };
  const asked = { payer: 'seven', price: { amount: 50n, currency: 'XTR' }, holds: 'nothing' } as const;

  it('lets the buyer pay their open order', () => {
    expect(judgeInquiry(order, asked, now)).toEqual({ ok: true });
  });

  type Case = [reason: InquiryReason, order: PayableOrder | null, asked: Parameters<typeof judgeInquiry>[1]];
  const cases: Case[] = [
    ['invoice_not_found', null, asked],
    ['payer_is_not_buyer', order, { ...asked, payer: 'eight' }],
    ['payer_is_not_buyer', { ...order, status: 'paid' }, { ...asked, payer: 'eight' }],
    ['invoice_already_paid', { ...order, status: 'paid' }, asked],
    ['invoice_cancelled', { ...order, status: 'cancelled' }, asked],
    ['invoice_expired', { ...order, status: 'expired' }, asked],
    ['invoice_expired', { ...order, expiresAt: now }, asked],
    ['invoice_too_old', { ...order, createdAt: ago(3_600) }, asked],
    ['plan_not_for_sale', { ...order, cataloguePrice: null }, asked],
    ['currency_mismatch', order, { ...asked, price: { amount: 50n, currency: 'USD' } }],
    ['currency_mismatch', { ...order, cataloguePrice: { amount: 50n, currency: 'USD' } }, asked],
    ['amount_mismatch', order, { ...asked, price: { amount: 49n, currency: 'XTR' } }],
    ['amount_mismatch', order, { ...asked, price: { amount: 51n, currency: 'XTR' } }],
    ['amount_mismatch', { ...order, cataloguePrice: { amount: 60n, currency: 'XTR' } }, asked],
    ['already_owned', order, { ...asked, holds: 'lasting_right' }],
    ['already_subscribed', order, { ...asked, holds: 'renewing_subscription' }],
  ];
  it.each(cases)('refuses: %s', (reason, given, question) => {
    expect(judgeInquiry(given, question, now)).toEqual({ ok: false, reason });
  });

  it('takes the last moment before the hour, and before the expiry', () => {
    expect(judgeInquiry({ ...order, createdAt: ago(3_599.999) }, asked, now)).toEqual({ ok: true });
    expect(judgeInquiry({ ...order, expiresAt: new Date(now.getTime() + 1) }, asked, now)).toEqual({ ok: true });
  });
});
