/**
 * Updates as Telegram's Bot API server writes them (core.telegram.org/bots/api, 10.3), captured field by field. Times are
 * Dates here and Unix seconds on the wire. `updateId` is what a repeated delivery repeats.
 */
export type Payer = { telegramId: bigint; languageCode?: string };

export type PaymentFacts = {
  payer: Payer;
  invoiceId: string;
  amount: number;
  chargeId: string;
  at: Date;
  /** Present for a charge of a Star subscription. */
  recurring?: { isFirst: boolean; until: Date };
};

const seconds = (at: Date) => Math.floor(at.getTime() / 1000);

function person({ telegramId, languageCode = 'en' }: Payer) {
  return {
    id: Number(telegramId),
    is_bot: false,
    first_name: 'Mina',
    username: `mina_${telegramId}`,
    language_code: languageCode,
  };
}

function serviceMessage(payer: Payer, at: Date, content: Record<string, unknown>) {
  const { id, first_name, username } = person(payer);
  return {
    message_id: 40_000 + Math.floor(Math.random() * 1_000),
    from: person(payer),
    chat: { id, first_name, username, type: 'private' },
    date: seconds(at),
    ...content,
  };
}

/** Money was taken: a service message in the payer's private chat. */
export function successfulPayment(updateId: number, payment: PaymentFacts) {
  const { amount, at, chargeId, invoiceId, payer, recurring } = payment;
  return {
    update_id: updateId,
    message: serviceMessage(payer, at, {
      successful_payment: {
        currency: 'XTR',
        total_amount: amount,
        invoice_payload: invoiceId,
        ...(recurring
          ? {
              subscription_expiration_date: seconds(recurring.until),
              is_recurring: true,
              ...(recurring.isFirst ? { is_first_recurring: true } : {}),
            }
          : {}),
        telegram_payment_charge_id: chargeId,
        provider_payment_charge_id: `${payer.telegramId}_7`,
      },
    }),
  };
}

/** Money went back, whoever wanted it. */
export function refundedPayment(updateId: number, refund: Omit<PaymentFacts, 'recurring'>) {
  const { amount, at, chargeId, invoiceId, payer } = refund;
  return {
    update_id: updateId,
    message: serviceMessage(payer, at, {
      refunded_payment: {
        currency: 'XTR',
        total_amount: amount,
        invoice_payload: invoiceId,
        telegram_payment_charge_id: chargeId,
        provider_payment_charge_id: `${payer.telegramId}_7`,
      },
    }),
  };
}

/** The person changed the subscription in Telegram's settings, or a renewal failed. It names no charge and no time. */
export function subscriptionUpdate(
  updateId: number,
  change: { payer: Payer; invoiceId: string; state: 'canceled' | 'active' | 'failed' | (string & {}) },
) {
  return {
    update_id: updateId,
    subscription: { user: person(change.payer), invoice_payload: change.invoiceId, state: change.state },
  };
}

/** Telegram asks whether the tap on Pay may become a charge. */
export function preCheckoutQuery(
  updateId: number,
  query: { payer: Payer; invoiceId: string; amount: number; currency?: string },
) {
  return {
    update_id: updateId,
    pre_checkout_query: {
      id: `4000000000${updateId}`,
      from: person(query.payer),
      currency: query.currency ?? 'XTR',
      total_amount: query.amount,
      invoice_payload: query.invoiceId,
    },
  };
}

/** A person writes to the bot. */
export function textMessage(updateId: number, payer: Payer, at: Date, text: string) {
  return { update_id: updateId, message: serviceMessage(payer, at, { text }) };
}

/** A row of getStarTransactions: a charge (`source`) or the return of one (`receiver`). */
export function starTransaction(
  direction: 'charge' | 'refund',
  row: Omit<PaymentFacts, 'recurring'> & { isSubscription: boolean },
) {
  const { amount, at, chargeId, invoiceId, isSubscription, payer } = row;
  const partner = {
    type: 'user',
    transaction_type: 'invoice_payment',
    user: person(payer),
    invoice_payload: invoiceId,
    ...(isSubscription ? { subscription_period: 2_592_000 } : {}),
  };
  return {
    id: chargeId,
    amount,
    date: seconds(at),
    ...(direction === 'charge' ? { source: partner } : { receiver: partner }),
  };
}
