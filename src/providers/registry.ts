import type { Provider } from '#domain/provider.ts';
import { makeTelegramStars, type WebhookSecrets } from './telegram-stars/adapter.ts';
import { makeBotApi } from './telegram-stars/client.ts';

export type ProviderOptions = Readonly<{
  telegram: Readonly<{ apiRoot: string; botToken: string; secrets: WebhookSecrets }>;
}>;

/** Every provider, in the order in which checkout tries them. A new provider is a folder and a line here. */
export function makeProviders(options: ProviderOptions): ReadonlyMap<string, Provider> {
  const providers: Provider[] = [
    makeTelegramStars({ api: makeBotApi(options.telegram), secrets: options.telegram.secrets }),
  ];
  return new Map(providers.map((provider) => [provider.id, provider]));
}
