import { keyState } from '#domain/billing-key/rules.ts';
import { miniAppLink } from '#messages/telegram.ts';
import { formatDate, translator } from '#messages/translate.ts';
import type { Composed, Telling } from './telling.ts';

/** The owner of a key that ends soon or has ended. Nothing when it is out of use, or lasts longer since. Says nothing of the key. */
export async function tellKeyEnds(telling: Telling, keyId: string): Promise<Composed> {
  const { botUsername, ctx, language, say } = telling;
  const key = await ctx.db.billingKey.findUniqueOrThrow({ where: { id: keyId } });
  const state = keyState(key, ctx.clock.now());
  if (!key.expiresAt || (state !== 'expiring' && state !== 'expired')) return null;
  const date = formatDate(key.expiresAt, language);
  return {
    text: state === 'expired' ? say('notice.keyExpiring.ended', { date }) : say('notice.keyExpiring.ahead', { date }),
    buttons: [{ text: translator(language)('notice.button.keys'), url: miniAppLink(botUsername, 'keys') }],
  };
}
