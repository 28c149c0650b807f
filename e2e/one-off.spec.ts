import { expect, test } from './fixtures/test.ts';
import { dayText, wordsOf } from './fixtures/words.ts';

/** The sandbox's developer, who sells the plugins. */
const ALEX = 7_000_000_102;

test('a year is paid once, says what it saves and does not renew', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 1_500 });
  const { app, words } = phone;
  const inAYear = new Date((await sandbox.state()).nowMs);
  inAYear.setUTCFullYear(inAYear.getUTCFullYear() + 1);
  const until = dayText('en', inAYear.getTime());

  await phone.openApp();
  await app.getByTestId('interval-year').click();
  const card = app.getByTestId('plan-card-personal-pro');
  await expect(card).toContainText(words('app.plan.saves', { amount: '300 ★', percent: 16 }));
  await card.click();
  await expect(app.getByText(words('app.plan.onceNote.year'))).toBeVisible();
  await phone.pressMain('app.plan.continue');
  await expect(app.getByText(words('app.checkout.until', { date: until }))).toBeVisible();
  await phone.payToTheEnd();
  await expect(app.getByTestId('success')).toContainText(words('app.right.until', { date: until }));

  // Telegram knows of no subscription, and neither does Hoshi: the right stands among what is "also yours".
  expect(await sandbox.subscriptions(phone.user.id)).toEqual([]);
  await phone.pressMain('app.order.done');
  await app.getByTestId('way-subscriptions').click();
  await expect(app.getByRole('heading', { name: words('app.subscriptions.oneOff') })).toBeVisible();
  await phone.closeApp();
  const notice = words('notice.paid.until', { plan: 'Personal log Pro', amount: '1,500 ★', date: until });
  await expect(phone.message(notice)).toBeVisible();
});

test('a plugin is paid once and shared 70 to 30 with its developer, who hears of the sale', async ({
  newPhone,
  sandbox,
}) => {
  await sandbox.say(ALEX, '/start');
  await sandbox.messageWith(ALEX, 'Welcome');
  const sale = wordsOf('en')('notice.sale', { plan: 'Weekly review', amount: '120 ★', share: '84 ★' });
  const salesTold = async () =>
    (await sandbox.messages(ALEX)).filter(({ text }) => text?.includes(sale.split('\n')[0] ?? sale)).length;
  const before = await salesTold();

  const phone = await newPhone({ balance: 120 });
  const { app, words } = phone;
  await phone.openApp();
  await phone.goToPluginCheckout('plugin-weekly-review');
  await expect(app.getByText(words('app.checkout.forGood'))).toBeVisible();
  const shares = app.getByRole('listitem');
  await expect(shares.filter({ hasText: words('app.split.developer') })).toContainText(/70\s?%.*84/);
  await expect(shares.filter({ hasText: words('app.split.platform') })).toContainText(/30\s?%.*36/);
  await phone.payToTheEnd();
  await expect(app.getByTestId('success')).toContainText(words('app.right.forGood'));

  // The receipt shows the same split; the plugin is marked as owned and cannot be bought again.
  await app.getByTestId('success-receipt').click();
  await expect(app.getByTestId('receipt')).toContainText(/70\s?%/);
  await phone.reopenApp();
  await app.getByTestId('way-plugins').click();
  const card = app.getByTestId('plan-card-plugin-weekly-review-license');
  await expect(card).toContainText(words('app.right.forGood'));

  await expect.poll(salesTold).toBe(before + 1);
  await expect(phone.page.getByTestId('main-button')).toHaveCount(0);
});
