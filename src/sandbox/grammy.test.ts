import { Bot, GrammyError, InputFile } from 'grammy';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SimMessage } from './control.ts';
import { Bench, HANA, MONTH } from './test-bench.ts';

const TOKEN = '7000000001:AAHoshiSandboxDevelopmentToken00000000';
let bench: Bench;
let bot: Bot;
let running: Promise<void>;
let seen: string[];
let onSeen: () => void;

beforeEach(async () => {
  bench = await Bench.start();
  bot = new Bot(TOKEN, { client: { apiRoot: bench.sandbox.url } });
  seen = [];
  onSeen = () => undefined;
  bot.command('start', (ctx) => note(`start ${ctx.match}`));
  bot.on('callback_query:data', async (ctx) => {
    await ctx.answerCallbackQuery('Done');
    await ctx.editMessageText('Changed');
    note(`tapped ${ctx.callbackQuery.data}`);
  });
  bot.on('pre_checkout_query', (ctx) => ctx.answerPreCheckoutQuery(true));
  bot.on('message:successful_payment', (ctx) => note(`paid ${ctx.message.successful_payment.total_amount}`));
  bot.on('message:refunded_payment', (ctx) => note(`refunded ${ctx.message.refunded_payment.total_amount}`));
  bot.on('subscription', (ctx) => note(`subscription ${ctx.subscription.state}`));
  bot.on('my_chat_member', (ctx) => note(`bot ${ctx.myChatMember.new_chat_member.status}`));
  const types = ['message', 'callback_query', 'pre_checkout_query', 'subscription', 'my_chat_member'] as const;
  running = bot.start({ allowed_updates: types });
});
afterEach(async () => {
  await bot.stop();
  await running;
  await bench.close();
});

function note(what: string): void {
  seen.push(what);
  onSeen();
}

function until(what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}; saw ${seen.join(', ')}`)), 8_000);
    onSeen = () => {
      if (!seen.includes(what)) return;
      clearTimeout(timer);
      resolve();
    };
    onSeen();
  });
}

it('speaks to a bot library as Telegram does, from /start to the refund', async () => {
  await bench.say(HANA, '/start ref_1');
  await until('start ref_1');
  const keyboard = { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] };
  const { message_id: messageId } = await bot.api.sendMessage(HANA, 'Sure?', { reply_markup: keyboard });
  await bench.sim('POST', `/chats/${HANA}/callback`, { message_id: messageId, data: 'yes' });
  await until('tapped yes');
  const prices = [{ label: 'Plan', amount: 100 }];
  const period = { subscription_period: MONTH };
  const link = await bot.api.createInvoiceLink('Plan', 'A month', 'order-1', '', 'XTR', prices, period);
  expect(await bench.pay(link.split('$')[1] ?? '', HANA)).toMatchObject({ status: 'paid' });
  await until('paid 100');
  const [subscription] = await bench.subscriptions(HANA);
  const id = subscription?.id ?? '';
  await bench.sim('POST', `/subscriptions/${id}/cancel`);
  await until('subscription canceled');
  await bot.api.editUserStarSubscription(HANA, id, true);
  await bot.api.refundStarPayment(HANA, id);
  await until('refunded 100');
  await expect(bot.api.refundStarPayment(HANA, id)).rejects.toThrow(GrammyError);
  expect((await bot.api.getStarTransactions()).transactions).toHaveLength(2);
  await bench.sim('PATCH', `/users/${HANA}`, { has_blocked_bot: true });
  await until('bot kicked');
});

it('takes documents in the form bot libraries send them', async () => {
  await bench.say(HANA, '/start');
  const bytes = Buffer.from([0, 13, 10, 13, 10, 45, 45, 255]);
  const file = new InputFile(bytes, 'Rechnung für é.pdf');
  const { document } = await bot.api.sendDocument(HANA, file, { caption: '<b>Log</b>', parse_mode: 'HTML' });
  expect(document).toMatchObject({ file_size: bytes.length });
  expect(document?.file_name).toBe('Rechnung für é.pdf');
  const messages = await bench.sim<SimMessage[]>('GET', `/chats/${HANA}/messages`);
  const kept = messages.at(-1)?.document;
  expect(kept?.caption).toBe('Log');
  const download = await fetch(`${bench.sandbox.url}${kept?.url}`);
  expect(Buffer.from(await download.arrayBuffer())).toEqual(bytes);
});
