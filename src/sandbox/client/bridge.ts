import { type Chrome, freshChrome, patchButton } from './app-chrome.ts';
import { deviceStorage, invokeCustomMethod } from './app-storage.ts';
import { asFields, atLeast, type Fields, flag, text } from './bridge-fields.ts';

export type PopupRequest = {
  title: string;
  message: string;
  buttons: ReadonlyArray<{ id: string; type: string; text: string | undefined }>;
};

/** What the client around the Mini App can do for it. */
export type BridgeHost = {
  userId: number;
  nowMs(): number;
  post(name: string, data?: unknown): void;
  changeChrome(change: (chrome: Chrome) => Chrome): void;
  sendTheme(): void;
  sendViewport(): void;
  close(): void;
  /** Opens the pay sheet; resolves with the statuses to report, in order, possibly none. */
  openInvoice(slug: string): Promise<ReadonlyArray<string>>;
  openPopup(popup: PopupRequest): Promise<string | undefined>;
  openLink(url: string): void;
  haptic(kind: string): void;
  askWriteAccess(): Promise<boolean>;
  askDownload(url: string, fileName: string): Promise<boolean>;
};

/** Returning nothing means done; a promise is awaited only for its errors. */
type Handler = { since: string; run: (host: BridgeHost, data: Fields) => void | Promise<void> };

const noInsets = { top: 0, right: 0, bottom: 0, left: 0 };
const unsupported = { error: 'UNSUPPORTED' };

/** Telegram Web's own answer to `iframe_ready`: scrollbars in the palette's colours. */
const customStyle = '::-webkit-scrollbar{width:0;height:0}';

function popupButtons(data: Fields): PopupRequest['buttons'] {
  const list: unknown[] = Array.isArray(data['buttons']) ? data['buttons'] : [];
  return list.slice(0, 3).map((item) => {
    const fields = asFields(item);
    return {
      id: text(fields, 'id', 64) ?? '',
      type: text(fields, 'type', 16) ?? 'default',
      text: text(fields, 'text', 64),
    };
  });
}

async function openPopup(host: BridgeHost, data: Fields): Promise<void> {
  const message = text(data, 'message', 256);
  const buttons = popupButtons(data);
  // Telegram drops a popup it could not show; the SDK validates the same limits before posting.
  if (!message || buttons.length === 0) return;
  const pressed = await host.openPopup({ title: text(data, 'title', 64) ?? '', message, buttons });
  host.post('popup_closed', pressed === undefined ? {} : { button_id: pressed });
}

async function openInvoice(host: BridgeHost, data: Fields): Promise<void> {
  const slug = text(data, 'slug', 128);
  if (slug === undefined) return;
  for (const status of await host.openInvoice(slug)) host.post('invoice_closed', { slug, status });
}

async function requestDownload(host: BridgeHost, data: Fields): Promise<void> {
  const allowed = await host.askDownload(text(data, 'url') ?? '', text(data, 'file_name', 256) ?? '');
  host.post('file_download_requested', { status: allowed ? 'downloading' : 'cancelled' });
}

function haptic(host: BridgeHost, data: Fields): void {
  const kind = text(data, 'notification_type', 16) ?? text(data, 'impact_style', 16) ?? 'selection';
  host.haptic(kind);
}

const storage = (area: 'device' | 'secure', action: string): Handler => ({
  since: '9.0',
  run: (host, data) => {
    const event = deviceStorage(area, host.userId, action, data);
    host.post(event.name, event.data);
  },
});

/** A capability this client does not have, refused in Telegram's own way. */
const refuse = (since: string, event: string, data?: unknown): Handler => ({
  since,
  run: (host) => host.post(event, data),
});

const patchChrome = (since: string, patch: (chrome: Chrome, data: Fields) => Partial<Chrome>): Handler => ({
  since,
  run: (host, data) => host.changeChrome((chrome) => ({ ...chrome, ...patch(chrome, data) })),
});

/**
 * Every method of the Mini App contract this client knows, with the version that introduced it
 * (docs.telegram-mini-apps.com/platform/methods). An older client ignores it, and so does this one.
 */
const handlers: Readonly<Record<string, Handler>> = {
  iframe_ready: {
    since: '6.0',
    run: (host, data) => {
      host.changeChrome((chrome) => ({ ...chrome, reloadSupported: flag(data, 'reload_supported') ?? false }));
      host.post('set_custom_style', customStyle);
    },
  },
  iframe_will_reload: patchChrome('6.0', (chrome) => ({ ...freshChrome, expanded: chrome.expanded })),
  web_app_ready: patchChrome('6.0', () => ({ ready: true })),
  web_app_expand: patchChrome('6.0', () => ({ expanded: true })),
  web_app_close: { since: '6.0', run: (host) => host.close() },
  web_app_setup_main_button: patchChrome('6.0', (chrome, data) => ({ main: patchButton(chrome.main, data) })),
  web_app_setup_secondary_button: patchChrome('7.10', (chrome, data) => ({
    secondary: patchButton(chrome.secondary, data),
  })),
  web_app_setup_back_button: patchChrome('6.1', (chrome, data) => ({
    backVisible: flag(data, 'is_visible') ?? chrome.backVisible,
  })),
  web_app_setup_settings_button: patchChrome('6.10', (chrome, data) => ({
    settingsVisible: flag(data, 'is_visible') ?? chrome.settingsVisible,
  })),
  web_app_setup_closing_behavior: patchChrome('6.2', (chrome, data) => ({
    confirmsClosing: flag(data, 'need_confirmation') ?? chrome.confirmsClosing,
  })),
  web_app_setup_swipe_behavior: patchChrome('7.7', (chrome, data) => ({
    allowsSwipe: flag(data, 'allow_vertical_swipe') ?? chrome.allowsSwipe,
  })),
  web_app_set_header_color: patchChrome('6.1', (chrome, data) => ({
    header: text(data, 'color', 7) ?? text(data, 'color_key', 32) ?? chrome.header,
  })),
  web_app_set_background_color: patchChrome('6.1', (chrome, data) => ({
    background: text(data, 'color', 32) ?? chrome.background,
  })),
  web_app_set_bottom_bar_color: patchChrome('7.10', (chrome, data) => ({
    bottomBar: text(data, 'color', 32) ?? chrome.bottomBar,
  })),
  web_app_request_theme: { since: '6.0', run: (host) => host.sendTheme() },
  web_app_request_viewport: { since: '6.0', run: (host) => host.sendViewport() },
  web_app_request_safe_area: { since: '8.0', run: (host) => host.post('safe_area_changed', noInsets) },
  web_app_request_content_safe_area: { since: '8.0', run: (host) => host.post('content_safe_area_changed', noInsets) },
  web_app_open_invoice: { since: '6.1', run: openInvoice },
  web_app_open_popup: { since: '6.2', run: openPopup },
  web_app_open_link: { since: '6.0', run: (host, data) => host.openLink(text(data, 'url') ?? '') },
  web_app_open_tg_link: {
    since: '6.0',
    run: (host, data) => host.openLink(`https://t.me/${(text(data, 'path_full') ?? '').replace(/^\/+/, '')}`),
  },
  web_app_trigger_haptic_feedback: { since: '6.1', run: haptic },
  web_app_request_write_access: {
    since: '6.9',
    run: async (host) => {
      const allowed = await host.askWriteAccess();
      host.post('write_access_requested', { status: allowed ? 'allowed' : 'cancelled' });
    },
  },
  web_app_request_phone: refuse('6.9', 'phone_requested', { status: 'cancelled' }),
  web_app_invoke_custom_method: {
    since: '6.9',
    run: (host, data) => {
      const request = { req_id: text(data, 'req_id', 128) ?? '' };
      const answer = invokeCustomMethod(
        host.userId,
        text(data, 'method', 64) ?? '',
        asFields(data['params']),
        host.nowMs(),
      );
      host.post('custom_method_invoked', { ...request, ...answer });
    },
  },
  web_app_read_text_from_clipboard: {
    since: '6.4',
    run: (host, data) => host.post('clipboard_text_received', { req_id: text(data, 'req_id', 128) ?? '', data: null }),
  },
  web_app_request_file_download: { since: '8.0', run: requestDownload },
  web_app_device_storage_save_key: storage('device', 'save_key'),
  web_app_device_storage_get_key: storage('device', 'get_key'),
  web_app_device_storage_clear: storage('device', 'clear'),
  web_app_secure_storage_save_key: storage('secure', 'save_key'),
  web_app_secure_storage_get_key: storage('secure', 'get_key'),
  web_app_secure_storage_restore_key: storage('secure', 'restore_key'),
  web_app_secure_storage_clear: storage('secure', 'clear'),
  web_app_open_scan_qr_popup: refuse('6.4', 'scan_qr_popup_closed'),
  web_app_biometry_get_info: refuse('7.2', 'biometry_info_received', { available: false }),
  web_app_check_home_screen: refuse('8.0', 'home_screen_checked', { status: 'unsupported' }),
  web_app_add_to_home_screen: refuse('8.0', 'home_screen_failed', unsupported),
  web_app_request_fullscreen: refuse('8.0', 'fullscreen_failed', unsupported),
  web_app_check_location: refuse('8.0', 'location_checked', { available: false }),
  web_app_request_location: refuse('8.0', 'location_requested', { available: false }),
  web_app_send_prepared_message: refuse('8.0', 'prepared_message_failed', unsupported),
  web_app_request_emoji_status_access: refuse('8.0', 'emoji_status_access_requested', { status: 'cancelled' }),
  web_app_set_emoji_status: refuse('8.0', 'emoji_status_failed', unsupported),
};

/** The handler of a method for a client of this version; undefined when such a client does not know it. */
export function findHandler(
  name: string,
  version: string,
): ((host: BridgeHost, data: unknown) => void | Promise<void>) | undefined {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (!handler || !atLeast(version, handler.since)) return undefined;
  return (host, data) => handler.run(host, asFields(data));
}
