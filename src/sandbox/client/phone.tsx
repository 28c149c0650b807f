import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { SimState, SimUser } from '../control.ts';
import { api, SimRefusal } from './api.ts';
import { Chats } from './chats.tsx';
import { formatTime } from './format.ts';
import { readLink } from './links.ts';
import { MiniApp } from './mini-app.tsx';
import { PaySheet } from './pay-sheet.tsx';
import { type Phone, PhoneContext } from './phone-context.ts';
import { ShareSheet } from './share-sheet.tsx';
import { PhoneDialog } from './sheet.tsx';
import { store } from './store.ts';
import { useLanguage, useTexts } from './texts.ts';
import { themeVariables } from './themes.ts';
import { TopUpSheet } from './top-up-sheet.tsx';
import type { Theme } from './url-state.ts';
import { useNow } from './use-now.ts';
import { useOverlays } from './use-overlays.ts';

/** A wish to open the Mini App from outside the phone; a new `id` is a new wish. */
export type LaunchWish = { id: number; startParam: string | undefined };

function StatusBar() {
  const texts = useTexts();
  const language = useLanguage();
  const nowMs = useNow();
  return (
    <div className="status-bar">
      <time className="status-clock">
        <span className="visually-hidden">{texts.app.clock}: </span>
        {formatTime(nowMs, language)}
      </time>
      <span className="island" aria-hidden="true" />
      <svg className="status-icons" width="62" height="14" viewBox="0 0 62 14" fill="currentColor" aria-hidden="true">
        <path d="M0 9h3v4H0zM4.5 7h3v6h-3zM9 4.5h3V13H9zM13.5 2h3v11h-3z" />
        <path d="M28.5 12.6l2.4-2.9a3.7 3.7 0 00-4.8 0zM23.5 6.7l1.5 1.8a5.5 5.5 0 017 0l1.5-1.8a7.8 7.8 0 00-10 0zM21 3.7l1.5 1.8a9.4 9.4 0 0112 0L36 3.7a11.7 11.7 0 00-15 0z" />
        <path d="M43.5 1h14A2.5 2.5 0 0160 3.5v7a2.5 2.5 0 01-2.5 2.5h-14A2.5 2.5 0 0141 10.5v-7A2.5 2.5 0 0143.5 1zm0 1.2c-.7 0-1.3.6-1.3 1.3v7c0 .7.6 1.3 1.3 1.3h14c.7 0 1.3-.6 1.3-1.3v-7c0-.7-.6-1.3-1.3-1.3zM61 5.2c.6.2 1 .9 1 1.8s-.4 1.6-1 1.8z" />
        <rect x="43.3" y="3.3" width="14.4" height="7.4" rx="1.2" />
      </svg>
    </div>
  );
}

/** The actions every screen in the phone shares, for this user and palette. */
function usePhoneActions(request: { user: SimUser; state: SimState; theme: Theme }) {
  const { user, state, theme } = request;
  const texts = useTexts();
  const overlays = useOverlays();
  const [app, setApp] = useState<{ id: number; url: string }>();
  const { invoice, topUp, share, dialog, showToast, vibrate } = overlays;

  const fail = useCallback(
    (cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      const buttons = [{ id: 'ok', label: texts.ok, style: 'default' as const }];
      void dialog.ask({ title: texts.failedAction, message, buttons });
    },
    [dialog.ask, texts],
  );

  const launchApp = useCallback<Phone['launchApp']>(
    async ({ url, startParam }) => {
      try {
        const launched = await api.launch({
          user_id: user.id,
          theme,
          ...(url === undefined ? {} : { url }),
          ...(startParam === undefined ? {} : { start_param: startParam }),
        });
        setApp((current) => ({ id: (current?.id ?? 0) + 1, url: launched.url }));
      } catch (cause) {
        const hasNoApp = cause instanceof SimRefusal && cause.code === 'NO_MENU_BUTTON';
        if (hasNoApp) showToast(texts.app.noUrl);
        else fail(cause);
      }
    },
    [user.id, theme, fail, showToast, texts],
  );

  const say = useCallback<Phone['say']>(
    async (text) => {
      await api.say(user.id, text).catch(fail);
    },
    [user.id, fail],
  );

  const openLink = useCallback<Phone['openLink']>(
    (url) => {
      const target = readLink(url, state.bot.username);
      switch (target.kind) {
        case 'invoice':
          return void invoice.ask(target.slug);
        case 'top_up':
          return void topUp.ask(Math.max(0, target.balance - user.balance));
        case 'start_app':
          return void launchApp(target.startParam ? { startParam: target.startParam } : {});
        case 'start':
          setApp(undefined);
          return target.payload ? void say(`/start ${target.payload}`) : undefined;
        case 'external':
          return void window.open(target.url, '_blank', 'noopener,noreferrer');
        case 'refused':
          return showToast(texts.chat.linkRefused);
      }
    },
    [state.bot.username, user.balance, invoice.ask, topUp.ask, launchApp, say, showToast, texts],
  );

  const phone = useMemo<Phone>(
    () => ({
      user,
      state,
      theme,
      ask: dialog.ask,
      openInvoice: invoice.ask,
      openTopUp: topUp.ask,
      chooseChat: share.ask,
      launchApp,
      openLink,
      say,
      toast: showToast,
      haptic: vibrate,
      fail,
    }),
    [
      user,
      state,
      theme,
      dialog.ask,
      invoice.ask,
      topUp.ask,
      share.ask,
      launchApp,
      openLink,
      say,
      showToast,
      vibrate,
      fail,
    ],
  );
  const closeApp = useCallback(() => setApp(undefined), []);
  return { phone, overlays, app, closeApp };
}

/** Callback answers are shown over whatever is open: a toast, or an alert that waits for OK. */
function useCallbackAnswers(phone: Phone, ok: string): void {
  const latest = useRef({ phone, ok });
  latest.current = { phone, ok };
  useEffect(
    () =>
      store.onCallbackAnswer((answer) => {
        const { phone: current, ok: label } = latest.current;
        if (answer.user_id !== current.user.id) return;
        if (answer.url) current.openLink(answer.url);
        if (!answer.text) return;
        if (!answer.show_alert) return current.toast(answer.text);
        const buttons = [{ id: 'ok', label, style: 'default' as const }];
        void current.ask({ title: '', message: answer.text, buttons });
      }),
    [],
  );
}

/** The phone in the middle of the stage, held by one user. Mount it with the user's id as key. */
export function PhoneFrame(props: {
  user: SimUser;
  state: SimState;
  theme: Theme;
  wish: LaunchWish | undefined;
  onAppOpened: () => void;
}) {
  const texts = useTexts();
  const { phone, overlays, app, closeApp } = usePhoneActions(props);
  const { invoice, topUp, share, dialog, toast, haptic } = overlays;
  const { wish, onAppOpened } = props;
  const fulfilled = useRef(0);
  useCallbackAnswers(phone, texts.ok);

  useEffect(() => {
    if (!wish || wish.id === fulfilled.current) return;
    fulfilled.current = wish.id;
    void phone.launchApp(wish.startParam === undefined ? {} : { startParam: wish.startParam });
  }, [wish, phone]);

  const appId = app?.id;
  useEffect(() => {
    if (appId !== undefined) onAppOpened();
  }, [appId, onAppOpened]);

  const overPay = Boolean(topUp.pending || dialog.pending);
  const overApp = Boolean(invoice.pending || share.pending || overPay);
  return (
    <PhoneContext value={phone}>
      <section className="phone" data-testid="phone" aria-label={texts.tabs.phone}>
        <div className="phone-screen" style={themeVariables(props.theme)}>
          <StatusBar />
          <Chats inert={Boolean(app) || overApp} />
          {app && <MiniApp key={app.id} url={app.url} inert={overApp} onClose={closeApp} />}
          {invoice.pending && (
            <PaySheet
              key={invoice.pending.id}
              slug={invoice.pending.request}
              inert={overPay}
              onClose={invoice.answer}
            />
          )}
          {topUp.pending && (
            <TopUpSheet key={topUp.pending.id} needed={topUp.pending.request} onClose={topUp.dismiss} />
          )}
          {share.pending && (
            <ShareSheet key={share.pending.id} request={share.pending.request} onClose={share.dismiss} />
          )}
          {dialog.pending && (
            <PhoneDialog key={dialog.pending.id} request={dialog.pending.request} onAnswer={dialog.answer} />
          )}
          <div className="toast-region" aria-live="polite" data-testid="toast">
            {toast && (
              <div className="toast" key={toast.id}>
                {toast.text}
              </div>
            )}
          </div>
          <span className="home-indicator" aria-hidden="true" />
        </div>
        {haptic && (
          <span className={`haptic ${haptic.kind}`} key={haptic.id} data-testid="haptic">
            <span className="visually-hidden">{texts.app.haptic(haptic.kind)}</span>
          </span>
        )}
      </section>
    </PhoneContext>
  );
}
