import { z } from 'zod';
import { getUser } from '#domain/identity/find-user.ts';
import { signIn } from '#domain/identity/sign-in.ts';
import { languageOfUser } from '../present.ts';
import { actingFor } from '../request.ts';
import { showMe } from '../show.ts';
import { publicProcedure, router } from '../trpc.ts';

const StartInput = z.strictObject({
  initData: z.string().max(4096),
  /** Where the client was asked to go: its own affair, accepted so that it may send all it was launched with. */
  startParam: z.string().max(512).optional(),
});

/** Launching: Telegram's signed launch data become a session. */
export const sessionRouter = router({
  start: publicProcedure.input(StartInput).mutation(async ({ ctx: context, input }) => {
    const { token, expiresAt, userId } = await signIn(context.ctx, input.initData);
    const user = await getUser(context.ctx, userId);
    context.language = languageOfUser(user);
    const own = actingFor(context.ctx, { kind: 'user', userId, role: user.role });
    return { token, expiresAt: expiresAt.toISOString(), me: await showMe(own, user, context.contact) };
  }),
});
