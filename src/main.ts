import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { doorOf } from '#api/door.ts';
import { ANSWER_HEADERS } from '#api/request.ts';
import { makeRest } from '#api/rest.ts';
import { makeTrpcHandler } from '#api/trpc-handler.ts';
import {
  handleWebhook,
  hearsMethod,
  WEBHOOK_BODY_LIMIT_BYTES,
  type WebhookAnswer,
  webhookPathsOf,
} from '#api/webhook.ts';
import { makeBot } from '#bot/bot.ts';
import { checkBot, registerBot } from '#bot/setup.ts';
import { clientAddress, isLoopback } from '#lib/http.ts';
import { describeError } from '#lib/log.ts';
import { sharedServer } from './server.ts';

/**
 * The production server: one process that serves webhooks, REST, tRPC and metrics itself and hands every page to Next,
 * because a page framework costs more than a payment does.
 */
const server = await sharedServer();
const { ctx, env } = server;
const { publicUrl, supportContact, telegram } = env;
const { apiRoot, botId, botToken, botUsername } = telegram;
const bot = makeBot({
  ctx,
  botInfo: { id: botId, username: botUsername },
  apiRoot,
  token: botToken,
  publicUrl,
  botUsername,
  supportContact,
});
const webhookPaths = webhookPathsOf(ctx.providers);
const { fetch, refuse } = makeRest({ ctx, handleBotUpdate: bot.handleUpdate, metricsToken: env.metricsToken });
const rest = getRequestListener(fetch, { errorHandler: refuse });
const trpc = getRequestListener(makeTrpcHandler({ ctx, contact: { botUsername, supportContact } }), {
  errorHandler: refuse,
});
/** The pages take seconds to load; payments that were waiting for this process must not wait for them. */
const preparing = preparePages();
preparing.catch((error: unknown) => {
  ctx.log.fatal({ error: describeError(error) }, 'the pages could not be loaded');
  process.exit(1);
});

async function preparePages() {
  const { default: next } = await import('next');
  const pages = next({ dev: env.isDevelopment, dir: process.cwd(), hostname: 'localhost', port: env.port });
  await pages.prepare();
  return { serve: pages.getRequestHandler(), close: () => pages.close() };
}

const http = createServer(
  // Node looks for slow senders every 30 s unless told otherwise: a timeout of 10 s would last up to 40.
  { requestTimeout: 30_000, headersTimeout: 10_000, connectionsCheckingInterval: 2_000, keepAliveTimeout: 65_000 },
  (request, response) => {
    serve(request, response).catch((error: unknown) => {
      // The sender went away in the middle: nobody waits for an answer, and nothing of ours is broken.
      if (request.destroyed && !request.complete) return;
      ctx.log.error({ error: describeError(error) }, 'a request was not answered');
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
      response.end('{"success":false,"error":{"kind":"internal","reason":"internal"}}');
    });
  },
);

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '/';
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  const providerId = webhookPaths.get(path);
  if (providerId && hearsMethod(ctx.providers, providerId, request.method))
    return serveWebhook(providerId, request, response);
  const door = doorOf(request.method, url, env.isDevelopment);
  if (door === 'page') return (await preparing).serve(request, response);
  if (door === 'trpc') return trpc(request, response);
  // A target that is no path of ours cannot become a Request; REST knows nothing at the front door.
  if (!url.startsWith('/')) request.url = '/';
  await rest(request, response);
}

async function serveWebhook(providerId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const headers = request.headers as Record<string, string | undefined>;
  const remoteAddress = clientAddress(request.socket.remoteAddress, headers['x-forwarded-for'], env.proxyHops);
  const received = { method: request.method ?? 'GET', headers, body, remoteAddress };
  const answer = await handleWebhook(ctx, providerId, received, bot.handleUpdate);
  send(response, answer, body.byteLength <= WEBHOOK_BODY_LIMIT_BYTES);
}

function send(response: ServerResponse, answer: WebhookAnswer, isWhole: boolean): void {
  response.writeHead(answer.status, {
    ...ANSWER_HEADERS,
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
    'x-request-id': answer.requestId,
    ...(answer.retryAfterSeconds === undefined ? {} : { 'retry-after': String(answer.retryAfterSeconds) }),
    // The rest of an oversized body is not read: the connection cannot carry another request.
    ...(isWhole ? {} : { connection: 'close' }),
  });
  response.end(answer.body);
}

/** Reads little more than the limit at most, so that the door can refuse what is larger and the sender hears why. */
function readBody(request: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= WEBHOOK_BODY_LIMIT_BYTES) return;
      request.pause();
      done();
    });
    request.once('end', done);
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new Error('the sender went away'));
    });
  });
}

// Everyone can read the sandbox's secrets. While it is for this machine only, so are its doors.
if (env.isSandbox && new URL(publicUrl).hostname === 'localhost')
  http.on('connection', (socket: Socket) => {
    if (!isLoopback(socket.remoteAddress)) socket.destroy();
  });

http.listen(env.port, () => {
  ctx.log.info({ port: env.port, sandbox: env.isSandbox }, 'web is ready');
  introduceBot().catch((error: unknown) =>
    ctx.log.error(
      { error: describeError(error) },
      'the bot could not be registered with Telegram: nothing can be sold until the next start',
    ),
  );
});

/** Tells Telegram where we are, then asks it what it sees and logs what is wrong. */
async function introduceBot(): Promise<void> {
  const registration = { api: bot.api, webhookSecret: telegram.webhookSecret, publicUrl, log: ctx.log };
  const { isWebhookChanged } = await registerBot(registration);
  ctx.log.info({ isWebhookChanged }, 'bot is registered with Telegram');
  const findings = await checkBot({ ...registration, botUsername, supportContact, now: ctx.clock.now() });
  for (const { code, severity, text } of findings) {
    if (severity !== 'info') ctx.log[severity === 'error' ? 'error' : 'warn']({ finding: code }, text);
  }
}

async function stop(): Promise<void> {
  ctx.log.info('web is stopping');
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  http.closeIdleConnections();
  const force = setTimeout(() => http.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(force);
  await (await preparing).close();
  await server.close();
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stop().catch((error: unknown) => {
      ctx.log.error({ error: describeError(error) }, 'stopping failed');
      process.exit(1);
    });
  });
}
