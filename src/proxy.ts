import { type NextRequest, NextResponse } from 'next/server';
import { loadEnv } from '#lib/env.ts';
import { PROVIDERS } from '#providers/registry.ts';
import { languageOf, languageOfHeader } from '#ui/message-format.ts';
import { parseRoute } from '#ui/routes.ts';

/**
 * The content security policy of every page. Scripts run only with this request's nonce (and what those load themselves);
 * nothing is fetched from elsewhere, but for the page of a card, which goes to its provider; the Mini App may be framed by Telegram's web client alone, other pages by nobody.
 */
export function contentSecurityPolicy(options: {
  nonce: string;
  frameAncestors: string;
  /** Addresses beside our own that the page's scripts may call. */
  calls?: ReadonlyArray<string>;
  isDevelopment: boolean;
}): string {
  const { calls = [], nonce, frameAncestors, isDevelopment } = options;
  // Next's development client evaluates code and injects styles; production does neither.
  const scripts = `'self' 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ''}`;
  const styles = isDevelopment ? "'self' 'unsafe-inline'" : `'self' 'nonce-${nonce}'`;
  return [
    "default-src 'none'",
    `script-src ${scripts}`,
    `style-src ${styles}`,
    "img-src 'self' data:",
    "font-src 'self'",
    ["connect-src 'self'", ...calls].join(' '),
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "object-src 'none'",
    `frame-ancestors ${frameAncestors}`,
  ].join('; ');
}

/** The page on which a person adds a payment method. */
const ADDING = /^\/methods\/[^/]+$/;

/** Where that page may send a card, past us: to the very addresses that the providers' set-up names, and nowhere else. */
function cardEndpoints(): string[] {
  const { providerVariables } = loadEnv(PROVIDERS.map(({ variables }) => variables));
  return PROVIDERS.flatMap(({ cardEndpoint }) => cardEndpoint?.(providerVariables) ?? []);
}

/** Gives each page its nonce, its policy and its language. */
export function proxy(request: NextRequest): NextResponse {
  const { telegram, isDevelopment } = loadEnv();
  const { pathname, searchParams } = request.nextUrl;
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64');
  const frameAncestors = parseRoute(pathname) ? telegram.webOrigin : "'none'";
  const policy = contentSecurityPolicy({
    nonce,
    frameAncestors,
    calls: ADDING.test(pathname) ? cardEndpoints() : [],
    isDevelopment: isDevelopment || process.env.NODE_ENV === 'development',
  });
  const wanted = searchParams.get('lang');
  const language = wanted === null ? languageOfHeader(request.headers.get('accept-language')) : languageOf(wanted);
  const headers = new Headers(request.headers);
  headers.set('x-nonce', nonce);
  headers.set('x-hoshi-language', language);
  headers.set('x-hoshi-path', pathname);
  headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  return response;
}

/** All but the doors of other programs and Next's own files: a page that only begins like one of them is still a page. */
export const config = {
  matcher: ['/((?!api/|webhooks/|health/|metrics$|_next/).*)'],
};
