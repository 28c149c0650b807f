import { actorRef, type Ctx } from '#domain/context/context.ts';

/** What an audit row says. `data` holds ids, amounts as strings and states only. */
export type AuditEntry = {
  action: string;
  objectId: string;
  data?: Readonly<Record<string, string | number | boolean | null>>;
};

/** The row form that the hot-path functions take. */
export function toAuditRow(ctx: Ctx, entry: AuditEntry) {
  return {
    at: ctx.clock.now().toISOString(),
    actor: actorRef(ctx.actor),
    action: entry.action,
    object_id: entry.objectId,
    data: entry.data ?? {},
    request_id: ctx.requestId,
  };
}

/** Writes an audit row in the transaction of `ctx`. */
export async function recordAudit(ctx: Ctx, entry: AuditEntry): Promise<void> {
  const row = JSON.stringify(toAuditRow(ctx, entry));
  await ctx.db.$executeRaw`SELECT write_audit(${row}::jsonb)`;
}
