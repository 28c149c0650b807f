import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Btcpay } from './btcpay/btcpay.ts';
import { BtcpayDoor } from './btcpay/door.ts';
import { Click } from './click/click.ts';
import { ClickDoor } from './click/door.ts';
import { handleControl } from './control-api.ts';
import type { Providers } from './control-route.ts';
import { CryptoPay } from './crypto-pay/crypto-pay.ts';
import { CryptoPayDoor } from './crypto-pay/door.ts';
import { BodyTooLarge } from './http.ts';
import { completeOptions, type SandboxOptions } from './options.ts';
import { PAGE_STYLE } from './page-style.ts';
import { PaymeDoor } from './payme/door.ts';
import { Payme } from './payme/payme.ts';
import { serveClient } from './static.ts';
import { StripeDoor } from './stripe/door.ts';
import { Stripe } from './stripe/stripe.ts';
import { BotDoor } from './telegram/bot-door.ts';
import { Telegram } from './telegram/telegram.ts';

export type Sandbox = {
  /** For example `http://127.0.0.1:8081`. */
  url: string;
  /** Hex of the key with which initData's `signature` can be checked. */
  initDataPublicKey: string;
  /** The sandbox's time, for who runs in the same process: over the wire it is known a moment later. */
  nowMs: () => number;
  /** Writes everything that is left and closes all connections. */
  close: () => Promise<void>;
};

/** Starts a sandbox on the loopback. Rejects when the port is taken (EADDRINUSE). */
export async function startSandbox(given: Partial<SandboxOptions>): Promise<Sandbox> {
  const options = completeOptions(given);
  let handle: RequestListener = (_request, response) => response.destroy();
  const servers = await listen(options.port, (request, response) => handle(request, response));
  const telegram: Telegram = new Telegram(options, (contentType, body) => door.executeReply(contentType, body));
  const door = new BotDoor(telegram, options);
  const payme = new Payme(telegram);
  const click = new Click(telegram);
  const stripe = new Stripe(telegram);
  const cryptoPay = new CryptoPay(telegram, (userId) => telegram.world.users.get(userId) !== undefined);
  const btcpay = new Btcpay(telegram);
  const providers = { telegram, payme, click, stripe, cryptoPay, btcpay };
  const paymeDoor = new PaymeDoor(payme, () => telegram.clock.nowMs());
  const doors = {
    bot: door,
    payme: paymeDoor,
    click: new ClickDoor(click),
    stripe: new StripeDoor(stripe),
    cryptoPay: new CryptoPayDoor(cryptoPay),
    btcpay: new BtcpayDoor(btcpay, telegram),
  };
  telegram.settling.push((limitMs) => payme.settled(limitMs));
  telegram.settling.push((limitMs) => click.settled(limitMs));
  telegram.settling.push((limitMs) => stripe.settled(limitMs));
  telegram.settling.push((limitMs) => cryptoPay.settled(limitMs));
  telegram.settling.push((limitMs) => btcpay.settled(limitMs));
  telegram.wake();
  payme.wake();
  click.wake();
  stripe.wake();
  cryptoPay.wake();
  btcpay.wake();
  handle = (request, response) => {
    dispatch(providers, doors, request, response).catch((error: unknown) => {
      if (error instanceof BodyTooLarge) {
        response.writeHead(413, { connection: 'close' }).end();
        return;
      }
      options.say(`A request failed: ${error instanceof Error ? error.stack : String(error)}`);
      response.destroy();
    });
  };
  return {
    url: `http://127.0.0.1:${portOf(servers[0])}`,
    initDataPublicKey: telegram.signer.publicKey,
    nowMs: () => telegram.clock.nowMs(),
    close: async () => {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      payme.close();
      click.close();
      stripe.close();
      cryptoPay.close();
      btcpay.close();
      await telegram.close();
      for (const server of servers) server.closeAllConnections();
      await Promise.all(closed);
    },
  };
}

type Doors = {
  bot: BotDoor;
  payme: PaymeDoor;
  click: ClickDoor;
  stripe: StripeDoor;
  cryptoPay: CryptoPayDoor;
  btcpay: BtcpayDoor;
};

async function dispatch(
  providers: Providers,
  doors: Doors,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = request.url ?? '/';
  if (!URL.canParse(target, 'http://localhost')) {
    response.writeHead(400).end();
    return;
  }
  const url = new URL(target, 'http://localhost');
  const { telegram } = providers;
  if (url.pathname.startsWith('/bot')) return await doors.bot.handle(request, response, url);
  if (url.pathname.startsWith('/file/bot')) return await doors.bot.handleFile(response, url);
  if (url.pathname.startsWith('/sim/')) return await handleControl(providers, request, response, url);
  if (/^\/payme(\/|$)/.test(url.pathname)) return await doors.payme.handle({ request, response, url });
  if (url.pathname.startsWith('/click/')) return await doors.click.handle({ request, response, url });
  if (url.pathname.startsWith('/v1/')) return await providers.stripe.api.handle(request, response, url);
  if (url.pathname.startsWith('/stripe/')) return await doors.stripe.handle({ request, response, url });
  if (url.pathname.startsWith('/crypto-pay/')) return await doors.cryptoPay.handle({ request, response, url });
  if (url.pathname.startsWith('/btcpay/')) return await doors.btcpay.handle({ request, response, url });
  if (url.pathname === '/pages.css') return sendStyle(response);
  if (request.method === 'GET' || request.method === 'HEAD') {
    return await serveClient(response, telegram.options.clientDir, url.pathname);
  }
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ok: false, error_code: 404, description: 'Not Found' }));
}

function sendStyle(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-cache' });
  response.end(PAGE_STYLE);
}

/** On both loopback addresses, since `localhost` may mean either; machines without IPv6 have only the first. */
async function listen(port: number, handle: RequestListener): Promise<[Server, ...Server[]]> {
  const first = await listenOn('127.0.0.1', port, handle);
  try {
    return [first, await listenOn('::1', portOf(first), handle)];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const isOurPortTaken = code === 'EADDRINUSE' && port !== 0;
    if (!isOurPortTaken) return [first];
    first.close();
    throw error;
  }
}

function listenOn(host: string, port: number, handle: RequestListener): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handle);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
