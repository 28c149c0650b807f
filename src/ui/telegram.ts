/**
 * The bridge to the Telegram client, and the only file that knows its package. Everything here is safe to call anywhere:
 * what a client does not support does nothing or answers "no", and a client that never answers is not waited for.
 * telegram-web-app.js must not be loaded beside it: it swallows the events (Telegram-Mini-Apps/tma.js#567).
 */
import {
  type EventName,
  type EventPayload,
  type MethodName,
  on,
  postEvent,
  supports,
  targetOrigin,
} from '@telegram-apps/sdk-react';
import type { Launch } from '#ui/launch.ts';
import type { Palette, ThemeParams } from '#ui/theme.ts';

type Version = Parameters<typeof supports>[1];
type Hex = `#${string}`;

/** What the client said when its payment sheet closed. A hint, never the truth about money (tdesktop#28383). */
export type ClosedStatus = 'paid' | 'cancelled' | 'failed' | 'pending';

export type ButtonLook = Readonly<{ text: string; isEnabled: boolean; isBusy: boolean }>;

let version: Version | null = null;

/** True when the client of this launch knows the method. Always false before `connect` and outside Telegram. */
export function can(method: MethodName): boolean {
  return version !== null && supports(method, version);
}

/** Calls a method if the client knows it. Parameters follow Telegram's own names. */
function call(method: MethodName, params?: Record<string, unknown>): void {
  if (!can(method)) return;
  try {
    (postEvent as (name: MethodName, params?: unknown) => void)(method, params);
  } catch (cause) {
    // The page only looks like Telegram (a copied link): the buttons of the page itself serve, see `hasNativeButtons`.
    version = null;
    console.warn('Telegram does not answer', cause);
  }
}

/** Resolves with the first event that `pick` accepts, or with null after `timeoutMs` or when `signal` aborts. */
function waitFor<Name extends EventName>(
  name: Name,
  pick: (payload: EventPayload<Name>) => boolean,
  options: { timeoutMs?: number; signal?: AbortSignal },
): Promise<EventPayload<Name> | null> {
  return new Promise((resolve) => {
    const finish = (payload: EventPayload<Name> | null) => {
      stop();
      clearTimeout(timer);
      resolve(payload);
    };
    const stop = on(name, ((payload: EventPayload<Name>) => {
      if (pick(payload)) finish(payload);
    }) as Parameters<typeof on<Name>>[1]);
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => finish(null), options.timeoutMs);
    options.signal?.addEventListener('abort', () => finish(null), { once: true });
  });
}

/**
 * Tells the client that the page is there, and follows its theme.
 *
 * @param webOrigin the page that frames us on Telegram Web; messages are posted to it alone.
 * @returns stops following.
 */
export function connect(launch: Launch, webOrigin: string, onTheme: (theme: ThemeParams) => void): () => void {
  version = launch.version as Version;
  targetOrigin.set(webOrigin);
  const stops = [
    on('theme_changed', ({ theme_params }) => onTheme(theme_params as ThemeParams)),
    // Telegram Web asks a page to reload itself; the fragment keeps the launch.
    on('reload_iframe', () => {
      call('iframe_will_reload');
      location.reload();
    }),
  ];
  call('iframe_ready', { reload_supported: true });
  call('web_app_ready');
  call('web_app_expand');
  return () => {
    for (const stop of stops) stop();
  };
}

/** Asks for the theme again: iOS forgets to tell of a change made while the app was away (tma.js#789). */
export function askForTheme(): void {
  call('web_app_request_theme');
}

/** Colours the client's own bars like the page. */
export function paintBars({ colors }: Palette): void {
  const canvas = colors.canvas as Hex;
  call('web_app_set_background_color', { color: canvas });
  if (version !== null && supports('web_app_set_header_color', 'color', version))
    call('web_app_set_header_color', { color: canvas });
  else call('web_app_set_header_color', { color_key: 'secondary_bg_color' });
  call('web_app_set_bottom_bar_color', { color: canvas });
}

/** True when the client draws main and back buttons; otherwise the page draws its own (clients before Bot API 6.1). */
export function hasNativeButtons(): boolean {
  return can('web_app_setup_back_button');
}

type ButtonColors = { button: string; text: string };

function buttonParams(look: ButtonLook | null, colors: ButtonColors): Record<string, unknown> {
  if (look === null) return { is_visible: false };
  return {
    is_visible: true,
    is_active: look.isEnabled && !look.isBusy,
    is_progress_visible: look.isBusy,
    text: look.text,
    color: colors.button,
    text_color: colors.text,
  };
}

/** Draws or hides (null) the client's main button, in the page's corrected colours. */
export function drawMainButton(look: ButtonLook | null, colors: ButtonColors): void {
  call('web_app_setup_main_button', buttonParams(look, colors));
}

/** Draws or hides (null) the lesser button; false when the client has none (before 7.10). */
export function drawSecondaryButton(look: ButtonLook | null, colors: ButtonColors): void {
  call('web_app_setup_secondary_button', {
    ...buttonParams(look, colors),
    position: 'bottom',
  });
}

export function hasSecondaryButton(): boolean {
  return can('web_app_setup_secondary_button');
}

export function drawBackButton(isVisible: boolean): void {
  call('web_app_setup_back_button', { is_visible: isVisible });
}

/** "Settings" in the client's menu; Telegram's terms want the privacy policy there (§ 4). */
export function drawSettingsButton(isVisible: boolean): void {
  call('web_app_setup_settings_button', { is_visible: isVisible });
}

type Press = 'main_button_pressed' | 'secondary_button_pressed' | 'back_button_pressed' | 'settings_button_pressed';

/** Listens to presses of one of the client's buttons. @returns stops listening. */
export function onPress(button: Press, listener: () => void): () => void {
  return on(button, listener);
}

/** A haptic for a result. Only for results: too many drain the battery and mean nothing. */
export function hapticResult(type: 'success' | 'warning' | 'error'): void {
  call('web_app_trigger_haptic_feedback', { type: 'notification', notification_type: type });
}

/** While a payment runs, closing the app asks first. It does not on every path, so nothing may depend on it. */
export function confirmClosing(isNeeded: boolean): void {
  // Known since 6.2, like the popup; the package lets older clients be asked.
  if (can('web_app_open_popup')) call('web_app_setup_closing_behavior', { need_confirmation: isNeeded });
}

/** A question in the client's own popup. Null when it has none (before 6.2): the page asks by itself. */
export async function askInPopup(question: {
  title: string;
  message: string;
  yes: string;
  no: string;
  isDestructive: boolean;
}): Promise<boolean | null> {
  if (!can('web_app_open_popup')) return null;
  const closed = waitFor('popup_closed', () => true, {});
  call('web_app_open_popup', {
    title: question.title.slice(0, 64),
    message: question.message.slice(0, 256),
    buttons: [
      { id: 'yes', type: question.isDestructive ? 'destructive' : 'default', text: question.yes.slice(0, 64) },
      { id: 'no', type: 'default', text: question.no.slice(0, 64) },
    ],
  });
  return (await closed)?.button_id === 'yes';
}

/**
 * Opens Telegram's payment sheet over the page and resolves when the client says it closed; some clients never say, so
 * the caller watches the server meanwhile and ends the wait with `signal` (then null). Null also when the client cannot
 * open invoices (before 6.1): the link itself must be tapped.
 */
export async function openInvoice(slug: string, signal: AbortSignal): Promise<ClosedStatus | null> {
  if (!can('web_app_open_invoice')) return null;
  const closed = waitFor('invoice_closed', (event) => event.slug === slug, { signal });
  call('web_app_open_invoice', { slug });
  const status = (await closed)?.status ?? null;
  return status === null || isClosedStatus(status) ? status : 'pending';
}

/** True on Telegram Web, where a link followed in place would replace the app in its frame. */
export function isFramed(): boolean {
  return window.self !== window.top;
}

export function canOpenInvoices(): boolean {
  return can('web_app_open_invoice');
}

function isClosedStatus(status: string): status is ClosedStatus {
  return ['paid', 'cancelled', 'failed', 'pending'].includes(status);
}

/** Asks the person whether the bot may write to them. False after a minute without an answer. */
export async function requestWriteAccess(): Promise<boolean> {
  if (!can('web_app_request_write_access')) return false;
  const answered = waitFor('write_access_requested', () => true, { timeoutMs: 60_000 });
  call('web_app_request_write_access');
  return (await answered)?.status === 'allowed';
}

export function canRequestWriteAccess(): boolean {
  return can('web_app_request_write_access');
}

/** Opens a t.me link inside Telegram; elsewhere, and in clients before 6.1, as an ordinary link. */
export function openTelegramLink(url: string): void {
  const { pathname, search } = new URL(url);
  if (can('web_app_open_tg_link')) call('web_app_open_tg_link', { path_full: pathname + search });
  else window.open(url, '_blank', 'noopener');
}

/** Opens another page: a t.me link, as of Crypto Pay, inside Telegram, any other in the person's browser. Must run inside a tap. */
export function openOutside(url: string): void {
  if (url.startsWith('https://t.me/')) openTelegramLink(url);
  else if (can('web_app_open_link')) call('web_app_open_link', { url });
  else window.open(url, '_blank', 'noopener');
}

/** Where a client keeps texts of an app on the device: the system's protected storage, or the client's own files (both 9.0). */
const STORES = ['secure', 'device'] as const;
/** Some clients know the method and never answer (tma.js#273). */
const STORE_TIMEOUT_MS = 5_000;
let lastRequest = 0;

/** Whether this client can keep a text on the device at all. */
export function canKeepOnDevice(): boolean {
  return STORES.some((store) => can(`web_app_${store}_storage_save_key`));
}

/** Keeps a text on this device, in the safest place its client has. False when it has none, or no room. */
export async function keepOnDevice(key: string, value: string): Promise<boolean> {
  for (const store of STORES) {
    if ((await askStore(store, 'save_key', { key, value })) !== null) return true;
  }
  return false;
}

/** A text kept on this device; null when there is none, or its client does not say. */
export async function readFromDevice(key: string): Promise<string | null> {
  for (const store of STORES) {
    const read = await askStore(store, 'get_key', { key });
    if (read !== null && 'value' in read && typeof read.value === 'string') return read.value;
  }
  return null;
}

/** The client's answer to one request, told from others by its id; null when it refuses, is silent or knows no such store. */
async function askStore(
  store: (typeof STORES)[number],
  action: 'save_key' | 'get_key',
  params: { key: string; value?: string },
) {
  if (!can(`web_app_${store}_storage_${action}`)) return null;
  lastRequest += 1;
  const id = `hoshi${lastRequest}`;
  const isOurs = (event: { req_id: string }) => event.req_id === id;
  const other = new AbortController();
  const options = { timeoutMs: STORE_TIMEOUT_MS, signal: other.signal };
  const answer = `${store}_storage_${action === 'save_key' ? 'key_saved' : 'key_received'}` as const;
  const answered = waitFor(answer, isOurs, options);
  const refused = waitFor(`${store}_storage_failed`, isOurs, options).then(() => null);
  call(`web_app_${store}_storage_${action}`, { req_id: id, ...params });
  const first = await Promise.race([answered, refused]);
  other.abort();
  return first;
}

/** Closes the Mini App. */
export function closeApp(): void {
  call('web_app_close');
}

/** Runs `listener(isVisible)` when the person leaves the app or returns. @returns stops listening. */
export function onVisibility(listener: (isVisible: boolean) => void): () => void {
  const onDocument = () => listener(!document.hidden);
  document.addEventListener('visibilitychange', onDocument);
  const stop = on('visibility_changed', ({ is_visible }) => listener(is_visible));
  return () => {
    document.removeEventListener('visibilitychange', onDocument);
    stop();
  };
}
