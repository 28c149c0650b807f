import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { afterAll, beforeAll } from 'vitest';
import { type Ctx, SCOPES } from '#domain/context/context.ts';
import { registerApiKey } from '#domain/identity/api-key.ts';
import { PROVIDERS } from '#providers/registry.ts';
import { makeBot } from '../../bot/bot.ts';
import type { Marks } from '../../testing/canary.ts';
import { makeNosyApi, nosyMessage } from '../../testing/nosy-providers.ts';
import { BOT_TOKEN, openWorld, type World } from '../../testing/world.ts';
import { makeRest } from '../rest.ts';
import { makeTrpcHandler, TRPC_PATH } from '../trpc-handler.ts';
import { METRICS_TOKEN } from './world.ts';

export const BOT_NAME = 'hoshi_test_bot';
const CONTACT = { botUsername: BOT_NAME, supportContact: '@hoshi_support' };

export type Said = Readonly<{ status: number; type: string; text: string; body: Record<string, unknown> }>;
type Asking = Readonly<{ as?: string; json?: unknown; method?: string }>;

/** All doors of a Hoshi, over HTTP, before nosy providers. Used inside tests and hooks only. */
export type Doors = Readonly<{
  world: World;
  marks: Marks;
  /** What was logged so far, by everything, at every level. */
  lines: ReadonlyArray<string>;
  /** The key of a server that may do everything. */
  apiKey: string;
  fetch(path: string, init?: RequestInit): Promise<Said>;
  /** Asks with JSON. `as`: a session or a server's key. */
  call(path: string, asking: Asking): Promise<Said>;
  /** A procedure of the Mini App. Throws when it is refused. */
  ask<Answer>(path: string, as: string | null, json: unknown): Promise<Answer>;
}>;

/** Opens the doors for all tests of the file. Whatever providers say more than we ask is marked by `marks`. */
export function openCanaryDoors(marks: Marks): Doors {
  const lines: string[] = [];
  const nosy = makeNosyApi((part) => marks.of(`answers of ${part}`));
  const apiKey = marks.add('key of a server', 'hoshi_test_key_of_the_canary_0123456789abcdef');
  let opened: { server: ServerType; url: string } | undefined;
  const ask = async (path: string, init: RequestInit = {}): Promise<Said> => {
    const response = await fetch((opened?.url ?? '') + path, init);
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, text, body: type.startsWith('application/json') ? JSON.parse(text) : {} };
  };
  beforeAll(() => nosy.open());
  const world = openWorld({
    policy: { surfacePolicy: 'permissive' },
    log: { write: (line) => void lines.push(line) },
    variables: (sandboxUrl) => {
      nosy.to(sandboxUrl);
      return addressesAt(nosy.url);
    },
    receive: async (_ctx, providerId, headers, body) => {
      const sent = nosyMessage(providerId, { headers, body }, marks.of(`webhooks of ${providerId}`));
      const answer = await ask(`/webhooks/${providerId}`, { method: 'POST', ...sent });
      return { status: answer.status, contentType: answer.type, body: answer.text };
    },
  });
  beforeAll(async () => {
    opened = await listen(world.door, world.sandboxUrl);
    await world.connect();
    await registerApiKey(world.system, { name: 'canary', secret: apiKey, scopes: SCOPES });
  });
  afterAll(() => {
    opened?.server.close();
    nosy.close();
  });
  return { world, marks, lines, apiKey, fetch: ask, ...callers(ask) };
}

/** Where providers answer our calls; their pay pages stay where payers know them. */
function addressesAt(url: string): Record<string, string> {
  const all = PROVIDERS.flatMap(({ variables }) => Object.entries(variables.sandboxDefaults(url)));
  return Object.fromEntries(
    all.flatMap(([name, value]) => (value === undefined || name.endsWith('_CHECKOUT_URL') ? [] : [[name, value]])),
  );
}

/** The doors as the production server mounts them: REST, webhooks, metrics, the bot and the Mini App's procedures. */
function listen(ctx: Ctx, apiRoot: string): Promise<{ server: ServerType; url: string }> {
  const botInfo = { id: Number(BOT_TOKEN.split(':')[0]), username: BOT_NAME };
  const publicUrl = 'http://localhost:3000';
  const bot = makeBot({ ...CONTACT, ctx, botInfo, apiRoot, publicUrl, token: BOT_TOKEN });
  const rest = makeRest({ ctx, handleBotUpdate: bot.handleUpdate, metricsToken: METRICS_TOKEN });
  const trpc = makeTrpcHandler({ ctx, contact: CONTACT });
  const answer = (request: Request) =>
    new URL(request.url).pathname.startsWith(TRPC_PATH) ? trpc(request) : rest.fetch(request);
  return new Promise((resolve) => {
    const server = serve({ fetch: answer, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) =>
      resolve({ server, url: `http://127.0.0.1:${port}` }),
    );
  });
}

function callers(send: Doors['fetch']): Pick<Doors, 'call' | 'ask'> {
  const call: Doors['call'] = (path, { as, json, method }) =>
    send(path, {
      method: method ?? (json === undefined ? 'GET' : 'POST'),
      headers: {
        ...(as !== undefined && { authorization: `Bearer ${as}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
  return {
    call,
    async ask<Answer>(path: string, as: string | null, json: unknown) {
      const { body, status, text } = await call(`/api/trpc/${path}`, { ...(as !== null && { as }), json });
      if (status !== 200) throw new Error(`${path}: ${text}`);
      return (body['result'] as { data: Answer }).data;
    },
  };
}
