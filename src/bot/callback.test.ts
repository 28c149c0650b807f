import { describe, expect, it } from 'vitest';
import { METHODS } from '#domain/provider/capability.ts';
import { PRODUCTS, SANDBOX_PLUGINS } from '../../prisma/catalog.ts';
import { CALLBACK_DATA_MAX_BYTES, decodePress, encodePress, HELP_PAGES, METHOD_CODES, type Press } from './callback.ts';

const ID = 'prc_01kb3f9zq8x7m2n4p6r8t0v1w3';
/** Those whose buttons name them: only Telegram takes Stars. */
const PROVIDERS = ['stripe', 'payme', 'click', 'crypto-pay', 'btcpay'];
const PRESSES: Press[] = [
  { action: 'buy', args: [] },
  { action: 'product', args: ['prd_personal_log'] },
  { action: 'plan', args: ['pln_channels_enterprise'] },
  { action: 'price', args: [ID] },
  ...METHODS.map((method): Press => ({ action: 'pay', args: [ID, method] })),
  ...PROVIDERS.map((provider): Press => ({ action: 'payBy', args: [ID, 'x', provider] })),
  { action: 'cancelOrder', args: [ID] },
  { action: 'subscription', args: [] },
  { action: 'askCancel', args: [ID] },
  { action: 'cancel', args: [ID] },
  { action: 'resume', args: [ID] },
  { action: 'history', args: [] },
  ...HELP_PAGES.map((page): Press => ({ action: 'help', args: [page] })),
  { action: 'support', args: [] },
  { action: 'askRefund', args: [ID] },
  { action: 'languages', args: [] },
  { action: 'language', args: ['ja'] },
  { action: 'language', args: ['en'] },
  { action: 'settings', args: [] },
  { action: 'reminders', args: ['on'] },
  { action: 'reminders', args: ['off'] },
  { action: 'sales', args: ['on'] },
  { action: 'sales', args: ['off'] },
];

const encode = ({ action, args }: Press) =>
  (encodePress as (action: string, ...args: string[]) => string)(action, ...args);

describe('callback data', () => {
  it.each(PRESSES)('carries $action $args there and back within 64 bytes', (press) => {
    const data = encode(press);
    expect(Buffer.byteLength(data)).toBeLessThanOrEqual(CALLBACK_DATA_MAX_BYTES);
    expect(decodePress(data)).toEqual(press);
  });

  it('gives every action and argument its own data', () => {
    expect(new Set(PRESSES.map(encode)).size).toBe(PRESSES.length);
  });

  it('fits the seeded prices with every method and provider', () => {
    const plans = [...PRODUCTS, ...SANDBOX_PLUGINS].flatMap((product) => product.plans);
    for (const { code, prices } of plans)
      for (const { currency, interval } of prices)
        for (const method of METHODS) {
          const price = `prc_${code.replaceAll('-', '_')}_${interval}_${currency.toLowerCase()}`;
          encodePress('pay', price, method);
          for (const provider of PROVIDERS) encodePress('payBy', price, METHOD_CODES[method], provider);
        }
  });

  it.each([
    '',
    '1',
    '0:b',
    '2:b',
    '1:unknown',
    '1:b:extra',
    '1:r',
    '1:r:',
    `1:r:${ID}:more`,
    '1:r:DROP TABLE',
    '1:r:../../etc',
    `1:r:prc_${'a'.repeat(60)}`,
    `1:p:${ID}:gold`,
    '1:g:xx',
    '1:m:maybe',
    '1:?:nowhere',
    'buy',
    '\u0000',
  ])('does not understand %j', (data) => {
    expect(decodePress(data)).toBeNull();
  });

  it('refuses to make a button that would not be understood or not fit', () => {
    expect(() => encodePress('price', 'not an id')).toThrow(RangeError);
    expect(() => encodePress('pay', `prc_${'a'.repeat(44)}`, 'telegram_stars')).toThrow(RangeError);
  });
});
