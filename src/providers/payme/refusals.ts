import type { InquiryReason } from '#domain/provider/inquiry.ts';

/** A sentence in the three languages of Payme: which one is shown is chosen there, so each is always sent. */
export type Localised = Readonly<{ ru: string; uz: string; en: string }>;

/** The `error` member of an answer. `data` names the field of `account` or the method that was wrong. */
export type RpcError = Readonly<{ code: number; message: Localised; data?: string }>;

/** The field of `account` in which our invoice id comes back; the cash register in Payme's cabinet is set up with this name. */
export const ACCOUNT_FIELD = 'order_id';

/** What is wrong with a message before anybody looks at the order (metody-merchant-api/oshibki-errors). */
export const PROTOCOL_ERRORS = {
  not_post: {
    code: -32300,
    message: {
      ru: 'Запрос должен быть отправлен методом POST.',
      uz: 'Soʻrov POST usulida yuborilishi kerak.',
      en: 'The request must be sent with POST.',
    },
  },
  not_authorised: {
    code: -32504,
    message: {
      ru: 'Недостаточно прав для выполнения метода.',
      uz: 'Metodni bajarish uchun huquq yetarli emas.',
      en: 'Not enough rights to call this method.',
    },
  },
  not_json: {
    code: -32700,
    message: {
      ru: 'Не удалось разобрать JSON.',
      uz: 'JSON maʼlumotini oʻqib boʻlmadi.',
      en: 'The JSON could not be read.',
    },
  },
  wrong_fields: {
    code: -32600,
    message: {
      ru: 'В запросе нет обязательных полей или их тип неверен.',
      uz: 'Soʻrovda majburiy maydonlar yoʻq yoki ularning turi notoʻgʻri.',
      en: 'The request lacks required fields, or their type is wrong.',
    },
  },
  unknown_method: {
    code: -32601,
    message: { ru: 'Метод не найден.', uz: 'Metod topilmadi.', en: 'Method not found.' },
  },
  wrong_receipt: {
    code: -32602,
    message: {
      ru: 'Неверные параметры фискального чека.',
      uz: 'Fiskal chek parametrlari notoʻgʻri.',
      en: 'The parameters of the fiscal receipt are wrong.',
    },
  },
} as const satisfies Readonly<Record<string, RpcError>>;

/** The answer to SetFiscalData for a transaction we do not know, which has a code of its own (metody-merchant-api/setfiscaldata). */
export const NO_TRANSACTION_FOR_RECEIPT: RpcError = {
  code: -32001,
  message: {
    ru: 'Транзакция для этого чека не найдена.',
    uz: 'Bu chek uchun tranzaksiya topilmadi.',
    en: 'There is no transaction for this receipt.',
  },
};

/** The range -31050…-31099 says that the payer's input is wrong and must name the field (oshibki-errors). */
const aboutOrder = (code: number, message: Localised): RpcError => ({ code, message, data: ACCOUNT_FIELD });

/**
 * The answer to CheckPerformTransaction for an order that a transaction holds: its documented errors lack -31008, which
 * CreateTransaction answers then (checkperformtransaction).
 */
export const ORDER_IS_BEING_PAID: RpcError = aboutOrder(-31059, {
  ru: 'Этот заказ уже оплачивается. Завершите начатый платёж или подождите, пока истечёт его срок.',
  uz: 'Bu buyurtma uchun toʻlov boshlangan. Boshlangan toʻlovni yakunlang yoki uning muddati tugashini kuting.',
  en: 'This order is being paid already. Finish that payment, or wait until it has run out.',
});

/** Each refusal of the domain in Payme's words. The payer reads `message` on the pay page. */
export const REFUSALS: Readonly<Record<InquiryReason, RpcError>> = {
  amount_mismatch: {
    code: -31001,
    message: {
      ru: 'Неверная сумма: она не совпадает с суммой заказа.',
      uz: 'Summa notoʻgʻri: u buyurtma summasiga mos kelmaydi.',
      en: 'Wrong amount: it differs from the amount of the order.',
    },
  },
  currency_mismatch: {
    code: -31001,
    message: {
      ru: 'Валюта платежа не совпадает с валютой заказа.',
      uz: 'Toʻlov valyutasi buyurtma valyutasiga mos kelmaydi.',
      en: 'The currency of the payment differs from the currency of the order.',
    },
  },
  invoice_not_found: aboutOrder(-31050, {
    ru: 'Заказ не найден. Проверьте номер заказа.',
    uz: 'Buyurtma topilmadi. Buyurtma raqamini tekshiring.',
    en: 'Order not found. Check the order number.',
  }),
  invoice_expired: aboutOrder(-31051, {
    ru: 'Срок оплаты заказа истёк. Оформите новый заказ.',
    uz: 'Buyurtmani toʻlash muddati tugagan. Yangi buyurtma bering.',
    en: 'The time to pay this order is over. Place a new order.',
  }),
  invoice_cancelled: aboutOrder(-31052, {
    ru: 'Заказ отменён. Оформите новый заказ.',
    uz: 'Buyurtma bekor qilingan. Yangi buyurtma bering.',
    en: 'This order was cancelled. Place a new order.',
  }),
  invoice_too_old: aboutOrder(-31053, {
    ru: 'Заказ оформлен слишком давно. Оформите новый заказ.',
    uz: 'Buyurtma juda oldin berilgan. Yangi buyurtma bering.',
    en: 'This order was placed too long ago. Place a new order.',
  }),
  invoice_already_paid: aboutOrder(-31054, {
    ru: 'Заказ уже оплачен. Платить ещё раз не нужно.',
    uz: 'Buyurtma allaqachon toʻlangan. Yana toʻlash shart emas.',
    en: 'This order is already paid. There is nothing more to pay.',
  }),
  plan_not_for_sale: aboutOrder(-31055, {
    ru: 'Этот тариф сейчас не продаётся. Выберите другой.',
    uz: 'Bu tarif hozir sotuvda yoʻq. Boshqasini tanlang.',
    en: 'This plan is not sold at the moment. Choose another one.',
  }),
  already_owned: aboutOrder(-31056, {
    ru: 'Вы уже купили это. Платить не нужно.',
    uz: 'Siz buni allaqachon sotib olgansiz. Toʻlash shart emas.',
    en: 'You already own this. There is nothing to pay.',
  }),
  already_subscribed: aboutOrder(-31057, {
    ru: 'Вы уже подписаны на этот тариф. Платить не нужно.',
    uz: 'Siz bu tarifga allaqachon obuna boʻlgansiz. Toʻlash shart emas.',
    en: 'You are already subscribed to this plan. There is nothing to pay.',
  }),
  payer_is_not_buyer: aboutOrder(-31058, {
    ru: 'Этот заказ оформил другой человек. Оформите свой заказ.',
    uz: 'Bu buyurtmani boshqa odam bergan. Oʻz buyurtmangizni bering.',
    en: 'This order belongs to someone else. Place your own order.',
  }),
  invoice_reserved: {
    code: -31008,
    message: {
      ru: 'Этот заказ уже оплачивается. Дождитесь завершения первого платежа.',
      uz: 'Bu buyurtma uchun toʻlov boshlangan. Birinchi toʻlov yakunlanishini kuting.',
      en: 'This order is being paid already. Wait until the first payment is over.',
    },
  },
  reservation_not_found: {
    code: -31003,
    message: { ru: 'Транзакция не найдена.', uz: 'Tranzaksiya topilmadi.', en: 'Transaction not found.' },
  },
  reservation_closed: {
    code: -31008,
    message: {
      ru: 'Состояние транзакции не позволяет выполнить операцию.',
      uz: 'Tranzaksiya holati bu amalni bajarishga imkon bermaydi.',
      en: 'The state of the transaction does not allow this operation.',
    },
  },
  refund_not_possible: {
    code: -31007,
    message: {
      ru: 'Заказ выполнен полностью, отменить платёж нельзя.',
      uz: 'Buyurtma toʻliq bajarilgan, toʻlovni bekor qilib boʻlmaydi.',
      en: 'The order was delivered in full, so the payment cannot be cancelled.',
    },
  },
  service_unavailable: {
    code: -32400,
    message: {
      ru: 'Сервис временно недоступен. Попробуйте позже.',
      uz: 'Xizmat vaqtincha ishlamayapti. Keyinroq urinib koʻring.',
      en: 'The service cannot be reached right now. Try again later.',
    },
  },
};
