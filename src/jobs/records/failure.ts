import { GrammyError, HttpError } from 'grammy';
import type { GroupObstacle } from '#domain/personal-log/rules.ts';
import { wasNeverSent } from './careful-api.ts';

/**
 * Why a call to Telegram did not do what it should, in our words. Only of `unknown` may it have been done.
 * `unreachable` and `group` say that this chat will not take anything until somebody acts.
 */
export type SendFailure =
  | Readonly<{ kind: 'flood'; afterSeconds: number }>
  | Readonly<{ kind: 'unavailable'; code: string }>
  | Readonly<{ kind: 'unknown' }>
  | Readonly<{ kind: 'topic_gone' }>
  | Readonly<{ kind: 'group'; obstacle: GroupObstacle }>
  | Readonly<{ kind: 'unreachable' }>
  | Readonly<{ kind: 'refused'; code: string }>;

/** Telegram's words for a topic that is not there any more (telegram.md §1.7, §5.3). */
const TOPIC_GONE = /message thread not found|TOPIC_DELETED|TOPIC_ID_INVALID/i;
/** For a group that the bot cannot find: deleted, or it was never in it. */
const GROUP_GONE = /chat not found|group chat was deleted|CHANNEL_INVALID|CHANNEL_PRIVATE|PEER_ID_INVALID/i;
/** For a group in which it may not write or make topics. */
const NO_RIGHTS =
  /not enough rights|have no rights|chat is not a forum|CHAT_WRITE_FORBIDDEN|ADMIN_REQUIRED|TOPIC_CLOSED/i;

/** What an error of a careful client means. What is no answer of Telegram's is thrown again. */
export function failureOf(error: unknown, isGroup: boolean): SendFailure {
  if (error instanceof HttpError)
    return wasNeverSent(error) ? { kind: 'unavailable', code: 'NOT_CONNECTED' } : { kind: 'unknown' };
  if (!(error instanceof GrammyError)) throw error;
  const { description, error_code: status, parameters } = error;
  if (status === 429) return { kind: 'flood', afterSeconds: parameters.retry_after ?? 1 };
  // A revoked token (401, 404) is the operator's to mend; records wait for it.
  if (status >= 500 || status === 401 || status === 404) return { kind: 'unavailable', code: `HTTP_${status}` };
  if (isGroup) return groupFailure(status, description);
  if (status === 403 || /chat not found/i.test(description)) return { kind: 'unreachable' };
  return { kind: 'refused', code: description.slice(0, 80) };
}

function groupFailure(status: number, description: string): SendFailure {
  if (TOPIC_GONE.test(description)) return { kind: 'topic_gone' };
  if (GROUP_GONE.test(description)) return { kind: 'group', obstacle: 'gone' };
  if (NO_RIGHTS.test(description)) return { kind: 'group', obstacle: 'no_rights' };
  if (status === 403) return { kind: 'group', obstacle: 'removed' };
  return { kind: 'refused', code: description.slice(0, 80) };
}
