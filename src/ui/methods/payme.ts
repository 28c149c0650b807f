import { type CardClient, type CardFailure, type CardKeeper, CardRefusal, postJson } from '#ui/methods/card.ts';

/*
 * Payme's Subscribe API as a page may call it: JSON-RPC by POST, `X-Auth` is the id of the cash register without a key.
 * Refusals come with HTTP 200. src/providers/payme/README.md lists the calls.
 */

type Step = 'create' | 'send' | 'verify';
type Answer = Readonly<{
  result?: { card?: { token?: unknown }; phone?: unknown; wait?: unknown };
  error?: { code?: unknown };
}>;

/** Until another code may be asked for, where Payme does not say. */
const WAIT_MS = 60_000;

/** Codes that published clients and simulators use; Payme's own list could not be read. */
const FAILURES: Readonly<Record<number, CardFailure>> = {
  [-31300]: 'card_wrong',
  [-31301]: 'card_unusable',
  [-31302]: 'unavailable',
  [-31002]: 'unavailable',
  [-31101]: 'code_over',
  [-31102]: 'too_many',
  [-31103]: 'code_wrong',
  [-31110]: 'no_sms',
};
/** What an unlisted refusal most likely means at each step: one published simulator answers them all by one code. */
const UNLISTED: Readonly<Record<Step, CardFailure>> = { create: 'refused', send: 'no_sms', verify: 'code_wrong' };

/** Stores a card with Payme: create it, have a code sent, verify the code. The token may change at the end. */
export const payme: CardKeeper = {
  async begin(client, { number, expiry }) {
    const params = { card: { number, expire: expiry }, save: true };
    const token = readToken(await call(client, { step: 'create', id: 1, method: 'cards.create', params }));
    return sendCode(client, token);
  },
  resend: sendCode,
  async finish(client, token, code) {
    const params = { token, code };
    return {
      token: readToken(await call(client, { step: 'verify', id: 3, method: 'cards.verify', params })),
      code: null,
    };
  },
};

async function sendCode(client: CardClient, token: string) {
  const params = { token };
  const result = await call(client, { step: 'send', id: 2, method: 'cards.get_verify_code', params });
  const { phone, wait } = result ?? {};
  return {
    token,
    phone: typeof phone === 'string' ? phone : null,
    waitMs: typeof wait === 'number' && wait >= 0 ? wait : WAIT_MS,
  };
}

async function call(
  { endpoint, publicId }: CardClient,
  { step, ...rpc }: { step: Step; id: number; method: string; params: object },
): Promise<Answer['result']> {
  const answer = (await postJson(endpoint, rpc, { 'x-auth': publicId })) as Answer | null;
  if (answer?.error) throw new CardRefusal(failureOf(answer.error.code, step));
  if (!answer?.result) throw new CardRefusal('unavailable');
  return answer.result;
}

function failureOf(code: unknown, step: Step): CardFailure {
  const number = Number(code);
  // JSON-RPC's own codes, and those of the register: nothing that was typed is wrong.
  if (number <= -32_000 || number === -31_601) return 'unavailable';
  return FAILURES[number] ?? UNLISTED[step];
}

function readToken(result: Answer['result']): string {
  const token = result?.card?.token;
  if (typeof token !== 'string' || token === '') throw new CardRefusal('unavailable');
  return token;
}
