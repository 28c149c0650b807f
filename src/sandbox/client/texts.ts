import { createContext, useContext } from 'react';
import { english, type Texts } from './texts-en.ts';
import { japanese } from './texts-ja.ts';

export type Language = 'en' | 'ja';

export const dictionaries: Readonly<Record<Language, Texts>> = { en: english, ja: japanese };

export const LanguageContext = createContext<Language>('en');

export const useLanguage = (): Language => useContext(LanguageContext);

export const useTexts = (): Texts => dictionaries[useLanguage()];
