import { createHmac } from 'node:crypto';
import { type Api, GrammyError, HttpError } from 'grammy';
import type { BotCommand, UserFromGetMe, WebhookInfo } from 'grammy/types';
import type { Ctx } from '#domain/context/context.ts';
import { LANGUAGES, type Language } from '#domain/identity/rules.ts';
import { translator } from '#messages/translate.ts';
import { describeFailure } from './context.ts';
import { miniAppUrl } from './render.ts';

/** What Telegram is asked to send. Without the money updates in this list nothing can be sold (telegram.md §1.5). */
export const ALLOWED_UPDATES = [
  'message',
  'callback_query',
  'pre_checkout_query',
  'my_chat_member',
  'subscription',
] as const;

/** Where Telegram sends updates: the webhook door of the Telegram Stars provider. */
export const WEBHOOK_PATH = '/webhooks/telegram';

/** The commands in Telegram's menu, in order. `/faq` and `/guides` are answered too; they live under help. */
export const COMMANDS = [
  'start',
  'buy',
  'plans',
  'subscription',
  'history',
  'link',
  'log',
  'settings',
  'language',
  'help',
  'paysupport',
  'terms',
  'privacy',
] as const;

/** Telegram knows who speaks none of our languages; they get English. */
const DEFAULT_LANGUAGE: Language = 'en';
const MAX_TRIES = 4;
const MAX_WAIT_SECONDS = 30;

export type Registration = Readonly<{
  api: Api;
  webhookSecret: string;
  /** Origin of the webhook door and the Mini App, without a trailing slash. */
  publicUrl: string;
  log: Ctx['log'];
  /** For tests. */
  sleep?: (ms: number) => Promise<void>;
}>;

/**
 * Tells Telegram where the bot lives and what it offers: webhook, commands, menu button, descriptions. Safe to run at each
 * start: the webhook is set only when it differs. Throws when the webhook cannot be set, since nothing works without it;
 * the rest is decoration and only logged.
 */
export async function registerBot(registration: Registration): Promise<{ isWebhookChanged: boolean }> {
  const isWebhookChanged = await registerWebhook(registration);
  await registerProfile(registration);
  return { isWebhookChanged };
}

async function registerWebhook(registration: Registration): Promise<boolean> {
  const { api, webhookSecret } = registration;
  const url = markedWebhookUrl(registration);
  const current = await patiently(registration, () => api.getWebhookInfo());
  if (current.url === url && hasSameUpdates(current)) return false;
  await patiently(registration, () =>
    api.setWebhook(url, { secret_token: webhookSecret, allowed_updates: ALLOWED_UPDATES }),
  );
  return true;
}

/**
 * The webhook's address with a mark of its secret. Telegram never tells which secret it holds; with the mark a changed
 * secret shows as a changed address. The mark is keyed by the token, so it says nothing about the secret.
 */
export function markedWebhookUrl({
  api,
  publicUrl,
  webhookSecret,
}: Pick<Registration, 'api' | 'publicUrl' | 'webhookSecret'>): string {
  const mark = createHmac('sha256', api.token).update(`webhook-secret:${webhookSecret}`).digest('hex').slice(0, 12);
  const url = new URL(WEBHOOK_PATH, publicUrl);
  url.searchParams.set('v', mark);
  return url.href;
}

function hasSameUpdates(info: WebhookInfo): boolean {
  const now = new Set<string>(info.allowed_updates ?? []);
  return now.size === ALLOWED_UPDATES.length && ALLOWED_UPDATES.every((type) => now.has(type));
}

async function registerProfile(registration: Registration): Promise<void> {
  const { api, log, publicUrl } = registration;
  const t = translator(DEFAULT_LANGUAGE);
  const button = {
    type: 'web_app',
    text: t('bot.profile.menuButton'),
    web_app: { url: miniAppUrl({ publicUrl }, DEFAULT_LANGUAGE) },
  } as const;
  const steps: Array<() => Promise<unknown>> = [() => api.setChatMenuButton({ menu_button: button })];
  for (const language of [undefined, ...LANGUAGES]) {
    const texts = translator(language ?? DEFAULT_LANGUAGE);
    const scope = language === undefined ? {} : { language_code: language };
    steps.push(
      () => api.setMyCommands(commandsIn(language ?? DEFAULT_LANGUAGE), scope),
      () => api.setMyDescription(texts('bot.profile.description'), scope),
      () => api.setMyShortDescription(texts('bot.profile.shortDescription'), scope),
    );
  }
  for (const step of steps) {
    try {
      await patiently(registration, step);
    } catch (error) {
      log.warn(
        { ...describeFailure(error), event: 'profile_not_registered' },
        'a part of the bot’s profile could not be set',
      );
    }
  }
}

/** The command menu in one language. */
export function commandsIn(language: Language): BotCommand[] {
  const t = translator(language);
  return COMMANDS.map((command) => ({ command, description: t(`bot.command.${command}`) }));
}

/** Repeats a call that Telegram asks to repeat later (429: at most one setWebhook per second) or did not answer. */
async function patiently<Result>(registration: Registration, call: () => Promise<Result>): Promise<Result> {
  const sleep = registration.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const waitSeconds = secondsToWait(error, attempt);
      if (waitSeconds === null || attempt >= MAX_TRIES) throw error;
      await sleep(waitSeconds * 1000);
    }
  }
}

function secondsToWait(error: unknown, attempt: number): number | null {
  if (error instanceof HttpError) return 2 ** (attempt - 1);
  if (!(error instanceof GrammyError)) return null;
  if (error.error_code === 429) return Math.min(error.parameters.retry_after ?? 1, MAX_WAIT_SECONDS);
  return error.error_code >= 500 ? 2 ** (attempt - 1) : null;
}

/** What the self-check found: `error` stops sales, `warning` costs something, `info` is good to know. */
export type Finding = Readonly<{ severity: 'error' | 'warning' | 'info'; code: string; text: string }>;

/** A queue this long means that updates are not taken in. */
const MANY_PENDING = 50;
const RECENT_SECONDS = 3600;

/**
 * Looks at the bot with Telegram's eyes (getMe, getWebhookInfo) and says in plain words what is wrong and what to do, for
 * the operator. Never throws: a Telegram that does not answer is a finding.
 */
export async function checkBot(
  check: Pick<Registration, 'api' | 'publicUrl' | 'webhookSecret'> & {
    botUsername: string;
    supportContact: string | null;
    now: Date;
  },
): Promise<Finding[]> {
  try {
    const [me, webhook] = await Promise.all([check.api.getMe(), check.api.getWebhookInfo()]);
    const wrong = [
      ...judgeBot(me, check.botUsername),
      ...judgeWebhook(webhook, markedWebhookUrl(check), check.now),
      ...(check.supportContact
        ? []
        : [
            finding(
              'warning',
              'no_support_contact',
              'SUPPORT_CONTACT is not set: buyers who send /paysupport find nobody to write to, which Telegram’s terms (§ 6.2.1) ask for.',
            ),
          ]),
    ];
    return wrong.some(({ severity }) => severity !== 'info')
      ? wrong
      : [...wrong, finding('info', 'healthy', `@${me.username} is reachable and its webhook is as it should be.`)];
  } catch (error) {
    return [unreachable(error)];
  }
}

function finding(severity: Finding['severity'], code: string, text: string): Finding {
  return { severity, code, text };
}

function unreachable(error: unknown): Finding {
  if (error instanceof GrammyError && (error.error_code === 401 || error.error_code === 404))
    return finding(
      'error',
      'token_refused',
      'Telegram does not know this bot token. Copy TELEGRAM_BOT_TOKEN again from @BotFather.',
    );
  if (error instanceof GrammyError)
    return finding('error', 'telegram_refused', `Telegram refused the check: ${error.description}`);
  return finding(
    'error',
    'telegram_unreachable',
    'Telegram could not be reached. Check the network, a proxy, and TELEGRAM_API_ROOT.',
  );
}

function judgeBot(me: UserFromGetMe, botUsername: string): Finding[] {
  const found: Finding[] = [];
  if (me.username.toLowerCase() !== botUsername.toLowerCase())
    found.push(
      finding(
        'error',
        'username_differs',
        `The token belongs to @${me.username}, but TELEGRAM_BOT_USERNAME is ${botUsername}: links would lead to another bot.`,
      ),
    );
  if (me.has_main_web_app === false)
    found.push(
      finding(
        'warning',
        'no_main_app',
        'The bot has no main Mini App, so receipt links (t.me/…?startapp=) open nothing. Set it in @BotFather → Bot Settings → Configure Mini App.',
      ),
    );
  if (!me.can_join_groups)
    found.push(
      finding(
        'warning',
        'no_groups',
        'The bot may not be added to groups, so nobody can have their records delivered to a group of theirs. Allow it in @BotFather → Bot Settings → Allow Groups.',
      ),
    );
  if (me.has_topics_enabled)
    found.push(
      finding(
        'warning',
        'topics_fee',
        'Topics in private chats are on: Telegram takes 15 % more of every Stars purchase while they are (terms § 6.2.6). Switch them off in @BotFather unless you need them.',
      ),
    );
  return found;
}

function judgeWebhook(info: WebhookInfo, expectedUrl: string, now: Date): Finding[] {
  if (!info.url)
    return [
      finding(
        'error',
        'webhook_missing',
        'No webhook is set: Telegram sends nothing, and every purchase fails. Start Hoshi again or run the registration.',
      ),
    ];
  const found: Finding[] = [];
  const isElsewhere = withoutQuery(info.url) !== withoutQuery(expectedUrl);
  if (isElsewhere)
    found.push(
      finding(
        'error',
        'webhook_elsewhere',
        `Telegram sends updates to ${withoutQuery(info.url)}, not to ${withoutQuery(expectedUrl)}. Check PUBLIC_URL, or whether another system uses the same bot.`,
      ),
    );
  else if (info.url !== expectedUrl)
    found.push(
      finding(
        'error',
        'secret_differs',
        'The webhook was registered with another TELEGRAM_WEBHOOK_SECRET. Start Hoshi again to register the present one.',
      ),
    );
  found.push(...judgeUpdates(info));
  if (info.pending_update_count >= MANY_PENDING)
    found.push(
      finding(
        'warning',
        'many_pending',
        `${info.pending_update_count} updates wait to be delivered: Hoshi does not take them in fast enough, or not at all.`,
      ),
    );
  if (info.last_error_message && info.last_error_date) {
    const seconds = Math.max(0, Math.round(now.getTime() / 1000 - info.last_error_date));
    const severity = seconds < RECENT_SECONDS ? 'warning' : 'info';
    found.push(
      finding(
        severity,
        'last_error',
        `The last delivery error was ${Math.round(seconds / 60)} minutes ago: ${info.last_error_message}`,
      ),
    );
  }
  return found;
}

/** Telegram's default list holds all we need; an explicit one may lack some. */
function judgeUpdates(info: WebhookInfo): Finding[] {
  if (!info.allowed_updates || info.allowed_updates.length === 0) return [];
  const sent = new Set<string>(info.allowed_updates);
  const missing = ALLOWED_UPDATES.filter((type) => !sent.has(type));
  if (missing.length === 0) return [];
  const consequence = missing.includes('pre_checkout_query')
    ? 'Every purchase fails after ten seconds.'
    : 'A part of what happens stays unknown to Hoshi.';
  return [
    finding(
      'error',
      'updates_missing',
      `Telegram does not send ${missing.join(', ')}. ${consequence} Start Hoshi again to register the list.`,
    ),
  ];
}

function withoutQuery(address: string): string {
  const [bare = address] = address.split('?');
  return bare;
}
