'use client';
import { usePathname } from 'next/navigation';
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
} from 'react';
import { parentOf, parseRoute, pathOf, type Route } from '#ui/routes.ts';
import { drawBackButton, onPress } from '#ui/telegram.ts';

/** How many screens lie below this one in the history entry, so that "back" never leaves the app. */
type Entry = { hoshiDepth?: number };

type Navigation = Readonly<{
  route: Route;
  navigate: (route: Route, options?: { replace?: boolean }) => void;
  back: () => void;
  /** False on the first screen. */
  canGoBack: boolean;
}>;

const NavigationContext = createContext<Navigation | null>(null);

/**
 * The screens change without asking the server: Next follows `pushState`, so addresses stay real and a screen opens
 * offline too. The fragment is kept, because it holds the launch and Telegram Web may reload the frame.
 */
export function NavigationProvider({ startAt, children }: { startAt: Route | null; children: ReactNode }) {
  const path = usePathname();
  const route = useMemo<Route>(() => parseRoute(path) ?? { screen: 'home' }, [path]);
  const scrolls = useRef(new Map<number, number>());

  const navigate = useCallback((next: Route, options: { replace?: boolean } = {}) => {
    const depth = depthNow();
    scrolls.current.set(depth, window.scrollY);
    const url = pathOf(next) + location.search + location.hash;
    if (options.replace) history.replaceState({ hoshiDepth: depth }, '', url);
    else history.pushState({ hoshiDepth: depth + 1 }, '', url);
    scrolls.current.set(depthNow(), 0);
  }, []);

  const back = useCallback(() => {
    if (depthNow() > 0) return history.back();
    const parent = parentOf(route);
    if (parent) navigate(parent, { replace: true });
  }, [route, navigate]);

  // A deep link opens its screen once; the address of a reloaded frame already is that of a screen.
  const hasStarted = useRef(false);
  useEffect(() => {
    if (hasStarted.current) return;
    hasStarted.current = true;
    if (startAt && location.pathname === '/') navigate(startAt, { replace: true });
  }, [startAt, navigate]);

  useScrollAndFocus(path, scrolls.current);
  const canGoBack = route.screen !== 'home';

  useEffect(() => {
    drawBackButton(canGoBack);
    return canGoBack ? onPress('back_button_pressed', back) : undefined;
  }, [canGoBack, back]);

  useEffect(() => onPress('settings_button_pressed', () => navigate({ screen: 'settings' })), [navigate]);

  const value = useMemo(() => ({ route, navigate, back, canGoBack }), [route, navigate, back, canGoBack]);
  return <NavigationContext value={value}>{children}</NavigationContext>;
}

function depthNow(): number {
  return (history.state as Entry | null)?.hoshiDepth ?? 0;
}

/** A new screen begins at its top with the focus on its heading; going back returns to where one was. */
function useScrollAndFocus(path: string, scrolls: Map<number, number>): void {
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      history.scrollRestoration = 'manual';
      return;
    }
    window.scrollTo(0, scrolls.get(depthNow()) ?? 0);
    document.querySelector<HTMLElement>(`main[data-path="${CSS.escape(path)}"] h1`)?.focus({ preventScroll: true });
  }, [path, scrolls]);
}

/** Where we are and how to go elsewhere. Only inside NavigationProvider. */
export function useNavigation(): Navigation {
  const navigation = useContext(NavigationContext);
  if (navigation === null) throw new Error('useNavigation needs a NavigationProvider');
  return navigation;
}
