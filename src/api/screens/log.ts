import { z } from 'zod';
import { obstaclesEndedBy } from '#domain/billing-record/rules.ts';
import { unbindLog } from '#domain/personal-log/bind.ts';
import { changeLog } from '#domain/personal-log/change.ts';
import { sendAgain } from '#domain/personal-log/queue-again.ts';
import { getLog, listUndelivered } from '#domain/personal-log/records.ts';
import { KEEP_DAYS } from '#domain/personal-log/rules.ts';
import { botLink } from '#messages/telegram.ts';
import { type Contact, presentInstant, presentInstantOrNull } from '../present.ts';
import type { PersonalLogView } from '../privacy-views.ts';
import { IdInput, personProcedure, type Reader, router } from '../trpc.ts';

const ChangeInput = z.strictObject({
  isOn: z.boolean().optional(),
  isSilent: z.boolean().optional(),
  asDocument: z.boolean().optional(),
  keepDays: z.literal(KEEP_DAYS).optional(),
});
const RecordInput = z.strictObject({ recordId: IdInput });

/** Where the person's billing records go. Each change answers the log as it then is. */
export const logRouter = router({
  get: personProcedure.query(({ ctx: reader }) => showLog(reader)),

  update: personProcedure.input(ChangeInput).mutation(async ({ ctx: reader, input }) => {
    const { asDocument, isOn, isSilent, keepDays } = input;
    await changeLog(reader.ctx, {
      userId: reader.user.id,
      ...(isOn !== undefined && { isOn }),
      ...(isSilent !== undefined && { isSilent }),
      ...(asDocument !== undefined && { asDocument }),
      ...(keepDays !== undefined && { keepDays }),
    });
    return showLog(reader);
  }),

  unbind: personProcedure.mutation(async ({ ctx: reader }) => {
    await unbindLog(reader.ctx, reader.user.id);
    return showLog(reader);
  }),

  sendAgain: personProcedure.input(RecordInput).mutation(async ({ ctx: reader, input }) => {
    await sendAgain(reader.ctx, { userId: reader.user.id, recordId: input.recordId });
    return showLog(reader);
  }),
});

async function showLog({ contact, ctx, language, user }: Reader & { contact: Contact }): Promise<PersonalLogView> {
  const [log, undelivered] = await Promise.all([getLog(ctx, user.id), listUndelivered(ctx, user.id)]);
  const { asDocument, boundAt, group, isOn, isSilent, keepDays, obstacle } = log;
  const { delay, held, onTheirWay, records, withoutKey } = undelivered;
  const sendable: ReadonlyArray<string> = obstaclesEndedBy('owner');
  return {
    isBound: group !== null,
    boundAt: presentInstantOrNull(boundAt, language),
    obstacle,
    isReachable: user.isReachable,
    isOn,
    isSilent,
    asDocument,
    keepDays,
    bindUrl: botLink(contact.botUsername, 'log'),
    withoutKey,
    onTheirWay,
    delay,
    held,
    records: records.map(({ createdAt, ...record }) => ({
      ...record,
      createdAt: presentInstant(createdAt, language),
      canSend: sendable.includes(record.obstacle),
    })),
  };
}
