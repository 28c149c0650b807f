import { serveRest } from '#app/doors.ts';

/** Liveness and readiness. */
export const dynamic = 'force-dynamic';
export const GET = serveRest;
