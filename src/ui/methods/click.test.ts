import { afterEach, describe, expect, it, vi } from 'vitest';
import { click } from '#ui/methods/click.ts';

const CLIENT = { endpoint: 'https://api.example/v2/merchant/card_token/request', publicId: '85335' };
const CARD = { number: '8600123456789012', expiry: '0399' };

function answering(answer: object | null) {
  const server = vi.fn(async (_url: string, _init: RequestInit) => Response.json(answer));
  vi.stubGlobal('fetch', server);
  return server;
}
const begin = () => click.begin(CLIENT, CARD);
const failure = () => begin().catch((error: { failure: string }) => error.failure);

describe('Click in the browser', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('asks for a token in one call, and hands the code on', async () => {
    const server = answering({
      error_code: 0,
      error_note: 'Success',
      card_token: '3B1DF3F1-7358-407C-B57F-0F6351310803',
      phone_number: '99890***1234',
      temporary: 0,
    });
    const sent = await begin();
    expect(sent).toEqual({ token: '3B1DF3F1-7358-407C-B57F-0F6351310803', phone: '99890***1234', waitMs: 0 });
    const [url, { body, headers }] = server.mock.calls[0] ?? ['', {}];
    expect(url).toBe(CLIENT.endpoint);
    expect(headers).toEqual({ 'content-type': 'application/json', accept: 'application/json' });
    expect(JSON.parse(String(body))).toEqual({
      service_id: 85_335,
      card_number: CARD.number,
      expire_date: '0399',
      temporary: 0,
    });
    await expect(click.finish(CLIENT, sent.token, '12345')).resolves.toEqual({ token: sent.token, code: '12345' });
    expect(server).toHaveBeenCalledOnce();
  });

  it('has no second code for a token', () => expect(click.resend).toBeNull());

  it('tells a refusal from no answer', async () => {
    answering({ error_code: -1, error_note: 'Incorrect card number' });
    await expect(failure()).resolves.toBe('refused');
    answering({ error_code: 0 });
    await expect(failure()).resolves.toBe('unavailable');
    answering(null);
    await expect(failure()).resolves.toBe('unavailable');
  });
});
