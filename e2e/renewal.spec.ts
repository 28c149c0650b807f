import { DAY_SECONDS } from './fixtures/sandbox.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const plan = 'Personal log Pro';
const amount = '150 ★';
const words = wordsOf('en');
const HOUR_SECONDS = 3_600;

test('a subscription is announced, renews by itself and goes on for a month', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 300 });
  const { app, user } = phone;
  const [firstEnd, secondEnd] = [await phone.day(30), await phone.day(60)];
  await phone.openCheckout();
  await phone.payToTheEnd();
  await phone.closeApp();

  await sandbox.advance(27 * DAY_SECONDS + HOUR_SECONDS);
  const ahead = words('notice.renewalAhead', { plan, date: firstEnd, amount });
  await expect(phone.message(ahead)).toBeVisible();
  expect((await sandbox.user(user.id)).balance).toBe(150);

  await sandbox.advanceDays(3);
  await expect(phone.message(words('notice.renewed', { plan, date: secondEnd, amount }))).toBeVisible();
  expect((await sandbox.user(user.id)).balance).toBe(0);

  // The app shows the new date and both payments.
  await phone.openApp();
  await app.getByTestId('way-subscriptions').click();
  await expect(app.getByTestId(/^subscription-row-/)).toContainText(
    words('app.subscription.renews', { date: secondEnd, price: amount }),
  );
  await phone.page.getByTestId('miniapp-back').click();
  await app.getByTestId('way-history').click();
  await expect(app.getByTestId(/^history-row-/)).toHaveCount(2);
  await app
    .getByTestId(/^history-row-/)
    .first()
    .click();
  await expect(app.getByTestId('receipt')).toContainText(words('app.paymentKind.renewal'));
});

test('a renewal without Stars leaves a grace, and a top-up brings it back', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, page, user } = phone;
  const [graceEnd, secondEnd] = [await phone.day(33), await phone.day(60)];
  await phone.openCheckout();
  await phone.payToTheEnd();
  await phone.closeApp();

  await sandbox.advance(30 * DAY_SECONDS + HOUR_SECONDS);
  const failed = words('notice.renewalFailed', { plan, date: graceEnd, amount });
  await expect(phone.message(failed)).toBeVisible();
  await phone.openApp();
  await app.getByTestId('way-subscriptions').click();
  const row = app.getByTestId(/^subscription-row-/);
  await expect(row).toContainText(words('app.status.past_due'));
  await expect(row).toContainText(words('app.subscription.pastDue', { date: graceEnd }));
  await phone.closeApp();

  // The notice's button opens Telegram's sheet for buying Stars.
  await phone.press(failed, words('notice.button.topUp', { amount }));
  await page.getByTestId('top-up-150').click();
  await expect(page.getByTestId('top-up-sheet')).toHaveCount(0);
  expect((await sandbox.user(user.id)).balance).toBe(150);

  // Telegram tries again the next day.
  await sandbox.advanceDays(1);
  await expect(phone.message(words('notice.renewed', { plan, date: secondEnd, amount }))).toBeVisible();
  await phone.openApp();
  await app.getByTestId('way-subscriptions').click();
  await expect(row).toContainText(words('app.subscription.renews', { date: secondEnd, price: amount }));
});

test('a renewal that stays unpaid ends with its grace', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app } = phone;
  const graceEnd = await phone.day(33);
  await phone.openCheckout();
  await phone.payToTheEnd();
  await phone.closeApp();

  await sandbox.advance(30 * DAY_SECONDS + HOUR_SECONDS);
  await expect(phone.message(words('notice.renewalFailed', { plan, date: graceEnd, amount }))).toBeVisible();
  await sandbox.advanceDays(4);
  const ended = words('notice.subscriptionEnded', { plan });
  await expect(phone.message(ended)).toBeVisible();
  await phone.openApp();
  await expect(app.getByTestId('plan-card-personal-pro')).not.toContainText(words('app.plan.current'));
  await app.getByTestId('way-subscriptions').click();
  await expect(app.getByRole('heading', { name: words('app.subscriptions.ended') })).toBeVisible();
  await phone.closeApp();

  // The notice leads back to the plan, which can be bought again.
  await phone.press(ended, words('notice.button.again'));
  await phone.expectMain('app.plan.continue');
});
