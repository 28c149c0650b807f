import { DAY_SECONDS } from './fixtures/sandbox.ts';
import { Session } from './fixtures/session.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const ALEX = 7_000_000_102;
const words = wordsOf('en');

test('the language flips without a reload, in the app and in the chat', async ({ newPhone }) => {
  const phone = await newPhone({ language: 'en' });
  const { app } = phone;
  const ja = wordsOf('ja');
  await phone.openApp();
  await app.getByTestId('way-settings').click();
  // Lives only as long as the document does.
  await app.locator('body').evaluate((body) => body.setAttribute('data-marked', 'yes'));
  await app.getByTestId('settings-language-ja').click();
  await expect(app.getByRole('heading', { level: 1, name: ja('app.settings.title'), exact: true })).toBeVisible();
  await expect(app.locator('html')).toHaveAttribute('lang', 'ja');
  await phone.page.getByTestId('miniapp-back').click();
  await expect(app.getByTestId('plan-card-personal-pro')).toContainText('プロ');
  await expect(app.locator('body')).toHaveAttribute('data-marked', 'yes');
  await phone.closeApp();
  await phone.send('/terms');
  await expect(phone.message(ja('bot.terms.text'))).toBeVisible();
  await phone.openAppAt('settings');
  await expect(app.getByRole('heading', { level: 1, name: ja('app.settings.title'), exact: true })).toBeVisible();
});

test('who wants no reminders gets none before a renewal', async ({ newPhone, sandbox }) => {
  const quiet = await newPhone({ balance: 150, name: 'Quiet' });
  await quiet.openCheckout();
  await quiet.payToTheEnd();
  await quiet.openAppAt('settings');
  const reminders = quiet.app.getByRole('switch', { name: words('app.settings.reminders') });
  await expect(reminders).toBeChecked();
  await reminders.press('Space');
  await expect(reminders).not.toBeChecked();
  await quiet.reopenApp();
  await quiet.app.getByTestId('way-settings').click();
  await expect(reminders).not.toBeChecked();
  // Bought later, so that the reminder comes later: when it has come, the other would have come too.
  const other = await newPhone({ balance: 150, name: 'Other' });
  const end = await other.day(30);
  await other.openCheckout();
  await other.payToTheEnd();

  await sandbox.advance(27 * DAY_SECONDS + 3_600);
  const ahead = words('notice.renewalAhead', { plan: 'Personal log Pro', date: end, amount: '150 ★' });
  await sandbox.messageWith(other.user.id, ahead);
  expect(
    (await sandbox.messages(quiet.user.id)).filter(
      ({ text }) => text?.includes('renews') && text.includes('/settings'),
    ),
  ).toEqual([]);

  // What concerns money is told all the same.
  await sandbox.advanceDays(3);
  await sandbox.messageWith(quiet.user.id, 'did not go through');
});

test('a developer can switch notices of sales off and on', async ({ newPhone, sandbox, request }) => {
  const alex = await newPhone({ user: await sandbox.user(ALEX) });
  const salesTold = async () =>
    (await sandbox.messages(ALEX)).filter(({ text }) => text?.includes('Voice notes was sold')).length;
  const buy = async () => {
    const buyer = await sandbox.addUser({ balance: 250, language_code: 'en' });
    const { slug } = await (await Session.open(request, sandbox, buyer.id)).startCheckout(
      'prc_plugin_voice_notes_license_once_xtr',
    );
    expect(await sandbox.pay(slug, buyer.id)).toMatchObject({ status: 'paid' });
    await sandbox.messageWith(buyer.id, 'is yours for good');
  };
  const before = await salesTold();
  await alex.openApp();
  await alex.app.getByTestId('way-settings').click();
  const sales = alex.app.getByRole('switch', { name: words('app.settings.sales') });
  await expect(sales).toBeChecked();
  await sales.press('Space');
  await expect(sales).not.toBeChecked();
  await buy();
  await sales.press('Space');
  await expect(sales).toBeChecked();
  await buy();
  await expect.poll(salesTold).toBe(before + 1);
});

test('terms, privacy and help are in reach', async ({ newPhone }) => {
  const phone = await newPhone();
  const { app, page } = phone;
  await phone.openApp();
  // Telegram's own menu leads to the settings.
  await page.getByTestId('miniapp-menu').click();
  await page.getByTestId('miniapp-settings').click();
  await phone.expectScreen('app.settings.title');
  await app.getByRole('button', { name: words('app.legal.terms') }).click();
  await phone.expectScreen('app.legal.terms');
  await expect(app.getByText(words('app.documents.terms.sections.renewal.body'))).toBeVisible();
  await page.getByTestId('miniapp-back').click();
  await app.getByRole('button', { name: words('app.legal.privacy') }).click();
  await expect(app.getByText(words('app.documents.privacy.sections.not_kept.body'))).toBeVisible();
  await page.getByTestId('miniapp-back').click();
  await app.getByRole('button', { name: words('app.help.title') }).click();
  await app.getByTestId('help-search').fill('cancel');
  const question = app.getByText(words('app.faq.cancel.question'));
  await question.click();
  await expect(app.getByText(words('app.faq.cancel.answer'))).toBeVisible();
  await app.getByTestId('help-search').fill('xyzzy');
  await expect(app.getByText(words('app.help.noneTitle'))).toBeVisible();
});
