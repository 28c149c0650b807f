import { makeRest } from '#api/rest.ts';
import { makeTrpcHandler } from '#api/trpc-handler.ts';
import { makeBot } from '#bot/bot.ts';
import { sharedServer } from '#server.ts';

/*
 * The doors as Next's route handlers, so that any host of Next can run Hoshi. The production server (main.ts) answers the
 * same addresses itself and faster; what it knows not by its exact address arrives here and gets the same answer.
 */

type Doors = Readonly<{ rest(request: Request): Promise<Response>; trpc(request: Request): Promise<Response> }>;

let doors: Promise<Doors> | undefined;

async function openDoors(): Promise<Doors> {
  const { ctx, env } = await sharedServer();
  const { metricsToken, publicUrl, supportContact, telegram } = env;
  const { apiRoot, botId, botToken, botUsername } = telegram;
  const botInfo = { id: botId, username: botUsername };
  const bot = makeBot({ ctx, botInfo, apiRoot, token: botToken, publicUrl, botUsername, supportContact });
  return {
    rest: makeRest({ ctx, handleBotUpdate: bot.handleUpdate, metricsToken }).fetch,
    trpc: makeTrpcHandler({ ctx, contact: { botUsername, supportContact } }),
  };
}

/** Opened by the first request: a build only reads this file and has no configuration. */
function theDoors(): Promise<Doors> {
  doors ??= openDoors();
  return doors;
}

/** REST, webhooks, health and metrics. */
export async function serveRest(request: Request): Promise<Response> {
  return (await theDoors()).rest(request);
}

/** The Mini App's procedures. */
export async function serveTrpc(request: Request): Promise<Response> {
  return (await theDoors()).trpc(request);
}
