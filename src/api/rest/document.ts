import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import type { Route } from './route.ts';
import { ErrorBody } from './schemas.ts';

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'Something in the request is missing or malformed; `details` names the fields',
  401: 'No credential, or one that is not valid',
  403: 'Not the caller’s, or a permission is missing',
  404: 'There is no such thing, or the caller may not know of it',
  409: 'In conflict with something that is happening or was asked before',
  412: 'Not possible in the present state',
  413: 'The body is too large',
  415: 'The body is not JSON',
  429: 'Too many attempts; see Retry-After',
  500: 'A fault of ours',
  503: 'Not available now; see Retry-After',
};

const REQUEST_ID_HEADER = {
  'X-Request-Id': {
    description: 'Names this request in our logs; a UUID or 32 hex digits of the request’s own are kept',
    schema: { type: 'string' as const },
  },
};

/** The statuses a route may refuse with: those of its kind, and its own. */
export function refusalsOf(route: Route): number[] {
  const statuses = new Set<number>([500, ...(route.refusals ?? [])]);
  if (route.access.kind !== 'public') for (const status of [401, 403]) statuses.add(status);
  if (route.kind === 'json' && (route.params || route.query || route.body)) statuses.add(400);
  if (isWrite(route)) for (const status of [409, 413, 415]) statuses.add(status);
  return [...statuses].sort((a, b) => a - b);
}

/** Routes that change something and may be repeated safely with an Idempotency-Key. */
export function isWrite(route: Route): boolean {
  return route.kind === 'json' && route.method !== 'get';
}

const IDEMPOTENCY_HEADER = z.object({
  'idempotency-key': z.string().max(255).optional().openapi({
    description:
      'The same key and request get the same answer (Idempotency-Hit: true) for 24 hours; another request 409',
    example: 'order-4711',
  }),
});

const SECURITY: Readonly<Record<Route['access']['kind'], ReadonlyArray<Record<string, string[]>>>> = {
  public: [],
  session: [{ session: [] }],
  person: [{ session: [] }, { apiKey: [] }],
  server: [{ apiKey: [] }],
};

function describeRoute(route: Route): RouteConfig {
  const { access, answer } = route;
  const refusals = refusalsOf(route).map((status) => [
    status,
    {
      description: REFUSALS[status] ?? 'Refused',
      content: { 'application/json': { schema: ErrorBody } },
      headers: REQUEST_ID_HEADER,
    },
  ]);
  return createRoute({
    method: route.method,
    path: route.path,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description && { description: describeAccess(route) }),
    ...(!route.description && access.kind !== 'public' && { description: describeAccess(route) }),
    security: [...SECURITY[access.kind]],
    request: {
      ...(route.params && { params: route.params }),
      ...(route.query && { query: route.query }),
      ...(isWrite(route) && { headers: IDEMPOTENCY_HEADER }),
      ...(route.body && { body: { content: { 'application/json': { schema: route.body } } } }),
    },
    responses: {
      ...Object.fromEntries(refusals),
      ...(route.isRevalidated && { 304: { description: 'As the ETag in If-None-Match', headers: REQUEST_ID_HEADER } }),
      [answer.status]: {
        description: answer.description,
        content: { [answer.contentType ?? 'application/json']: { schema: answer.schema } },
        headers: REQUEST_ID_HEADER,
      },
    },
  });
}

function describeAccess(route: Route): string {
  const { access, description = '' } = route;
  if (access.kind === 'public') return description;
  if (access.kind === 'session') return `${description} For a person’s session alone.`.trim();
  return `${description} Scope for API keys: \`${access.scope}\`.`.trim();
}

/** The OpenAPI 3.1 document of a list of routes, made from the schemas that also check and type them. */
export function makeDocument(routes: ReadonlyArray<Route>) {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A person’s session. A server may send its API key here, too.',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
  });
  for (const route of routes) app.openAPIRegistry.registerPath(describeRoute(route));
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Hoshi',
      version: '1',
      description:
        'Privacy-first billing for Telegram. Amounts are minor units as decimal strings. Texts follow Accept-Language (ja, en).',
    },
    servers: [{ url: '/' }],
  });
}

export type OpenApiDocument = ReturnType<typeof makeDocument>;
