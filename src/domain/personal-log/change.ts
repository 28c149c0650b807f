import { recordAudit } from '#domain/audit/record.ts';
import { obstaclesEndedBy } from '#domain/billing-record/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { queueHeld } from '#domain/personal-log/queue-again.ts';
import type { KeepDays } from '#domain/personal-log/rules.ts';

export type LogChange = Readonly<{
  userId: string;
  isOn?: boolean;
  isSilent?: boolean;
  asDocument?: boolean;
  keepDays?: KeepDays;
}>;

/** Changes how a person's records are delivered; absent fields stay. Switched on, what waited for that is delivered. */
export async function changeLog(ctx: Ctx, change: LogChange): Promise<void> {
  const { asDocument, isOn, isSilent, keepDays, userId } = change;
  requireOwnerOr(ctx, userId, 'subscriptions:write');
  const wanted = {
    ...(isOn !== undefined && { isOn }),
    ...(isSilent !== undefined && { isSilent }),
    ...(asDocument !== undefined && { asDocument }),
    ...(keepDays !== undefined && { keepDays }),
  };
  await inTransaction(ctx, async (tx) => {
    const data = { ...wanted, updatedAt: tx.clock.now() };
    await tx.db.personalLog.upsert({ where: { userId }, create: { userId, ...data }, update: data });
    await recordAudit(tx, { action: 'log.changed', objectId: userId, data: wanted });
    if (isOn === true) await queueHeld(tx, userId, obstaclesEndedBy('switch'));
  });
}
