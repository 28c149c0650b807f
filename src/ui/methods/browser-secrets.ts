/** What this browser knows of a method and no other does. */
export type BrowserSecrets = Readonly<{
  /** Made here: shows later that it was here that the card was given. */
  secret: string;
  /** What the address held by which the provider's page led back; null when it did not. */
  back: string | null;
}>;

const SECRET = /^[\w-]{22}$/;
/** For browsers that store nothing: good until the page is left. */
const kept = new Map<string, BrowserSecrets>();

/** The secrets of a method, the same for as long as this tab is open. What the address holds is taken out of it: it must not stay in the history. */
export function browserSecrets(methodId: string): BrowserSecrets {
  const known = kept.get(methodId) ?? load(methodId);
  const secrets = { secret: known?.secret ?? makeSecret(), back: takeBack() ?? known?.back ?? null };
  kept.set(methodId, secrets);
  save(methodId, secrets);
  return secrets;
}

function takeBack(): string | null {
  const url = new URL(location.href);
  const back = url.searchParams.get('back');
  if (back === null) return null;
  url.searchParams.delete('back');
  history.replaceState(history.state, '', url);
  return SECRET.test(back) ? back : null;
}

function makeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const keyOf = (methodId: string) => `hoshi.method.${methodId}`;

function load(methodId: string): BrowserSecrets | null {
  const text = inStorage((storage) => storage.getItem(keyOf(methodId)));
  const [secret = '', back = ''] = text?.split(' ') ?? [];
  return SECRET.test(secret) ? { secret, back: SECRET.test(back) ? back : null } : null;
}

function save(methodId: string, { back, secret }: BrowserSecrets): void {
  inStorage((storage) => storage.setItem(keyOf(methodId), back === null ? secret : `${secret} ${back}`));
}

/** Null where the browser has no storage for us, as in some private windows: then `kept` is all there is. */
function inStorage<Value>(use: (storage: Storage) => Value): Value | null {
  try {
    return use(sessionStorage);
  } catch {
    return null;
  }
}
