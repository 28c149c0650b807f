import type { Method } from './call.ts';
import { badRequest } from './errors.ts';
import { createInvoice, readInvoice } from './invoices.ts';
import { readMarkup } from './keyboards.ts';
import { checkThread } from './topics.ts';

const createInvoiceLink: Method = ({ args, telegram }) => {
  const invoice = createInvoice(telegram.world, readInvoice(args, true));
  return `https://t.me/$${invoice.slug}`;
};

const sendInvoice: Method = ({ args, telegram }) => {
  const draft = readInvoice(args, false);
  const markup = readMarkup(args, true);
  const chatId = telegram.chats.checkWritable(args.text('chat_id'));
  const threadId = checkThread(telegram.world, chatId, args.integer('message_thread_id', 0));
  const invoice = createInvoice(telegram.world, draft);
  const payButton = { text: `Pay ⭐️${draft.total_amount}`, pay: true as const };
  const message = telegram.chats.addByBot(
    chatId,
    {
      ...(threadId === 0 ? {} : { message_thread_id: threadId }),
      invoice: {
        title: draft.title,
        description: draft.description,
        start_parameter: draft.start_parameter,
        currency: 'XTR',
        total_amount: draft.total_amount,
        slug: invoice.slug,
        state: 'open',
      },
    },
    markup.kind === 'inline' && markup.keyboard.length > 0 ? markup : { kind: 'inline', keyboard: [[payButton]] },
  );
  invoice.message = { chat_id: chatId, message_id: message.message_id };
  telegram.world.invoices.touch(invoice.slug);
  return telegram.chats.present(message);
};

const answerPreCheckoutQuery: Method = ({ args, telegram }) => {
  const id = args.text('pre_checkout_query_id');
  telegram.paySheet.answer(id, args.flag('ok') ? null : args.requiredText('error_message'));
  return true;
};

const refundStarPayment: Method = ({ args, telegram }) => {
  const userId = args.userId();
  const chargeId = args.text('telegram_payment_charge_id');
  if (chargeId === '') throw badRequest('CHARGE_ID_EMPTY');
  telegram.stars.refundByBot(userId, chargeId);
  return true;
};

const editUserStarSubscription: Method = ({ args, telegram }) => {
  const userId = args.userId();
  const chargeId = args.text('telegram_payment_charge_id');
  if (chargeId === '') throw badRequest('CHARGE_ID_EMPTY');
  telegram.subscriptions.changeByBot(userId, chargeId, args.flag('is_canceled'));
  return true;
};

const getStarTransactions: Method = ({ args, telegram }) => ({
  transactions: telegram.stars.listForBot(args.integer('offset', 0, 0), args.integer('limit', 100, 1, 100)),
});

const getMyStarBalance: Method = ({ telegram }) => ({ amount: telegram.world.starBalance });

/** Invoices and Stars. */
export const paymentMethods = {
  createInvoiceLink,
  sendInvoice,
  answerPreCheckoutQuery,
  refundStarPayment,
  editUserStarSubscription,
  getStarTransactions,
  getMyStarBalance,
};
