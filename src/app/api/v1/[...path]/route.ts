import { serveRest } from '#app/doors.ts';

/** REST: api/rest.ts knows the routes, and answers what is none. */
export const dynamic = 'force-dynamic';
export const GET = serveRest;
export const POST = serveRest;
export const PUT = serveRest;
export const PATCH = serveRest;
export const DELETE = serveRest;
export const OPTIONS = serveRest;
