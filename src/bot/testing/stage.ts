import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Update } from 'grammy/types';
import { afterAll, beforeAll } from 'vitest';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { receiveWebhook } from '#domain/webhook/receive.ts';
import { readEnv } from '#lib/env.ts';
import { useTestDatabase } from '#lib/testing/database.ts';
import { PROVIDERS } from '#providers/registry.ts';
import { PRODUCTS, SANDBOX_PLUGINS, type SeedProduct } from '../../../prisma/catalog.ts';
import { type Server as HoshiServer, makeServer } from '../../server.ts';
import { type HoshiBot, makeBot } from '../bot.ts';
import { registerBot } from '../setup.ts';
import { type SeenButton, type SeenMessage, startTestSandbox, type TestSandbox } from './sandbox.ts';

const WAIT_MS = 8_000;
const POLL_MS = 10;

/** Hoshi's chat door on a real Postgres, joined to a real sandbox by real webhooks. */
export type Stage = {
  ctx: Ctx;
  bot: HoshiBot;
  sandbox: TestSandbox;
  publicUrl: string;
  /** A person of the sandbox who has never written. */
  person(languageCode: string, balance?: number): Promise<Person>;
};

type PayResult = { status: string; error_message?: string };

/** One person with their chat. Each act resolves with what the bot said or changed because of it, newest last. */
export type Person = {
  id: number;
  write(text: string): Promise<SeenMessage[]>;
  press(message: SeenMessage, button: SeenButton): Promise<SeenMessage[]>;
  /** Answers a button that asks for a chat: by a group, or by a new one with this title. */
  share(answer: { request_id: number; group_id?: number; title?: string }): Promise<SeenMessage[]>;
  /** Pays an invoice and waits until Hoshi knows. Throws when the sandbox shows no form for it. */
  pay(slug: string): Promise<PayResult>;
  messages(): Promise<SeenMessage[]>;
};

/** Starts a stage for the file or `describe` in which it is called. `surfacePolicy` is the operator's. */
export function useStage(options: { surfacePolicy?: 'strict' | 'permissive'; supportContact?: string } = {}): Stage {
  const test = useTestDatabase();
  let stage: (Stage & { close(): Promise<void> }) | undefined;
  beforeAll(async () => {
    stage = await openStage(test.url, options);
  }, 60_000);
  afterAll(async () => stage?.close());
  const opened = () => {
    if (!stage) throw new Error('The stage is open inside tests and hooks only.');
    return stage;
  };
  return {
    get ctx() {
      return opened().ctx;
    },
    get bot() {
      return opened().bot;
    },
    get sandbox() {
      return opened().sandbox;
    },
    get publicUrl() {
      return opened().publicUrl;
    },
    person: (languageCode, balance) => opened().person(languageCode, balance),
  };
}

async function openStage(
  databaseUrl: string,
  options: { surfacePolicy?: string; supportContact?: string },
): Promise<Stage & { close(): Promise<void> }> {
  const sandbox = await startTestSandbox();
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const publicUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const env = readEnv(
    {
      DATABASE_URL: databaseUrl,
      PUBLIC_URL: publicUrl,
      TELEGRAM_API_ROOT: sandbox.url,
      CLOCK_URL: `${sandbox.url}/sim/clock`,
      SURFACE_POLICY: options.surfacePolicy,
      SUPPORT_CONTACT: options.supportContact ?? '@hoshi_help',
      LOG_LEVEL: 'silent',
    },
    PROVIDERS.map(({ variables }) => variables),
  );
  const server = await makeServer('web', env);
  const { telegram } = env;
  await seedCatalog(server.ctx);
  const ctx = asActor(server.ctx, { kind: 'system', name: 'test' });
  const bot = makeBot({
    ctx,
    botInfo: { id: telegram.botId, username: telegram.botUsername },
    apiRoot: telegram.apiRoot,
    token: telegram.botToken,
    publicUrl,
    botUsername: telegram.botUsername,
    supportContact: env.supportContact,
  });
  const door = openDoor(http, server, bot);
  await registerBot({ api: bot.api, publicUrl, webhookSecret: telegram.webhookSecret, log: ctx.log });
  return {
    ctx,
    bot,
    sandbox,
    publicUrl,
    person: (languageCode, balance = 10_000) => makePerson(sandbox, door, { languageCode, balance }),
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await server.close();
      await sandbox.close();
    },
  };
}

/** How many updates of each sort and person have been handled, so that tests can wait until all is said. */
type Door = Map<string, number>;
type Sort = 'text' | 'press' | 'payment';

const handledOf = (door: Door, sort: Sort, userId: number) => door.get(`${sort}:${userId}`) ?? 0;

/** What the tests wait for; other updates are handled as well but not counted. */
function sortOf(update: Update): { sort: Sort; userId: number } | null {
  if (update.callback_query) return { sort: 'press', userId: update.callback_query.from.id };
  if (update.message?.successful_payment) return { sort: 'payment', userId: update.message.chat.id };
  return update.message ? { sort: 'text', userId: update.message.chat.id } : null;
}

/** The webhook door as the web process has it, without its limits and metrics. */
function openDoor(http: Server, { ctx }: HoshiServer, bot: HoshiBot): Door {
  const door: Door = new Map();
  http.on('request', (request: IncomingMessage, response) => {
    const answer = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const secret = request.headers['x-telegram-bot-api-secret-token'];
      const headers = { 'x-telegram-bot-api-secret-token': typeof secret === 'string' ? secret : undefined };
      const { reply, message } = await receiveWebhook(asActor(ctx, { kind: 'stranger' }), {
        providerId: 'telegram-stars',
        request: { method: 'POST', headers, body: Buffer.concat(chunks), remoteAddress: null },
        explain: (reason) => reason,
      });
      if (message) await bot.handleUpdate(message.update);
      const counted = sortOf(JSON.parse(Buffer.concat(chunks).toString()) as Update);
      if (counted) door.set(`${counted.sort}:${counted.userId}`, handledOf(door, counted.sort, counted.userId) + 1);
      response.writeHead(reply.status, { 'content-type': reply.contentType }).end(reply.body);
    };
    answer().catch((error: unknown) => {
      response.writeHead(error instanceof AppError && error.kind === 'unavailable' ? 503 : 500).end();
    });
  });
  return door;
}

async function makePerson(
  sandbox: TestSandbox,
  door: Door,
  { languageCode, balance }: { languageCode: string; balance: number },
): Promise<Person> {
  const { id } = await sandbox.sim<{ id: number }>('POST', '/users', {
    first_name: 'Mika',
    language_code: languageCode,
    balance,
  });
  const messages = () => sandbox.sim<SeenMessage[]>('GET', `/chats/${id}/messages`);
  const isHandled = async (sort: Sort, before: number) => {
    const deadline = Date.now() + WAIT_MS;
    while (handledOf(door, sort, id) === before) {
      if (Date.now() > deadline) throw new Error(`the bot did not take the ${sort} in`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  const act = async (sort: Sort, doIt: () => Promise<unknown>): Promise<SeenMessage[]> => {
    const before = new Map((await messages()).map((message) => [message.message_id, JSON.stringify(message)]));
    const handled = handledOf(door, sort, id);
    await doIt();
    await isHandled(sort, handled);
    const after = await messages();
    return after.filter(
      (message) => message.from === 'bot' && before.get(message.message_id) !== JSON.stringify(message),
    );
  };
  return {
    id,
    messages,
    write: (text) => act('text', () => sandbox.sim('POST', `/chats/${id}/text`, { text })),
    share: (answer) => act('text', () => sandbox.sim('POST', `/chats/${id}/share`, answer)),
    press: (message, button) =>
      act('press', () =>
        sandbox.sim('POST', `/chats/${id}/callback`, { message_id: message.message_id, data: button.callback_data }),
      ),
    async pay(slug) {
      const form = await sandbox.sim<{ form_id: string }>('POST', `/invoices/${slug}/form`, { user_id: id });
      const before = handledOf(door, 'payment', id);
      const result = await sandbox.sim<PayResult>('POST', `/invoices/${slug}/pay`, {
        user_id: id,
        form_id: form.form_id,
      });
      if (result.status === 'paid') await isHandled('payment', before);
      return result;
    },
  };
}

/** The update of a pressed button as anyone could have made it whose client shows what it wants. */
export function forgedPress(userId: number, data: string, languageCode = 'en') {
  const from = { id: userId, is_bot: false, first_name: 'Mika', language_code: languageCode };
  const message = { message_id: 1, date: 1, chat: { id: userId, type: 'private', first_name: 'Mika' }, text: 'x' };
  return { update_id: 1, callback_query: { id: '1', from, chat_instance: '1', data, message } };
}

/** The button with this text. Throws when the message has none, and names those it has. */
export function buttonOf(message: SeenMessage | undefined, text: string | RegExp): SeenButton {
  const buttons = (message?.inline_keyboard ?? []).flat();
  const found = buttons.find((button) => (typeof text === 'string' ? button.text === text : text.test(button.text)));
  if (!found) throw new Error(`no button ${text} among ${buttons.map((button) => button.text).join(' | ')}`);
  return found;
}

/** Puts the catalogue of the repository into an empty database. */
export async function seedCatalog(ctx: Ctx): Promise<void> {
  const developer = await ensureUser(ctx, { telegramId: 7_000_000_102n, languageCode: 'en' });
  await ctx.db.user.update({ where: { id: developer.id }, data: { role: 'developer' } });
  for (const [position, product] of PRODUCTS.entries()) await seedProduct(ctx, product, position, null);
  for (const [position, plugin] of SANDBOX_PLUGINS.entries()) await seedProduct(ctx, plugin, position, developer.id);
}

async function seedProduct(
  ctx: Ctx,
  product: SeedProduct,
  position: number,
  developerUserId: string | null,
): Promise<void> {
  const { code, en, ja, kind, plans } = product;
  const id = `prd_${code.replaceAll('-', '_')}`;
  await ctx.db.product.create({ data: { id, code, kind, position, texts: { ja, en }, developerUserId } });
  for (const plan of plans) {
    const key = plan.code.replaceAll('-', '_');
    const prices = plan.prices.map((price) => ({
      ...price,
      id: `prc_${key}_${price.interval}_${price.currency.toLowerCase()}`,
    }));
    const { code: planCode, limits, rank } = plan;
    await ctx.db.plan.create({
      data: {
        id: `pln_${key}`,
        productId: id,
        code: planCode,
        rank,
        limits,
        texts: { ja: plan.ja, en: plan.en },
        prices: { create: prices },
      },
    });
  }
}
