import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { decodePath } from './http.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.map': 'application/json',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

const MISSING = `The browser client of the sandbox has not been built.
Run "npm start" in Hoshi's directory: it builds everything and starts the sandbox.
The Bot API (/bot<token>/<method>) and the control API (/sim) work without it.
`;

/** Serves the browser client's bundle; "/" is its index.html. */
export async function serveClient(response: ServerResponse, dir: string, pathname: string): Promise<void> {
  const decoded = decodePath(pathname === '/' ? '/index.html' : pathname);
  const file = join(dir, normalize(decoded ?? '/'));
  if (decoded === null || !file.startsWith(normalize(dir + sep))) return sendText(response, 404, 'Not found\n');
  try {
    const content = await readFile(file);
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-length': content.length,
      'cache-control': 'no-cache',
    });
    response.end(content);
  } catch {
    const isIndex = pathname === '/';
    sendText(response, isIndex ? 503 : 404, isIndex ? MISSING : 'Not found\n');
  }
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}
