import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { getUser } from '#domain/identity/find-user.ts';
import type { Language } from '#domain/identity/rules.ts';
import { updateUser } from '#domain/identity/update-user.ts';
import type { User } from '#lib/generated/prisma/client.ts';

export type Settings = {
  userId: string;
  language?: Language;
  wantsReminders?: boolean;
  wantsSalesNotices?: boolean;
  isReachable?: boolean;
};

/** Changes what a person set about themselves; absent fields stay. Returns the person as they now are. */
export async function changeSettings(ctx: Ctx, settings: Settings): Promise<User> {
  const { userId, language, wantsReminders, wantsSalesNotices, isReachable } = settings;
  requireOwnerOr(ctx, userId, 'subscriptions:write');
  const before = await getUser(ctx, userId);
  const data = {
    ...(language === undefined ? {} : { language, hasChosenLanguage: true }),
    ...(wantsReminders === undefined ? {} : { wantsReminders }),
    ...(wantsSalesNotices === undefined ? {} : { wantsSalesNotices }),
    ...(isReachable === undefined ? {} : { isReachable }),
  };
  return updateUser(ctx, { before, data });
}
