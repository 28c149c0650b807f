import type { SimPeer } from './control.ts';
import type { Language } from './surroundings.ts';

/** A piece of HTML that is safe to send: made by `html`, which escapes every text put into it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = string | number | Html | readonly Html[] | null | undefined | false;

/** Template tag: everything but Html is escaped, null and false leave nothing. */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Html {
  return new Html(strings.map((text, index) => text + (index < pieces.length ? render(pieces[index]) : '')).join(''));
}

function render(piece: Piece): string {
  if (piece === null || piece === undefined || piece === false) return '';
  if (piece instanceof Html) return piece.text;
  if (typeof piece === 'object') return piece.map(({ text }) => text).join('');
  return escapeHtml(String(piece));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** The languages a page can be in: those of the payers in Uzbekistan, and Japanese. */
export type PageLanguage = Language | 'ja';
type LanguageLinks = Readonly<Partial<Record<PageLanguage, string>>>;

export type Page = {
  title: string;
  provider: SimPeer;
  language: PageLanguage;
  body: Html;
  /** Paths of this page in the other languages. */
  languageLinks?: LanguageLinks;
  /** Loads this page (or `url`) after so many seconds. */
  refresh?: { seconds: number; url?: string };
  /** For tables of the cabinet. */
  isWide?: boolean;
};

const NAMES: Readonly<Record<SimPeer, string>> = {
  payme: 'Payme',
  click: 'Click',
  stripe: 'Stripe',
  'crypto-pay': 'Crypto Pay',
  btcpay: 'BTCPay Server',
};
const LANGUAGES: readonly Language[] = ['uz', 'ru', 'en'];
const PAGE_LANGUAGES: readonly PageLanguage[] = ['ja', ...LANGUAGES];
const NOTE: Readonly<Record<PageLanguage, string>> = {
  ru: 'Учебная среда Hoshi. Настоящие деньги не списываются.',
  uz: 'Hoshi sinov muhiti. Haqiqiy pul yechilmaydi.',
  en: 'Hoshi’s practice ground. No real money moves.',
  ja: 'Hoshiの練習環境です。実際のお金は動きません。',
};

/** A whole document around `body`. */
export function renderPage(page: Page): string {
  const { title, provider, language, body, languageLinks, refresh, isWide } = page;
  const target = refresh?.url === undefined ? '' : `; url=${refresh.url}`;
  return `<!doctype html>\n${
    html`<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh && html`<meta http-equiv="refresh" content="${refresh.seconds}${target}">`}
<title>${title} · ${NAMES[provider]} Sandbox</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/pages.css">
</head>
<body class="${provider}${isWide ? ' wide' : ''}">
<header>
<span class="brand">${NAMES[provider]}</span><span class="chip">Sandbox</span>
${languageLinks && renderLanguages(language, languageLinks)}
</header>
<main>${body}</main>
<footer>${NOTE[language]}</footer>
</body>
</html>`.text
  }\n`;
}

function renderLanguages(current: PageLanguage, links: LanguageLinks): Html {
  const items = PAGE_LANGUAGES.filter((language) => links[language] !== undefined).map((language) =>
    language === current
      ? html`<span aria-current="true" lang="${language}">${language.toUpperCase()}</span>`
      : html`<a href="${links[language] ?? ''}" lang="${language}">${language.toUpperCase()}</a>`,
  );
  return html`<nav aria-label="${links.ja === undefined ? 'Til · Язык · Language' : '言語 · Language'}">${items}</nav>`;
}

/** Label and value, row by row. */
export function renderFacts(rows: readonly (readonly [label: string, value: string | Html])[]): Html {
  return html`<dl>${rows.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const CURRENCY: Readonly<Record<Language, string>> = { ru: 'сум', uz: 'soʻm', en: 'UZS' };
const DECIMAL_MARK: Readonly<Record<Language, string>> = { ru: ',', uz: ',', en: '.' };

/** An amount of tiyin in so'm, as a payer reads it: "1 500 000,50 сум". */
export function formatTiyin(tiyin: number, language: Language): string {
  const digits = String(tiyin).padStart(3, '0');
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
  const rest = digits.slice(-2) === '00' ? '' : `${DECIMAL_MARK[language]}${digits.slice(-2)}`;
  return `${whole}${rest}\u00a0${CURRENCY[language]}`;
}

const TASHKENT = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Tashkent',
  dateStyle: 'short',
  timeStyle: 'medium',
});

/** `YYYY-MM-DD HH:mm:ss` in Tashkent. */
export function formatTashkent(atMs: number): string {
  return TASHKENT.format(atMs);
}

/** The language a browser asks for, as far as there is one. */
export function readLanguage(wanted: string | null | undefined): Language | null {
  const found = LANGUAGES.find((language) => wanted?.toLowerCase().startsWith(language));
  return found ?? null;
}

/** Japanese or English, whichever an address or a browser asks for first. */
export function readJaEn(...wanted: readonly (string | null | undefined)[]): 'ja' | 'en' {
  const first = wanted.map((text) => /\b(ja|en)\b/i.exec(text ?? '')?.[1]?.toLowerCase()).find(Boolean);
  return first === 'ja' ? 'ja' : 'en';
}

const UTC = new Intl.DateTimeFormat('sv-SE', { timeZone: 'UTC', dateStyle: 'short', timeStyle: 'medium' });

/** `YYYY-MM-DD HH:mm:ss UTC`. */
export function formatUtc(atMs: number): string {
  return `${UTC.format(atMs)} UTC`;
}
