import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { btcpayRoutes } from './btcpay/routes.ts';
import { clickRoutes } from './click/routes.ts';
import type { SimFaults, SimUser } from './control.ts';
import { type Ask, type Providers, type Route, readLimit, route } from './control-route.ts';
import { cryptoPayRoutes } from './crypto-pay/routes.ts';
import { SimError } from './errors.ts';
import { abandonedSignal, BodyTooLarge, isLocal, readBody, sendJson } from './http.ts';
import { paymeRoutes } from './payme/routes.ts';
import { stripeRoutes } from './stripe/routes.ts';
import { presentForClient } from './telegram/chats.ts';
import { plainText } from './telegram/entities.ts';
import { groupRoutes } from './telegram/group-routes.ts';
import { launchWebApp } from './telegram/launch.ts';
import type { UserRecord } from './telegram/records.ts';
import type { Telegram } from './telegram/telegram.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
const MESSAGES_LIMIT = 200;
const TRANSACTIONS_LIMIT = 1_000;
const TRAFFIC_LIMIT = 500;
const LONGEST_FOLLOW_SECONDS = 60;
const LONGEST_ADVANCE_SECONDS = 20 * 366 * 86_400;

const userFields = z.strictObject({
  id: z
    .int()
    .positive()
    .max(2 ** 52),
  first_name: z.string().min(1).max(64),
  last_name: z.string().max(64),
  username: z.string().regex(/^\w{3,32}$/),
  language_code: z.string().min(2).max(10),
  is_premium: z.boolean(),
  balance: z.int().min(0).max(1_000_000_000),
  has_blocked_bot: z.boolean(),
  has_started_bot: z.boolean(),
});
const userPatch = userFields.partial();
const userId = z.int().positive();
const seconds = z.number().min(0);
const providerFault = z.strictObject({
  method: z.string().optional(),
  kind: z.enum([
    'lost_answer',
    'lost_request',
    'duplicate',
    'delay',
    'wrong_auth',
    'malformed',
    'amount_changed',
    'http_error',
    'reorder',
    'unavailable',
    'timeout',
    'rate_limited',
    'decline',
  ]),
  delay_ms: z.int().min(0).max(60_000).optional(),
  http_status: z.int().min(400).max(599).optional(),
  remaining: z.int().min(0),
});
const faultsBody = z.strictObject({
  api: z
    .strictObject({
      method: z.string().optional(),
      kind: z.enum(['flood', 'server_error', 'timeout', 'lost_answer']),
      retry_after: z.int().positive().max(3_600).optional(),
      remaining: z.int().min(0),
    })
    .optional(),
  api_delay_ms: z.int().positive().max(60_000).optional(),
  updates: z
    .strictObject({
      type: z.string().optional(),
      kind: z.enum(['drop', 'duplicate', 'delay', 'reorder']),
      delay_ms: z.int().min(0).max(86_400_000).optional(),
      remaining: z.int().min(0),
    })
    .optional(),
  invoice_closed: z.enum(['missing', 'charged_but_failed', 'charged_but_cancelled', 'twice', 'pending']).optional(),
  client_version: z
    .string()
    .regex(/^\d+(\.\d+)*$/)
    .optional(),
  stale_init_data_seconds: seconds.optional(),
  payme: providerFault.optional(),
  click: providerFault.optional(),
  click_uzcard_refuses_reversal: z.boolean().optional(),
  payme_uniform_card_errors: z.boolean().optional(),
  'crypto-pay': providerFault.optional(),
  btcpay: providerFault.optional(),
  stripe: providerFault.optional(),
  stripe_second_secret: z.string().min(1).optional(),
});
const launchBody = z.strictObject({
  user_id: userId,
  url: z.url().optional(),
  start_param: z
    .string()
    .regex(/^[\w-]{0,512}$/)
    .optional(),
  platform: z.string().optional(),
  version: z.string().optional(),
  theme: z.enum(['light', 'dark']).optional(),
  auth_age_seconds: z.number().optional(),
});
const textBody = z.strictObject({ text: z.string().min(1).max(4_096) });
const callbackBody = z.strictObject({ message_id: z.int(), data: z.string().min(1).max(64) });
const formBody = z.strictObject({ user_id: userId });
const payBody = z.strictObject({ user_id: userId, form_id: z.string() });
const refundBody = z.strictObject({ charge_id: z.string() });
const advanceBody = z.strictObject({ advance_seconds: z.number().positive().max(LONGEST_ADVANCE_SECONDS) });
const botBody = z.strictObject({ has_topics_enabled: z.boolean() });

const routes: readonly Route[] = [
  route('GET', '/health', () => ({ status: 'ok' })),
  route('GET', '/state', ({ telegram }) => telegram.readState()),
  route('POST', '/users', createUser),
  route('PATCH', '/users/:id', changeUser),
  route('GET', '/users/:id/subscriptions', ({ telegram, part }) =>
    telegram.subscriptions.list(getUser(telegram, part(1)).id),
  ),
  route('GET', '/chats/:id/messages', listMessages),
  route('POST', '/chats/:id/text', writeText),
  route('POST', '/chats/:id/callback', tapButton),
  route('POST', '/webapp/launch', ({ telegram, body }) => launchWebApp(telegram, launchBody.parse(body))),
  route('POST', '/invoices/:slug/form', ({ telegram, part, body }) =>
    telegram.paySheet.open(part(1), formBody.parse(body).user_id),
  ),
  route('POST', '/invoices/:slug/pay', pay),
  route('POST', '/subscriptions/:id/cancel', ({ telegram, part }) =>
    telegram.subscriptions.changeByUser(part(1), true),
  ),
  route('POST', '/subscriptions/:id/restore', ({ telegram, part }) =>
    telegram.subscriptions.changeByUser(part(1), false),
  ),
  route('GET', '/transactions', listTransactions),
  route('POST', '/refunds', refund),
  route('GET', '/clock', readClock),
  route('POST', '/clock', advanceClock),
  route('POST', '/clock/reset', resetClock),
  route('GET', '/faults', ({ telegram }) => telegram.faults.current),
  route('PUT', '/faults', replaceFaults),
  route('GET', '/traffic', ({ telegram, query }) => telegram.traffic.list(readLimit(query, TRAFFIC_LIMIT))),
  route('POST', '/reset', reset),
  ...groupRoutes,
  route('PATCH', '/bot', changeBot),
  ...paymeRoutes,
  ...clickRoutes,
  ...stripeRoutes,
  ...cryptoPayRoutes,
  ...btcpayRoutes,
];

/** The control API under /sim (see control.ts). */
export async function handleControl(
  providers: Providers,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const { telegram } = providers;
  if (!isLocal(request))
    return refuse(response, 400, 'FOREIGN_ORIGIN', 'The sandbox answers only pages and programs of this machine.');
  if (request.method === 'GET' && url.pathname === '/sim/events') return telegram.hub.listen(response);
  const file = /^\/sim\/files\/([\w-]+)$/.exec(url.pathname);
  if (request.method === 'GET' && file !== null) return await sendFile(telegram, response, file[1] ?? '');
  const found = routes.find(({ method, pattern }) => method === request.method && pattern.test(url.pathname));
  if (found === undefined) return refuse(response, 404, 'NOT_FOUND', `There is no ${request.method} ${url.pathname}.`);
  const gone = abandonedSignal(response);
  try {
    const parts = found.pattern.exec(url.pathname) ?? [];
    const part = (index: number): string => decodeURIComponent(parts[index] ?? '');
    const body = await readJson(request);
    const answer = await found.answer({ ...providers, part, query: url.searchParams, body, gone });
    if (!response.destroyed) sendJson(response, 200, JSON.stringify(answer));
  } catch (error) {
    refuseFor(telegram, response, error);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (request.method === 'GET') return {};
  const body = await readBody(request, BODY_LIMIT_BYTES);
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new SimError(400, 'BODY_INVALID', 'The body is not JSON.');
  }
}

function refuseFor(telegram: Telegram, response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const refusal = asRefusal(error);
  if (refusal !== null) {
    if (error instanceof BodyTooLarge) response.setHeader('connection', 'close');
    refuse(response, refusal.status, refusal.code, refusal.message);
    return;
  }
  telegram.options.say(`The control API failed: ${error instanceof Error ? error.stack : String(error)}`);
  refuse(response, 500, 'INTERNAL', 'The sandbox failed; its terminal says why.');
}

/** What the asker did wrong; null when the fault is ours. */
function asRefusal(error: unknown): { status: number; code: string; message: string } | null {
  if (error instanceof SimError) return error;
  if (error instanceof z.ZodError) return { status: 400, code: 'BODY_INVALID', message: z.prettifyError(error) };
  if (error instanceof URIError) return { status: 400, code: 'PATH_INVALID', message: 'The path is not well encoded.' };
  if (error instanceof BodyTooLarge) return { status: 400, code: 'BODY_TOO_LARGE', message: 'The body is too large.' };
  return null;
}

function refuse(response: ServerResponse, status: number, error: string, message: string): void {
  sendJson(response, status, JSON.stringify({ error, message }));
}

async function sendFile(telegram: Telegram, response: ServerResponse, fileId: string): Promise<void> {
  const record = telegram.findFile(fileId);
  const bytes = record === undefined ? null : await telegram.files.get(fileId);
  if (record === undefined || bytes === null) return refuse(response, 404, 'FILE_NOT_FOUND', 'There is no such file.');
  response.writeHead(200, {
    'content-type': /^[\w.+-]+\/[\w.+-]+$/.test(record.mime_type) ? record.mime_type : 'application/octet-stream',
    'content-length': bytes.length,
    // A document of a bot is foreign: it must not run in the sandbox's own origin.
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(record.file_name)}`,
    'x-content-type-options': 'nosniff',
  });
  response.end(bytes);
}

function getUser(telegram: Telegram, id: string): UserRecord {
  return telegram.chats.getUser(Number(id));
}

function createUser({ telegram, body }: Ask): SimUser {
  const given = userPatch.parse(body);
  const id = given.id ?? telegram.world.nextNumber('user');
  if (telegram.world.users.get(id) !== undefined)
    throw new SimError(409, 'USER_EXISTS', `There is a user ${id} already.`);
  const { last_name, username, ...known } = given;
  const user = telegram.world.users.set(id, {
    first_name: 'Guest',
    language_code: 'en',
    is_premium: false,
    balance: 0,
    has_blocked_bot: false,
    has_started_bot: false,
    ...withoutUndefined(known),
    ...(last_name === undefined ? {} : { last_name }),
    ...(username === undefined ? {} : { username }),
    id,
  });
  telegram.hub.stateChanged();
  return user;
}

function changeUser({ telegram, part, body }: Ask): SimUser {
  const user = getUser(telegram, part(1));
  const { id: _, has_blocked_bot: isBlocked, ...others } = userPatch.parse(body);
  Object.assign(user, withoutUndefined(others));
  telegram.world.users.touch(user.id);
  if (isBlocked !== undefined) telegram.chats.setBlocked(user, isBlocked);
  telegram.hub.stateChanged();
  return user;
}

function listMessages({ telegram, part, query }: Ask): unknown {
  const chatId = Number(part(1));
  if (telegram.world.groups.get(chatId) === undefined) getUser(telegram, part(1));
  return telegram.world.messagesOf(chatId, Number(query.get('after') ?? 0), MESSAGES_LIMIT).map(presentForClient);
}

function writeText({ telegram, part, body }: Ask): unknown {
  const user = getUser(telegram, part(1));
  const { text } = textBody.parse(body);
  if (user.has_blocked_bot) throw new SimError(409, 'BOT_BLOCKED', 'The user has blocked the bot; unblock it first.');
  const content = plainText(text);
  if (content.text === '') throw new SimError(400, 'TEXT_EMPTY', 'There is nothing to send.');
  telegram.chats.start(user);
  return presentForClient(telegram.chats.addForBot(user, 'user', content));
}

function tapButton({ telegram, part, body }: Ask): object {
  const { message_id: messageId, data } = callbackBody.parse(body);
  telegram.chats.tap(getUser(telegram, part(1)), messageId, data);
  return {};
}

async function pay({ telegram, part, body }: Ask): Promise<unknown> {
  const { user_id: payer, form_id: formId } = payBody.parse(body);
  return await telegram.paySheet.pay(part(1), payer, formId);
}

function listTransactions({ telegram, query }: Ask): unknown {
  const user = query.get('user_id');
  return telegram.stars.listForClient(user === null ? null : Number(user), readLimit(query, TRANSACTIONS_LIMIT));
}

function refund({ telegram, body }: Ask): object {
  telegram.stars.refundByStore(refundBody.parse(body).charge_id);
  return {};
}

async function readClock({ telegram, query, gone }: Ask): Promise<unknown> {
  const after = query.get('after');
  if (after === null) return telegram.clock.read();
  const wait = Math.min(Math.max(0, Number(query.get('wait') ?? 0)), LONGEST_FOLLOW_SECONDS);
  return await telegram.clock.follow(Number(after), wait * 1000, gone);
}

async function advanceClock({ telegram, body }: Ask): Promise<unknown> {
  await telegram.advance(advanceBody.parse(body).advance_seconds);
  return telegram.clock.read();
}

async function resetClock({ telegram }: Ask): Promise<unknown> {
  await telegram.resetClock();
  return telegram.clock.read();
}

function replaceFaults({ telegram, body }: Ask): SimFaults {
  telegram.faults.replace(withoutUndefined(faultsBody.parse(body)) as SimFaults);
  return telegram.faults.current;
}

async function reset({ telegram, payme, click, stripe, cryptoPay, btcpay }: Ask): Promise<unknown> {
  payme.reset();
  click.reset();
  stripe.reset();
  cryptoPay.reset();
  btcpay.reset();
  await telegram.reset();
  return telegram.readState();
}

function changeBot({ telegram, body }: Ask): unknown {
  telegram.world.bot.has_topics_enabled = botBody.parse(body).has_topics_enabled;
  telegram.world.saveBot();
  telegram.hub.stateChanged();
  return telegram.readState().bot;
}

function withoutUndefined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
