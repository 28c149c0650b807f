'use client';
import { usePathname } from 'next/navigation';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { AppearanceProvider } from '#ui/appearance.tsx';
import { ChoiceProvider } from '#ui/choice.tsx';
import { DialogProvider } from '#ui/components/dialog.tsx';
import { ErrorBoundary } from '#ui/components/error-boundary.tsx';
import { ScreenSkeleton } from '#ui/components/skeletons.tsx';
import { loadMessages, WordsProvider } from '#ui/i18n.tsx';
import { type Launch, readLaunch } from '#ui/launch.ts';
import { type ClientMessages, type Language, languageOf } from '#ui/message-format.ts';
import { ConfirmationProvider } from '#ui/methods/claiming.tsx';
import { type Confirmation, readConfirmation } from '#ui/methods/confirmation.ts';
import { NavigationProvider, useNavigation } from '#ui/navigation.tsx';
import { PaymentProvider } from '#ui/payment/payment.tsx';
import { parseRoute, pathOf, type Route, routeOfStartParam } from '#ui/routes.ts';
import HomeScreen from '#ui/screens/home.tsx';
import { SessionTrouble } from '#ui/screens/session-trouble.tsx';
import { SessionProvider, type SiteConfig, useSession } from '#ui/session.tsx';

/** Each screen but the first is a chunk of its own. */
const CHUNKS = {
  plan: () => import('#ui/screens/plan.tsx'),
  plugins: () => import('#ui/screens/plugins.tsx'),
  checkout: () => import('#ui/screens/checkout.tsx'),
  order: () => import('#ui/screens/order.tsx'),
  history: () => import('#ui/screens/history.tsx'),
  receipt: () => import('#ui/screens/receipt.tsx'),
  subscriptions: () => import('#ui/screens/subscriptions.tsx'),
  subscription: () => import('#ui/screens/subscription.tsx'),
  methods: () => import('#ui/screens/methods.tsx'),
  log: () => import('#ui/screens/log.tsx'),
  settings: () => import('#ui/screens/settings.tsx'),
  centre: () => import('#ui/screens/privacy/centre.tsx'),
  key: () => import('#ui/screens/privacy/key.tsx'),
  newKey: () => import('#ui/screens/privacy/new-key.tsx'),
  addKey: () => import('#ui/screens/privacy/add-key.tsx'),
  openRecord: () => import('#ui/screens/privacy/open-record.tsx'),
  seen: () => import('#ui/screens/privacy/seen.tsx'),
  export: () => import('#ui/screens/privacy/export.tsx'),
  erase: () => import('#ui/screens/privacy/erase.tsx'),
  agreements: () => import('#ui/screens/privacy/agreements.tsx'),
  help: () => import('#ui/screens/help.tsx'),
  document: () => import('#ui/screens/document.tsx'),
};

const LAZY = {
  plan: lazy(CHUNKS.plan),
  plugins: lazy(CHUNKS.plugins),
  checkout: lazy(CHUNKS.checkout),
  order: lazy(CHUNKS.order),
  history: lazy(CHUNKS.history),
  receipt: lazy(CHUNKS.receipt),
  subscriptions: lazy(CHUNKS.subscriptions),
  subscription: lazy(CHUNKS.subscription),
  methods: lazy(CHUNKS.methods),
  log: lazy(CHUNKS.log),
  settings: lazy(CHUNKS.settings),
  centre: lazy(CHUNKS.centre),
  key: lazy(CHUNKS.key),
  newKey: lazy(CHUNKS.newKey),
  addKey: lazy(CHUNKS.addKey),
  openRecord: lazy(CHUNKS.openRecord),
  seen: lazy(CHUNKS.seen),
  export: lazy(CHUNKS.export),
  erase: lazy(CHUNKS.erase),
  agreements: lazy(CHUNKS.agreements),
  help: lazy(CHUNKS.help),
  document: lazy(CHUNKS.document),
};

type Props = Readonly<{
  site: SiteConfig;
  language: Language;
  messages: ClientMessages;
  /** What the same address is in a plain browser. */
  children: ReactNode;
}>;

/** What the client told at launch, with the texts it needs. */
type Boot = { launch: Launch; confirmation: Confirmation | null; language: Language; messages: ClientMessages };

/**
 * The Mini App. On the server and until the launch is read it is a skeleton without words beside the browser's page, of
 * which the style sheet shows one; in Telegram the browser's page then goes.
 */
export function MiniApp({ site, language, messages, children }: Props) {
  const [boot, setBoot] = useState<Boot | null>(null);
  const path = usePathname();

  useEffect(() => {
    const launch = readLaunch(location.hash);
    if (launch === null) return;
    // The server guessed the language; the boot script knows the launch's.
    const wanted = languageOf(document.documentElement.lang);
    // Once, as a deep link opens its screen: a frame that is reloaded stands at the screen's own address.
    const confirmation = location.pathname === '/' ? readConfirmation(launch.startParam) : null;
    const given = { launch, confirmation, language, messages };
    if (wanted === language) return setBoot(given);
    loadMessages(wanted).then(
      (loaded) => setBoot({ ...given, language: wanted, messages: loaded }),
      // Words in the other language are better than none; the chunk is asked for again once signed in.
      () => setBoot(given),
    );
  }, [language, messages]);

  if (boot === null) {
    return (
      <>
        {children}
        <div className="only-telegram">
          <ScreenSkeleton screen={parseRoute(path)?.screen ?? 'home'} />
        </div>
      </>
    );
  }
  return (
    <WordsProvider language={boot.language} messages={boot.messages}>
      <ErrorBoundary>
        <AppearanceProvider launch={boot.launch} webOrigin={site.webOrigin}>
          <SessionProvider launch={boot.launch} site={site}>
            <NavigationProvider startAt={routeOfStartParam(boot.launch.startParam)}>
              <ConfirmationProvider confirmation={boot.confirmation}>
                <ChoiceProvider>
                  <DialogProvider>
                    <SignedIn>
                      <PaymentProvider>
                        <CurrentScreen />
                      </PaymentProvider>
                    </SignedIn>
                  </DialogProvider>
                </ChoiceProvider>
              </ConfirmationProvider>
            </NavigationProvider>
          </SessionProvider>
        </AppearanceProvider>
      </ErrorBoundary>
    </WordsProvider>
  );
}

function SignedIn({ children }: { children: ReactNode }) {
  const { state } = useSession();
  const { route } = useNavigation();
  if (state.phase === 'ready') return children;
  return state.phase === 'starting' ? <ScreenSkeleton screen={route.screen} /> : <SessionTrouble state={state} />;
}

/**
 * Fetches the other screens at the first touch: the first load stays small, the second screen opens at once, and what is
 * loaded opens offline too.
 */
function useEarlyChunks(): void {
  useEffect(() => {
    const fetchAll = () => {
      stop();
      // What fails here is asked for again when its screen opens, and told there.
      for (const load of Object.values(CHUNKS)) load().catch(() => undefined);
    };
    const stop = () => {
      for (const event of ['pointerdown', 'keydown']) window.removeEventListener(event, fetchAll);
    };
    for (const event of ['pointerdown', 'keydown']) window.addEventListener(event, fetchAll, { passive: true });
    return stop;
  }, []);
}

function CurrentScreen() {
  const { route } = useNavigation();
  useEarlyChunks();
  return (
    <ErrorBoundary key={pathOf(route)}>
      <Suspense fallback={<ScreenSkeleton screen={route.screen} />}>{screenOf(route)}</Suspense>
    </ErrorBoundary>
  );
}

function screenOf(route: Route): ReactNode {
  switch (route.screen) {
    case 'home':
      return <HomeScreen />;
    case 'plan':
      return <LAZY.plan code={route.code} />;
    case 'checkout':
      return <LAZY.checkout priceId={route.priceId} />;
    case 'order':
      return <LAZY.order invoiceId={route.invoiceId} />;
    case 'receipt':
      return <LAZY.receipt paymentId={route.paymentId} />;
    case 'subscription':
      return <LAZY.subscription subscriptionId={route.subscriptionId} />;
    case 'terms':
    case 'privacy':
      return <LAZY.document name={route.screen} />;
    case 'plugins':
      return <LAZY.plugins />;
    case 'history':
      return <LAZY.history />;
    case 'subscriptions':
      return <LAZY.subscriptions />;
    case 'methods':
      return <LAZY.methods />;
    case 'log':
      return <LAZY.log />;
    case 'settings':
      return <LAZY.settings />;
    case 'help':
      return <LAZY.help />;
    case 'privacy-centre':
      return <LAZY.centre />;
    case 'new-key':
      return <LAZY.newKey />;
    case 'add-key':
      return <LAZY.addKey />;
    case 'open-record':
      return <LAZY.openRecord />;
    case 'what-server-sees':
      return <LAZY.seen />;
    case 'export':
      return <LAZY.export />;
    case 'erase':
      return <LAZY.erase />;
    case 'agreements':
      return <LAZY.agreements />;
    case 'key':
      return <LAZY.key keyId={route.keyId} />;
  }
}
