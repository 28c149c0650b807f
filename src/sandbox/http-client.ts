import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { gunzipSync, inflateSync } from 'node:zlib';

/** Longest answer read; what is expected is far shorter. */
const ANSWER_LIMIT_BYTES = 1024 * 1024;

/** How a request went. `unreachable`: no connection came about, so it was surely not seen. */
export type PostResult =
  | { kind: 'answered'; status: number; reason: string; retryAfterSeconds: number; contentType: string; body: string }
  | { kind: 'unreachable'; message: string }
  | { kind: 'broken'; message: string };

export type PostOptions = { url: string; headers: Record<string, string>; body: string; timeoutMs: number };

/** Calls the application as a provider's server does: over keep-alive connections, with just the headers given. */
export class HttpClient {
  #http = new HttpAgent({ keepAlive: true, timeout: 60_000 });
  #https = new HttpsAgent({ keepAlive: true, timeout: 60_000 });

  post(options: PostOptions): Promise<PostResult> {
    return new Promise((resolve) => {
      const url = new URL(options.url);
      const isSecure = url.protocol === 'https:';
      const send = isSecure ? httpsRequest : httpRequest;
      const request = send(url, {
        method: 'POST',
        agent: isSecure ? this.#https : this.#http,
        timeout: options.timeoutMs,
        headers: { ...options.headers, 'content-length': Buffer.byteLength(options.body) },
      });
      let isConnected = false;
      request.on('socket', (socket) => {
        if (!socket.connecting) isConnected = true;
        else socket.once('connect', () => (isConnected = true));
      });
      request.on('timeout', () => request.destroy(new Error('Read timeout expired')));
      request.on('error', (error: NodeJS.ErrnoException) => {
        const message = describeError(error);
        resolve(isConnected ? { kind: 'broken', message } : { kind: 'unreachable', message });
      });
      request.on('response', (response) => readAnswer(response, resolve));
      request.end(options.body);
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function readAnswer(response: IncomingMessage, resolve: (result: PostResult) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= ANSWER_LIMIT_BYTES) chunks.push(chunk);
  });
  response.on('error', (error) => resolve({ kind: 'broken', message: describeError(error) }));
  response.on('end', () => {
    const retryAfter = Number.parseInt(String(response.headers['retry-after'] ?? ''), 10);
    resolve({
      kind: 'answered',
      status: response.statusCode ?? 0,
      reason: response.statusMessage ?? '',
      retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : 0,
      contentType: response.headers['content-type'] ?? '',
      body: decode(Buffer.concat(chunks), response.headers['content-encoding']),
    });
  });
}

function decode(body: Buffer, encoding: string | undefined): string {
  if (body.length === 0) return '';
  try {
    if (encoding === 'gzip') return gunzipSync(body).toString('utf8');
    if (encoding === 'deflate') return inflateSync(body).toString('utf8');
  } catch {
    // An unreadable body says nothing; the status alone decides.
    return '';
  }
  return body.toString('utf8');
}

function describeError(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'Connection refused';
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return 'Failed to resolve host: Name or service not known';
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return 'Webhook connection closed';
  return error.message;
}
