import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { SimError } from '../errors.ts';
import type { Faults } from '../faults.ts';
import { type Chats, chatInstance } from './chats.ts';
import { encodeQuery, type InitDataSigner } from './init-data.ts';
import type { UserRecord } from './records.ts';
import { themeParams } from './theme.ts';
import type { TMenuButton } from './wire.ts';
import type { World } from './world.ts';

const CLIENT_VERSION = '9.1';
const CLIENT_PLATFORM = 'weba';

export type LaunchRequest = {
  user_id: number;
  url?: string | undefined;
  start_param?: string | undefined;
  platform?: string | undefined;
  version?: string | undefined;
  theme?: 'light' | 'dark' | undefined;
  auth_age_seconds?: number | undefined;
};

export type LaunchOptions = { world: World; clock: Clock; faults: Faults; chats: Chats; signer: InitDataSigner };

/** The menu button a user sees: their own, else the common one. */
export function menuButtonOf(world: World, userId: number): TMenuButton {
  const own = world.bot.menu_buttons[String(userId)];
  if (own !== undefined && own.type !== 'default') return own;
  return world.bot.menu_buttons['default'] ?? { type: 'default' };
}

/**
 * Opens the Mini App for a user: the URL with launch parameters in its fragment, as Telegram Web builds it.
 * With `start_param` it is a direct link (no right to write to the user), else it is opened from the chat.
 */
export function launchWebApp(options: LaunchOptions, request: LaunchRequest): { url: string; init_data: string } {
  const { world, clock, faults, chats, signer } = options;
  const user = chats.getUser(request.user_id);
  const url = new URL(request.url ?? defaultUrl(world, user.id));
  if (request.start_param === undefined) chats.start(user);
  const ageSeconds = request.auth_age_seconds ?? faults.current.stale_init_data_seconds ?? 0;
  const initData = signer.sign([
    ...origin(user, request.start_param),
    ['user', JSON.stringify(webAppUser(user))],
    ['auth_date', String(clock.now() - ageSeconds)],
  ]);
  if (request.start_param !== undefined) url.searchParams.set('tgWebAppStartParam', request.start_param);
  const parameters = encodeQuery([
    ['tgWebAppData', initData],
    ['tgWebAppVersion', request.version ?? faults.current.client_version ?? CLIENT_VERSION],
    ['tgWebAppPlatform', request.platform ?? CLIENT_PLATFORM],
    ['tgWebAppThemeParams', JSON.stringify(themeParams(request.theme ?? 'light'))],
  ]);
  const separator = url.hash === '' ? '' : `${url.hash.slice(1)}${url.hash.includes('?') ? '&' : '?'}`;
  url.hash = '';
  return { url: `${url.href}#${separator}${parameters}`, init_data: initData };
}

function defaultUrl(world: World, userId: number): string {
  const button = menuButtonOf(world, userId);
  if (button.type === 'web_app') return button.web_app.url;
  throw new SimError(409, 'NO_MENU_BUTTON', 'The bot has set no menu button yet; give a url.');
}

function origin(user: UserRecord, startParam: string | undefined): [string, string][] {
  if (startParam === undefined) return [['query_id', `AAH${randomBytes(15).toString('base64url')}`]];
  return [
    ['chat_instance', chatInstance(user.id)],
    ['chat_type', 'sender'],
    ['start_param', startParam],
  ];
}

function webAppUser(user: UserRecord): object {
  return {
    id: user.id,
    first_name: user.first_name,
    last_name: user.last_name ?? '',
    ...(user.username === undefined ? {} : { username: user.username }),
    language_code: user.language_code,
    ...(user.is_premium ? { is_premium: true } : {}),
    ...(user.has_started_bot && !user.has_blocked_bot ? { allows_write_to_pm: true } : {}),
  };
}
