import { serveRest } from '#app/doors.ts';

/** Prometheus, for who has the token. */
export const dynamic = 'force-dynamic';
export const GET = serveRest;
