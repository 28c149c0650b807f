import type { SimMessage } from '../control.ts';
import { api } from './api.ts';
import { Avatar, BotAvatar } from './avatar.tsx';
import { descriptionOf } from './bot-settings.ts';
import { useGroups, useUnreadInGroups } from './chat-list.tsx';
import { Composer } from './composer.tsx';
import { Icon } from './icons.tsx';
import { MessageList } from './message-list.tsx';
import { usePhone } from './phone-context.ts';
import { useSnapshot } from './store.ts';
import { useTexts } from './texts.ts';

/** The keyboard of the newest bot message that set one; an empty one takes it away. */
function currentReplyKeyboard(messages: ReadonlyArray<SimMessage>): SimMessage['reply_keyboard'] {
  const setter = messages.findLast((message) => message.reply_keyboard !== undefined);
  return setter?.reply_keyboard?.length ? setter.reply_keyboard : undefined;
}

function EmptyChat() {
  const { state, user } = usePhone();
  const texts = useTexts();
  return (
    <div className="empty-chat">
      <BotAvatar size="large" />
      <strong>{texts.chat.empty}</strong>
      <p>{descriptionOf(state, user) || texts.chat.emptyText}</p>
    </div>
  );
}

function Foot({ messages }: { messages: ReadonlyArray<SimMessage> }) {
  const phone = usePhone();
  const texts = useTexts();
  if (phone.user.has_blocked_bot) {
    const unblock = () => api.changeUser(phone.user.id, { has_blocked_bot: false }).catch(phone.fail);
    return (
      <button type="button" className="chat-wide-button" onClick={() => void unblock()}>
        {texts.chat.unblock}
      </button>
    );
  }
  return (
    <>
      {messages.length === 0 && (
        <button
          type="button"
          className="chat-start-button"
          data-testid="chat-start"
          onClick={() => void phone.say('/start')}
        >
          {texts.chat.start}
        </button>
      )}
      <Composer replyKeyboard={currentReplyKeyboard(messages)} />
    </>
  );
}

/** The private chat of the chosen user and the bot. `onBack`: to their other chats, once they have some. */
export function BotChat({ onBack }: { onBack: () => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const chats = useSnapshot((now) => now.chats);
  const messages = chats.get(phone.user.id);
  const hasGroups = useGroups().length > 0;
  const unread = useUnreadInGroups();
  return (
    <>
      <header className="chat-header">
        {hasGroups && (
          <button
            type="button"
            className="round"
            aria-label={texts.groups.chats}
            data-testid="chat-back"
            onClick={onBack}
          >
            <Icon name="back" />
          </button>
        )}
        {unread > 0 && <span className="unread-count">{unread}</span>}
        <BotAvatar size="small" />
        <div className="chat-title">
          <strong>{phone.state.bot.first_name}</strong>
          <small>{texts.chat.bot}</small>
        </div>
        <Avatar user={phone.user} />
      </header>
      <div className="chat-body">
        {messages === undefined && <div className="chat-loading" aria-busy="true" />}
        {messages?.length === 0 && <EmptyChat />}
        {messages !== undefined && messages.length > 0 && <MessageList messages={messages} />}
      </div>
      {messages && <Foot messages={messages} />}
    </>
  );
}
