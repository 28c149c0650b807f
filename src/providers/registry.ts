import type { Provider } from '#domain/provider.ts';
import { makeClick } from './click/adapter.ts';
import { makePayme } from './payme/adapter.ts';
import { makeStripe } from './stripe/adapter.ts';
import { makeTelegramStars, type WebhookSecrets } from './telegram-stars/adapter.ts';
import { makeBotApi } from './telegram-stars/client.ts';

/** How each provider is reached; null for one that is not set up. */
export type ProviderOptions = Readonly<{
  telegram: Readonly<{ apiRoot: string; botToken: string; secrets: WebhookSecrets }>;
  payme: Parameters<typeof makePayme>[0] | null;
  click: Parameters<typeof makeClick>[0] | null;
  stripe: Parameters<typeof makeStripe>[0] | null;
}>;

/** Every provider, in the order in which checkout tries them. A new provider is a folder and a line here. */
export function makeProviders({ telegram, payme, click, stripe }: ProviderOptions): ReadonlyMap<string, Provider> {
  const providers = [
    makeTelegramStars({ api: makeBotApi(telegram), secrets: telegram.secrets }),
    payme && makePayme(payme),
    click && makeClick(click),
    stripe && makeStripe(stripe),
  ];
  return new Map(providers.filter((provider) => provider !== null).map((provider) => [provider.id, provider]));
}
