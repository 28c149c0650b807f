import { type ReactNode, useEffect } from 'react';
import type { SimGroup } from '../control.ts';
import { api } from './api.ts';
import { BotAvatar, GroupAvatar } from './avatar.tsx';
import { Icon } from './icons.tsx';
import { MessageList } from './message-list.tsx';
import { usePhone } from './phone-context.ts';
import { store, useSnapshot } from './store.ts';
import { useTexts } from './texts.ts';

/** The groups of whoever holds the phone. */
export function useGroups(): ReadonlyArray<SimGroup> {
  const { state, user } = usePhone();
  return state.groups.filter(({ owner_id }) => owner_id === user.id);
}

/** Unread messages of one's groups together. */
export function useUnreadInGroups(): number {
  const unread = useSnapshot((now) => now.unread);
  return useGroups().reduce((sum, { id }) => sum + (unread.get(id) ?? 0), 0);
}

function Row(props: {
  title: string;
  subtitle: string;
  unread: number;
  avatar: ReactNode;
  testId: string;
  onPress: () => void;
}) {
  return (
    <li>
      <button type="button" className="chat-row" data-testid={props.testId} onClick={props.onPress}>
        {props.avatar}
        <span className="chat-row-words">
          <strong>{props.title}</strong>
          <small>{props.subtitle}</small>
        </span>
        {props.unread > 0 && <span className="unread-count">{props.unread}</span>}
        <Icon name="chevron" size={16} />
      </button>
    </li>
  );
}

function Header({
  title,
  subtitle,
  onBack,
  children,
}: {
  title: string;
  subtitle?: string;
  onBack?: () => void;
  children?: ReactNode;
}) {
  const texts = useTexts();
  return (
    <header className="chat-header">
      {onBack && (
        <button type="button" className="round" aria-label={texts.app.back} data-testid="chat-back" onClick={onBack}>
          <Icon name="back" />
        </button>
      )}
      <div className="chat-title">
        <strong>{title}</strong>
        {subtitle !== undefined && <small>{subtitle}</small>}
      </div>
      {children}
    </header>
  );
}

/** All chats of the person: the bot, and the groups they made. */
export function ChatList({ onBot, onGroup }: { onBot: () => void; onGroup: (id: number) => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const unread = useSnapshot((now) => now.unread);
  return (
    <>
      <Header title={texts.groups.chats} />
      <ul className="chat-list" data-testid="chat-list">
        <Row
          title={phone.state.bot.first_name}
          subtitle={texts.chat.bot}
          unread={0}
          avatar={<BotAvatar size="small" />}
          testId="chat-bot"
          onPress={onBot}
        />
        {useGroups().map((group) => (
          <Row
            key={group.id}
            title={group.title}
            subtitle={texts.groups.botIs[group.bot_status]}
            unread={unread.get(group.id) ?? 0}
            avatar={<GroupAvatar id={group.id} title={group.title} />}
            testId={`chat-group-${group.id}`}
            onPress={() => onGroup(group.id)}
          />
        ))}
      </ul>
    </>
  );
}

/** The topics of a group, and what its owner may do with the bot in it. */
export function Topics({
  group,
  onBack,
  onTopic,
}: {
  group: SimGroup;
  onBack: () => void;
  onTopic: (id: number) => void;
}) {
  const phone = usePhone();
  const texts = useTexts();
  const isIn = group.bot_status === 'administrator' || group.bot_status === 'member';
  const change = isIn
    ? { bot_status: 'kicked' as const }
    : { bot_status: 'administrator' as const, can_manage_topics: true };
  return (
    <>
      <Header title={group.title} subtitle={texts.groups.botIs[group.bot_status]} onBack={onBack} />
      {group.topics.length === 0 ? (
        <p className="chat-note">{texts.groups.noTopics}</p>
      ) : (
        <ul className="chat-list">
          {group.topics.map((topic) => (
            <Row
              key={topic.thread_id}
              title={topic.name}
              subtitle={texts.groups.topic}
              unread={0}
              avatar={<TopicIcon color={topic.icon_color} />}
              testId={`topic-${topic.thread_id}`}
              onPress={() => onTopic(topic.thread_id)}
            />
          ))}
        </ul>
      )}
      <button
        type="button"
        className="chat-wide-button"
        data-testid="group-bot"
        onClick={() => void api.changeGroup(group.id, change).catch(phone.fail)}
      >
        {isIn ? texts.groups.removeBot : texts.groups.addBot}
      </button>
    </>
  );
}

function TopicIcon({ color }: { color: number }) {
  return (
    <span className="topic-icon" style={{ background: `#${color.toString(16).padStart(6, '0')}` }} aria-hidden="true" />
  );
}

/** What stands in one topic. */
export function TopicChat({ group, threadId, onBack }: { group: SimGroup; threadId: number; onBack: () => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const chats = useSnapshot((now) => now.chats);
  const messages = chats.get(group.id);
  const topic = group.topics.find(({ thread_id }) => thread_id === threadId);
  const isLoaded = messages !== undefined;
  useEffect(() => {
    if (!isLoaded) store.loadChat(group.id).catch(() => store.connectionLost());
  }, [group.id, isLoaded]);
  const count = messages?.length ?? 0;
  // Each new message is seen as it comes.
  useEffect(() => {
    if (count > 0) store.markRead(group.id);
  }, [group.id, count]);
  const remove = async () => {
    const buttons = [
      { id: 'delete', label: texts.groups.deleteTopic, style: 'destructive' as const },
      { id: 'keep', label: texts.groups.keepTopic, style: 'cancel' as const },
    ];
    const question = { title: texts.groups.deleteTopic, message: texts.groups.deleteTopicText, buttons };
    if ((await phone.ask(question)) !== 'delete') return;
    await api.removeTopic(group.id, threadId).then(onBack, phone.fail);
  };
  return (
    <>
      <Header title={topic?.name ?? ''} subtitle={group.title} onBack={onBack}>
        <button
          type="button"
          className="round"
          aria-label={texts.groups.deleteTopic}
          data-testid="topic-delete"
          onClick={() => void remove()}
        >
          <Icon name="close" />
        </button>
      </Header>
      <div className="chat-body">
        {messages === undefined ? (
          <div className="chat-loading" aria-busy="true" />
        ) : (
          <MessageList messages={messages.filter(({ message_thread_id }) => message_thread_id === threadId)} />
        )}
      </div>
    </>
  );
}
