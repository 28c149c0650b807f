import { type FormEvent, memo, useState } from 'react';
import type { SimUser } from '../control.ts';
import { AccountLists } from './account-lists.tsx';
import { api } from './api.ts';
import { Avatar } from './avatar.tsx';
import { formatNumber, fullName } from './format.ts';
import { Icon, Stars } from './icons.tsx';
import { ActError, Panel, useAct } from './panel.tsx';
import { useSnapshot } from './store.ts';
import { type Language, useLanguage, useTexts } from './texts.ts';
import type { Account } from './use-account.ts';

/** Languages Telegram reports that Hoshi speaks, and two it does not, to see the fall-back. */
const languageCodes = ['en', 'ja', 'uz', 'ru', 'de', 'fa'];

const languageNames = {
  en: new Intl.DisplayNames(['en'], { type: 'language' }),
  ja: new Intl.DisplayNames(['ja'], { type: 'language' }),
};
const languageName = (code: string, inLanguage: Language): string => languageNames[inLanguage].of(code) ?? code;

function LanguageSelect(props: { id: string; value: string; onChange: (code: string) => void }) {
  const language = useLanguage();
  const codes = languageCodes.includes(props.value) ? languageCodes : [props.value, ...languageCodes];
  return (
    <select id={props.id} value={props.value} onChange={(event) => props.onChange(event.target.value)}>
      {codes.map((code) => (
        <option key={code} value={code}>
          {languageName(code, language)}
        </option>
      ))}
    </select>
  );
}

const PersonRow = memo(function PersonRow(props: {
  user: SimUser;
  chosen: boolean;
  unread: number;
  onChoose: (id: number) => void;
}) {
  const texts = useTexts();
  const language = useLanguage();
  const { user } = props;
  const balance = formatNumber(user.balance, language);
  return (
    <button
      type="button"
      className="person"
      aria-pressed={props.chosen}
      data-testid={`user-${user.id}`}
      onClick={() => props.onChoose(user.id)}
    >
      <Avatar user={user} />
      <span className="person-name">
        <strong>{fullName(user)}</strong>
        <small>
          {languageName(user.language_code, language)}
          {user.has_blocked_bot && <span className="blocked-badge"> · {texts.people.blockedBadge}</span>}
        </small>
      </span>
      {props.unread > 0 && (
        <span className="unread">
          <span aria-hidden="true">{props.unread}</span>
          <span className="visually-hidden">{texts.people.unread(props.unread)}</span>
        </span>
      )}
      <Stars amount={balance} label={texts.people.stars(balance)} size={14} />
    </button>
  );
});

function BalanceField({ user, onSave }: { user: SimUser; onSave: (balance: number) => void }) {
  const texts = useTexts();
  const [draft, setDraft] = useState<string>();
  const save = (event: FormEvent) => {
    event.preventDefault();
    const balance = Number(draft);
    if (draft !== undefined && draft !== '' && Number.isSafeInteger(balance) && balance >= 0) onSave(balance);
    setDraft(undefined);
  };
  return (
    <form className="field-row" onSubmit={save}>
      <label htmlFor="person-balance">{texts.people.balance}</label>
      <span className="balance-field">
        <input
          id="person-balance"
          type="number"
          min="0"
          max="1000000"
          step="1"
          inputMode="numeric"
          value={draft ?? user.balance}
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit" className="button small" disabled={draft === undefined || draft === String(user.balance)}>
          {texts.apply}
        </button>
      </span>
    </form>
  );
}

function PersonEditor({ user }: { user: SimUser }) {
  const texts = useTexts();
  const { act, error } = useAct();
  const change = (fields: Partial<SimUser>) => void act(() => api.changeUser(user.id, fields));
  return (
    <div className="person-editor">
      <BalanceField key={user.id} user={user} onSave={(balance) => change({ balance })} />
      <div className="field-row">
        <label htmlFor="person-language">{texts.people.languageLabel}</label>
        <LanguageSelect
          id="person-language"
          value={user.language_code}
          onChange={(language_code) => change({ language_code })}
        />
      </div>
      <label className="switch-row">
        <span>
          {texts.people.blocked}
          <small>{texts.people.blockedHint}</small>
        </span>
        <input
          type="checkbox"
          role="switch"
          aria-checked={user.has_blocked_bot}
          checked={user.has_blocked_bot}
          onChange={(event) => change({ has_blocked_bot: event.target.checked })}
        />
      </label>
      <ActError error={error} />
    </div>
  );
}

function AddPerson({ onAdded, onCancel }: { onAdded: (user: SimUser) => void; onCancel: () => void }) {
  const texts = useTexts();
  const uiLanguage = useLanguage();
  const { act, busy, error } = useAct();
  const [name, setName] = useState('');
  const [language, setLanguage] = useState<string>(uiLanguage);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const first = name.trim();
    if (!first) return;
    void act(async () => onAdded(await api.addUser({ first_name: first, language_code: language, balance: 1000 })));
  };
  return (
    <form className="add-person" onSubmit={submit}>
      <div className="field-row">
        <label htmlFor="new-name">{texts.people.name}</label>
        <input
          id="new-name"
          value={name}
          maxLength={64}
          autoComplete="off"
          required
          onChange={(event) => setName(event.target.value)}
        />
      </div>
      <div className="field-row">
        <label htmlFor="new-language">{texts.people.languageLabel}</label>
        <LanguageSelect id="new-language" value={language} onChange={setLanguage} />
      </div>
      <ActError error={error} />
      <div className="form-buttons">
        <button type="button" className="button small" onClick={onCancel}>
          {texts.cancel}
        </button>
        <button type="submit" className="button small primary" disabled={busy || !name.trim()}>
          {texts.people.create}
        </button>
      </div>
    </form>
  );
}

/** Who can hold the phone: balances, languages, blocks, subscriptions and transactions. */
export function PeoplePanel(props: {
  chosen: SimUser | undefined;
  account: Account | undefined;
  onChoose: (id: number) => void;
}) {
  const { chosen, onChoose } = props;
  const texts = useTexts();
  const state = useSnapshot((now) => now.state);
  const unread = useSnapshot((now) => now.unread);
  const [adding, setAdding] = useState(false);
  const added = (user: SimUser) => {
    setAdding(false);
    onChoose(user.id);
  };
  return (
    <>
      <Panel
        title={texts.people.title}
        testId="people"
        corner={
          <button type="button" className="button small quiet" data-testid="add-user" onClick={() => setAdding(true)}>
            <Icon name="plus" size={16} />
            {texts.people.add}
          </button>
        }
      >
        {adding && <AddPerson onAdded={added} onCancel={() => setAdding(false)} />}
        <div className="people-list">
          {state?.users.map((user) => (
            <PersonRow
              key={user.id}
              user={user}
              chosen={user.id === chosen?.id}
              unread={unread.get(user.id) ?? 0}
              onChoose={onChoose}
            />
          ))}
        </div>
        {chosen && <PersonEditor user={chosen} />}
      </Panel>
      {chosen && <AccountLists user={chosen} account={props.account} />}
    </>
  );
}
