import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  validateAnswer,
  validateEvent,
  validateObject,
  validateRequest,
} from '../../scripts/stripe-schema/validate.mjs';

export { validateAnswer, validateEvent, validateObject, validateRequest };

export type StripeWatch = {
  /** For `Stripe.createFetchHttpClient`: sends as usual and checks what goes out and what comes back. */
  fetch: typeof fetch;
  /** What was wrong, with the request it was wrong in. A test expects none at its end. */
  complaints: string[];
};

/**
 * Watches the wire of a real Stripe client:
 * `new Stripe(key, { ...address, httpClient: Stripe.createFetchHttpClient(watch.fetch) })`.
 * It complains instead of throwing, since the client would take a throw for a broken connection and try again.
 */
export function watchStripe(): StripeWatch {
  const complaints: string[] = [];
  const watch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    const method = init?.method ?? 'GET';
    const body = typeof init?.body === 'string' ? init.body : '';
    const note = (found: readonly string[]): void => {
      complaints.push(...found.map((words) => `${method} ${new URL(url).pathname}: ${words}`));
    };
    note(validateRequest(method, url, body));
    const response = await fetch(input, init);
    if (response.ok) {
      note(await readAnswer(response.clone()).then((answer) => validateAnswer(method, url, answer)));
    }
    return response;
  };
  return { fetch: watch, complaints };
}

async function readAnswer(response: Response): Promise<unknown> {
  return parse(await response.text());
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return `an answer that is no JSON: ${text.slice(0, 80)}`;
  }
}

/**
 * What becomes of an answer: `lost` breaks the connection off, `silent` says nothing, `cut` is half of it; a number is a refusal
 * with that status.
 */
export type Weather = 'fair' | 'lost' | 'silent' | 'cut' | 429 | 500 | 503;

export type StripeTap = {
  /** What was wrong, with the request it was wrong in. A test expects none at its end. */
  complaints: string[];
  /** How many requests were checked. */
  count: number;
  /** Asked before an answer to a request (`POST /v1/refunds`) is handed on, which waits for it. */
  weather: (name: string) => Promise<Weather>;
  /** Where a client has to go to be heard on its way to the sandbox. Known once `open` has resolved. */
  url: string;
  /** Begins to listen. */
  open(): Promise<void>;
  /** Where it leads to: the sandbox's address. */
  to(sandboxUrl: string): void;
  close(): void;
};

/**
 * Stands between our own Stripe adapter and the sandbox, and checks every request and every answer against the types of the
 * SDK. What breaks off on one side breaks off on the other, so that faults of the sandbox stay what they are.
 */
export function tapStripe(): StripeTap {
  let target = '';
  const tap: StripeTap = {
    complaints: [],
    weather: async () => 'fair',
    count: 0,
    url: '',
    async open() {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      tap.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    to(sandboxUrl) {
      target = sandboxUrl;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/' } = request;
    const note = (found: readonly string[]) =>
      tap.complaints.push(...found.map((words) => `${method} ${url}: ${words}`));
    readBytes(request).then(
      (body) => {
        tap.count += 1;
        note(validateRequest(method, url, body.toString()));
        forward(request, body, {
          target,
          response,
          weather: () => tap.weather(`${method} ${url.split('?')[0]}`),
          heard: (answer) => note(validateAnswer(method, url, answer)),
        });
      },
      () => response.destroy(),
    );
  });
  return tap;
}

/** Stripe's own words for a call that it did not take at this moment. */
function refuse(response: ServerResponse, status: number): void {
  const error = status === 429 ? { type: 'invalid_request_error', code: 'rate_limit' } : { type: 'api_error' };
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '1' });
  response.end(JSON.stringify({ error: { message: 'A fault of the test.', ...error } }));
}

type Forwarding = Readonly<{
  target: string;
  response: ServerResponse;
  weather: () => Promise<Weather>;
  heard: (answer: unknown) => void;
}>;

function forward(request: IncomingMessage, body: Buffer, { heard, response, target, weather }: Forwarding): void {
  const { headers, method, url = '/' } = request;
  const host = new URL(target).host;
  const onward = sendRequest(
    `${target}${url}`,
    { method: method ?? 'GET', headers: { ...headers, host } },
    (answer) => {
      const whole = Promise.all([readBytes(answer), weather()]);
      whole.then(
        ([bytes, kind]) => {
          const { statusCode = 500 } = answer;
          if (kind === 'silent') return;
          if (kind === 'lost') return void response.destroy();
          if (typeof kind === 'number') return void refuse(response, kind);
          const length = kind === 'cut' ? Math.floor(bytes.length / 2) : bytes.length;
          response
            .writeHead(statusCode, { ...answer.headers, 'content-length': length })
            .end(bytes.subarray(0, length));
          if (statusCode < 300) heard(parse(bytes.toString()));
        },
        () => response.destroy(),
      );
    },
  );
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  onward.end(body);
}

async function readBytes(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
