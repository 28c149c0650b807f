import type { MethodView } from '#api/views.ts';
import type { Method } from '#domain/provider/capability.ts';
import type { MessageKey, Translate } from '#ui/message-format.ts';

/** One way to pay: a provider may take several methods, and a method may have several providers. */
export type Way = Pick<MethodView, 'method' | 'provider'>;

export type WayGroup<Offered extends Way> = Readonly<{ method: Method; ways: ReadonlyArray<Offered> }>;

/** What tells a way from the others of an order. */
export function wayKey({ method, provider }: Way): string {
  return `${provider}-${method}`;
}

/** Ways to pay under their method, each where its first way stood; methods of which none may be used come last. */
export function groupWays<Offered extends Way & { isAllowed: boolean }>(
  offered: ReadonlyArray<Offered>,
): WayGroup<Offered>[] {
  const methods = [...new Set(offered.map(({ method }) => method))];
  const groups = methods.map((method) => ({ method, ways: offered.filter((way) => way.method === method) }));
  const isUsable = ({ ways }: WayGroup<Offered>) => ways.some(({ isAllowed }) => isAllowed);
  return [...groups.filter(isUsable), ...groups.filter((group) => !isUsable(group))];
}

/** The way that is chosen: the wanted one where it may be used, else the first that may, if possible one that answers. */
export function chooseWay<Offered extends Way & { isAllowed: boolean; isResting: boolean }>(
  offered: ReadonlyArray<Offered>,
  wanted: string | null,
): Offered | null {
  const allowed = groupWays(offered).flatMap(({ ways }) => ways.filter(({ isAllowed }) => isAllowed));
  const wantedWay = allowed.find((way) => wayKey(way) === wanted);
  return wantedWay ?? allowed.find(({ isResting }) => !isResting) ?? allowed[0] ?? null;
}

/** Whether the provider of a way, or of a stored method of it, does not answer at present. */
export function isResting(way: Way, offered: ReadonlyArray<Way & { isResting: boolean }>): boolean {
  return offered.some((one) => one.isResting && wayKey(one) === wayKey(way));
}

const NAMED: Readonly<Record<string, MessageKey>> = {
  'telegram-stars': 'provider.telegram-stars',
  stripe: 'provider.stripe',
  payme: 'provider.payme',
  click: 'provider.click',
  'crypto-pay': 'provider.crypto-pay',
  btcpay: 'provider.btcpay',
};

/** The provider as people know it; one without a name of its own is called by what it takes. */
export function providerName(t: Translate, { method, provider }: Way): string {
  return t(NAMED[provider] ?? `method.${method}`);
}

/** In one line what paying this way is like. */
export function wayNote(t: Translate, way: Way): string {
  if (way.provider === 'crypto-pay') return t('wayNote.crypto-pay');
  return t(`wayNote.${way.method}`, { provider: providerName(t, way) });
}

/** Who learns what when paying this way. */
export function privacyNote(t: Translate, { method, provider }: Way): string {
  return t(provider === 'crypto-pay' ? 'privacy.method.crypto-pay' : `privacy.method.${method}`);
}
