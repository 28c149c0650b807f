import { type FormEvent, useRef, useState } from 'react';
import type { SimMessage, SimReplyButton } from '../control.ts';
import { commandsOf, menuButtonOf } from './bot-settings.ts';
import { rowKey } from './format.ts';
import { Icon } from './icons.tsx';
import { usePhone } from './phone-context.ts';
import { useTexts } from './texts.ts';

type ReplyKeyboardRows = NonNullable<SimMessage['reply_keyboard']>;

function CommandList({ filter, onChoose }: { filter: string; onChoose: (command: string) => void }) {
  const { state, user } = usePhone();
  const texts = useTexts();
  const matching = commandsOf(state, user).filter(({ command }) => command.startsWith(filter.toLowerCase()));
  if (matching.length === 0) return null;
  return (
    <ul className="command-list" aria-label={texts.chat.commands}>
      {matching.map(({ command, description }) => (
        <li key={command}>
          <button type="button" onClick={() => onChoose(`/${command}`)}>
            <strong>/{command}</strong>
            <span>{description}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function ReplyKeyboard({ rows, onPress }: { rows: ReplyKeyboardRows; onPress: (button: SimReplyButton) => void }) {
  return (
    <div className="reply-keyboard">
      {rows.map((row) => (
        <div className="inline-row" key={rowKey(row)}>
          {row.map((button) => (
            <button type="button" key={button.text} onClick={() => onPress(button)}>
              {button.text}
            </button>
          ))}
        </div>
      ))}
    </div>
  );
}

/** Where the user writes: menu button, text, command list, reply keyboard. */
export function Composer({ replyKeyboard }: { replyKeyboard: ReplyKeyboardRows | undefined }) {
  const phone = usePhone();
  const texts = useTexts();
  const [draft, setDraft] = useState('');
  const [keyboardOpen, setKeyboardOpen] = useState(true);
  const input = useRef<HTMLInputElement>(null);
  const menu = menuButtonOf(phone.state, phone.user);
  const command = /^\/(\w*)$/.exec(draft)?.[1];

  const send = (text: string) => {
    setDraft('');
    void phone.say(text);
    input.current?.focus();
  };
  const press = ({ request_chat: request, text }: SimReplyButton) =>
    request ? void phone.chooseChat(request) : send(text);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft.trim()) send(draft.trim());
  };
  const toggleCommands = () => {
    setDraft((current) => (current === '/' ? '' : '/'));
    input.current?.focus();
  };

  return (
    <div className="composer">
      {command !== undefined && <CommandList filter={command} onChoose={send} />}
      <form onSubmit={submit}>
        {menu && (
          <button
            type="button"
            className="menu-button"
            data-testid="menu-button"
            onClick={() => void phone.launchApp({ url: menu.url })}
          >
            <Icon name="window" size={18} />
            <span>{menu.text}</span>
          </button>
        )}
        <div className="composer-field">
          <input
            ref={input}
            data-testid="composer-input"
            aria-label={texts.chat.message}
            placeholder={texts.chat.message}
            autoComplete="off"
            enterKeyHint="send"
            maxLength={4096}
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
          />
          {draft.length < 2 && commandsOf(phone.state, phone.user).length > 0 && (
            <button
              type="button"
              className="round"
              aria-label={texts.chat.commands}
              aria-expanded={command !== undefined}
              onClick={toggleCommands}
            >
              <Icon name="slash" />
            </button>
          )}
          {replyKeyboard && (
            <button
              type="button"
              className="round"
              aria-label={texts.chat.keyboard}
              aria-expanded={keyboardOpen}
              onClick={() => setKeyboardOpen((open) => !open)}
            >
              <Icon name="keyboard" />
            </button>
          )}
        </div>
        <button
          type="submit"
          className="send-button"
          data-testid="composer-send"
          aria-label={texts.chat.send}
          disabled={!draft.trim()}
        >
          <Icon name="send" size={22} />
        </button>
      </form>
      {replyKeyboard && keyboardOpen && <ReplyKeyboard rows={replyKeyboard} onPress={press} />}
    </div>
  );
}
