import { unzipSync } from 'fflate';
import { expectCleanScreen } from './fixtures/clean.ts';
import { expect, test } from './fixtures/test.ts';

test('a person sees what is kept of them, asks for a copy, and the bot brings it', async ({ newPhone, sandbox }) => {
  test.slow();
  const phone = await newPhone({ balance: 1_000 });
  const { app, page, user, words } = phone;
  await phone.send('/start');
  await phone.openCheckout();
  await phone.payToTheEnd();

  await phone.openAppAt('keys');
  await app.getByTestId('data-seen').click();
  await phone.expectScreen('app.seen.title');
  const payments = app.getByTestId('seen-class-payments');
  await payments.click();
  await expect(payments).toContainText('150 ★');
  await expect(app.getByTestId('seen-class-telegram')).toBeVisible();
  await app.getByTestId('seen-class-telegram').click();
  await expect(app.getByTestId('seen-server')).toContainText(String(user.id));
  await expect(app.getByTestId('seen-class-sealed')).toContainText(words('app.seen.none'));
  await page.getByTestId('miniapp-back').click();

  await app.getByTestId('data-export').click();
  await phone.expectScreen('app.export.title');
  // Held back, so that one sees that it is on its way.
  await sandbox.setFaults({ api_delay_ms: 3_000 });
  await app.getByTestId('export-ask').click();
  await expect(app.getByTestId('export-under-way')).toBeVisible();
  await expect(app.getByTestId('export-ask')).toHaveCount(0);
  await expectCleanScreen(phone, 'on its way');
  await sandbox.setFaults({});
  await expect(app.getByTestId('export-sent')).toBeVisible({ timeout: 30_000 });
  await expectCleanScreen(phone, 'sent');

  await phone.closeApp();
  await expect(page.locator('.document-card').last()).toContainText(/hoshi-data-\d{4}-\d\d-\d\d\.zip/);
  const sent = (await sandbox.messages(user.id)).findLast(({ document }) => document);
  const answer = await page.request.get(new URL(sent?.document?.url ?? '', page.url()).href);
  const files = unzipSync(new Uint8Array(await answer.body()));
  const [payment] = JSON.parse(Buffer.from(files['payments.json'] ?? []).toString()) as Array<Record<string, string>>;
  expect(payment).toMatchObject({ amount: '150', currency: 'XTR', plan: 'personal-pro' });
  expect(Object.keys(files)).toContain('manifest.json');
});

test('whoever blocked the bot is told what to do before anything else', async ({ newPhone, sandbox }) => {
  const phone = await newPhone();
  const { app, user } = phone;
  await phone.send('/start');
  await sandbox.send('PATCH', `/sim/users/${user.id}`, { has_blocked_bot: true });
  await phone.openAppAt('export');
  await app.getByTestId('export-ask').click();
  await expect(app.getByTestId('export-failed')).toContainText(phone.words('app.export.obstacle.unreachable'), {
    timeout: 30_000,
  });
  await expect(app.getByTestId('export-open-chat')).toBeVisible();
  await expectCleanScreen(phone, 'blocked');
});
