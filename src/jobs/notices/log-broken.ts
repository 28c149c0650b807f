import { getLog } from '#domain/personal-log/records.ts';
import { botLink } from '#messages/telegram.ts';
import { translator } from '#messages/translate.ts';
import type { Composed, Telling } from './telling.ts';

/** For whoever's group takes no records any more. Nothing to say once they chose a group again, or none. */
export async function tellLogBroken({ botUsername, ctx, language, reader, say }: Telling): Promise<Composed> {
  const { obstacle } = await getLog(ctx, reader.id);
  if (obstacle === null) return null;
  const button = { text: translator(language)('notice.button.log'), url: botLink(botUsername, 'log') };
  return { text: say(`notice.logBroken.${obstacle}`), buttons: [button] };
}
