'use client';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { type ClientMessages, type Language, makeTranslate, type Translate } from '#ui/message-format.ts';

/** Each language is a chunk of its own: only the chosen one is loaded, and the page brings the first along. */
const LOADERS: Readonly<Record<Language, () => Promise<{ default: ClientMessages }>>> = {
  ja: () => import('#messages/ja/app.json'),
  en: () => import('#messages/en/app.json'),
};

/** The texts of a language. Rejects when they cannot be loaded. */
export async function loadMessages(language: Language): Promise<ClientMessages> {
  return (await LOADERS[language]()).default;
}

type Words = Readonly<{
  language: Language;
  t: Translate;
  /** Loads and shows another language. Rejects when the texts cannot be loaded; then nothing changes. */
  setLanguage: (language: Language) => Promise<void>;
}>;

const WordsContext = createContext<Words | null>(null);

/** Gives the screens their texts, beginning with the language the page was rendered in. */
export function WordsProvider(props: { language: Language; messages: ClientMessages; children: ReactNode }) {
  const [chosen, setChosen] = useState({ language: props.language, messages: props.messages });

  const setLanguage = useCallback(async (language: Language) => {
    setChosen({ language, messages: await loadMessages(language) });
  }, []);

  useEffect(() => {
    document.documentElement.lang = chosen.language;
  }, [chosen.language]);

  const words = useMemo(
    () => ({ language: chosen.language, t: makeTranslate(chosen.language, chosen.messages), setLanguage }),
    [chosen, setLanguage],
  );
  return <WordsContext value={words}>{props.children}</WordsContext>;
}

/** The language and its switch. Only inside WordsProvider. */
export function useWords(): Words {
  const words = useContext(WordsContext);
  if (words === null) throw new Error('useWords needs a WordsProvider');
  return words;
}

/** The translate function of the chosen language. */
export function useT(): Translate {
  return useWords().t;
}
