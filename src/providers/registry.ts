import type { Provider, ProviderEntry, ProviderSurroundings } from '#domain/provider/contract.ts';
import type { EnvSource } from '#lib/env-group.ts';
import { btcpay } from './btcpay/settings.ts';
import { click } from './click/settings.ts';
import { cryptoPay } from './crypto-pay/settings.ts';
import { payme } from './payme/settings.ts';
import { stripe } from './stripe/settings.ts';
import { makeTelegramStars, type WebhookSecrets } from './telegram-stars/adapter.ts';
import { makeBotApi } from './telegram-stars/client.ts';

/** Every provider beside Telegram, in the order in which checkout tries them. A new one is a folder and its name here. */
export const PROVIDERS: ReadonlyArray<ProviderEntry> = [payme, click, stripe, cryptoPay, btcpay];

/** The providers that are set up, by id. Telegram's Stars always are: the bot is what Hoshi lives in. */
export function makeProviders(options: {
  telegram: Readonly<{ apiRoot: string; botToken: string; secrets: WebhookSecrets }>;
  source: EnvSource;
  surround: (providerId: string) => ProviderSurroundings;
}): ReadonlyMap<string, Provider> {
  const { source, surround, telegram } = options;
  const stars = makeTelegramStars({ api: makeBotApi(telegram), secrets: telegram.secrets });
  const others = PROVIDERS.map((entry) => entry.make(source, surround(entry.id))).filter((made) => made !== null);
  return new Map<string, Provider>([stars, ...others].map((provider) => [provider.id, provider]));
}
