import { DAY_SECONDS } from './fixtures/sandbox.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const plan = 'Personal log Pro';
const amount = '150 ★';
const words = wordsOf('en');

test('cancelling takes two taps and names the end; resuming takes one', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, page, user } = phone;
  const end = await phone.day(30);
  await phone.openCheckout();
  await phone.payToTheEnd();
  await phone.pressMain('app.order.done');
  await app.getByTestId('way-subscriptions').click();
  await app.getByTestId(/^subscription-row-/).click();

  // Changing one's mind at the question changes nothing.
  await app.getByTestId('subscription-cancel').click();
  await expect(page.getByTestId('popup')).toContainText(
    words('app.subscription.cancelText', { plan: 'Pro', date: end }),
  );
  await page.getByTestId('popup-button-no').click();
  const text = app.getByTestId('subscription-text');
  await expect(text).toHaveText(words('app.subscription.renews', { date: end, price: amount }));

  await app.getByTestId('subscription-cancel').click();
  await page.getByTestId('popup-button-yes').click();
  await expect(text).toHaveText(words('app.subscription.ends', { date: end }));
  expect(await sandbox.subscriptions(user.id)).toMatchObject([{ state: 'canceled_by_bot' }]);
  await sandbox.messageWith(user.id, words('notice.subscriptionCancelled.until', { plan, date: end }));

  await app.getByTestId('subscription-resume').click();
  await expect(text).toHaveText(words('app.subscription.renews', { date: end, price: amount }));
  expect(await sandbox.subscriptions(user.id)).toMatchObject([{ state: 'active' }]);
  await sandbox.messageWith(user.id, words('notice.subscriptionResumed', { plan, date: end, amount }));
});

test('what was cancelled in Telegram is resumed in Telegram', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, page, user } = phone;
  const end = await phone.day(30);
  await phone.openCheckout();
  await phone.payToTheEnd();
  await phone.closeApp();

  // In the person's own Telegram settings, which the desk shows beside the phone.
  const [subscription] = await sandbox.subscriptions(user.id);
  const own = page.getByTestId(`subscription-${subscription?.id}`);
  await own.getByRole('button', { name: 'Cancel' }).click();
  await expect(phone.message(words('notice.subscriptionCancelled.until', { plan, date: end }))).toBeVisible();
  await phone.openApp();
  await app.getByTestId('way-subscriptions').click();
  await app.getByTestId(/^subscription-row-/).click();
  await expect(app.getByTestId('resumes-in-telegram')).toBeVisible();
  await expect(app.getByTestId('subscription-resume')).toHaveCount(0);
  await phone.closeApp();

  await own.getByRole('button', { name: 'Restore' }).click();
  await expect(phone.message(words('notice.subscriptionResumed', { plan, date: end, amount }))).toBeVisible();
});

test('a cancelled plan stays until its end and charges nothing more', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 1_000 });
  const { app, user } = phone;
  await phone.openCheckout();
  await phone.payToTheEnd();
  const [subscription] = await sandbox.subscriptions(user.id);
  await sandbox.changeSubscription(subscription?.id ?? '', 'cancel');
  await sandbox.messageWith(user.id, 'is cancelled');
  await phone.pressMain('app.order.done');
  await expect(app.getByTestId('plan-card-personal-pro')).toContainText(words('app.plan.current'));
  await phone.closeApp();

  // No second message: the end was told when it was cancelled.
  await sandbox.advance(30 * DAY_SECONDS + 60);
  await phone.openApp();
  await expect(app.getByTestId('plan-card-personal-pro')).not.toContainText(words('app.plan.current'));
  expect((await sandbox.user(user.id)).balance).toBe(850);
  expect(await sandbox.transactions(user.id)).toHaveLength(1);
});
