import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EnvError, readEnv } from '#lib/env.ts';
import { makeProviders, PROVIDERS } from './registry.ts';

const GROUPS = PROVIDERS.map(({ variables }) => variables);
const SANDBOX: Record<string, string> = Object.assign(
  {},
  ...GROUPS.map((group) => group.sandboxDefaults('http://sim')),
);
const LIVE = {
  TELEGRAM_BOT_TOKEN: '123456789:AAE-realLookingTokenRealLookingToken1',
  TELEGRAM_BOT_USERNAME: 'hoshi_bot',
  PUBLIC_URL: 'https://pay.example.com',
  TELEGRAM_WEBHOOK_SECRET: 'a-secret-of-sixteen-or-more',
  SESSION_SECRET: 's'.repeat(40),
  DATA_KEY: Buffer.alloc(32, 7).toString('base64'),
  SUBJECT_KEY: Buffer.alloc(32, 8).toString('base64'),
  SIGNING_KEY: Buffer.alloc(300, 9).toString('base64'),
};
const PAYME = { PAYME_MERCHANT_ID: '587f72c72cac0d162c722ae2', PAYME_KEY: 'a-real-key-of-a-register' };
const CLICK = {
  CLICK_SERVICE_ID: '85335',
  CLICK_MERCHANT_ID: '4321',
  CLICK_MERCHANT_USER_ID: '123',
  CLICK_SECRET_KEY: 'a-real-secret',
};
const STRIPE = { STRIPE_SECRET_KEY: 'sk_live_RealLookingKey000', STRIPE_WEBHOOK_SECRET: 'whsec_RealLookingSecret' };
const CRYPTO_PAY = { CRYPTO_PAY_TOKEN: '123456789:AArealLookingTokenOfAnApp00000000' };
const BTCPAY = {
  BTCPAY_URL: 'https://btcpay.example.com/',
  BTCPAY_STORE_ID: 'AkQpM2bR3dNfX9sT4uVwYzHjKcLe5g6h7iP8q1rS2t3',
  BTCPAY_API_KEY: 'a-real-key-of-a-store',
  BTCPAY_WEBHOOK_SECRET: 'a-real-webhook-secret',
};

function made(given: Record<string, string>) {
  return makeProviders({
    telegram: {
      apiRoot: 'http://sim',
      botToken: '1:A',
      secrets: { current: 'secret', previous: null, onPrevious: () => undefined },
    },
    source: readEnv(given, GROUPS).providerVariables,
    surround: () => ({ clock: () => new Date(0), onPreviousSecret: () => undefined, warn: () => undefined }),
  });
}

function wrongIn(given: Record<string, string | undefined>): string[] {
  try {
    readEnv(given, GROUPS);
  } catch (error) {
    if (error instanceof EnvError) return error.problems.map(({ variable }) => variable);
    throw error;
  }
  return [];
}

describe('the providers', () => {
  it('whose cards go from a browser to them name the same address before and while one is stored', async () => {
    const { providerVariables } = readEnv({}, GROUPS);
    const pageUrl = 'http://localhost/methods/pmt_1';
    const request = { id: 'pmt_1', pageUrl, returnUrl: pageUrl, language: 'en' };
    const named = PROVIDERS.filter(({ cardEndpoint }) => cardEndpoint !== undefined);
    expect(named.map(({ id }) => id)).toEqual(['payme', 'click']);
    for (const { cardEndpoint, id } of named) {
      const begun = await made({}).get(id)?.storedMethods?.begin(request);
      expect(begun?.client?.endpoint, id).toBe(cardEndpoint?.(providerVariables));
      expect(cardEndpoint?.({}), id).toBeNull();
    }
  });

  it('are all there in the sandbox, in the order in which checkout tries them', () => {
    const ids = ['telegram-stars', ...PROVIDERS.map(({ id }) => id)];
    expect([...made({}).keys()]).toEqual(ids);
    for (const [id, provider] of made({})) expect(provider.id).toBe(id);
  });

  it.each([
    ['payme', PAYME],
    ['click', CLICK],
    ['stripe', STRIPE],
    ['crypto-pay', CRYPTO_PAY],
    ['btcpay', BTCPAY],
  ])('are there live when they are set up: %s', (id, given) => {
    expect([...made(LIVE).keys()]).toEqual(['telegram-stars']);
    expect([...made({ ...LIVE, ...given }).keys()]).toEqual(['telegram-stars', id]);
  });

  it('store cards in the sandbox, and live when it is said', () => {
    const stores = (given: Record<string, string>) =>
      [...made(given).values()].filter(({ storedMethods }) => storedMethods).map(({ id }) => id);
    expect(stores({})).toEqual(['payme', 'click', 'stripe']);
    expect(stores({ ...LIVE, ...PAYME, ...CLICK })).toEqual([]);
    expect(stores({ ...LIVE, ...PAYME, ...CLICK, PAYME_SUBSCRIBE: 'true', CLICK_STORED_CARDS: '1' })).toEqual([
      'payme',
      'click',
    ]);
  });

  it.each<[Record<string, string | undefined>, string[]]>([
    [{ PAYME_MERCHANT_ID: PAYME.PAYME_MERCHANT_ID }, ['PAYME_KEY']],
    [{ CLICK_FEE_BPS: '100' }, ['CLICK_SERVICE_ID', 'CLICK_MERCHANT_ID', 'CLICK_MERCHANT_USER_ID', 'CLICK_SECRET_KEY']],
    [{ ...PAYME, PAYME_KEY: SANDBOX['PAYME_KEY'] }, ['PAYME_KEY']],
    [{ ...PAYME, PAYME_KEY_PREVIOUS: 'another-key' }, ['PAYME_KEY_PREVIOUS_UNTIL']],
    [{ ...PAYME, PAYME_KEY_PREVIOUS_UNTIL: '2026-12-01T00:00:00Z' }, ['PAYME_KEY_PREVIOUS']],
    [{ ...PAYME, PAYME_ALLOWED_ADDRESSES: 'everywhere!' }, ['PAYME_ALLOWED_ADDRESSES']],
    [{ ...PAYME, PAYME_FEE_BPS: '2.5' }, ['PAYME_FEE_BPS']],
    [{ ...PAYME, PAYME_SUBSCRIBE: 'yes' }, ['PAYME_SUBSCRIBE']],
    [{ PAYME_SUBSCRIBE: 'true' }, ['PAYME_MERCHANT_ID', 'PAYME_KEY']],
    [{ ...PAYME, PAYME_API_URL: 'payme' }, ['PAYME_API_URL']],
    [
      { CLICK_STORED_CARDS: 'yes' },
      ['CLICK_SERVICE_ID', 'CLICK_MERCHANT_ID', 'CLICK_MERCHANT_USER_ID', 'CLICK_SECRET_KEY', 'CLICK_STORED_CARDS'],
    ],

    [{ STRIPE_SECRET_KEY: STRIPE.STRIPE_SECRET_KEY }, ['STRIPE_WEBHOOK_SECRET']],
    [{ STRIPE_BANK_COUNTRY: 'DE' }, ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']],
    [{ ...STRIPE, STRIPE_SECRET_KEY: 'pk_live_ThePublicKey00' }, ['STRIPE_SECRET_KEY']],
    [{ ...STRIPE, STRIPE_SECRET_KEY: SANDBOX['STRIPE_SECRET_KEY'] }, ['STRIPE_SECRET_KEY']],
    [{ ...STRIPE, STRIPE_WEBHOOK_SECRET: SANDBOX['STRIPE_WEBHOOK_SECRET'] }, ['STRIPE_WEBHOOK_SECRET']],
    [{ ...STRIPE, STRIPE_WEBHOOK_SECRET: 'not-a-signing-secret' }, ['STRIPE_WEBHOOK_SECRET']],
    [{ ...STRIPE, STRIPE_WEBHOOK_SECRET_PREVIOUS: 'whsec_TheOneBefore' }, ['STRIPE_WEBHOOK_SECRET_PREVIOUS_UNTIL']],
    [{ ...STRIPE, STRIPE_WEBHOOK_SECRET_PREVIOUS_UNTIL: '2026-12-01T00:00:00Z' }, ['STRIPE_WEBHOOK_SECRET_PREVIOUS']],
    [{ ...STRIPE, STRIPE_API_URL: 'https://api.stripe.com/v1' }, ['STRIPE_API_URL']],
    [{ ...STRIPE, STRIPE_API_URL: 'api.stripe.com' }, ['STRIPE_API_URL']],
    [{ ...STRIPE, STRIPE_BANK_COUNTRY: 'UZ' }, ['STRIPE_BANK_COUNTRY']],

    [{ CRYPTO_PAY_FEE_BPS: '100' }, ['CRYPTO_PAY_TOKEN']],
    [{ CRYPTO_PAY_TOKEN: 'a-token' }, ['CRYPTO_PAY_TOKEN']],
    [{ CRYPTO_PAY_TOKEN: SANDBOX['CRYPTO_PAY_TOKEN'] }, ['CRYPTO_PAY_TOKEN']],
    [
      { ...CRYPTO_PAY, CRYPTO_PAY_TOKEN_PREVIOUS: '123456789:AAtheTokenOfTheAppBefore00000' },
      ['CRYPTO_PAY_TOKEN_PREVIOUS_UNTIL'],
    ],
    [{ ...CRYPTO_PAY, CRYPTO_PAY_TOKEN_PREVIOUS_UNTIL: '2026-12-01T00:00:00Z' }, ['CRYPTO_PAY_TOKEN_PREVIOUS']],
    [
      { ...CRYPTO_PAY, CRYPTO_PAY_TOKEN_PREVIOUS: 'a-token', CRYPTO_PAY_TOKEN_PREVIOUS_UNTIL: '2026-12-01T00:00:00Z' },
      ['CRYPTO_PAY_TOKEN_PREVIOUS'],
    ],
    [{ ...CRYPTO_PAY, CRYPTO_PAY_REPLAY_WINDOW_SECONDS: '59' }, ['CRYPTO_PAY_REPLAY_WINDOW_SECONDS']],
    [{ ...CRYPTO_PAY, CRYPTO_PAY_REPLAY_WINDOW_SECONDS: '1e3' }, ['CRYPTO_PAY_REPLAY_WINDOW_SECONDS']],
    [{ BTCPAY_URL: BTCPAY.BTCPAY_URL }, ['BTCPAY_STORE_ID', 'BTCPAY_API_KEY', 'BTCPAY_WEBHOOK_SECRET']],
    [{ BTCPAY_SPEED_POLICY: 'LowSpeed' }, ['BTCPAY_URL', 'BTCPAY_STORE_ID', 'BTCPAY_API_KEY', 'BTCPAY_WEBHOOK_SECRET']],
    [{ ...BTCPAY, BTCPAY_API_KEY: SANDBOX['BTCPAY_API_KEY'] }, ['BTCPAY_API_KEY']],
    [{ ...BTCPAY, BTCPAY_WEBHOOK_SECRET: SANDBOX['BTCPAY_WEBHOOK_SECRET'] }, ['BTCPAY_WEBHOOK_SECRET']],
    [{ ...BTCPAY, BTCPAY_WEBHOOK_SECRET_PREVIOUS: 'another-secret' }, ['BTCPAY_WEBHOOK_SECRET_PREVIOUS_UNTIL']],
    [{ ...BTCPAY, BTCPAY_URL: 'btcpay.example.com' }, ['BTCPAY_URL']],
    [{ ...BTCPAY, BTCPAY_STORE_ID: 'a store' }, ['BTCPAY_STORE_ID']],
    [{ ...BTCPAY, BTCPAY_SPEED_POLICY: 'fast' }, ['BTCPAY_SPEED_POLICY']],
    [{ ...BTCPAY, BTCPAY_MONITORING_MINUTES: '10081' }, ['BTCPAY_MONITORING_MINUTES']],
  ])('live, %o asks for %o', (given, wrong) => {
    expect(wrongIn({ ...LIVE, ...given }).sort()).toEqual([...wrong].sort());
  });

  it.each([
    [PAYME, ['PAYME_KEY']],
    [CLICK, ['CLICK_SECRET_KEY']],
    [STRIPE, ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']],
    [CRYPTO_PAY, ['CRYPTO_PAY_TOKEN']],
    [BTCPAY, ['BTCPAY_API_KEY', 'BTCPAY_WEBHOOK_SECRET']],
  ])('refuse a real key in the sandbox: %o', (given, wrong) => {
    expect(wrongIn(given)).toEqual(wrong);
  });

  it('have every variable, and the sandbox’s value of each secret, in .env.example', () => {
    const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
    for (const group of GROUPS) for (const name of group.names) expect(example).toMatch(new RegExp(`^#${name}=`, 'm'));
    for (const group of GROUPS) for (const name of group.secrets) expect(example).toContain(SANDBOX[name]);
  });
});
