import type { ThemeParams } from '#ui/theme.ts';

/** How Telegram started the Mini App. It comes in the address's fragment, which no server sees. */
export type Launch = Readonly<{
  /** Signed launch data, raw as received; empty when Telegram gave none (keyboard buttons, inline mode). */
  initData: string;
  /** Bot API version of the client, like "9.1". */
  version: string;
  theme: ThemeParams;
  startParam: string | null;
}>;

/** Reads the launch from a fragment (`#tgWebAppData=…`), or null outside Telegram. */
export function readLaunch(hash: string): Launch | null {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const version = params.get('tgWebAppVersion');
  const initData = params.get('tgWebAppData') ?? '';
  if (version === null && initData === '') return null;
  const startParam = params.get('tgWebAppStartParam') ?? new URLSearchParams(initData).get('start_param');
  return { initData, version: version ?? '6.0', theme: readTheme(params.get('tgWebAppThemeParams')), startParam };
}

/** A malformed theme is no reason to show nothing: the built-in colours take its place. */
function readTheme(text: string | null): ThemeParams {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return value !== null && typeof value === 'object' ? (value as ThemeParams) : {};
  } catch {
    return {};
  }
}

/**
 * The slug inside an invoice link: `https://t.me/$slug`, `https://t.me/invoice/slug`, or the same on telegram.me, which
 * the Bot API has been seen to return and clients refuse to open. Null when it is no invoice link.
 */
export function invoiceSlugOf(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, pathname } = new URL(url);
  if (protocol !== 'https:' || !/^(t|telegram)\.me$/.test(hostname)) return null;
  return /^\/(?:\$|%24|invoice\/)([A-Za-z0-9_=-]+)\/?$/.exec(pathname)?.[1] ?? null;
}
