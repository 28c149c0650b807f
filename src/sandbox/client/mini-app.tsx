import { type CSSProperties, useEffect, useRef, useState } from 'react';
import type { Chrome } from './app-chrome.ts';
import { BotAvatar } from './avatar.tsx';
import { Icon } from './icons.tsx';
import { useModal } from './modal.ts';
import { NativeButtons } from './native-buttons.tsx';
import { usePhone } from './phone-context.ts';
import { useTexts } from './texts.ts';
import { isDarkColor, resolveColor } from './themes.ts';
import { useMiniApp } from './use-mini-app.ts';

/** After this silence the client says that the page does not answer. */
const silenceMs = 9000;
/** Telegram Web waits this long for `iframe_will_reload` before it reloads the frame itself. */
const reloadGraceMs = 500;
/** What Telegram Web allows a Mini App to do. */
const permissions =
  'allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-forms allow-modals allow-downloads allow-storage-access-by-user-activation';

function MoreMenu(props: { chrome: Chrome; onSettings: () => void; onReload: () => void }) {
  const texts = useTexts();
  const [open, setOpen] = useState(false);
  const choose = (action: () => void) => () => {
    setOpen(false);
    action();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only watches the keys and the focus of the menu inside it.
    <div
      className="more-menu"
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return;
        event.stopPropagation();
        setOpen(false);
      }}
    >
      <button
        type="button"
        className="round"
        aria-label={texts.app.menu}
        aria-haspopup="menu"
        aria-expanded={open}
        data-testid="miniapp-menu"
        onClick={() => setOpen((current) => !current)}
      >
        <Icon name="more" />
      </button>
      {open && (
        <div className="menu" role="menu">
          {props.chrome.settingsVisible && (
            <button type="button" role="menuitem" data-testid="miniapp-settings" onClick={choose(props.onSettings)}>
              <Icon name="gear" />
              {texts.app.settings}
            </button>
          )}
          <button type="button" role="menuitem" data-testid="miniapp-reload" onClick={choose(props.onReload)}>
            <Icon name="reload" />
            {texts.app.reload}
          </button>
        </div>
      )}
    </div>
  );
}

function Placeholder({ url, silent, onReload }: { url: string; silent: boolean; onReload: () => void }) {
  const texts = useTexts();
  if (!silent) {
    return (
      <div className="app-placeholder" aria-hidden="true">
        <BotAvatar size="large" />
      </div>
    );
  }
  return (
    <div className="app-placeholder silent" role="alert">
      <strong>{texts.app.silent}</strong>
      <p>{texts.app.silentText(new URL(url).origin)}</p>
      <button type="button" className="sheet-action" onClick={onReload}>
        {texts.app.reload}
      </button>
    </div>
  );
}

/** The page is shown when it says so or has loaded; silence after a while is told. */
function useArrival(ready: boolean, heard: boolean, attempt: number) {
  const [loaded, setLoaded] = useState(false);
  const [silent, setSilent] = useState(false);
  useEffect(() => {
    setSilent(false);
    if (heard) return;
    const timer = setTimeout(() => setSilent(true), attempt >= 0 ? silenceMs : 0);
    return () => clearTimeout(timer);
  }, [heard, attempt]);
  return { shown: ready || (loaded && heard), silent: silent && !heard, setLoaded };
}

/** The Mini App in its native frame: header, page, buttons. Mounted once per launch. */
export function MiniApp(props: { url: string; inert: boolean; onClose: () => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const frame = useRef<HTMLIFrameElement>(null);
  const [attempt, setAttempt] = useState(0);
  const { chrome, heard, post } = useMiniApp({ frame, url: props.url, attempt, onClose: props.onClose });
  const arrival = useArrival(chrome.ready, heard, attempt);
  const color = (name: string, fallback: string) =>
    resolveColor(name, phone.theme) ?? resolveColor(fallback, phone.theme);
  const header = color(chrome.header, 'bg_color');

  const close = async () => {
    if (!chrome.confirmsClosing) return props.onClose();
    const answer = await phone.ask({
      title: texts.app.closeTitle,
      message: texts.app.closeText,
      buttons: [
        { id: 'cancel', label: texts.cancel, style: 'cancel' },
        { id: 'close', label: texts.app.closeAnyway, style: 'destructive' },
      ],
    });
    if (answer === 'close') props.onClose();
  };
  const container = useModal<HTMLDivElement>(() => void (chrome.backVisible ? post('back_button_pressed') : close()));

  const reloadFrame = () => {
    arrival.setLoaded(false);
    setAttempt((count) => count + 1);
  };
  const reload = () => {
    if (!chrome.reloadSupported) return reloadFrame();
    const page = frame.current?.contentWindow;
    const timer = setTimeout(reloadFrame, reloadGraceMs);
    const heed = (event: MessageEvent<unknown>) => {
      if (event.source !== page || !String(event.data).includes('iframe_will_reload')) return;
      clearTimeout(timer);
    };
    window.addEventListener('message', heed);
    setTimeout(() => window.removeEventListener('message', heed), reloadGraceMs);
    post('reload_iframe');
  };

  return (
    <div className={`app-layer${chrome.expanded ? ' expanded' : ''}`} inert={props.inert}>
      <div className="scrim" aria-hidden="true" onClick={() => void close()} />
      <div
        className="app-sheet"
        ref={container}
        role="dialog"
        aria-label={`${texts.app.title}: ${phone.state.bot.first_name}`}
        tabIndex={-1}
        style={{ background: color(chrome.background, 'bg_color') }}
      >
        <header
          className="app-header"
          style={
            {
              '--app-header': header,
              '--app-header-text': header && isDarkColor(header) ? '#fff' : '#000',
            } as CSSProperties
          }
        >
          {chrome.allowsSwipe && <span className="grabber" aria-hidden="true" />}
          <div className="app-header-start">
            {chrome.backVisible && (
              <button
                type="button"
                className="round"
                aria-label={texts.app.back}
                data-testid="miniapp-back"
                onClick={() => post('back_button_pressed')}
              >
                <Icon name="back" />
              </button>
            )}
          </div>
          <div className="app-title">
            <strong>{phone.state.bot.first_name}</strong>
            <small>@{phone.state.bot.username}</small>
          </div>
          <div className="capsule">
            <MoreMenu chrome={chrome} onSettings={() => post('settings_button_pressed')} onReload={reload} />
            <button
              type="button"
              className="round"
              aria-label={texts.close}
              data-testid="miniapp-close"
              onClick={() => void close()}
            >
              <Icon name="close" />
            </button>
          </div>
        </header>
        <div className="app-page">
          <iframe
            key={attempt}
            ref={frame}
            src={props.url}
            title={texts.app.title}
            data-testid="miniapp-frame"
            sandbox={permissions}
            allow="clipboard-write; fullscreen"
            onLoad={() => arrival.setLoaded(true)}
            className={arrival.shown ? 'shown' : ''}
          />
          {!arrival.shown && <Placeholder url={props.url} silent={arrival.silent} onReload={reloadFrame} />}
        </div>
        <div className="app-foot" style={{ background: color(chrome.bottomBar, 'bottom_bar_bg_color') }}>
          <NativeButtons chrome={chrome} post={post} />
        </div>
      </div>
    </div>
  );
}
