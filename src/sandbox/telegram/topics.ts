import type { Args } from './args.ts';
import type { Call, Method } from './call.ts';
import { badRequest } from './errors.ts';
import type { TopicRecord } from './records.ts';
import type { World } from './world.ts';

const NAME_LIMIT = 128;
const COLORS: ReadonlySet<number> = new Set([7322096, 16766590, 13338331, 9367192, 16749490, 16478047]);
const FIRST_COLOR = 7322096;

/** The topic a message goes to, 0 for none. Private chats know topics only while the bot has them enabled. */
export function checkThread(world: World, chatId: number, threadId: number): number {
  if (threadId === 0) return 0;
  // A private chat without topics takes it for nothing; a group does not.
  if (!isForum(world, chatId) && world.groups.get(chatId) === undefined) return 0;
  const topic = world.topics.get(`${chatId}:${threadId}`);
  if (topic === undefined) throw badRequest('message thread not found');
  if (topic.is_closed) throw badRequest('TOPIC_CLOSED');
  return threadId;
}

function isForum(world: World, chatId: number): boolean {
  return world.groups.get(chatId)?.is_forum ?? world.bot.has_topics_enabled;
}

function checkForum(call: Call): number {
  const { args, telegram } = call;
  const chatId = telegram.chats.checkWritable(args.text('chat_id'));
  if (!isForum(telegram.world, chatId)) throw badRequest('the chat is not a forum');
  const group = telegram.world.groups.get(chatId);
  if (group && !(group.bot_status === 'administrator' && group.can_manage_topics))
    throw badRequest('not enough rights to create a topic');
  return chatId;
}

function getTopic(call: Call): TopicRecord {
  const chatId = checkForum(call);
  const topic = call.telegram.world.topics.get(`${chatId}:${call.args.integer('message_thread_id', 0)}`);
  if (topic === undefined) throw badRequest('TOPIC_ID_INVALID');
  return topic;
}

function checkName(args: Args): string {
  const name = args.text('name').trim();
  if (name === '') throw badRequest('TOPIC_TITLE_EMPTY');
  if (name.length > NAME_LIMIT) throw badRequest('TOPIC_TITLE_INVALID');
  return name;
}

const createForumTopic: Method = (call) => {
  const { world, chats } = call.telegram;
  const chatId = checkForum(call);
  const name = checkName(call.args);
  const color = call.args.integer('icon_color', FIRST_COLOR);
  if (!COLORS.has(color)) throw badRequest('wrong color specified');
  const message = chats.addByBot(chatId, { forum_topic_created: { name, icon_color: color } }, { kind: 'none' });
  const threadId = message.message_id;
  message.message_thread_id = threadId;
  chats.changed(message);
  world.topics.set(`${chatId}:${threadId}`, {
    chat_id: chatId,
    thread_id: threadId,
    name,
    icon_color: color,
    is_closed: false,
  });
  call.telegram.hub.stateChanged();
  return { message_thread_id: threadId, name, icon_color: color };
};

const editForumTopic: Method = (call) => {
  const topic = getTopic(call);
  if (!call.args.has('name')) return true;
  const name = checkName(call.args);
  if (name === topic.name) throw badRequest('TOPIC_NOT_MODIFIED');
  topic.name = name;
  call.telegram.world.topics.touch(`${topic.chat_id}:${topic.thread_id}`);
  return true;
};

const deleteForumTopic: Method = (call) => {
  const topic = getTopic(call);
  call.telegram.groups.removeTopic(topic.chat_id, topic.thread_id);
  return true;
};

/** Only supergroups have closed topics. */
function setClosed(call: Call, isClosed: boolean): boolean {
  const topic = getTopic(call);
  if (call.telegram.world.groups.get(topic.chat_id) === undefined)
    throw badRequest('the chat is not a supergroup forum');
  if (topic.is_closed === isClosed) throw badRequest('TOPIC_NOT_MODIFIED');
  topic.is_closed = isClosed;
  call.telegram.world.topics.touch(`${topic.chat_id}:${topic.thread_id}`);
  return true;
}

/** Forum topics, in supergroups and (when the bot has enabled them) in private chats. */
export const topicMethods = {
  createForumTopic,
  editForumTopic,
  deleteForumTopic,
  closeForumTopic: (call: Call) => setClosed(call, true),
  reopenForumTopic: (call: Call) => setClosed(call, false),
};
