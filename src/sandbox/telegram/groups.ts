import type { Clock } from '../clock.ts';
import type { SimGroup } from '../control.ts';
import { SimError } from '../errors.ts';
import type { Hub } from '../hub.ts';
import type { Chats } from './chats.ts';
import { presentBotIn } from './membership.ts';
import type { GroupRecord, UserRecord } from './records.ts';
import type { Updates } from './updates.ts';
import type { TRequestChat, TUser } from './wire.ts';
import { presentUser, type World } from './world.ts';

const UPDATE_KEPT_SECONDS = 86_400;
/** Whoever owns a group that none of the sandbox's people made. */
const SOMEBODY: TUser = { id: 7_000_000_999, is_bot: false, first_name: 'Somebody' };

export type GroupChange = { [Key in keyof Omit<GroupRecord, 'id'>]?: GroupRecord[Key] | undefined };

/** Groups that people made: who owns them, and what the bot is in them. */
export class Groups {
  readonly #options: { world: World; clock: Clock; hub: Hub; updates: Updates; chats: Chats; botUser: TUser };

  constructor(options: { world: World; clock: Clock; hub: Hub; updates: Updates; chats: Chats; botUser: TUser }) {
    this.#options = options;
  }

  get(id: number): GroupRecord {
    const group = this.#options.world.groups.get(id);
    if (group === undefined) throw new SimError(404, 'GROUP_NOT_FOUND', `There is no group ${id}.`);
    return group;
  }

  /** A new group. Its owner may have added the bot at once, which is then told. */
  create(given: { title: string } & GroupChange): GroupRecord {
    const { world } = this.#options;
    const id = -1_002_000_000_000 - world.nextNumber('sequence');
    const { title, owner_id = null, is_forum = true, can_manage_topics = true, can_send_messages = true } = given;
    const group = world.groups.set(id, {
      id,
      title,
      owner_id,
      is_forum,
      can_manage_topics,
      can_send_messages,
      bot_status: 'left',
    });
    this.change(group, { bot_status: given.bot_status ?? 'administrator' });
    return group;
  }

  /** What its owner changes about a group. The bot is told what becomes of itself. */
  change(group: GroupRecord, change: GroupChange): GroupRecord {
    const { world, hub } = this.#options;
    const before = this.#presentBot(group);
    const given = Object.entries(change).filter(([, value]) => value !== undefined);
    Object.assign(group, Object.fromEntries(given));
    world.groups.touch(group.id);
    const after = this.#presentBot(group);
    if (JSON.stringify(before) !== JSON.stringify(after)) this.#tellBot(group, before, after);
    hub.stateChanged();
    return group;
  }

  /** The group goes with all that stood in it. The bot is told nothing: it only finds no such chat any more. */
  remove(group: GroupRecord): void {
    const { world, hub, chats } = this.#options;
    for (const message of world.messagesOf(group.id, 0, Number.POSITIVE_INFINITY))
      chats.delete(group.id, message.message_id);
    for (const topic of [...world.topics.values()])
      if (topic.chat_id === group.id) world.topics.delete(`${topic.chat_id}:${topic.thread_id}`);
    world.groups.delete(group.id);
    hub.stateChanged();
  }

  /** A topic goes with its messages. */
  removeTopic(chatId: number, threadId: number): void {
    const { world, hub, chats } = this.#options;
    const key = `${chatId}:${threadId}`;
    if (world.topics.get(key) === undefined)
      throw new SimError(404, 'TOPIC_NOT_FOUND', `There is no topic ${threadId} in ${chatId}.`);
    world.topics.delete(key);
    for (const message of world.messagesOf(chatId, 0, Number.POSITIVE_INFINITY))
      if (message.message_thread_id === threadId) chats.delete(chatId, message.message_id);
    hub.stateChanged();
  }

  /**
   * A person answers a button with request_chat by one of their groups, or by a new one: their client gives the bot the
   * rights it asked for, and the bot is told which group it was.
   */
  share(
    user: UserRecord,
    answer: { request_id: number; group_id?: number | undefined; title?: string | undefined },
  ): GroupRecord {
    const { chats } = this.#options;
    const asked = this.#requestOf(user.id, answer.request_id);
    const bot = {
      bot_status: 'administrator',
      can_manage_topics: asked.bot_administrator_rights?.['can_manage_topics'] === true,
    } as const;
    const group =
      answer.group_id === undefined
        ? this.create({
            title: answer.title ?? user.first_name,
            owner_id: user.id,
            is_forum: asked.chat_is_forum ?? false,
            ...bot,
          })
        : this.#fit(user, asked, this.get(answer.group_id));
    if (answer.group_id !== undefined) this.change(group, bot);
    const title = asked.request_title === true ? { title: group.title } : {};
    chats.addForBot(user, 'service', { chat_shared: { request_id: asked.request_id, chat_id: group.id, ...title } });
    return group;
  }

  /** The button of the keyboard that the chat shows now. */
  #requestOf(userId: number, requestId: number): TRequestChat {
    const messages = this.#options.world.messagesOf(userId, 0, Number.POSITIVE_INFINITY);
    const keyboard = messages.findLast(({ reply_keyboard: rows }) => rows !== undefined)?.reply_keyboard ?? [];
    const button = keyboard.flat().find(({ request_chat: request }) => request?.request_id === requestId);
    if (button?.request_chat === undefined)
      throw new SimError(400, 'REQUEST_INVALID', 'The chat shows no button that asks for a chat with this request_id.');
    return button.request_chat;
  }

  #fit(user: UserRecord, asked: TRequestChat, group: GroupRecord): GroupRecord {
    const isOwn = group.owner_id === user.id;
    const isForum = asked.chat_is_forum === undefined || asked.chat_is_forum === group.is_forum;
    // Only an owner can let the bot in with rights; a client shows nobody else's groups then.
    if (isOwn && isForum) return group;
    throw new SimError(400, 'CHAT_NOT_FITTING', 'The client does not offer this group for the button.');
  }

  list(): SimGroup[] {
    const { world } = this.#options;
    const topics = [...world.topics.values()];
    return [...world.groups.values()].map((group) => ({
      ...group,
      topics: topics
        .filter(({ chat_id }) => chat_id === group.id)
        .map(({ icon_color, is_closed, name, thread_id }) => ({ thread_id, name, icon_color, is_closed })),
    }));
  }

  #presentBot(group: GroupRecord): object {
    return presentBotIn(group, this.#options.botUser);
  }

  #tellBot(group: GroupRecord, before: object, after: object): void {
    const { clock, chats, updates, world } = this.#options;
    const owner = group.owner_id === null ? undefined : world.users.get(group.owner_id);
    updates.emit({
      type: 'my_chat_member',
      content: {
        chat: chats.presentChat(group.id),
        from: owner === undefined ? SOMEBODY : presentUser(owner),
        date: clock.now(),
        old_chat_member: before,
        new_chat_member: after,
      },
      queue: `chat:${group.id}`,
      keepSeconds: UPDATE_KEPT_SECONDS,
    });
  }
}
