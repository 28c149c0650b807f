import { createServer, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCarefulAgent, NOT_CONNECTED } from './agent.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** The code with which a call fails, or its status. */
function call(url: string, timeoutMs = 2_000): Promise<unknown> {
  const isSecure = url.startsWith('https:');
  const send = isSecure ? secureRequest : request;
  return new Promise((resolve) => {
    const sent = send(url, { agent: makeCarefulAgent(isSecure, timeoutMs) }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    sent.end();
  });
}

describe('a careful agent', () => {
  it('lets a call through', async () => {
    const port = await listen(createServer((_request, response) => response.writeHead(204).end()));
    expect(await call(`http://127.0.0.1:${port}/`)).toBe(204);
  });

  it('says of a refused connection and of an unknown name that nothing was sent', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    expect(await call(`http://127.0.0.1:${port}/`)).toBe(NOT_CONNECTED);
    expect(await call('http://nowhere.invalid/')).toBe(NOT_CONNECTED);
  });

  it('says so of a TLS handshake that breaks off or takes too long', async () => {
    const breaking = await listen(createTcpServer((socket) => socket.destroy()));
    expect(await call(`https://127.0.0.1:${breaking}/`)).toBe(NOT_CONNECTED);
    const silent = await listen(createTcpServer((socket) => socket.on('error', () => undefined).resume()));
    expect(await call(`https://127.0.0.1:${silent}/`, 50)).toBe(NOT_CONNECTED);
  });

  it('does not say so of a connection that broke after it was made', async () => {
    const port = await listen(createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
    expect(await call(`http://127.0.0.1:${port}/`)).toBe('ECONNRESET');
  });
});
