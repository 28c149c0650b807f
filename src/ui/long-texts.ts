'use client';
import { useQuery } from '@tanstack/react-query';
import { useWords } from '#ui/i18n.tsx';
import type { Language, LongMessages } from '#ui/message-format.ts';

const LOADERS: Readonly<Record<Language, () => Promise<{ default: LongMessages }>>> = {
  ja: () => import('#messages/ja/app.json'),
  en: () => import('#messages/en/app.json'),
};

/** The documents and help articles of the chosen language: too long to come with the first page. */
export function useLongTexts() {
  const { language } = useWords();
  return useQuery({
    queryKey: ['long-texts', language],
    queryFn: async () => (await LOADERS[language]()).default,
    staleTime: Number.POSITIVE_INFINITY,
  });
}
