import { serveTrpc } from '#app/doors.ts';

/** The Mini App’s procedures: api/router.ts. */
export const dynamic = 'force-dynamic';
export const GET = serveTrpc;
export const POST = serveTrpc;
