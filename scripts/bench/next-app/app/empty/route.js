export const dynamic = 'force-dynamic';

/** Comparator: what a Next route handler costs that does nothing. */
export function GET() {
  return Response.json({});
}
