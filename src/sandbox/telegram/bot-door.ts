import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SimError } from '../errors.ts';
import { abandonedSignal, BodyTooLarge, decodePath, readBody, sendJson } from '../http.ts';
import type { SandboxOptions } from '../options.ts';
import { apiMethods } from './api-methods.ts';
import type { Args } from './args.ts';
import { Described } from './call.ts';
import { ApiError } from './errors.ts';
import { parseArguments } from './request-body.ts';
import type { Telegram } from './telegram.ts';

const BODY_LIMIT_BYTES = 55 * 1024 * 1024;
const FLOOD_SECONDS = 3;
/** Not executed when they stand in a webhook's answer, besides everything that begins with "get". */
const NOT_IN_ANSWERS: ReadonlySet<string> = new Set(['setwebhook', 'deletewebhook', 'close', 'logout']);
const NEVER: AbortSignal = new AbortController().signal;

type Answer = { status: number; json: string; retryAfter?: number };

/** The Bot API over HTTP: `/bot<token>/<method>` and `/file/bot<token>/<path>`. */
export class BotDoor {
  readonly #telegram: Telegram;
  readonly #options: SandboxOptions;

  constructor(telegram: Telegram, options: SandboxOptions) {
    this.#telegram = telegram;
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = /^\/bot([^/]*)(?:\/test)?\/+([^/]*)$/.exec(url.pathname);
    if (path === null) return reply(response, refuse(404, 'Not Found'));
    const refusal = this.#checkToken(decodePath(path[1] ?? '') ?? '');
    if (refusal !== null) return reply(response, refusal);
    const name = path[2] ?? '';
    let body: Buffer;
    try {
      body = await readBody(request, BODY_LIMIT_BYTES);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) return;
      response.setHeader('connection', 'close');
      return reply(response, refuse(413, 'Request Entity Too Large'));
    }
    const args = parseArguments(url.searchParams, request.headers['content-type'] ?? '', body);
    await this.#call(response, name, args, describeRequest(request, url, body));
  }

  async #call(response: ServerResponse, name: string, args: Args | null, description: string): Promise<void> {
    const mark = this.#telegram.traffic.begin('from_bot', name, description);
    const { faults } = this.#telegram;
    // Calls that all took the same would go on meeting each other.
    if (faults.current.api_delay_ms) await sleep(faults.current.api_delay_ms * (0.5 + Math.random()));
    const fault = faults.takeForCall(name.toLowerCase());
    if (fault?.kind === 'timeout') {
      response.on('close', () => mark.end('no_answer', ''));
      return;
    }
    const answer =
      fault?.kind === 'flood' || fault?.kind === 'server_error'
        ? refuseByFault(fault.kind, fault.retry_after)
        : await this.execute(name, args, abandonedSignal(response));
    if (fault?.kind === 'lost_answer') {
      mark.end('no_answer', answer.json);
      response.destroy();
      return;
    }
    mark.end(answer.status, answer.json);
    reply(response, answer);
  }

  /** Runs one method. `args` null: the body was not readable. */
  async execute(name: string, args: Args | null, abandoned: AbortSignal): Promise<Answer> {
    const method = apiMethods.get(name.toLowerCase());
    if (method === undefined) return refuse(404, 'Not Found: method not found');
    if (args === null) return refuse(400, "Bad Request: can't parse JSON object");
    try {
      const result = await method({ args, telegram: this.#telegram, options: this.#options, abandoned });
      const isDescribed = result instanceof Described;
      const content = isDescribed
        ? { ok: true, result: result.result, description: result.description }
        : { ok: true, result };
      return { status: 200, json: JSON.stringify(content) };
    } catch (error) {
      if (error instanceof ApiError) return refuse(error.code, error.description, error.retryAfter);
      if (error instanceof SimError) return refuse(400, `Bad Request: ${error.code}`);
      this.#options.say(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
      return refuse(500, 'Internal Server Error');
    }
  }

  /** A method call in the answer to a webhook; its outcome is seen by nobody. */
  executeReply = (contentType: string, body: string): void => {
    if (!body.includes('method')) return;
    const args = parseArguments(new URLSearchParams(), contentType, Buffer.from(body));
    const name = args?.text('method').toLowerCase() ?? '';
    if (args === null || name === '' || NOT_IN_ANSWERS.has(name) || name.startsWith('get')) return;
    const mark = this.#telegram.traffic.begin('from_bot', `${name} (webhook reply)`, body);
    void this.execute(name, args, NEVER).then((answer) => mark.end(answer.status, answer.json));
  };

  /** `/file/bot<token>/<file_path>` */
  async handleFile(response: ServerResponse, url: URL): Promise<void> {
    const path = /^\/file\/bot([^/]*)\/documents\/([\w-]+)$/.exec(url.pathname);
    if (path === null) return reply(response, refuse(404, 'Not Found'));
    const refusal = this.#checkToken(decodePath(path[1] ?? '') ?? '');
    if (refusal !== null) return reply(response, refusal);
    const bytes = await this.#telegram.files.get(path[2] ?? '');
    if (bytes === null) return reply(response, refuse(404, 'Not Found'));
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    response.end(bytes);
  }

  #checkToken(token: string): Answer | null {
    const isWellFormed = /^[1-9]\d*:/.test(token) && token.length <= 80;
    if (!isWellFormed) return refuse(401, 'Unauthorized: invalid token specified');
    const given = Buffer.from(token);
    const expected = Buffer.from(this.#options.botToken);
    const isRight = given.length === expected.length && timingSafeEqual(given, expected);
    return isRight ? null : refuse(401, 'Unauthorized');
  }
}

function refuse(status: number, description: string, retryAfter?: number): Answer {
  const parameters = retryAfter === undefined ? {} : { parameters: { retry_after: retryAfter } };
  const json = JSON.stringify({ ok: false, error_code: status, description, ...parameters });
  return retryAfter === undefined ? { status, json } : { status, json, retryAfter };
}

function refuseByFault(kind: 'flood' | 'server_error', retryAfter = FLOOD_SECONDS): Answer {
  if (kind === 'server_error') return refuse(500, 'Internal Server Error');
  return refuse(429, `Too Many Requests: retry after ${retryAfter}`, retryAfter);
}

function reply(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  sendJson(
    response,
    answer.status,
    answer.json,
    answer.retryAfter === undefined ? {} : { 'retry-after': String(answer.retryAfter) },
  );
}

function describeRequest(request: IncomingMessage, url: URL, body: Buffer): string {
  if (request.method === 'GET' || body.length === 0) return url.search;
  if (request.headers['content-type']?.startsWith('multipart/') === true) return `multipart, ${body.length} bytes`;
  return body.toString('utf8', 0, 4_096);
}
