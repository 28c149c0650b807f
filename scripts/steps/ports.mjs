import { createServer } from 'node:net';

/** The first free one of `count` ports from `first` on, or null. Without a host, it is free on all addresses. */
export async function findFreePort(first, count, host) {
  for (let port = first; port < first + count && port < 65_536; port += 1) {
    if (await isPortFree(port, host)) return port;
  }
  return null;
}

/** True when we could listen there. */
export function isPortFree(port, host) {
  return new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => answer(true)));
  });
}
