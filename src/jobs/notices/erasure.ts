import type { Erasure } from '#lib/generated/prisma/client.ts';
import { miniAppLink } from '#messages/telegram.ts';
import { formatDateTime, translator } from '#messages/translate.ts';
import type { Composed, Telling } from './telling.ts';

/** That an erasure was asked for, when it begins, and that it can be cancelled; nothing once it was. */
export async function tellErasureAsked(telling: Telling, erasureId: string): Promise<Composed> {
  const erasure = await find(telling, erasureId);
  if (erasure.status !== 'waiting') return null;
  return {
    text: telling.say('notice.erasureAsked', { date: formatDateTime(erasure.dueAt, telling.language) }),
    buttons: [button(telling, 'cancelErasure')],
  };
}

/** That it could not begin; what stands in the way is shown in the app, as it is when it is opened. */
export async function tellErasureFailed(telling: Telling, erasureId: string): Promise<Composed> {
  const erasure = await find(telling, erasureId);
  if (erasure.status !== 'failed') return null;
  return { text: telling.say('notice.erasureFailed'), buttons: [button(telling, 'erasure')] };
}

function find({ ctx }: Telling, id: string): Promise<Erasure> {
  return ctx.db.erasure.findUniqueOrThrow({ where: { id } });
}

function button({ botUsername, language }: Telling, name: 'cancelErasure' | 'erasure') {
  return { text: translator(language)(`notice.button.${name}`), url: miniAppLink(botUsername, 'erase') };
}
