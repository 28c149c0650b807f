import type { SimFaults } from '../control.ts';
import type { SimProviderError } from '../control-payme-click.ts';
import type { Language, Words } from '../surroundings.ts';

type Refusal = { code: number; isOfCard?: true; words: Words };

const CARD_WORDS: Words = {
  ru: 'Карта не найдена.',
  uz: 'Karta topilmadi.',
  en: 'The card was not found.',
};
const RIGHTS_WORDS: Words = {
  ru: 'Недостаточно привилегий.',
  uz: 'Huquqlar yetarli emas.',
  en: 'Insufficient privileges.',
};

/**
 * Why the Subscribe API refuses. The codes are those which published clients expect; Payme's own list could not be
 * read. `isOfCard`: those for which another published simulator answers -31008 whatever the reason.
 */
const REFUSALS = {
  card_wrong: {
    code: -31300,
    isOfCard: true,
    words: {
      ru: 'Неверный номер карты или срок действия.',
      uz: 'Karta raqami yoki amal qilish muddati notoʻgʻri.',
      en: 'The card number or its expiry is wrong.',
    },
  },
  card_unusable: {
    code: -31301,
    isOfCard: true,
    words: {
      ru: 'Карта заблокирована или её срок истёк.',
      uz: 'Karta bloklangan yoki muddati tugagan.',
      en: 'The card is blocked or has expired.',
    },
  },
  no_sms: {
    code: -31301,
    isOfCard: true,
    words: {
      ru: 'К карте не подключено SMS-информирование.',
      uz: 'Kartaga SMS xabarnoma ulanmagan.',
      en: 'The card has no SMS service.',
    },
  },
  insufficient_funds: {
    code: -31303,
    isOfCard: true,
    words: { ru: 'Недостаточно средств.', uz: 'Mablagʻ yetarli emas.', en: 'Insufficient funds.' },
  },
  processing_failed: {
    code: -31002,
    isOfCard: true,
    words: {
      ru: 'Неизвестная ошибка процессинга.',
      uz: 'Protsessingda nomaʼlum xato.',
      en: 'Unknown error of the card processing.',
    },
  },
  card_not_found: { code: -31400, isOfCard: true, words: CARD_WORDS },
  card_not_verified: {
    code: -31400,
    isOfCard: true,
    words: { ru: 'Карта не подтверждена.', uz: 'Karta tasdiqlanmagan.', en: 'The card is not verified.' },
  },
  code_expired: {
    code: -31101,
    words: { ru: 'Срок действия кода истёк.', uz: 'Kod muddati tugagan.', en: 'The code has expired.' },
  },
  too_many_codes: {
    code: -31102,
    words: { ru: 'Слишком много попыток.', uz: 'Urinishlar juda koʻp.', en: 'Too many attempts.' },
  },
  code_wrong: {
    code: -31103,
    words: { ru: 'Неверный код из SMS.', uz: 'SMS kodi notoʻgʻri.', en: 'The code is wrong.' },
  },
  register_unknown: {
    code: -31601,
    words: { ru: 'Касса не найдена.', uz: 'Kassa topilmadi.', en: 'There is no such cash register.' },
  },
  receipt_not_found: {
    code: -31602,
    words: { ru: 'Чек не найден.', uz: 'Chek topilmadi.', en: 'The receipt was not found.' },
  },
  amount_wrong: {
    code: -31611,
    words: { ru: 'Неверная сумма.', uz: 'Summa notoʻgʻri.', en: 'The amount is wrong.' },
  },
  state_wrong: {
    code: -31008,
    words: {
      ru: 'Состояние чека не позволяет выполнить операцию.',
      uz: 'Chek holati bu amalga yoʻl qoʻymaydi.',
      en: 'The state of the receipt does not allow this.',
    },
  },
  token_malformed: {
    code: -32500,
    words: { ru: 'Неверный формат токена.', uz: 'Token formati notoʻgʻri.', en: 'The token is malformed.' },
  },
  hold_not_enabled: {
    code: -32504,
    words: {
      ru: 'Холдирование не подключено.',
      uz: 'Mablagʻni band qilish ulanmagan.',
      en: 'Holding is not enabled for this cash register.',
    },
  },
  not_allowed: { code: -32504, words: RIGHTS_WORDS },
  method_unknown: {
    code: -32601,
    words: { ru: 'Метод не найден.', uz: 'Metod topilmadi.', en: 'The method was not found.' },
  },
  params_wrong: {
    code: -32602,
    words: { ru: 'Неверные параметры.', uz: 'Parametrlar notoʻgʻri.', en: 'The parameters are wrong.' },
  },
  not_rpc: {
    code: -32600,
    words: { ru: 'Неверный RPC-запрос.', uz: 'RPC-soʻrov notoʻgʻri.', en: 'This is no RPC request.' },
  },
  not_json: {
    code: -32700,
    words: { ru: 'Ошибка разбора JSON.', uz: 'JSON xatosi.', en: 'The JSON cannot be parsed.' },
  },
  not_post: {
    code: -32300,
    words: { ru: 'Метод запроса не POST.', uz: 'Soʻrov POST emas.', en: 'The request is not a POST.' },
  },
} as const satisfies Record<string, Refusal>;

export type Reason = keyof typeof REFUSALS;

/** A refusal of the Subscribe API: one of its own, or what became of a payment. */
export class SubscribeError extends Error {
  readonly refusal: Reason | SimProviderError;
  readonly data: string | undefined;

  constructor(refusal: Reason | SimProviderError, data?: string) {
    super(typeof refusal === 'string' ? refusal : refusal.message);
    this.refusal = refusal;
    this.data = data;
  }
}

/** Words and code of a reason. Under the fault `payme_uniform_card_errors` all cards are refused with -31008. */
export function describeReason(reason: Reason, faults: SimFaults): { code: number; words: Words } {
  const { code, words, isOfCard }: Refusal = REFUSALS[reason];
  const isUniform = isOfCard === true && faults.payme_uniform_card_errors === true;
  return { code: isUniform ? -31008 : code, words };
}

/** The `error` of an answer. */
export function describeError({ refusal, data }: SubscribeError, language: Language, faults: SimFaults): object {
  if (typeof refusal !== 'string') return refusal;
  const { code, words } = describeReason(refusal, faults);
  return { code, message: words[language], ...(data === undefined ? {} : { data }) };
}
