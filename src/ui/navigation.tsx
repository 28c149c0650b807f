'use client';
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { parentOf, parseRoute, pathOf, type Route } from '#ui/routes.ts';
import { drawBackButton, onPress } from '#ui/telegram.ts';

/** How many screens lie below this one in the history entry, so that "back" never leaves the app. */
type Entry = { hoshiDepth?: number };

type Navigation = Readonly<{
  route: Route;
  /** The address of `route`. */
  path: string;
  navigate: (route: Route, options?: { replace?: boolean }) => void;
  back: () => void;
  /** False on the first screen. */
  canGoBack: boolean;
  /** True once for each screen one has come to, so that the focus goes to its heading when that is there at last. */
  arrive: () => boolean;
}>;

const NavigationContext = createContext<Navigation | null>(null);

/**
 * The screens change without asking the server: addresses stay real, and a screen opens offline too. The fragment is
 * kept, because it holds the launch and Telegram Web may reload the frame. The path is held here and not read from Next,
 * which follows `pushState` by a transition and was seen to lose one that came while it was starting.
 */
export function NavigationProvider({ startAt, children }: { startAt: Route | null; children: ReactNode }) {
  // A deep link opens its screen once; the address of a reloaded frame already is that of a screen.
  const [path, setPath] = useState(() => (startAt && location.pathname === '/' ? pathOf(startAt) : location.pathname));
  const route = useMemo<Route>(() => parseRoute(path) ?? { screen: 'home' }, [path]);
  const scrolls = useRef(new Map<number, number>());

  const navigate = useCallback((next: Route, options: { replace?: boolean } = {}) => {
    const depth = depthNow();
    scrolls.current.set(depth, window.scrollY);
    const url = pathOf(next) + location.search + location.hash;
    if (options.replace) history.replaceState({ hoshiDepth: depth }, '', url);
    else history.pushState({ hoshiDepth: depth + 1 }, '', url);
    scrolls.current.set(depthNow(), 0);
    setPath(pathOf(next));
  }, []);

  const back = useCallback(() => {
    if (depthNow() > 0) return history.back();
    const parent = parentOf(route);
    if (parent) navigate(parent, { replace: true });
  }, [route, navigate]);

  useEffect(() => {
    if (location.pathname === path) return;
    history.replaceState({ hoshiDepth: depthNow() }, '', path + location.search + location.hash);
  }, [path]);

  useEffect(() => {
    const follow = () => setPath(location.pathname);
    window.addEventListener('popstate', follow);
    return () => window.removeEventListener('popstate', follow);
  }, []);

  useScroll(path, scrolls.current);
  const arrivedAt = useRef(path);
  const arrive = useCallback(() => {
    const isNew = arrivedAt.current !== path;
    arrivedAt.current = path;
    return isNew;
  }, [path]);
  const canGoBack = route.screen !== 'home';

  useEffect(() => {
    drawBackButton(canGoBack);
    return canGoBack ? onPress('back_button_pressed', back) : undefined;
  }, [canGoBack, back]);

  useEffect(() => onPress('settings_button_pressed', () => navigate({ screen: 'settings' })), [navigate]);

  const value = useMemo(
    () => ({ route, path, navigate, back, canGoBack, arrive }),
    [route, path, navigate, back, canGoBack, arrive],
  );
  return <NavigationContext value={value}>{children}</NavigationContext>;
}

function depthNow(): number {
  return (history.state as Entry | null)?.hoshiDepth ?? 0;
}

/** A new screen begins at its top; going back returns to where one was. */
function useScroll(path: string, scrolls: Map<number, number>): void {
  const isFirst = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change of the path that scrolls.
  useLayoutEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      history.scrollRestoration = 'manual';
      return;
    }
    window.scrollTo(0, scrolls.get(depthNow()) ?? 0);
  }, [path, scrolls]);
}

/** Where we are and how to go elsewhere. Only inside NavigationProvider. */
export function useNavigation(): Navigation {
  const navigation = useContext(NavigationContext);
  if (navigation === null) throw new Error('useNavigation needs a NavigationProvider');
  return navigation;
}
