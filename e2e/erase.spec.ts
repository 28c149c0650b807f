import { ErasureReport } from '#domain/privacy/erasure/rules.ts';
import { expectCleanScreen } from './fixtures/clean.ts';
import type { Phone } from './fixtures/phone.ts';
import { DAY_SECONDS } from './fixtures/sandbox.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const words = wordsOf('en');
const back = ({ page }: Phone) => page.getByTestId('miniapp-back').click();

/** Types the word and says yes to Telegram's own question. */
async function confirm({ app, page }: Phone, word: string): Promise<void> {
  await app.getByTestId('erase-word').fill(word);
  await app.getByTestId('erase-submit').click();
  await page.getByTestId('popup-button-yes').click();
  await expect(app.getByTestId('erase-waiting')).toBeVisible();
}

test('whoever has everything erased settles what is in the way, waits a day, and is a stranger afterwards', async ({
  newPhone,
  sandbox,
}) => {
  test.slow();
  const phone = await newPhone({ balance: 150 });
  const { app, page, user } = phone;
  await phone.openCheckout();
  await phone.payToTheEnd();
  await phone.pressMain('app.order.done');
  await app.getByTestId('way-settings').click();
  await app.getByTestId('settings-privacy').click();
  await app.getByTestId('privacy-agreements').click();
  await expect(app.getByTestId('agreements-given')).toContainText(words('app.agreements.current'));
  await expectCleanScreen(phone, 'agreements');
  await back(phone);

  await app.getByTestId('privacy-erase').click();
  await expect(app.getByTestId('erase-blockers')).toBeVisible();
  await expect(app.getByTestId('erase-goes')).toContainText(words('app.erase.erased.rights'));
  await expect(app.getByTestId('erase-word')).toHaveCount(0);
  await expectCleanScreen(phone, 'blocked erasure');
  await app.getByTestId('erase-blocker-subscription').click();
  await app.getByTestId('subscription-cancel').click();
  await page.getByTestId('popup-button-yes').click();
  await expect(app.getByTestId('subscription-resume')).toBeVisible();
  await back(phone);

  await app.getByTestId('erase-word').fill('delete');
  await expect(app.getByTestId('erase-submit')).toBeDisabled();
  await expectCleanScreen(phone, 'erasure');
  await confirm(phone, 'DELETE');
  await expectCleanScreen(phone, 'erasure that waits');
  await app.getByTestId('erase-cancel').click();
  await confirm(phone, 'DELETE');
  await phone.closeApp();
  // What would be bought meanwhile says why it cannot be, and leads to where that is taken back.
  await phone.openCheckout();
  await expectCleanScreen(phone, 'checkout while an erasure waits');
  await app.getByRole('button', { name: words('app.checkout.toErasure') }).click();
  await expect(app.getByTestId('erase-waiting')).toBeVisible();
  await phone.closeApp();
  await expect(phone.message('You asked for your data to be erased.')).toBeVisible();

  await sandbox.advance(DAY_SECONDS + 60);
  const done = async () =>
    (await sandbox.messages(user.id)).filter(({ document }) => document?.file_name.startsWith('hoshi-era_'));
  await expect.poll(done, { message: 'the report' }).toHaveLength(1);
  const [message] = await done();
  expect(message?.document?.caption).toContain('Your data has been erased.');
  const file = await page.request.get(message?.document?.url ?? '');
  const report = ErasureReport.parse(await file.json());
  expect(report.status).toBe('completed');
  expect(report.erased).toContainEqual({ class: 'rights', count: 1, method: 'deleted' });
  expect(report.retained.find(({ class: name }) => name === 'payments')?.count).toBe(1);

  // Whoever opens it now is somebody new, to whom nothing ever happened.
  await phone.openAppAt('history');
  await expect(app.getByText(words('app.history.emptyTitle'))).toBeVisible();
  await phone.openAppAt('erase');
  await expect(app.getByTestId('erase-word')).toBeVisible();
});
