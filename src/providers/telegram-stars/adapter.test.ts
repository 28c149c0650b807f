import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/start.ts';
import { controlSandbox, type SandboxControl } from '../../testing/sandbox.ts';
import { makeTelegramStars } from './adapter.ts';
import { makeBotApi } from './client.ts';

const BOT_TOKEN = '7000000001:AAHoshiSandboxDevelopmentToken00000000';
const now = new Date('2026-11-20T10:00:00Z');
const later = new Date('2026-11-21T10:00:00Z');

let sandbox: Sandbox;
let control: SandboxControl;
let uses: boolean[] = [];
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, botToken: BOT_TOKEN });
  control = controlSandbox(sandbox.url);
  await control.createUser({ id: 4_001, first_name: 'Mina', balance: 500, has_started_bot: true });
});
afterAll(() => sandbox.close());
beforeEach(async () => {
  uses = [];
  await control.setFaults({});
});

const makeProvider = (previous: { secret: string; until: Date } | null = null, timeoutMs = 8_000) =>
  makeTelegramStars({
    api: makeBotApi({ apiRoot: sandbox.url, botToken: BOT_TOKEN, timeoutMs }),
    secrets: { current: 'new-secret', previous, onPrevious: (isOverdue) => uses.push(isOverdue) },
  });
const checkout = {
  invoiceId: 'inv_1',
  price: { amount: 50n, currency: 'XTR' },
  title: 'Line Basic',
  description: 'Basic.',
  renewalDays: null,
  attemptId: 'att_1',
  method: 'telegram_stars',
  language: 'en',
  returnUrl: 'http://localhost/pay/inv_1',
  chatId: null,
  expiresAt: later,
  token: null,
} as const;
const failureOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof ProviderError ? [error.failure, error.code] : error;
};

describe('secrets', () => {
  const body = Buffer.from('{"update_id":1}');
  const message = (secret: string | undefined) => ({
    method: 'POST',
    headers: { 'x-telegram-bot-api-secret-token': secret },
    body,
    remoteAddress: null,
  });
  const ask = (secret: string | undefined, previous: Parameters<typeof makeProvider>[0] = null) =>
    makeProvider(previous).read(message(secret), now).kind;

  it.each([['wrong'], [''], [undefined], ['new-secret '], ['NEW-SECRET'], ['old-secret']])('refuses %j', (secret) => {
    expect(makeProvider().read(message(secret), now)).toEqual({
      kind: 'rejected',
      reason: 'webhook_secret_wrong',
      reply: null,
    });
  });

  it('takes the new one, and the old one until its day, telling of each use', () => {
    const previous = { secret: 'old-secret', until: later };
    expect(ask('new-secret', previous)).toBe('ignored');
    expect(uses).toEqual([]);
    expect(ask('old-secret', previous)).toBe('ignored');
    expect(uses).toEqual([false]);
    expect(ask('wrong', previous)).toBe('rejected');
    expect(uses).toEqual([false]);
  });

  it('refuses the old one from its day on, and tells that somebody still uses it', () => {
    expect(ask('old-secret', { secret: 'old-secret', until: now })).toBe('rejected');
    expect(uses).toEqual([true]);
  });

  it('reads what was verified before without asking for the secret again', () => {
    expect(makeProvider().readStored(body, now).kind).toBe('ignored');
  });
});

describe('answers to a question', () => {
  it('are methods in the response', () => {
    const reply = makeProvider().reply(question, { ok: true, reservation: null, reservations: [] });
    expect({ ...reply, body: JSON.parse(reply?.body ?? '') }).toEqual({
      status: 200,
      contentType: 'application/json',
      body: { method: 'answerPreCheckoutQuery', pre_checkout_query_id: '77', ok: true },
    });
    const refusal = { ok: false, reason: 'invoice_expired', text: 'Too late.', reservation: null } as const;
    expect(JSON.parse(makeProvider().reply(question, refusal)?.body ?? '')).toEqual({
      method: 'answerPreCheckoutQuery',
      pre_checkout_query_id: '77',
      ok: false,
      error_message: 'Too late.',
    });
  });

  it('are left to the status when we could not look: Telegram then asks again', () => {
    const failure = { ok: false, reason: 'service_unavailable', text: '', reservation: null } as const;
    expect(makeProvider().reply(question, failure)).toBeNull();
  });
});

const question = {
  type: 'may_pay',
  inquiryId: '77',
  invoiceId: 'inv_1',
  payerId: 1n,
  price: { amount: 50n, currency: 'XTR' },
  languageCode: null,
} as const;

describe('calls out', () => {
  it('make a link that can be opened', async () => {
    const { url } = await makeProvider().createCheckout(checkout);
    expect(url).toMatch(/^https:\/\/t\.me\/\$[\w-]+$/);
  });

  it('send into the chat what is paid once, and link what renews', async () => {
    const provider = makeProvider();
    expect(await provider.createCheckout({ ...checkout, chatId: 4_001n })).toEqual({ url: null, reference: null });
    const { url } = await provider.createCheckout({ ...checkout, chatId: 4_001n, renewalDays: 30 });
    expect(url).toMatch(/^https:\/\/t\.me\/\$/);
  });

  it.each([
    ['a chat that blocked us or does not exist', { chatId: 4_999n }, ['invalid', 'Bad Request: chat not found']],
    ['a title that is too long', { title: 'x'.repeat(33) }, ['invalid', 'TITLE_INVALID']],
    [
      'more than a renewing invoice may cost',
      { renewalDays: 30, price: { amount: 10_001n, currency: 'XTR' } },
      ['invalid', 'STARS_INVOICE_INVALID'],
    ],
  ] as const)('say what is wrong with %s', async (_name, change, failure) => {
    expect(await failureOf(makeProvider().createCheckout({ ...checkout, ...change }))).toEqual(failure);
  });

  it.each([
    ['flood', ['unavailable', 'FLOOD']],
    ['server_error', ['unavailable', expect.any(String)]],
    ['lost_answer', ['unavailable', 'NO_ANSWER']],
    ['timeout', ['unavailable', 'NO_ANSWER']],
  ] as const)('are unavailable on %s', async (kind, failure) => {
    await control.setFaults({ api: { kind, remaining: 1, retry_after: 17 } });
    expect(await failureOf(makeProvider(null, 300).createCheckout(checkout))).toEqual(failure);
  });

  it('are misconfigured with a wrong token, which no error shows', async () => {
    const api = makeBotApi({ apiRoot: sandbox.url, botToken: '1:wrong' });
    const provider = makeTelegramStars({ api, secrets: { current: 'x', previous: null, onPrevious: () => undefined } });
    expect(await failureOf(provider.createCheckout(checkout))).toEqual(['misconfigured', 'Unauthorized']);
    const nowhere = makeBotApi({ apiRoot: 'http://127.0.0.1:1', botToken: '1:token-that-must-not-show' });
    const error = await nowhere.call('getMe', {}).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProviderError);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('token-that-must-not-show');
    expect((error as ProviderError).cause).toBeUndefined();
  });

  it('list, refund and stop a subscription as Telegram does', async () => {
    const provider = makeTelegramStars({
      api: makeBotApi({ apiRoot: sandbox.url, botToken: BOT_TOKEN }),
      secrets: { current: 'x', previous: null, onPrevious: () => undefined },
    });
    const { url } = await provider.createCheckout({ ...checkout, renewalDays: 30 });
    // Without a webhook nobody answers the question before the payment, so the test answers in the bot's place.
    const paying = control.pay(url ?? '', 4_001);
    await answerQuestion();
    expect(await paying).toMatchObject({ status: 'paid' });
    const list = (cursor: string | null) => provider.listTransactions({ since: now, cursor, limit: 100 });
    const [row] = (await list(null)).rows;
    expect(row).toMatchObject({
      reference: null,
      direction: 'charge',
      amount: { amount: 50n, currency: 'XTR' },
      payerId: 4_001n,
      invoiceId: 'inv_1',
      renewalDays: 30,
    });
    const charge = { chargeId: row?.chargeId ?? '', payerId: 4_001n };
    await provider.setRenewal({ ...charge, renews: false });
    expect(await control.subscriptions(4_001)).toMatchObject([{ state: 'canceled_by_bot' }]);
    await provider.setRenewal({ ...charge, renews: true });
    expect(await control.subscriptions(4_001)).toMatchObject([{ state: 'active' }]);
    const refund = {
      ...charge,
      refundId: 'ref_1',
      reference: null,
      invoiceId: 'inv_1',
      amount: { amount: 50n, currency: 'XTR' },
      isWhole: true,
      isRepeat: false,
      known: [],
      paidAt: now,
    } as const;
    expect([await provider.refund(refund), await provider.refund(refund)]).toEqual(
      Array.from({ length: 2 }, () => ({ status: 'done', reference: charge.chargeId, claimUrl: null })),
    );
    expect(await failureOf(provider.refund({ ...refund, chargeId: 'stx-unknown' }))).toEqual([
      'invalid',
      'CHARGE_ID_INVALID',
    ]);
    const whole = await list(null);
    expect(whole.rows.map((each) => [each?.direction, each?.reference])).toEqual([
      ['charge', null],
      ['refund', charge.chargeId],
    ]);
    expect(whole).toMatchObject({ next: null, resume: '2' });
    expect(await list('2')).toEqual({ rows: [], next: null, resume: '2' });
    // More was read than is there now: the list is another one.
    expect((await list('7')).rows).toEqual(whole.rows);
    const first = await provider.listTransactions({ since: now, cursor: null, limit: 1 });
    expect(first).toEqual({ rows: whole.rows.slice(0, 1), next: '1', resume: '1' });
    expect(await provider.listTransactions({ since: now, cursor: first.next, limit: 1 })).toEqual({
      rows: whole.rows.slice(1),
      next: '2',
      resume: '2',
    });
  });

  it('refuse a list they cannot read', async () => {
    const server = createServer((_request, response) =>
      response.end('{"ok":true,"result":{"transactions":[{"id":"x","amount":-1,"date":1}]}}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const apiRoot = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = makeTelegramStars({
      api: makeBotApi({ apiRoot, botToken: BOT_TOKEN }),
      secrets: { current: 'x', previous: null, onPrevious: () => undefined },
    });
    expect(await failureOf(provider.listTransactions({ since: now, cursor: null, limit: 100 }))).toEqual([
      'unavailable',
      'UNREADABLE_TRANSACTIONS',
    ]);
    server.close();
    server.closeAllConnections();
  });
});

async function answerQuestion(): Promise<void> {
  const api = makeBotApi({ apiRoot: sandbox.url, botToken: BOT_TOKEN });
  await expect
    .poll(async () => {
      const updates = (await api.call('getUpdates', { timeout: 0 })) as Array<{ pre_checkout_query?: { id: string } }>;
      const query = updates.find((update) => update.pre_checkout_query)?.pre_checkout_query;
      if (query) await api.call('answerPreCheckoutQuery', { pre_checkout_query_id: query.id, ok: true });
      return query !== undefined;
    })
    .toBe(true);
}
