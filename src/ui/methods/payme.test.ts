import { afterEach, describe, expect, it, vi } from 'vitest';
import { payme } from '#ui/methods/payme.ts';

const CLIENT = { endpoint: 'https://checkout.example/api', publicId: '5e730e8e0b852a417aa49ceb' };
const CARD = { number: '8600069195406311', expiry: '0399' };

/** Answers in the form of the documented examples, one per call. */
function answering(...answers: ReadonlyArray<object | string>) {
  const left = [...answers];
  const server = vi.fn(async (_url: string, _init: RequestInit) => {
    const answer = left.shift();
    return typeof answer === 'string' ? new Response(answer, { status: 502 }) : Response.json(answer);
  });
  vi.stubGlobal('fetch', server);
  return server;
}

const card = (token: string, verify = false) => ({
  result: { card: { number: '860006******6311', expire: '03/99', token, recurrent: true, verify } },
});
const SENT = { result: { sent: true, phone: '99890*****66', wait: 60_000 } };
const refusal = (code: number) => ({ error: { code, message: 'x' } });
const failureOf = (call: Promise<unknown>) => call.catch((error: { failure: string }) => error.failure);

describe('Payme in the browser', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('stores a card in three calls, by the id of the register alone', async () => {
    const server = answering(card('first'), SENT, card('newest', true));
    await expect(payme.begin(CLIENT, CARD)).resolves.toEqual({ token: 'first', phone: '99890*****66', waitMs: 60_000 });
    await expect(payme.finish(CLIENT, 'first', '666666')).resolves.toEqual({ token: 'newest', code: null });
    const calls = server.mock.calls.map(([url, { body, headers }]) => ({ url, headers, ...JSON.parse(String(body)) }));
    const headers = { 'content-type': 'application/json', 'x-auth': CLIENT.publicId };
    const url = CLIENT.endpoint;
    expect(calls).toEqual([
      {
        url,
        headers,
        id: 1,
        method: 'cards.create',
        params: { card: { number: CARD.number, expire: '0399' }, save: true },
      },
      { url, headers, id: 2, method: 'cards.get_verify_code', params: { token: 'first' } },
      { url, headers, id: 3, method: 'cards.verify', params: { token: 'first', code: '666666' } },
    ]);
    for (const [, init] of server.mock.calls)
      expect(init).toMatchObject({ credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer' });
  });

  it('sends another code for the same card', async () => {
    const server = answering({ result: { sent: true } });
    await expect(payme.resend?.(CLIENT, 'first')).resolves.toEqual({ token: 'first', phone: null, waitMs: 60_000 });
    expect(server).toHaveBeenCalledOnce();
  });

  it.each([
    [-31300, 'card_wrong'],
    [-31301, 'card_unusable'],
    [-31002, 'unavailable'],
    [-31601, 'unavailable'],
    [-32400, 'unavailable'],
    [-32504, 'unavailable'],
    [-31008, 'refused'],
  ])('tells why a card is refused: %s', async (code, failure) => {
    const server = answering(refusal(code));
    await expect(failureOf(payme.begin(CLIENT, CARD))).resolves.toBe(failure);
    expect(server).toHaveBeenCalledOnce();
  });

  it.each([
    [-31101, 'code_over'],
    [-31102, 'too_many'],
    [-31103, 'code_wrong'],
    [-31008, 'code_wrong'],
  ])('tells why a code is refused: %s', async (code, failure) => {
    answering(refusal(code));
    await expect(failureOf(payme.finish(CLIENT, 'first', '1'))).resolves.toBe(failure);
  });

  it('tells that no SMS could be sent', async () => {
    answering(card('first'), refusal(-31110));
    await expect(failureOf(payme.begin(CLIENT, CARD))).resolves.toBe('no_sms');
  });

  it.each([['<p>Bad gateway'], [{}], [{ result: {} }], ['null']])('takes %j for no answer', async (answer) => {
    answering(answer);
    await expect(failureOf(payme.begin(CLIENT, CARD))).resolves.toBe('unavailable');
  });

  it('throws nothing that holds the number', async () => {
    vi.stubGlobal('fetch', async (_: string, { body }: RequestInit) => {
      throw new TypeError(`failed: ${String(body)}`);
    });
    const error = await payme.begin(CLIENT, CARD).catch((caught: Error) => caught);
    expect(JSON.stringify([String(error), (error as Error).stack, (error as Error).cause ?? null])).not.toContain(
      CARD.number,
    );
  });
});
