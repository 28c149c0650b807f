import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import type { Consent } from '#lib/generated/prisma/client.ts';

const MAX_ROWS = 100;

/** What a person agreed to and where, newest first, at most 100. Needs `subscriptions:read` for anybody else. */
export async function listConsents(ctx: Ctx, userId: string): Promise<Consent[]> {
  requireOwnerOr(ctx, userId, 'subscriptions:read');
  return ctx.db.consent.findMany({ where: { userId }, orderBy: { id: 'desc' }, take: MAX_ROWS });
}
