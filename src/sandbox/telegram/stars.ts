import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { SimTransaction } from '../control.ts';
import { SimError } from '../errors.ts';
import type { Hub } from '../hub.ts';
import type { Chats } from './chats.ts';
import { badRequest } from './errors.ts';
import type { TransactionRecord, UserRecord } from './records.ts';
import { presentUser, type World } from './world.ts';

/** Received Stars may be withdrawn after this time (Telegram Stars terms, 21 days). */
const MATURITY_SECONDS = 21 * 86_400;

export type StarsOptions = { world: World; clock: Clock; hub: Hub; chats: Chats };

/** One debit of a user for the bot. */
export type Charge = {
  user: UserRecord;
  title: string;
  amount: number;
  payload: string;
  date: number;
  subscription?: { period: number; until: number; isFirst: boolean };
};

/** Star balances and the ledger: charges, refunds, and the messages that tell of them. */
export class Stars {
  readonly #options: StarsOptions;

  constructor(options: StarsOptions) {
    this.#options = options;
  }

  /** Takes the Stars, writes the ledger row and the successful_payment message. The caller has checked the balance. */
  charge(charge: Charge): string {
    const { world, chats } = this.#options;
    const { user, subscription } = charge;
    const chargeId = `stx${randomBytes(48).toString('base64url')}`;
    const providerChargeId = `${user.id}_${world.nextNumber('charge')}`;
    this.#move(user, -charge.amount);
    world.addTransaction({
      sequence: world.nextNumber('sequence'),
      id: chargeId,
      user_id: user.id,
      amount: charge.amount,
      date: charge.date,
      title: charge.title,
      invoice_payload: charge.payload,
      provider_payment_charge_id: providerChargeId,
      ...(subscription === undefined ? {} : { subscription_period: subscription.period }),
    });
    chats.start(user);
    const payment = {
      currency: 'XTR',
      total_amount: charge.amount,
      invoice_payload: charge.payload,
      telegram_payment_charge_id: chargeId,
      provider_payment_charge_id: providerChargeId,
      title: charge.title,
      ...(subscription === undefined
        ? {}
        : { is_recurring: true as const, subscription_expiration_date: subscription.until }),
      ...(subscription?.isFirst === true ? { is_first_recurring: true as const } : {}),
    };
    chats.addForBot(user, 'service', { successful_payment: payment }, charge.date);
    return chargeId;
  }

  /** refundStarPayment. */
  refundByBot(userId: number, chargeId: string): void {
    const { world } = this.#options;
    if (world.users.get(userId) === undefined) throw badRequest('USER_ID_INVALID');
    const charge = world.charges.get(chargeId);
    if (charge === undefined || charge.payment.user_id !== userId) throw badRequest('CHARGE_ID_INVALID');
    if (charge.isRefunded) throw badRequest('CHARGE_ALREADY_REFUNDED');
    this.#refund(charge.payment);
  }

  /** A chargeback through the app store: Telegram takes the Stars back without asking the bot. */
  refundByStore(chargeId: string): void {
    const charge = this.#options.world.charges.get(chargeId);
    if (charge === undefined) throw new SimError(404, 'CHARGE_ID_INVALID', 'There is no such charge.');
    if (charge.isRefunded) throw new SimError(409, 'CHARGE_ALREADY_REFUNDED', 'This charge was refunded before.');
    this.#refund(charge.payment);
  }

  #refund(payment: TransactionRecord): void {
    const { world, clock, chats } = this.#options;
    const user = chats.getUser(payment.user_id);
    this.#move(user, payment.amount);
    world.addTransaction({
      ...payment,
      sequence: world.nextNumber('sequence'),
      amount: -payment.amount,
      date: clock.now(),
    });
    chats.addForBot(user, 'service', {
      refunded_payment: {
        currency: 'XTR',
        total_amount: payment.amount,
        invoice_payload: payment.invoice_payload,
        telegram_payment_charge_id: payment.id,
        provider_payment_charge_id: payment.provider_payment_charge_id,
      },
    });
  }

  #move(user: UserRecord, amount: number): void {
    user.balance += amount;
    this.#options.world.users.touch(user.id);
    this.#options.hub.stateChanged();
  }

  /** getStarTransactions: chronological, the amount always positive. */
  listForBot(offset: number, limit: number): object[] {
    return this.#options.world.listTransactions(offset, limit).map((transaction) => {
      const user = this.#options.world.users.get(transaction.user_id);
      const partner = {
        type: 'user',
        transaction_type: 'invoice_payment',
        user: user === undefined ? { id: transaction.user_id, is_bot: false, first_name: '' } : presentUser(user),
        invoice_payload: transaction.invoice_payload,
        ...(transaction.subscription_period === undefined
          ? {}
          : { subscription_period: transaction.subscription_period }),
      };
      return {
        id: transaction.id,
        date: transaction.date,
        ...(transaction.amount >= 0 ? { source: partner } : { receiver: partner }),
        amount: Math.abs(transaction.amount),
      };
    });
  }

  listForClient(userId: number | null, limit: number): SimTransaction[] {
    return this.#options.world.latestTransactions(userId, limit).map((transaction) => ({
      id: transaction.id,
      user_id: transaction.user_id,
      amount: transaction.amount,
      date: transaction.date,
      invoice_payload: transaction.invoice_payload,
      ...(transaction.subscription_period === undefined
        ? {}
        : { subscription_period: transaction.subscription_period }),
      matures_at: transaction.date + MATURITY_SECONDS,
    }));
  }
}
