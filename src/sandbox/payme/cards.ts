import type { Words } from '../surroundings.ts';

export type Decline = { reason: 2 | 3; code: number; words: Words; delayMs?: number };

/** One of Payme's official test cards: all expire 03/99, the code is always 666666. */
export type TestCard = {
  number: string;
  name: Words;
  /** Refused before a code is sent, so nothing reaches the application. */
  refusedAtOnce?: { code: number; words: Words };
  /** Refused when the money is taken. */
  decline?: Decline;
};

export const CARD_EXPIRE = '03/99';
export const SMS_CODE = '666666';

const UNKNOWN_ERROR: Words = {
  ru: 'Неизвестная ошибка процессинга.',
  uz: 'Protsessingda nomaʼlum xato.',
  en: 'Unknown error of the card processing.',
};

/** Which card declines at which moment, and with which reason, is not documented: see the README. */
export const TEST_CARDS: readonly TestCard[] = [
  { number: '8600495473316478', name: { ru: 'Обычная', uz: 'Oddiy', en: 'Normal' } },
  { number: '8600069195406311', name: { ru: 'Обычная', uz: 'Oddiy', en: 'Normal' } },
  {
    number: '8600060921090842',
    name: { ru: 'SMS не подключён', uz: 'SMS ulanmagan', en: 'No SMS service' },
    refusedAtOnce: {
      code: -31301,
      words: {
        ru: 'К карте не подключено SMS-информирование.',
        uz: 'Kartaga SMS xabarnoma ulanmagan.',
        en: 'The card has no SMS service.',
      },
    },
  },
  {
    number: '3333336415804657',
    name: { ru: 'Срок истёк', uz: 'Muddati tugagan', en: 'Expired' },
    decline: {
      reason: 2,
      code: -31630,
      words: { ru: 'Срок действия карты истёк.', uz: 'Karta muddati tugagan.', en: 'The card has expired.' },
    },
  },
  {
    number: '4444445987459073',
    name: { ru: 'Заблокирована', uz: 'Bloklangan', en: 'Blocked' },
    decline: {
      reason: 2,
      code: -31630,
      words: { ru: 'Карта заблокирована.', uz: 'Karta bloklangan.', en: 'The card is blocked.' },
    },
  },
  {
    number: '8600143417770323',
    name: { ru: 'Неизвестная ошибка', uz: 'Nomaʼlum xato', en: 'Unknown error' },
    decline: { reason: 3, code: -31630, words: UNKNOWN_ERROR },
  },
  {
    number: '8600134301849596',
    name: { ru: 'Ошибка через 10 секунд', uz: '10 soniyadan keyin xato', en: 'Error after 10 seconds' },
    decline: { reason: 3, code: -31630, words: UNKNOWN_ERROR, delayMs: 10_000 },
  },
];

/** The test card with this number, however it is grouped; null for every other number. */
export function findCard(number: string): TestCard | null {
  const digits = number.replace(/\s/g, '');
  return TEST_CARDS.find((card) => card.number === digits) ?? null;
}

/** `8600 49** **** 6478` */
export function maskCard(number: string): string {
  return `${number.slice(0, 4)} ${number.slice(4, 6)}** **** ${number.slice(-4)}`;
}

/** `8600 4954 7331 6478` */
export function groupCard(number: string): string {
  return number.replace(/(.{4})(?=.)/g, '$1 ');
}
