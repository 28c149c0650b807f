import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What one call gets: an object is sent as JSON with status 200. `down` breaks the connection off, `silent` says nothing. */
export type Answer = 'down' | 'silent' | Readonly<{ status: number; body: unknown; headers?: Record<string, string> }>;
export type Call = Readonly<{ line: string; form: Readonly<Record<string, string>>; headers: IncomingHttpHeaders }>;

/** A server on loopback that writes down what it is asked, and answers by method and path, in turn where told several. */
export function makeLoopback() {
  const calls: Call[] = [];
  const answers = new Map<string, Answer[]>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const line = `${request.method} ${decodeURIComponent(request.url ?? '')}`;
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      calls.push({ line, form, headers: request.headers });
      const queue = answers.get(line.split('?')[0] ?? '') ?? [];
      const answer = queue.length > 1 ? queue.shift() : queue[0];
      if (answer === 'down') return void request.socket.destroy();
      if (answer === 'silent') return;
      const { body, headers = {}, status } = answer ?? { status: 501, body: { error: { type: 'not_arranged' } } };
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  return {
    calls,
    lines: () => calls.map(({ line }) => line),
    /** Answers a call (`GET /v1/refunds`); several answers are given in turn, the last one for ever. */
    answer(line: string, ...given: Answer[]) {
      answers.set(line, given);
    },
    ok(line: string, ...bodies: unknown[]) {
      answers.set(
        line,
        bodies.map((body) => ({ status: 200, body })),
      );
    },
    reset() {
      calls.length = 0;
      answers.clear();
    },
    async start(): Promise<string> {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A list as Stripe answers it. */
export const listOf = (data: ReadonlyArray<unknown>, hasMore = false) => ({
  object: 'list',
  data,
  has_more: hasMore,
  url: '/v1/fixture',
});

/** A refusal as Stripe answers it. The message stands for free text that must not get out. */
export const refusal = (
  status: number,
  error: Readonly<Record<string, unknown>>,
  headers: Record<string, string> = {},
): Answer => ({ status, body: { error: { message: 'Taro Yamada, taro@example.jp', ...error } }, headers });
