import { serveRest } from '#app/doors.ts';

/** The providers’ door: api/webhook.ts. */
export const dynamic = 'force-dynamic';
export const POST = serveRest;
