import { describe, expect, it } from 'vitest';
import type { InvoiceRecord } from '#domain/checkout/records.ts';
import type { Surface } from '#domain/provider/capability.ts';
import { presentInvoice } from './present.ts';
import type { SoldPlan } from './present-names.ts';

const NOW = new Date('2026-11-27T12:00:00Z');
const URL_OF_PAGE = 'https://checkout.example/1';

const texts = { ja: { name: 'プロ', description: '' }, en: { name: 'Pro', description: '' } };
const sold = (fulfilment: 'digital' | 'physical') =>
  ({ product: { code: 'log', fulfilment, texts }, plan: { id: 'pln_1', texts } }) as unknown as SoldPlan;

function order(attempt: { method: string | null; provider: string }, change: Partial<InvoiceRecord> = {}) {
  const live = { ...attempt, id: 'att_1', status: 'live', url: URL_OF_PAGE, failure: null };
  return {
    id: 'inv_1',
    status: 'open',
    kind: 'one_time',
    interval: 'year',
    amount: 480n,
    currency: 'JPY',
    surface: 'browser',
    createdAt: NOW,
    expiresAt: new Date(NOW.getTime() + 60_000),
    attempts: [live],
    reservations: [],
    payments: [],
    ...change,
  } as unknown as InvoiceRecord;
}

const CARD = { method: 'credit_card', provider: 'stripe' };
const STARS = { method: 'telegram_stars', provider: 'telegram-stars' };

function seenAt(surface: Surface, policy: 'strict' | 'permissive', attempt: Parameters<typeof order>[0] = CARD) {
  return presentInvoice(order(attempt), sold('digital'), { now: NOW, surface, policy, language: 'en' });
}

describe('the way to pay of an order', () => {
  it.each(['mini_app', 'bot'] as const)('is hidden in the %s where the policy refuses it', (surface) => {
    expect(seenAt(surface, 'strict')).toMatchObject({ status: 'open', url: null, way: null });
    expect(seenAt(surface, 'permissive')).toMatchObject({ url: URL_OF_PAGE, way: CARD });
  });

  it.each(['browser', 'api'] as const)('is shown in the %s', (surface) => {
    expect(seenAt(surface, 'strict')).toMatchObject({ url: URL_OF_PAGE, way: CARD });
  });

  it('is shown everywhere for Stars, also of an attempt from before its method was kept', () => {
    expect(seenAt('mini_app', 'strict', STARS)).toMatchObject({ url: URL_OF_PAGE, way: STARS });
    const old = order({ ...STARS, method: null }, { currency: 'XTR' });
    const reader = { now: NOW, surface: 'mini_app', policy: 'strict', language: 'en' } as const;
    expect(presentInvoice(old, sold('digital'), reader)).toMatchObject({ way: STARS });
    const oldCard = order({ ...CARD, method: null });
    expect(presentInvoice(oldCard, sold('digital'), reader)).toMatchObject({ url: null, way: null });
  });

  it('is shown for goods that Telegram lets be paid otherwise', () => {
    const reader = { now: NOW, surface: 'mini_app', policy: 'strict', language: 'en' } as const;
    expect(presentInvoice(order(CARD), sold('physical'), reader).url).toBe(URL_OF_PAGE);
  });

  it('is gone once the order is over', () => {
    const reader = {
      now: new Date(NOW.getTime() + 60_000),
      surface: 'browser',
      policy: 'strict',
      language: 'en',
    } as const;
    expect(presentInvoice(order(CARD), sold('digital'), reader)).toMatchObject({
      status: 'expired',
      url: null,
      way: null,
    });
  });
});
