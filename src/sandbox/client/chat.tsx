import { Fragment, useEffect, useRef } from 'react';
import type { SimMessage } from '../control.ts';
import { api } from './api.ts';
import { Avatar, BotAvatar } from './avatar.tsx';
import { descriptionOf } from './bot-settings.ts';
import { Bubble } from './bubble.tsx';
import { Composer } from './composer.tsx';
import { dayKey, formatDay } from './format.ts';
import { usePhone } from './phone-context.ts';
import { useSnapshot } from './store.ts';
import { useLanguage, useTexts } from './texts.ts';

/** The keyboard of the newest bot message that set one; an empty one takes it away. */
function currentReplyKeyboard(messages: ReadonlyArray<SimMessage>): SimMessage['reply_keyboard'] {
  const setter = messages.findLast((message) => message.reply_keyboard !== undefined);
  return setter?.reply_keyboard?.length ? setter.reply_keyboard : undefined;
}

function DayMark({ ms, nowMs }: { ms: number; nowMs: number }) {
  const texts = useTexts();
  const language = useLanguage();
  return (
    <li className="day-mark">
      <span>{dayKey(ms) === dayKey(nowMs) ? texts.chat.today : formatDay(ms, language)}</span>
    </li>
  );
}

function MessageList({ messages }: { messages: ReadonlyArray<SimMessage> }) {
  const texts = useTexts();
  const { skewMs } = useSnapshot();
  const nowMs = Date.now() + skewMs;
  const scroller = useRef<HTMLDivElement>(null);
  const last = messages.at(-1);
  const lastMark = `${messages.length}:${last?.message_id}:${last?.edit_date}`;

  // The newest message is what the reader waits for; `lastMark` says that there is one.
  useEffect(() => {
    if (!lastMark) return;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, [lastMark]);

  return (
    <div
      className="message-scroller"
      ref={scroller}
      role="log"
      aria-label={texts.chat.label}
      aria-live="polite"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
      tabIndex={0}
    >
      <ol className="message-list">
        {messages.map((message, index) => {
          const ms = message.date * 1000;
          const previous = messages[index - 1];
          const newDay = !previous || dayKey(previous.date * 1000) !== dayKey(ms);
          return (
            <Fragment key={message.message_id}>
              {newDay && <DayMark ms={ms} nowMs={nowMs} />}
              <Bubble message={message} />
            </Fragment>
          );
        })}
      </ol>
    </div>
  );
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

/** The private chat of the chosen user and the bot. */
export function Chat({ inert }: { inert: boolean }) {
  const phone = usePhone();
  const texts = useTexts();
  const { chats } = useSnapshot();
  const messages = chats.get(phone.user.id);
  return (
    <div className="chat" data-testid="chat" inert={inert}>
      <header className="chat-header">
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
    </div>
  );
}
