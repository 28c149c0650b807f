import type { IncomingMessage, ServerResponse } from 'node:http';

/** Thrown when a body is larger than allowed. */
export class BodyTooLarge extends Error {}

/** The whole body, or BodyTooLarge. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) {
        request.pause();
        reject(new BodyTooLarge());
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the connection was closed')));
  });
}

export function sendJson(
  response: ServerResponse,
  status: number,
  json: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
    ...headers,
  });
  response.end(json);
}

/** A page for a person. It may load nothing but the sandbox's own stylesheet. */
export function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(html),
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'",
    // With no-referrer a browser would send `Origin: null` with the page's own forms.
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  });
  response.end(html);
}

/** After a form: the browser goes on to a page that may be loaded again. */
export function seeOther(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'content-length': 0 });
  response.end();
}

/** Other sites must not reach the sandbox through a visitor's browser. */
export function isLocal(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  const names = [`http://${host ?? ''}`, ...(origin === undefined ? [] : [origin])];
  return names.every(
    (name) => URL.canParse(name) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(name).hostname),
  );
}

/** Fires when the other side hangs up before it was answered. */
export function abandonedSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  return controller.signal;
}

/** A part of a path without its percent escapes; null when they are broken. */
export function decodePath(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
