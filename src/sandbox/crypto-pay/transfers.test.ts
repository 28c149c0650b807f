import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HANA } from '../test-bench.ts';
import { TestApplication } from './test-application.ts';

let app: TestApplication;

beforeEach(async () => {
  app = await TestApplication.start();
});
afterEach(async () => {
  await app.close();
});

describe('money going out', () => {
  const transfer = { user_id: HANA, asset: 'USDT', amount: '12.5', spend_id: 'ref_01', comment: 'Refund' };

  it('is transferred once for each spend_id', async () => {
    const sent = await app.result('transfer', transfer);
    expect(sent).toEqual({
      ...{
        transfer_id: expect.any(Number),
        user_id: HANA,
        asset: 'USDT',
        amount: '12.5',
        status: 'completed',
        comment: 'Refund',
      },
      completed_at: expect.stringMatching(/Z$/),
    });
    expect(await app.refusal('transfer', transfer)).toBe('400 SPEND_ID_ALREADY_USED');
    const { items } = await app.result('getTransfers', { spend_id: 'ref_01' });
    expect(items).toEqual([{ ...sent, spend_id: 'ref_01' }]);
    expect((await app.result('getTransfers', { asset: 'BTC' })).items).toEqual([]);
    expect((await app.result('getBalance'))[0]).toEqual({ currency_code: 'USDT', available: '987.5', onhold: '0' });
  });

  it.each([
    ['INSUFFICIENT_FUNDS', { amount: '1000.000000000000000001' }],
    ['AMOUNT_TOO_SMALL', { amount: '0.999999' }],
    ['AMOUNT_TOO_BIG', { amount: '25000.01' }],
    ['USER_NOT_FOUND', { user_id: 1 }],
    ['USER_ID_INVALID', { user_id: 'hana' }],
    ['SPEND_ID_REQUIRED', { spend_id: '' }],
    ['SPEND_ID_INVALID', { spend_id: 'x'.repeat(65) }],
    ['COMMENT_INVALID', { comment: 'x'.repeat(1_025) }],
  ])('is refused with %s', async (name, args) => {
    expect(await app.refusal('transfer', { ...transfer, ...args })).toBe(`400 ${name}`);
    expect((await app.result('getTransfers')).items).toEqual([]);
  });

  it('can be switched off, as for every new application', async () => {
    await app.bench.sim('PUT', '/crypto-pay/settings', { disabled_methods: ['transfer'] });
    expect(await app.refusal('transfer', transfer)).toBe('403 METHOD_DISABLED');
  });

  it('is set aside for a check until somebody takes it or it is deleted', async () => {
    const check = await app.result('createCheck', { asset: 'TON', amount: '100' });
    expect(check).toMatchObject({ hash: expect.stringMatching(/^CQ/), amount: '100', status: 'active', asset: 'TON' });
    expect((await app.result('getBalance'))[1]).toEqual({ currency_code: 'TON', available: '400', onhold: '100' });
    expect(await app.result('deleteCheck', { check_id: check.check_id })).toBe(true);
    expect((await app.result('getBalance'))[1]).toEqual({ currency_code: 'TON', available: '500', onhold: '0' });
    const { check_id: id } = await app.result('createCheck', { asset: 'TON', amount: '1' });
    await app.bench.sim('POST', `/crypto-pay/checks/${id}/activate`);
    expect((await app.result('getChecks', { status: 'activated' })).items).toMatchObject([
      { check_id: id, activated_at: expect.any(String) },
    ]);
    expect(await app.refusal('deleteCheck', { check_id: id })).toBe('400 CHECK_NOT_FOUND');
    expect(await app.refusal('createCheck', { asset: 'TON', amount: '1000' })).toBe('400 INSUFFICIENT_FUNDS');
  });

  it('is of coins whose decimals getCurrencies tells', async () => {
    const currencies = (await app.result('getCurrencies')) as { code: string; decimals: number; is_fiat: boolean }[];
    const coins = currencies
      .filter(({ is_fiat: isFiat }) => !isFiat)
      .map(({ code, decimals }) => `${code} ${decimals}`);
    expect(coins).toEqual(['USDT 18', 'TON 9', 'BTC 8', 'ETH 18']);
  });
});
