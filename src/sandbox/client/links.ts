/** What pressing a link means inside the client. Anything not listed is refused. */
export type LinkTarget =
  | { kind: 'invoice'; slug: string }
  | { kind: 'start'; payload: string }
  | { kind: 'start_app'; startParam: string }
  | { kind: 'top_up'; balance: number }
  | { kind: 'external'; url: string }
  | { kind: 'refused' };

const slugPattern = /^[\w=-]{1,128}$/;
const telegramHosts = new Set(['t.me', 'telegram.me', 'telegram.dog']);

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

function invoice(slug: string): LinkTarget {
  return slugPattern.test(slug) ? { kind: 'invoice', slug } : { kind: 'refused' };
}

function botLink(query: URLSearchParams): LinkTarget {
  const startParam = query.get('startapp');
  if (startParam !== null) return { kind: 'start_app', startParam };
  return { kind: 'start', payload: query.get('start') ?? '' };
}

function telegramScheme(link: URL, botUsername: string): LinkTarget {
  const action = link.host || link.pathname.replace(/^\/+/, '');
  if (action === 'stars_topup') {
    const balance = Number(link.searchParams.get('balance') ?? '0');
    return { kind: 'top_up', balance: Number.isSafeInteger(balance) && balance > 0 ? balance : 0 };
  }
  if (action === 'invoice') return invoice(link.searchParams.get('slug') ?? '');
  const domain = link.searchParams.get('domain')?.toLowerCase();
  if (action === 'resolve' && domain === botUsername.toLowerCase()) return botLink(link.searchParams);
  return { kind: 'refused' };
}

function telegramWeb(link: URL, botUsername: string): LinkTarget {
  const [first = '', second = ''] = link.pathname.slice(1).split('/').map(decodeURIComponent);
  if (first.startsWith('$')) return invoice(first.slice(1));
  if (first === 'invoice') return invoice(second);
  if (first.toLowerCase() === botUsername.toLowerCase()) {
    // t.me/<bot>/<app> is a direct link to a named Mini App, with or without a start parameter.
    if (second && !link.searchParams.has('startapp')) return { kind: 'start_app', startParam: '' };
    return botLink(link.searchParams);
  }
  return { kind: 'external', url: link.href };
}

/**
 * Decides what a link does: invoices, this bot's deep links and the top-up sheet stay inside the client, other http(s)
 * pages open in a new tab, every other scheme (`javascript:`, `data:` …) is refused.
 */
export function readLink(url: string, botUsername: string): LinkTarget {
  const link = parse(url);
  if (!link) return { kind: 'refused' };
  if (link.protocol === 'tg:') return telegramScheme(link, botUsername);
  if (link.protocol !== 'https:' && link.protocol !== 'http:') return { kind: 'refused' };
  if (!telegramHosts.has(link.hostname)) return { kind: 'external', url: link.href };
  try {
    return telegramWeb(link, botUsername);
  } catch (cause) {
    // A malformed percent sequence: decodeURIComponent's only failure.
    if (cause instanceof URIError) return { kind: 'refused' };
    throw cause;
  }
}
