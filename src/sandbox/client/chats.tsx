import { useState } from 'react';
import { BotChat } from './chat.tsx';
import { ChatList, TopicChat, Topics, useGroups } from './chat-list.tsx';

type Place = { kind: 'bot' } | { kind: 'list' } | { kind: 'group'; id: number; threadId: number | null };

/** The chats of the phone, one at a time: the bot's at first. What is gone leads back to the list. */
export function Chats({ inert }: { inert: boolean }) {
  const [place, setPlace] = useState<Place>({ kind: 'bot' });
  const groups = useGroups();
  const group = place.kind === 'group' ? groups.find(({ id }) => id === place.id) : undefined;
  const toList = () => setPlace({ kind: 'list' });
  const toGroup = (id: number, threadId: number | null = null) => setPlace({ kind: 'group', id, threadId });
  const threadId = place.kind === 'group' ? place.threadId : null;
  return (
    <div className="chat" data-testid="chat" inert={inert}>
      {place.kind === 'bot' && <BotChat onBack={toList} />}
      {(place.kind === 'list' || (place.kind === 'group' && !group)) && (
        <ChatList onBot={() => setPlace({ kind: 'bot' })} onGroup={toGroup} />
      )}
      {group && threadId === null && (
        <Topics group={group} onBack={toList} onTopic={(topicId) => toGroup(group.id, topicId)} />
      )}
      {group && threadId !== null && <TopicChat group={group} threadId={threadId} onBack={() => toGroup(group.id)} />}
    </div>
  );
}
