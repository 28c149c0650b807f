import { TRPC_PATH } from './trpc-handler.ts';

/** Which part of the server answers an address: REST's refusals are JSON, so it also gets what nobody knows. */
export type Door = 'rest' | 'trpc' | 'page';

/** Addresses of programs. Whatever is asked below them, also what is none, is answered in JSON. */
const REST_PREFIXES = ['/api/', '/webhooks/', '/health'];

/**
 * Decides by method and request target (RFC 9112 § 3.2), before anything is read. Pages are for reading, at paths of
 * ours: Next answers other methods, `OPTIONS *` and broken percent-encoding with a fault of the server, and an address of
 * another origin with a redirect there. `isDevelopment`: Next's development client also posts.
 */
export function doorOf(method: string | undefined, target: string, isDevelopment = false): Door {
  const [path = ''] = target.split('?', 1);
  if (path.startsWith(`${TRPC_PATH}/`)) return 'trpc';
  if (path === '/metrics' || REST_PREFIXES.some((prefix) => path.startsWith(prefix))) return 'rest';
  const isReading = method === 'GET' || method === 'HEAD' || isDevelopment;
  return isReading && path.startsWith('/') && isDecodable(path) ? 'page' : 'rest';
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
