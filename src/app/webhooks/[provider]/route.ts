import { serveRest } from '#app/doors.ts';

/** The providers’ door: api/webhook.ts. */
export const dynamic = 'force-dynamic';
export const POST = serveRest;
export const GET = serveRest;
export const PUT = serveRest;
export const PATCH = serveRest;
export const DELETE = serveRest;
export const OPTIONS = serveRest;
