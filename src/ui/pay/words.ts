import type { MessageKey, Translate } from '#ui/message-format.ts';
import type { Way } from '#ui/pay/use-payment.ts';

const NAMED: Readonly<Record<string, MessageKey>> = {
  payme: 'provider.payme',
  click: 'provider.click',
  'telegram-stars': 'provider.telegram-stars',
};

/** The provider as people know it; one without a name of its own is called by what it takes. */
export function providerName(t: Translate, { method, provider }: Way): string {
  return t(NAMED[provider] ?? `method.${method}`);
}

/** In one line what paying this way is like. */
export function wayNote(t: Translate, way: Way): string {
  const provider = providerName(t, way);
  return way.method === 'credit_card' ? t('pay.cardNote', { provider }) : t(`methodNote.${way.method}`);
}
