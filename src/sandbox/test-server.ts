import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from './http.ts';

export type Received = { path: string; headers: IncomingHttpHeaders; body: string };
/** `null`: the connection is dropped without an answer. */
export type Sent = { status?: number; body: string } | null;

/** The web server of an application under test. */
export class TestServer {
  readonly received: Received[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(answer: (received: Received) => Sent | Promise<Sent>): Promise<TestServer> {
    let own: TestServer | undefined;
    const server = createServer((request, response) => {
      void readBody(request, 1_000_000).then(async (body) => {
        const received = { path: request.url ?? '', headers: request.headers, body: body.toString() };
        own?.received.push(received);
        const sent = await answer(received);
        if (sent === null) return response.destroy();
        return response.writeHead(sent.status ?? 200, { 'content-type': 'application/json' }).end(sent.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    own = new TestServer(server);
    return own;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
