import { type FormEvent, useState } from 'react';
import { api } from './api.ts';
import { GroupAvatar } from './avatar.tsx';
import { useGroups } from './chat-list.tsx';
import { type ChatRequest, usePhone } from './phone-context.ts';
import { Sheet } from './sheet.tsx';
import { useTexts } from './texts.ts';

/** Telegram's own list of chats that fit a button which asks for one, with a way to make a new group. */
export function ShareSheet({ request, onClose }: { request: ChatRequest; onClose: () => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const [title, setTitle] = useState('');
  const [sending, setSending] = useState(false);
  const fitting = useGroups().filter(
    ({ is_forum }) => request.chat_is_forum === undefined || is_forum === request.chat_is_forum,
  );

  const share = async (answer: { group_id: number } | { title: string }) => {
    setSending(true);
    try {
      await api.share(phone.user.id, { request_id: request.request_id, ...answer });
      onClose();
    } catch (cause) {
      setSending(false);
      phone.fail(cause);
    }
  };
  const create = (event: FormEvent) => {
    event.preventDefault();
    if (title.trim()) void share({ title: title.trim() });
  };

  return (
    <Sheet title={texts.groups.choose} testId="share-sheet" closeTestId="share-close" onClose={onClose}>
      <div className="pay-body short">
        <p className="pay-description">{texts.groups.chooseText(phone.state.bot.first_name)}</p>
      </div>
      <ul className="pack-list">
        {fitting.map((group) => (
          <li key={group.id}>
            <button
              type="button"
              data-testid={`share-group-${group.id}`}
              disabled={sending}
              onClick={() => void share({ group_id: group.id })}
            >
              <GroupAvatar id={group.id} title={group.title} />
              <span>{group.title}</span>
            </button>
          </li>
        ))}
      </ul>
      <form className="new-group" onSubmit={create}>
        <input
          data-testid="group-title"
          aria-label={texts.groups.name}
          placeholder={texts.groups.name}
          autoComplete="off"
          maxLength={128}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
        />
        <button type="submit" className="confirm-button" data-testid="group-create" disabled={sending || !title.trim()}>
          {texts.groups.create}
        </button>
      </form>
    </Sheet>
  );
}
