import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { themeParams } from '../telegram/theme.ts';
import { type Chrome, freshChrome } from './app-chrome.ts';
import { type BridgeHost, findHandler, type PopupRequest } from './bridge.ts';
import { parseBridgeMessage } from './bridge-fields.ts';
import { type DialogButton, type Phone, usePhone } from './phone-context.ts';
import { store, useSnapshot } from './store.ts';
import { useTexts } from './texts.ts';
import type { Texts } from './texts-en.ts';

/** Versions and platform the launch link promised to the Mini App. */
function promisedVersion(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get('tgWebAppVersion') ?? '6.0';
}

function dialogButtons(popup: PopupRequest, texts: Texts): DialogButton[] {
  const words: Readonly<Record<string, string>> = { ok: texts.ok, close: texts.close, cancel: texts.cancel };
  return popup.buttons.map((button) => ({
    id: button.id,
    label: words[button.type] ?? button.text ?? button.id,
    style: button.type === 'destructive' || button.type === 'cancel' ? button.type : 'default',
  }));
}

async function askDownload(phone: Phone, texts: Texts, url: string, fileName: string): Promise<boolean> {
  if (!/^https?:\/\//.test(url)) return false;
  const answer = await phone.ask({
    title: texts.app.downloadTitle,
    message: fileName,
    buttons: [
      { id: 'cancel', label: texts.cancel, style: 'cancel' },
      { id: 'download', label: texts.app.download, style: 'default' },
    ],
  });
  if (answer === 'download') window.open(url, '_blank', 'noopener,noreferrer');
  return answer === 'download';
}

async function askWriteAccess(phone: Phone, texts: Texts): Promise<boolean> {
  const answer = await phone.ask({
    title: texts.app.writeTitle,
    message: texts.app.writeText(phone.state.bot.first_name),
    buttons: [
      { id: 'cancel', label: texts.app.deny, style: 'cancel' },
      { id: 'allow', label: texts.app.allow, style: 'default' },
    ],
  });
  return answer === 'allow';
}

export type MiniAppControl = {
  chrome: Chrome;
  /** True once the page behind the frame has spoken. */
  heard: boolean;
  post(name: string, data?: unknown): void;
};

/**
 * Speaks Telegram Web's protocol with the page in `frame`: JSON strings `{ eventType, eventData }` by postMessage.
 * Only messages from that very window and the launched origin are heard, and only that origin is spoken to.
 */
export function useMiniApp(request: {
  frame: RefObject<HTMLIFrameElement | null>;
  url: string;
  /** Counts the frame's reloads: each one is a new page and a new frame element. */
  attempt: number;
  onClose: () => void;
}): MiniAppControl {
  const phone = usePhone();
  const texts = useTexts();
  const skewMs = useSnapshot((now) => now.skewMs);
  const [chrome, setChrome] = useState<Chrome>(freshChrome);
  const [heard, setHeard] = useState(false);
  const { frame, url, attempt } = request;
  // The bridge lives as long as the launch; what it needs of later renders it reads from here.
  const latest = useRef({ phone, texts, skewMs, chrome, onClose: request.onClose });
  latest.current = { phone, texts, skewMs, chrome, onClose: request.onClose };

  const host = useMemo(() => {
    const origin = new URL(url).origin;
    const post = (name: string, data?: unknown) => {
      const message = data === undefined ? { eventType: name } : { eventType: name, eventData: data };
      frame.current?.contentWindow?.postMessage(JSON.stringify(message), origin);
      store.logBridge({ direction: 'to_app', name, data, ignored: false });
    };
    const created: BridgeHost = {
      userId: latest.current.phone.user.id,
      nowMs: () => Date.now() + latest.current.skewMs,
      post,
      changeChrome: setChrome,
      sendTheme: () => post('theme_changed', { theme_params: themeParams(latest.current.phone.theme) }),
      sendViewport: () => {
        const size = frame.current;
        if (!size) return;
        const isExpanded = latest.current.chrome.expanded;
        post('viewport_changed', {
          height: size.clientHeight,
          width: size.clientWidth,
          is_state_stable: true,
          is_expanded: isExpanded,
        });
      },
      close: () => latest.current.onClose(),
      openInvoice: (slug) => latest.current.phone.openInvoice(slug),
      openPopup: (popup) => latest.current.phone.ask({ ...popup, buttons: dialogButtons(popup, latest.current.texts) }),
      openLink: (link) => latest.current.phone.openLink(link),
      haptic: (kind) => latest.current.phone.haptic(kind),
      askWriteAccess: () => askWriteAccess(latest.current.phone, latest.current.texts),
      askDownload: (link, fileName) => askDownload(latest.current.phone, latest.current.texts, link, fileName),
    };
    return created;
  }, [url, frame]);

  useEffect(() => {
    const origin = new URL(url).origin;
    const version = promisedVersion(url);
    const receive = (event: MessageEvent<unknown>) => {
      if (event.source !== frame.current?.contentWindow || event.origin !== origin) return;
      const message = parseBridgeMessage(event.data);
      if (!message) return;
      setHeard(true);
      const handle = findHandler(message.name, version);
      store.logBridge({ direction: 'to_client', ...message, ignored: handle === undefined });
      Promise.resolve(handle?.(host, message.data)).catch((cause: unknown) => latest.current.phone.fail(cause));
    };
    const onVisibility = () => host.post('visibility_changed', { is_visible: document.visibilityState === 'visible' });
    window.addEventListener('message', receive);
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      window.removeEventListener('message', receive);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [url, frame, host]);

  const { theme } = phone;
  const launchTheme = useRef(theme);
  useEffect(() => {
    if (launchTheme.current === theme) return;
    launchTheme.current = theme;
    host.sendTheme();
  }, [theme, host]);

  useEffect(() => {
    if (attempt === 0) return;
    setHeard(false);
    setChrome((current) => ({ ...freshChrome, expanded: current.expanded }));
  }, [attempt]);

  useEffect(() => {
    const element = frame.current;
    if (!element || attempt < 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let first = true;
    const observer = new ResizeObserver(() => {
      // The first report is the size at launch, which the page measures itself.
      if (first) {
        first = false;
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(() => host.sendViewport(), 60);
    });
    observer.observe(element);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [frame, host, attempt]);

  return { chrome, heard, post: host.post };
}
