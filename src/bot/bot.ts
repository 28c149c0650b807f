import { Api, Composer, GrammyError, HttpError } from 'grammy';
import type { Update, UserFromGetMe } from 'grammy/types';
import { z } from 'zod';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import { languageFor } from '#domain/identity/rules.ts';
import { markup } from '#messages/telegram.ts';
import { BotContext, describeFailure, type Place } from './context.ts';
import { buy } from './features/buy.ts';
import { fallback } from './features/fallback.ts';
import { help } from './features/help.ts';
import { history } from './features/history.ts';
import { language } from './features/language.ts';
import { link } from './features/link.ts';
import { log } from './features/log.ts';
import { paySupport } from './features/pay-support.ts';
import { plans } from './features/plans.ts';
import { press } from './features/press.ts';
import { privacy } from './features/privacy.ts';
import { settings } from './features/settings.ts';
import { start } from './features/start.ts';
import { subscription } from './features/subscription.ts';
import { terms } from './features/terms.ts';
import { visitor } from './features/visitor.ts';
import { refusalText } from './render.ts';

/** Calls to Telegram give up after this long: the webhook request that waits for them must be answered. */
const TIMEOUT_SECONDS = 8;

export type BotOptions = Place &
  Readonly<{
    /** The world as the system sees it; each update acts in it under its own request id. */
    ctx: Ctx;
    botInfo: Pick<UserFromGetMe, 'id' | 'username'>;
    /** Without a trailing slash. */
    apiRoot: string;
    token: string;
  }>;

export type HoshiBot = Readonly<{
  api: Api;
  /**
   * Answers one update that is not about money. The caller has verified where it came from and that it is not a repeat.
   * Resolves also when an apology was all that could be said. Throws `unavailable service_unavailable` when nothing of the
   * answer has reached the chat because Telegram could not be reached: it should send the update again.
   */
  handleUpdate(update: unknown, requestId?: string): Promise<void>;
}>;

/** A Bot API client with a short timeout. Answers go out as own requests: in a webhook reply errors would be invisible. */
export function makeApi(options: { token: string; apiRoot: string }): Api {
  return new Api(options.token, {
    apiRoot: options.apiRoot,
    timeoutSeconds: TIMEOUT_SECONDS,
    canUseWebhookReply: () => false,
  });
}

/** The bot as a function of updates: who writes, then the features in order, then what nobody understood. */
export function makeBot(options: BotOptions): HoshiBot {
  const { ctx, publicUrl, botUsername, supportContact } = options;
  const api = makeApi(options);
  const place: Place = { publicUrl, botUsername, supportContact };
  const me = botUser(options.botInfo);
  const features = new Composer<BotContext>(
    press,
    visitor,
    start,
    buy,
    plans,
    subscription,
    history,
    link,
    log,
    help,
    paySupport,
    terms,
    privacy,
    language,
    settings,
    fallback,
  ).middleware();

  return {
    api,
    async handleUpdate(given, requestId) {
      const system = asActor(ctx, { kind: 'system', name: 'bot' }, requestId);
      const update = UpdateEnvelope.safeParse(given);
      if (!update.success)
        return system.log.warn({ event: 'update_malformed' }, 'an update without an id was left out');
      // Everything else in it is checked by grammY's filters as features ask for it.
      const context = new BotContext(given as Update, { api, me, place, system });
      try {
        await features(context, () => Promise.resolve());
      } catch (error) {
        await recover(context, error);
      }
    },
  };
}

const UpdateEnvelope = z.looseObject({ update_id: z.number().int() });

/** What grammY wants to know of the bot to understand `/command@name`; asking Telegram (getMe) would delay the first answer. */
function botUser({ id, username }: BotOptions['botInfo']): UserFromGetMe {
  return {
    id,
    username,
    is_bot: true,
    first_name: username,
    can_join_groups: false,
    can_read_all_group_messages: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: true,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
    supports_join_request_queries: false,
  };
}

/** Says what went wrong: a refusal in its own words, a fault of ours with one apology and the request id. */
async function recover(context: BotContext, error: unknown): Promise<void> {
  const { log } = context.system;
  if (isUnreachable(error)) return markUnreachable(context);
  const retryAfterSeconds = retryAfter(error);
  if (retryAfterSeconds !== null && !context.hasSent)
    throw new AppError('unavailable', 'service_unavailable', { retryAfterSeconds, cause: error });
  if (!isRefusal(error))
    log.error({ ...describeFailure(error), event: 'update_failed' }, 'an update could not be answered');
  try {
    await context.answerPress();
    if (context.chat?.type === 'private') await context.tell({ text: failureText(context, error) });
  } catch (failure) {
    if (isUnreachable(failure)) return markUnreachable(context);
    log.error({ ...describeFailure(failure), event: 'apology_failed' }, 'nor could the person be told');
  }
}

/** A refusal is an answer; what is wrong inside is not told. */
function isRefusal(error: unknown): error is AppError {
  return error instanceof AppError && error.kind !== 'internal';
}

function failureText(context: BotContext, error: unknown): string {
  const reader = context.known?.language ?? languageFor(context.from?.language_code);
  if (!isRefusal(error)) return markup(reader)('bot.failure.apology', { requestId: context.system.requestId });
  const { details, reason, retryAfterSeconds } = error;
  return refusalText(reason, reader, retryAfterSeconds === undefined ? details : { ...details, retryAfterSeconds });
}

/** Seconds until Telegram should send the update again, or null when that would not help. */
function retryAfter(error: unknown): number | null {
  if (error instanceof HttpError) return 1;
  if (!(error instanceof GrammyError)) return null;
  if (error.error_code === 429) return error.parameters.retry_after ?? 1;
  return error.error_code >= 500 ? 1 : null;
}

/** Telegram's words for a chat that cannot be written to (telegram.md §5.3). */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof GrammyError)) return false;
  return error.error_code === 403 || (error.error_code === 400 && error.description.includes('chat not found'));
}

async function markUnreachable(context: BotContext): Promise<void> {
  if (!context.from) return;
  const user = await findUserByTelegramId(context.system, BigInt(context.from.id));
  if (user) await changeSettings(context.system, { userId: user.id, isReachable: false });
}
