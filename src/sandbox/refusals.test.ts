import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALEX, Bench, HANA, INVOICE } from './test-bench.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.say(HANA, '/start');
});
afterAll(() => bench.close());

const price = (amount: unknown, label: unknown = 'x'): unknown[] => [{ label, amount }];

describe('createInvoiceLink refuses', () => {
  it.each([
    ['an empty title', { title: '' }, 'parameter "title" is required'],
    ['no description', { description: null }, 'parameter "description" is required'],
    ['no payload', { payload: '' }, 'parameter "payload" is required'],
    ['no currency', { currency: '' }, 'parameter "currency" is required'],
    ['no prices', { prices: '' }, 'parameter "prices" is required'],
    ['prices that are no JSON', { prices: '[{' }, "can't parse prices JSON object"],
    ['prices that are no array', { prices: { label: 'x', amount: 1 } }, 'expected an Array of labeled prices'],
    ['an empty list of prices', { prices: [] }, 'there must be at least one price'],
    ['an empty label', { prices: price(5, '') }, "can't parse labeled price: LabeledPrice label must be non-empty"],
    ['a price of zero', { prices: price(0) }, 'total price must be positive'],
    ['a huge amount', { prices: price(1_000_000_000_000) }, 'too big amount of the currency specified'],
    ['a huge total', { prices: [...price(999_999_999_999), ...price(1)] }, 'total price is too big'],
    ['more Stars than allowed', { prices: price(100_001) }, 'CURRENCY_TOTAL_AMOUNT_INVALID'],
    ['two prices', { prices: [...price(1), ...price(2)] }, 'STARS_INVOICE_INVALID'],
    ['a provider token', { provider_token: 'x' }, 'STARS_INVOICE_INVALID'],
    ['tips', { max_tip_amount: 5 }, 'STARS_INVOICE_INVALID'],
    ['another currency', { currency: 'XTS' }, 'PAYMENT_PROVIDER_INVALID'],
    ['a long payload', { payload: 'é'.repeat(65) }, 'INVOICE_PAYLOAD_INVALID'],
    ['another period', { subscription_period: 86_400 }, 'SUBSCRIPTION_PERIOD_INVALID'],
    ['a dear subscription', { subscription_period: 2_592_000, prices: price(10_001) }, 'STARS_INVOICE_INVALID'],
  ])('%s', async (_what, change, description) => {
    const answer = await bench.api('createInvoiceLink', { ...INVOICE, ...change });
    expect(answer).toMatchObject({
      status: 400,
      ok: false,
      error_code: 400,
      description: `Bad Request: ${description}`,
    });
  });

  it('a payload that is no UTF-8', async () => {
    const query = new URLSearchParams({ ...INVOICE, prices: JSON.stringify(INVOICE.prices), payload: 'PAYLOAD' });
    const response = await fetch(
      `${bench.sandbox.url}/bot7000000001:AAHoshiSandboxDevelopmentToken00000000/createInvoiceLink`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: query.toString().replace('PAYLOAD', '%ff%fe'),
      },
    );
    expect(await response.json()).toMatchObject({ description: 'Bad Request: the payload must be encoded in UTF-8' });
  });
});

describe('other methods refuse', () => {
  it.each<[string, string, Record<string, unknown>, number, string]>([
    [
      'a subscription in a chat',
      'sendInvoice',
      { ...INVOICE, chat_id: HANA, subscription_period: 2_592_000 },
      400,
      'SUBSCRIPTION_EXPORT_MISSING',
    ],
    [
      'an invoice without pay button first',
      'sendInvoice',
      { ...INVOICE, chat_id: HANA, reply_markup: { inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] } },
      400,
      'REPLY_MARKUP_BUY_EMPTY',
    ],
    ['an unknown chat', 'sendMessage', { chat_id: 5, text: 'x' }, 400, 'chat not found'],
    ['no chat', 'sendMessage', { text: 'x' }, 400, 'chat_id is empty'],
    [
      'a user who never came',
      'sendMessage',
      { chat_id: ALEX, text: 'x' },
      403,
      "bot can't initiate conversation with a user",
    ],
    ['no text', 'sendMessage', { chat_id: HANA }, 400, 'message text is empty'],
    ['a long text', 'sendMessage', { chat_id: HANA, text: 'x'.repeat(4_097) }, 400, 'message is too long'],
    [
      'an unknown tag',
      'sendMessage',
      { chat_id: HANA, text: 'é<x>', parse_mode: 'HTML' },
      400,
      'can\'t parse entities: Unsupported start tag "x" at byte offset 2',
    ],
    [
      'an open tag',
      'sendMessage',
      { chat_id: HANA, text: '<b>x', parse_mode: 'HTML' },
      400,
      'can\'t parse entities: Can\'t find end tag corresponding to start tag "b"',
    ],
    [
      'long callback data',
      'sendMessage',
      { chat_id: HANA, text: 'x', reply_markup: { inline_keyboard: [[{ text: 'a', callback_data: 'x'.repeat(65) }]] } },
      400,
      'BUTTON_DATA_INVALID',
    ],
    ['a foreign topic', 'createForumTopic', { chat_id: HANA, name: 'x' }, 400, 'the chat is not a forum'],
    [
      'an edit of nothing',
      'editMessageText',
      { chat_id: HANA, message_id: 999, text: 'x' },
      400,
      'message to edit not found',
    ],
    ['a deletion of nothing', 'deleteMessage', { chat_id: HANA, message_id: 999 }, 400, 'message to delete not found'],
    [
      'an unknown callback',
      'answerCallbackQuery',
      { callback_query_id: '1' },
      400,
      'query is too old and response timeout expired or query ID is invalid',
    ],
    [
      'an unknown pre-checkout',
      'answerPreCheckoutQuery',
      { pre_checkout_query_id: '1', ok: true },
      400,
      'query is too old and response timeout expired or query ID is invalid',
    ],
    [
      'a refusal without words',
      'answerPreCheckoutQuery',
      { pre_checkout_query_id: '1', ok: false },
      400,
      'parameter "error_message" is required',
    ],
    ['a refund for nobody', 'refundStarPayment', { telegram_payment_charge_id: 'x' }, 400, 'invalid user_id specified'],
    [
      'a refund for a stranger',
      'refundStarPayment',
      { user_id: 5, telegram_payment_charge_id: 'x' },
      400,
      'USER_ID_INVALID',
    ],
    ['a refund of nothing', 'refundStarPayment', { user_id: HANA }, 400, 'CHARGE_ID_EMPTY'],
    [
      'a refund of an unknown charge',
      'refundStarPayment',
      { user_id: HANA, telegram_payment_charge_id: 'x' },
      400,
      'CHARGE_ID_INVALID',
    ],
    [
      'an unknown subscription',
      'editUserStarSubscription',
      { user_id: HANA, telegram_payment_charge_id: 'x', is_canceled: true },
      400,
      'CHARGE_ID_INVALID',
    ],
    [
      'a long secret',
      'setWebhook',
      { url: 'https://x.test', secret_token: 'x'.repeat(257) },
      400,
      'secret token is too long',
    ],
    ['an unknown file', 'getFile', { file_id: 'x' }, 400, 'wrong file_id or the file is temporarily unavailable'],
    [
      'a command with capitals',
      'setMyCommands',
      { commands: [{ command: 'Start', description: 'x' }] },
      400,
      'BOT_COMMAND_INVALID',
    ],
    [
      'a Mini App without https',
      'setChatMenuButton',
      { menu_button: { type: 'web_app', text: 'x', web_app: { url: 'http://example.com' } } },
      400,
      "menu button Web App URL 'http://example.com' is invalid: Only HTTPS links are allowed",
    ],
  ])('%s', async (_what, method, args, status, text) => {
    const prefix = status === 403 ? 'Forbidden' : 'Bad Request';
    expect(await bench.api(method, args)).toMatchObject({
      status,
      error_code: status,
      description: `${prefix}: ${text}`,
    });
  });

  it('an edit that changes nothing', async () => {
    const { result } = await bench.api('sendMessage', { chat_id: HANA, text: 'same' });
    const answer = await bench.api('editMessageText', { chat_id: HANA, message_id: result.message_id, text: 'same' });
    expect(answer.description).toBe(
      'Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
    );
  });

  it('a blocked bot', async () => {
    await bench.sim('PATCH', `/users/${HANA}`, { has_blocked_bot: true });
    const answer = await bench.api('sendMessage', { chat_id: HANA, text: 'x' });
    await bench.sim('PATCH', `/users/${HANA}`, { has_blocked_bot: false });
    expect(answer).toMatchObject({ status: 403, description: 'Forbidden: bot was blocked by the user' });
  });
});

describe('the door', () => {
  const ask = async (path: string, init?: RequestInit): Promise<unknown> =>
    (await fetch(`${bench.sandbox.url}${path}`, init)).json();
  const token = '7000000001:AAHoshiSandboxDevelopmentToken00000000';

  it.each([
    ['/botabc/getMe', 401, 'Unauthorized: invalid token specified'],
    ['/bot0:abc/getMe', 401, 'Unauthorized: invalid token specified'],
    ['/bot7000000001:wrong/getMe', 401, 'Unauthorized'],
    [`/bot${token}/noSuchMethod`, 404, 'Not Found: method not found'],
    [`/bot${token}`, 404, 'Not Found'],
    ['/bo', 404, undefined],
  ])('answers %s with %i', async (path, status, description) => {
    const response = await fetch(`${bench.sandbox.url}${path}`);
    expect(response.status).toBe(status);
    if (description !== undefined)
      expect(await response.json()).toEqual({ ok: false, error_code: status, description });
  });

  it('takes any spelling, GET, the test path, urlencoded and multipart', async () => {
    const form = new FormData();
    form.set('chat_id', String(HANA));
    form.set('text', 'from a form');
    form.set('reply_markup', JSON.stringify({ inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] }));
    const keyboard = { inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] };
    expect(await ask(`/bot${token}/GETME`)).toMatchObject({ ok: true, result: { id: 7_000_000_001, is_bot: true } });
    expect(await ask(`/bot${token}/test/sendmessage?chat_id=${HANA}&text=hi`)).toMatchObject({
      result: { text: 'hi' },
    });
    expect(await ask(`/bot${token}/sendMessage`, { method: 'POST', body: form })).toMatchObject({
      result: { text: 'from a form', reply_markup: keyboard },
    });
    const body = new URLSearchParams({ chat_id: String(HANA), text: 'x', reply_markup: JSON.stringify(keyboard) });
    expect(await ask(`/bot${token}/sendMessage`, { method: 'POST', body })).toMatchObject({
      result: { reply_markup: keyboard },
    });
  });

  it('keeps foreign pages out of the control API', async () => {
    const { status } = await fetch(`${bench.sandbox.url}/sim/reset`, {
      method: 'POST',
      headers: { origin: 'https://evil.test' },
    });
    expect(status).toBe(400);
    expect(await bench.trySim('POST', '/chats/1/text', { text: 'x' })).toMatchObject({
      status: 404,
      content: { error: 'USER_NOT_FOUND' },
    });
    expect(await bench.trySim('POST', `/chats/${HANA}/text`, { words: 'x' })).toMatchObject({
      status: 400,
      content: { error: 'BODY_INVALID' },
    });
  });
});

describe('faults of the Bot API', () => {
  it('floods, fails, loses answers and hangs as often as asked', async () => {
    await bench.sim('PUT', '/faults', { api: { kind: 'flood', retry_after: 7, method: 'getMe', remaining: 1 } });
    expect((await bench.api('getChat', { chat_id: HANA })).ok).toBe(true);
    const flood = await bench.api('getMe');
    expect(flood).toMatchObject({
      status: 429,
      description: 'Too Many Requests: retry after 7',
      parameters: { retry_after: 7 },
    });
    expect(flood.headers.get('retry-after')).toBe('7');
    expect((await bench.api('getMe')).ok).toBe(true);
    await bench.sim('PUT', '/faults', { api: { kind: 'server_error', remaining: 1 } });
    expect(await bench.api('getMe')).toMatchObject({ status: 500, description: 'Internal Server Error' });
    await bench.sim('PUT', '/faults', { api: { kind: 'lost_answer', remaining: 1 } });
    await expect(bench.api('sendMessage', { chat_id: HANA, text: 'done but not told' })).rejects.toThrow();
    const messages = await bench.sim<{ text?: string }[]>('GET', `/chats/${HANA}/messages`);
    expect(messages.at(-1)?.text).toBe('done but not told');
    expect(await bench.sim('GET', '/faults')).toEqual({});
  });
});
