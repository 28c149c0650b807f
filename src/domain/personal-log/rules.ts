import type { Verdict } from '#domain/errors.ts';

/** The topic that a log gets in its group. Telegram has six colours for it; this is its yellow (telegram.md §1.7). */
export const TOPIC = { name: '💰 Payment & Transactions', iconColor: 0xffd67e } as const;

/** Why nothing can be delivered to a group any more; records go to the chat with the bot meanwhile. */
export const GROUP_OBSTACLES = ['removed', 'gone', 'no_rights'] as const;
export type GroupObstacle = (typeof GROUP_OBSTACLES)[number];

/** For how many days this server may keep its copy of a delivered record: 0, not at all. */
export const KEEP_DAYS = [0, 30, 365] as const;
export type KeepDays = (typeof KEEP_DAYS)[number];

/** What Telegram says of a group that a person chose for their log. */
export type ChosenGroup = Readonly<{
  isForum: boolean;
  /** The person made it: others could read along, or throw the bot out. */
  isOwned: boolean;
  /** The bot may make topics in it. */
  canManageTopics: boolean;
}>;

/** Whether a group can be somebody's log. */
export function judgeGroup(
  group: ChosenGroup,
): Verdict<'log_group_not_forum' | 'log_group_not_yours' | 'log_group_no_rights'> {
  if (!group.isOwned) return { ok: false, reason: 'log_group_not_yours' };
  if (!group.isForum) return { ok: false, reason: 'log_group_not_forum' };
  if (!group.canManageTopics) return { ok: false, reason: 'log_group_no_rights' };
  return { ok: true };
}
