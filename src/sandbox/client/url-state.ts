import type { Language } from './texts.ts';

export type Theme = 'light' | 'dark';

/** What the address bar says: shareable, and the way tests and screenshots choose a scene. */
export type UrlState = {
  userId: number | undefined;
  theme: Theme;
  language: Language;
  openApp: boolean;
  startParam: string | undefined;
};

function preferredTheme(): Theme {
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

/** Reads `?user=&theme=&lang=&app=1&startapp=`; what is missing or unknown falls back to the browser's preference. */
export function readUrlState(): UrlState {
  const query = new URLSearchParams(location.search);
  const user = Number(query.get('user'));
  const theme = query.get('theme');
  const language = query.get('lang') ?? navigator.language.slice(0, 2);
  return {
    userId: Number.isSafeInteger(user) && user > 0 ? user : undefined,
    theme: theme === 'light' || theme === 'dark' ? theme : preferredTheme(),
    language: language === 'ja' ? 'ja' : 'en',
    openApp: query.get('app') === '1',
    startParam: query.get('startapp') ?? undefined,
  };
}

/** Keeps the address bar in step without adding history entries. `app` and `startapp` are one-time and dropped. */
export function writeUrlState(state: { userId: number | undefined; theme: Theme; language: Language }): void {
  const query = new URLSearchParams();
  if (state.userId !== undefined) query.set('user', String(state.userId));
  query.set('theme', state.theme);
  query.set('lang', state.language);
  history.replaceState(null, '', `${location.pathname}?${query}`);
}
