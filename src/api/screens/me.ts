import { z } from 'zod';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { Language } from '#domain/identity/rules.ts';
import { showMe } from '../show.ts';
import { personProcedure, router } from '../trpc.ts';

const SettingsInput = z.strictObject({
  language: Language.optional(),
  wantsReminders: z.boolean().optional(),
  wantsSalesNotices: z.boolean().optional(),
});

/** Home and settings: the person themselves. */
export const meRouter = router({
  get: personProcedure.query(({ ctx: { ctx, user, contact } }) => showMe(ctx, user, contact)),

  update: personProcedure.input(SettingsInput).mutation(async ({ ctx: { ctx, user, contact }, input }) => {
    const { language, wantsReminders, wantsSalesNotices } = input;
    const changed = await changeSettings(ctx, {
      userId: user.id,
      ...(language !== undefined && { language }),
      ...(wantsReminders !== undefined && { wantsReminders }),
      ...(wantsSalesNotices !== undefined && { wantsSalesNotices }),
    });
    return showMe(ctx, changed, contact);
  }),

  /** After the person allowed the bot to write to them, in Telegram's own dialogue. */
  allowMessages: personProcedure.mutation(async ({ ctx: { ctx, user, contact } }) => {
    const changed = await changeSettings(ctx, { userId: user.id, isReachable: true });
    return showMe(ctx, changed, contact);
  }),
});
