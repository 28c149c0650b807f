import { badRequest, forbidden } from './errors.ts';
import type { GroupRecord, UserRecord } from './records.ts';
import type { TUser } from './wire.ts';
import { presentUser } from './world.ts';

/** What an administrator may be allowed, beside the topics. */
const RIGHTS = [
  'can_manage_chat',
  'can_delete_messages',
  'can_manage_video_chats',
  'can_restrict_members',
  'can_promote_members',
  'can_change_info',
  'can_invite_users',
  'can_post_stories',
  'can_edit_stories',
  'can_delete_stories',
] as const;

/** The bot as a ChatMember of a group. */
export function presentBotIn(group: GroupRecord, botUser: TUser): object {
  const { bot_status: status, can_manage_topics: canManageTopics } = group;
  if (status === 'kicked') return { user: botUser, status, until_date: 0 };
  if (status !== 'administrator') return { user: botUser, status };
  const rights = Object.fromEntries(RIGHTS.map((right) => [right, right === 'can_manage_chat']));
  return {
    user: botUser,
    status,
    can_be_edited: false,
    is_anonymous: false,
    ...rights,
    can_manage_topics: canManageTopics,
  };
}

/** A person as a ChatMember of a group. */
export function presentMember(group: GroupRecord, user: UserRecord): object {
  const isOwner = group.owner_id === user.id;
  return { user: presentUser(user), status: isOwner ? 'creator' : 'left', ...(isOwner ? { is_anonymous: false } : {}) };
}

/** Refuses, as Telegram does, what a bot asks about a group it is not in. */
export function checkInGroup(group: GroupRecord): void {
  if (group.bot_status === 'kicked') throw forbidden('bot was kicked from the supergroup chat');
  if (group.bot_status === 'left') throw forbidden('bot is not a member of the supergroup chat');
}

/** Refuses a message that the bot may not send into a group. */
export function checkMaySend(group: GroupRecord | undefined, what: 'text messages' | 'documents'): void {
  if (group?.can_send_messages === false) throw badRequest(`not enough rights to send ${what} to the chat`);
}
