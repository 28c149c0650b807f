import { expectCleanScreen, violations } from './fixtures/clean.ts';
import { visitScreens } from './fixtures/screens.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

for (const { language, theme, width } of [
  { language: 'ja', theme: 'light', width: 1280 },
  // The narrowest phone there is.
  { language: 'en', theme: 'dark', width: 320 },
] as const) {
  test(`every screen is clean for axe, fingers and narrow phones (${theme}, ${language}, ${width} px)`, async ({
    newPhone,
  }) => {
    test.slow();
    const phone = await newPhone({ language, theme, balance: 150 });
    await phone.page.setViewportSize({ width, height: 800 });
    await visitScreens(phone, (screen) => expectCleanScreen(phone, screen));
  });
}

for (const theme of ['light', 'dark'] as const) {
  test(`what is shown when something is wrong is clean too (${theme})`, async ({ newPhone, sandbox, page }) => {
    const phone = await newPhone({ theme, balance: 150 });
    const words = wordsOf('en');
    await phone.openCheckout();
    await sandbox.setFaults({ api: { method: 'createInvoiceLink', kind: 'server_error', remaining: 1 } });
    await phone.pressMain('app.checkout.pay');
    await expect(phone.app.getByText(words('error.provider_unavailable'))).toBeVisible();
    expect.soft(await violations(page, 'app'), 'problem').toEqual([]);

    await sandbox.setFaults({ stale_init_data_seconds: 7_200 });
    await phone.openAppAt('history');
    await expect(phone.app.getByTestId('session-expired')).toBeVisible();
    expect.soft(await violations(page, 'app'), 'expired session').toEqual([]);

    await page.emulateMedia({ colorScheme: theme });
    const { bot } = await sandbox.state();
    const { origin } = new URL(bot.menu_button?.url ?? '');
    for (const path of ['/', '/history', '/help', '/terms', '/nothing-here']) {
      await page.goto(`${origin}${path}?lang=en`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      expect.soft(await violations(page, 'page'), path).toEqual([]);
    }
  });
}

test('a purchase needs no pointer', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, page, user, words } = phone;
  // An old client draws no buttons, so all of them stand in the page.
  await sandbox.setFaults({ client_version: '6.0' });
  await page.getByTestId('menu-button').focus();
  await page.keyboard.press('Enter');
  await phone.expectScreen('app.home.title');
  await expect(app.getByTestId('plan-card-personal-pro')).toBeVisible();

  /** Presses Tab until the element has the focus; it must be reached within so many steps. */
  const tabTo = async (testId: string) => {
    const target = app.getByTestId(testId);
    await expect(target).toBeVisible();
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press('Tab');
      if (await target.evaluate((element) => element === document.activeElement)) return;
    }
    throw new Error(`Tab never reaches ${testId}`);
  };
  await tabTo('plan-card-personal-pro');
  await page.keyboard.press('Enter');
  await expect(app.getByRole('heading', { level: 1, name: 'Pro' })).toBeFocused();
  await tabTo('plan-continue');
  await page.keyboard.press('Enter');
  await expect(phone.heading('app.checkout.title')).toBeFocused();
  await tabTo('checkout-pay');
  await page.keyboard.press('Enter');
  const link = app.getByRole('link', { name: words('app.checkout.pay', { price: '150' }) });
  await expect(link).toBeVisible();
  await tabTo('checkout-pay');
  await expect(link).toBeFocused();
  const slug = (await link.getAttribute('href'))?.split('$')[1] ?? '';
  await sandbox.pay(slug, user.id);
  await phone.expectSuccess();
  await tabTo('success-done');
  await page.keyboard.press('Enter');
  await phone.expectScreen('app.home.title');
});
