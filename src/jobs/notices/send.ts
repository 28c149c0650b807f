import { type Api, GrammyError, HttpError } from 'grammy';
import type { Ctx } from '#domain/context/context.ts';
import type { NoticeJob } from '#domain/context/queue.ts';
import { findTelegramId } from '#domain/identity/account.ts';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { getUser } from '#domain/identity/find-user.ts';
import { DONE, type JobOutcome } from '../table.ts';
import { composeNotice, type NoticeMessage } from './compose.ts';

/** What came of sending: `refused` will never succeed, `retry` may after so many seconds (null: as usual). */
export type SendOutcome =
  | Readonly<{ kind: 'sent'; messageId: number }>
  | Readonly<{ kind: 'unreachable' }>
  | Readonly<{ kind: 'retry'; afterSeconds: number | null; code: string }>
  | Readonly<{ kind: 'refused'; code: string }>;

/** Sends one message and says in our own words what Telegram answered (telegram.md §5.3). Never throws for an answer. */
export async function sendNotice(api: Api, chatId: bigint, message: NoticeMessage): Promise<SendOutcome> {
  try {
    const sent = await api.sendMessage(Number(chatId), message.text, {
      parse_mode: message.parse_mode,
      link_preview_options: { is_disabled: true },
      ...(message.buttons.length > 0 ? { reply_markup: { inline_keyboard: message.buttons } } : {}),
    });
    return { kind: 'sent', messageId: sent.message_id };
  } catch (error) {
    if (error instanceof HttpError) return { kind: 'retry', afterSeconds: null, code: 'NO_ANSWER' };
    if (error instanceof GrammyError) return outcomeOf(error);
    throw error;
  }
}

/** Blocked, never started, deleted account: nothing can be written until the person comes back. */
function outcomeOf({ description, error_code, parameters }: GrammyError): SendOutcome {
  if (error_code === 403 || (error_code === 400 && description.includes('chat not found')))
    return { kind: 'unreachable' };
  if (error_code === 429) return { kind: 'retry', afterSeconds: parameters.retry_after ?? 1, code: 'FLOOD' };
  if (error_code >= 500) return { kind: 'retry', afterSeconds: null, code: `HTTP_${error_code}` };
  // A revoked token is the operator's to mend; the notice waits for it.
  if (error_code === 401 || error_code === 404) return { kind: 'retry', afterSeconds: null, code: 'TOKEN_REFUSED' };
  return { kind: 'refused', code: description.slice(0, 80) };
}

/**
 * The job `send_notice`: composes, sends, and keeps what it learned about the reader's reachability. It is tried even for
 * readers who count as unreachable, because only sending tells; a reader who cannot be written to ends the job.
 */
export function makeNoticeSender(options: {
  api: Api;
  botUsername: string;
}): (ctx: Ctx, notice: NoticeJob) => Promise<JobOutcome> {
  return async (ctx, notice) => {
    const chatId = await findTelegramId(ctx, notice.userId);
    // Erased since it was queued: nobody can be told any more.
    if (chatId === null) return DONE;
    const message = await composeNotice(ctx, notice, options);
    if (!message) return DONE;
    const reader = await getUser(ctx, notice.userId);
    const outcome = await sendNotice(options.api, chatId, message);
    const { kind, userId } = notice;
    switch (outcome.kind) {
      case 'retry':
        return outcome;
      case 'refused':
        ctx.log.error(
          { notice: kind, userId, code: outcome.code, event: 'notice_refused' },
          'Telegram refused a notice for good',
        );
        return DONE;
      case 'unreachable':
      case 'sent':
        // First that it was sent: a kill in between would send it again.
        return { kind: 'done', afterwards: () => rememberReachable(ctx, reader, outcome.kind === 'sent') };
    }
  };
}

async function rememberReachable(
  ctx: Ctx,
  reader: { id: string; isReachable: boolean },
  isReachable: boolean,
): Promise<void> {
  if (reader.isReachable !== isReachable) await changeSettings(ctx, { userId: reader.id, isReachable });
}
