import { describe, expect, it } from 'vitest';
import { makeRandom } from './hostile.mjs';
import { judgeAnswer } from './judge.mjs';
import { makeRequests } from './requests.mjs';

const HEADERS = {
  'content-type': 'application/json',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'x-request-id': 'req_1',
};
const REFUSAL = { success: false, error: { reason: 'malformed_request', requestId: 'req_1', text: 'No.' } };
const judge = (answer, request = {}) =>
  judgeAnswer(
    { door: 'rest', method: 'GET', ...request },
    { status: 400, headers: HEADERS, text: JSON.stringify(REFUSAL), ...answer },
  );

describe('judgeAnswer', () => {
  it('accepts refusals and answers as they should be', () => {
    expect(judge({})).toEqual([]);
    expect(judge({ status: 200, text: '{"plans":["SELECT"]}' })).toEqual([]);
    expect(judge({ status: 503, headers: { ...HEADERS, 'retry-after': '5' } })).toEqual([]);
    expect(judge({ status: 404, text: '' }, { method: 'HEAD' })).toEqual([]);
    const batch = JSON.stringify([{ result: {} }, { error: { data: { hoshi: REFUSAL.error } } }]);
    expect(judge({ text: batch }, { door: 'trpc' })).toEqual([]);
  });

  it.each([
    ['a fault', { status: 500 }],
    ['"not now" without a time', { status: 503 }],
    ['silence', { status: 0, text: 'ECONNRESET' }],
    ['a redirect', { status: 308 }],
    ['a page', { text: '<html>' }],
    ['a stack', { text: JSON.stringify({ ...REFUSAL, stack: 'at run (main.js:1:1)' }) }],
    ['SQL', { text: JSON.stringify({ ...REFUSAL, detail: 'relation "payment" does not exist' }) }],
    ['no reason', { text: '{"success":false}' }],
    ['a doubled type', { headers: { ...HEADERS, 'content-type': 'application/json, application/json' } }],
    ['no request id', { headers: { ...HEADERS, 'x-request-id': undefined } }],
  ])('finds %s', (_, answer) => {
    expect(judge(answer)).not.toEqual([]);
  });
});

describe('makeRequests', () => {
  const target = {
    document: { paths: { '/api/v1/payments/{id}/refund': { post: {} } } },
    tokens: ['a.b.c'],
    apiKey: 'key',
    webhookSecret: 'secret',
    providers: {
      paymeKey: 'k',
      clickServiceId: '1',
      clickSecret: 's',
      stripeSecret: 'whsec_s',
      cryptoPayToken: '1:t',
      btcpayStore: 'store',
      btcpaySecret: 's',
    },
    now: () => 1_795_168_800_000,
    ids: ['usr_1'],
  };
  const series = (seed) => Array.from({ length: 300 }, makeRequests(makeRandom(seed), target));

  it('makes the same from the same seed, and something else from another', () => {
    expect(series(7)).toEqual(series(7));
    expect(series(7)).not.toEqual(series(8));
  });

  it('makes what can be sent', () => {
    for (const { headers, path } of series(9)) {
      expect(path).toMatch(/^\/[\x21-\x7e]*$/);
      for (const value of Object.values(headers)) expect(value).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
    }
  });
});
