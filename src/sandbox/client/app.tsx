import { useCallback, useEffect, useRef, useState } from 'react';
import { ClockPanel } from './clock-panel.tsx';
import { countFaults, FaultsPanel } from './faults-panel.tsx';
import { Icon, StarIcon } from './icons.tsx';
import { Confirm, useAct } from './panel.tsx';
import { PeoplePanel } from './people-panel.tsx';
import { type LaunchWish, PhoneFrame } from './phone.tsx';
import { store, useSnapshot } from './store.ts';
import { dictionaries, type Language, LanguageContext, useTexts } from './texts.ts';
import { Tour } from './tour.tsx';
import { TrafficPanel } from './traffic-panel.tsx';
import { readUrlState, type Theme, writeUrlState } from './url-state.ts';
import { useAccount } from './use-account.ts';
import { WebhookPanel } from './webhook-panel.tsx';

type Tab = 'phone' | 'people' | 'stage' | 'log';
const tabs: ReadonlyArray<Tab> = ['phone', 'people', 'stage', 'log'];

function Choice<Value extends string>(props: {
  label: string;
  value: Value;
  options: ReadonlyArray<{ value: Value; label: React.ReactNode; name: string }>;
  onChange: (value: Value) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out as a segmented control everywhere.
    <div className="choice" role="group" aria-label={props.label}>
      {props.options.map((option) => (
        <button
          type="button"
          key={option.value}
          aria-pressed={props.value === option.value}
          aria-label={option.name}
          onClick={() => props.onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}

function ResetButton() {
  const texts = useTexts();
  const [asking, setAsking] = useState(false);
  const { act, busy } = useAct();
  const reset = () => {
    setAsking(false);
    void act(store.reset);
  };
  return (
    <>
      <button
        type="button"
        className="button small"
        data-testid="sandbox-reset"
        disabled={busy}
        onClick={() => setAsking(true)}
      >
        <Icon name="reload" size={15} />
        <span className="reset-label">{texts.reset.button}</span>
      </button>
      {asking && (
        <Confirm
          title={texts.reset.title}
          text={texts.reset.text}
          action={texts.reset.confirm}
          onYes={reset}
          onNo={() => setAsking(false)}
        />
      )}
    </>
  );
}

type HeaderProps = {
  theme: Theme;
  language: Language;
  onTheme: (theme: Theme) => void;
  onLanguage: (language: Language) => void;
};

function StageHeader(props: HeaderProps) {
  const texts = useTexts();
  const connection = useSnapshot((now) => now.connection);
  const state = useSnapshot((now) => now.state);
  const faults = countFaults(state?.faults ?? {});
  return (
    <header className="stage-header">
      <h1>
        <StarIcon size={24} />
        {texts.brand} <span>{texts.sandbox}</span>
      </h1>
      <p className="tagline">{texts.tagline}</p>
      <div className="stage-tools">
        <span className="fault-indicator" role="status" data-testid="fault-indicator">
          {faults > 0 && (
            <span className="fault-chip">
              <Icon name="bolt" size={14} />
              {texts.faultsOn(faults)}
            </span>
          )}
        </span>
        <span className={`connection ${connection}`} role="status" data-testid="connection">
          {connection === 'live' ? texts.live : connection === 'lost' ? texts.lost : texts.connecting}
        </span>
        <ResetButton />
        <Choice
          label={texts.language}
          value={props.language}
          onChange={props.onLanguage}
          options={[
            { value: 'ja', label: '日本語', name: '日本語' },
            { value: 'en', label: 'English', name: 'English' },
          ]}
        />
        <Choice
          label={texts.theme}
          value={props.theme}
          onChange={props.onTheme}
          options={[
            { value: 'light', label: <Icon name="sun" size={16} />, name: texts.light },
            { value: 'dark', label: <Icon name="moon" size={16} />, name: texts.dark },
          ]}
        />
      </div>
    </header>
  );
}

/** Chooses whose phone it is: the address bar's wish, or the first user. */
function useChosenUser(initial: number | undefined) {
  const state = useSnapshot((now) => now.state);
  const chats = useSnapshot((now) => now.chats);
  const [wanted, setWanted] = useState(initial);
  const chosen = state?.users.find((user) => user.id === wanted) ?? state?.users[0];
  const id = chosen?.id;
  const isLoaded = id !== undefined && chats.has(id);

  useEffect(() => {
    store.setActiveUser(id);
    if (id === undefined || isLoaded) return;
    store.loadChat(id).catch(() => store.connectionLost());
  }, [id, isLoaded]);

  return { chosen, choose: setWanted };
}

function Waiting() {
  const texts = useTexts();
  const connection = useSnapshot((now) => now.connection);
  return (
    <div className="phone" aria-busy="true">
      <div className="phone-screen waiting">
        <StarIcon size={56} />
        <p>{connection === 'lost' ? texts.lost : texts.connecting}</p>
      </div>
    </div>
  );
}

/** The demonstration stage: people left, the phone in the middle, time, faults and the wire right. */
export function App() {
  const [initial] = useState(readUrlState);
  const [theme, setTheme] = useState(initial.theme);
  const [language, setLanguage] = useState(initial.language);
  const [tab, setTab] = useState<Tab>('phone');
  const [wish, setWish] = useState<LaunchWish | undefined>(
    initial.openApp ? { id: 1, startParam: initial.startParam } : undefined,
  );
  const wishSequence = useRef(1);
  const [appOpened, setAppOpened] = useState(false);
  const state = useSnapshot((now) => now.state);
  const epoch = useSnapshot((now) => now.epoch);
  const { chosen, choose } = useChosenUser(initial.userId);
  const texts = dictionaries[language];
  const chosenId = chosen?.id;
  const account = useAccount(chosenId);

  useEffect(() => store.connect(), []);
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    document.documentElement.lang = language;
    if (chosenId !== undefined) writeUrlState({ userId: chosenId, theme, language });
  }, [theme, language, chosenId]);

  const openApp = () => {
    setTab('phone');
    wishSequence.current += 1;
    setWish({ id: wishSequence.current, startParam: undefined });
  };
  const choosePerson = useCallback(
    (id: number) => {
      choose(id);
      setWish(undefined);
      setAppOpened(false);
    },
    [choose],
  );
  const markOpened = useCallback(() => {
    setAppOpened(true);
    setWish(undefined);
  }, []);

  return (
    <LanguageContext value={language}>
      <div className="stage" data-tab={tab}>
        <StageHeader theme={theme} language={language} onTheme={setTheme} onLanguage={setLanguage} />
        <nav className="tab-bar">
          {tabs.map((id) => (
            <button
              type="button"
              key={id}
              aria-pressed={tab === id}
              data-testid={`tab-${id}`}
              onClick={() => setTab(id)}
            >
              {texts.tabs[id]}
            </button>
          ))}
        </nav>
        <aside className="side people-side" aria-label={texts.tabs.people}>
          {chosen && <Tour account={account} appOpened={appOpened} onOpenApp={openApp} />}
          <PeoplePanel chosen={chosen} account={account} onChoose={choosePerson} />
        </aside>
        <main className="middle">
          {chosen && state ? (
            <PhoneFrame
              key={`${chosen.id}:${epoch}`}
              user={chosen}
              state={state}
              theme={theme}
              wish={wish}
              onAppOpened={markOpened}
            />
          ) : (
            <Waiting />
          )}
        </main>
        <aside className="side control-side" aria-label={texts.tabs.stage}>
          <div className="controls">
            <ClockPanel />
            <FaultsPanel />
            <WebhookPanel />
          </div>
          <TrafficPanel />
        </aside>
      </div>
    </LanguageContext>
  );
}
