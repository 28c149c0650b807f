import { Fragment, useEffect, useRef } from 'react';
import type { SimMessage } from '../control.ts';
import { Bubble } from './bubble.tsx';
import { dayKey, formatDay } from './format.ts';
import { useSnapshot } from './store.ts';
import { useLanguage, useTexts } from './texts.ts';

function DayMark({ ms, nowMs }: { ms: number; nowMs: number }) {
  const texts = useTexts();
  const language = useLanguage();
  return (
    <li className="day-mark">
      <span>{dayKey(ms) === dayKey(nowMs) ? texts.chat.today : formatDay(ms, language)}</span>
    </li>
  );
}

/** Messages by days, scrolled to the newest. */
export function MessageList({ messages }: { messages: ReadonlyArray<SimMessage> }) {
  const texts = useTexts();
  const skewMs = useSnapshot((now) => now.skewMs);
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
