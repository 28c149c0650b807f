import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const words = wordsOf('en');

test('/start greets and leads into the app', async ({ newPhone }) => {
  const phone = await newPhone();
  await phone.page.getByTestId('chat-start').click();
  const welcome = words('bot.start.welcome');
  await expect(phone.message(welcome)).toBeVisible();
  await phone.press(welcome, words('bot.button.open'));
  await phone.expectScreen('app.home.title');
});

test('/buy sells a month by a link, and /subscription cancels it', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const end = await phone.day(30);
  await phone.send('/buy');
  await phone.press(words('bot.buy.title'), 'Personal log');
  await phone.press(words('bot.buy.choosePlan'), 'Pro');
  await phone.press(words('bot.buy.chooseInterval'), words('bot.price.month', { amount: '150 ★' }));
  const offer = words('bot.buy.renews', { date: end });
  await phone.press(offer, words('bot.buy.method.telegram_stars'));
  await phone.press('Press the button to pay', words('bot.buy.payButton', { amount: '150 ★' }));
  await phone.confirmPayment();
  const paid = words('notice.paid.renews', { plan: 'Personal log Pro', amount: '150 ★', date: end });
  await expect(phone.message(paid)).toBeVisible();

  await phone.send('/subscription');
  const title = words('bot.subscription.title');
  await expect(phone.message(title)).toContainText(`Renews ${end} for 150 ★`);
  await phone.press(title, words('bot.subscription.cancel', { plan: 'Personal log Pro' }));
  const question = words('bot.subscription.confirmCancel', { plan: 'Personal log Pro', date: end });
  await phone.press(question, words('bot.subscription.confirmButton'));
  const cancelled = words('bot.subscription.cancelled', { plan: 'Personal log Pro', date: end });
  await expect(phone.message(cancelled)).toBeVisible();
  expect(await sandbox.subscriptions(phone.user.id)).toMatchObject([{ state: 'canceled_by_bot' }]);
});

test('/buy puts a year and a plugin into the chat as invoices', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 575 });
  const { chat, page } = phone;
  await phone.send('/buy');
  await phone.press(words('bot.buy.title'), 'Personal log');
  await phone.press(words('bot.buy.choosePlan'), 'Basic');
  await phone.press(words('bot.buy.chooseInterval'), words('bot.price.yearSaving', { amount: '500 ★', percent: 16 }));
  await phone.press(words('bot.buy.chooseMethod'), words('bot.buy.method.telegram_stars'));
  const invoices = chat.getByTestId(/^message-/).filter({ has: page.locator('.invoice-card') });
  await invoices.last().getByRole('button', { name: /Pay/ }).click();
  await phone.confirmPayment();
  await expect(phone.message('You paid 500 ★')).toBeVisible();
  await expect(invoices.last()).toContainText('Paid');

  await phone.send('/buy');
  await phone.press(words('bot.buy.title'), 'Habit stars');
  await phone.press('Counted on your device only', words('bot.price.once', { amount: '75 ★' }));
  await phone.press(words('bot.buy.forGood'), words('bot.buy.method.telegram_stars'));
  await expect(invoices).toHaveCount(2);
  await invoices.last().getByRole('button', { name: /Pay/ }).click();
  await phone.confirmPayment();
  await expect(phone.message(words('notice.paid.forGood', { plan: 'Habit stars', amount: '75 ★' }))).toBeVisible();
  expect((await sandbox.user(phone.user.id)).balance).toBe(0);

  await phone.send('/history');
  const history = phone.message(words('bot.history.title'));
  await expect(history).toContainText('Habit stars: 75 ★');
  await expect(history).toContainText('Personal log Basic: 500 ★');
  await phone.send('/paysupport');
  const support = words('bot.support.payments');
  await phone
    .message(support)
    .getByRole('button', { name: /Habit stars/ })
    .click();
  const [sale] = await sandbox.transactions(phone.user.id);
  await expect(phone.message('A person decides')).toContainText(sale?.id ?? '');
});

test('the bot answers what Telegram asks of sellers, and what it does not understand', async ({ newPhone }) => {
  const phone = await newPhone();
  await phone.send('/terms');
  await expect(phone.message(words('bot.terms.text'))).toBeVisible();
  await phone.send('/privacy');
  await expect(phone.message(words('bot.privacy.text', { days: 7, years: 7, past: 30 }))).toBeVisible();
  await phone.send('/paysupport');
  await expect(phone.message(words('bot.support.text'))).toContainText(words('bot.support.noPayments'));
  await phone.send('/history');
  await expect(phone.message(words('bot.history.empty'))).toBeVisible();
  await phone.send('how is the weather?');
  await expect(phone.message(words('bot.unknown'))).toBeVisible();
});

test('/language switches the bot and the app at once', async ({ newPhone }) => {
  const phone = await newPhone({ language: 'en' });
  const ja = wordsOf('ja');
  await phone.send('/language');
  await phone.press(words('bot.language.choose'), ja('common.languageName'));
  await expect(phone.message(ja('bot.language.chosen'))).toBeVisible();
  await phone.send('/terms');
  await expect(phone.message(ja('bot.terms.text'))).toBeVisible();
  await phone.page.getByTestId('menu-button').click();
  await expect(phone.app.getByRole('heading', { level: 1, name: ja('app.home.title'), exact: true })).toBeVisible();
});
