import { expect, test } from './fixtures/test.ts';
import type { Language } from './fixtures/words.ts';

const TITLES: Record<Language, string> = { en: 'Personal log Pro', ja: 'パーソナルログ プロ' };

for (const language of ['en', 'ja'] as const) {
  test(`a stranger buys a monthly plan (${language})`, async ({ newPhone, sandbox }) => {
    const phone = await newPhone({ language, balance: 150 });
    const { app, words } = phone;
    const until = await phone.day(30);

    // The picker: both lines, what a year saves, and the plan's own card.
    await phone.openApp();
    await expect(app.locator('html')).toHaveAttribute('lang', language);
    await expect(app.getByTestId('line-channels')).toBeVisible();
    await expect(app.getByTestId('plan-card-personal-pro')).toContainText('150');
    await app.getByTestId('plan-card-personal-pro').click();

    // The plan in full, then the checkout: price, renewal, where the money goes, who learns what.
    await expect(app.getByRole('heading', { name: words('app.plan.privacy') })).toBeVisible();
    await phone.pressMain('app.plan.continue');
    await phone.expectScreen('app.checkout.title');
    await expect(app.getByText(words('app.checkout.renews', { date: until, price: '150 ★' }))).toBeVisible();
    await expect(app.getByTestId('checkout-bar')).toBeVisible();
    await expect(app.getByText(words('app.privacy.method.telegram_stars'))).toBeVisible();
    await expect(app.getByTestId('way-telegram-stars-telegram_stars')).toBeVisible();

    // Telegram's sheet; the news of the payment reaches Hoshi late, so that it has to wait for it.
    await sandbox.holdPayment();
    await phone.openPaySheet();
    await expect(phone.paySheet).toContainText('150');
    await phone.confirmPayment();
    await expect(phone.page.getByTestId('pay-paid')).toBeVisible();
    await expect(app.getByTestId('confirming')).toBeVisible();
    await sandbox.deliverPayment();
    await phone.expectSuccess();
    await expect(app.getByTestId('success')).toContainText(words('app.right.renews', { date: until }));

    // Home again: the plan is marked as theirs. Then the row in the history and its receipt.
    await phone.pressMain('app.order.done');
    await expect(app.getByTestId('plan-card-personal-pro')).toContainText(words('app.plan.current'));
    await app.getByTestId('way-history').click();
    await app.getByTestId(/^history-row-/).click();
    await expect(app.getByTestId('receipt')).toContainText(words('app.timeline.ordered'));
    await expect(app.getByTestId('receipt')).toContainText(words('app.timeline.paid'));
    await expect(app.getByTestId('receipt')).toContainText(words('app.timeline.unlocked'));
    const [sale] = await sandbox.transactions(phone.user.id);
    await expect(app.getByTestId('charge-id')).toHaveText(sale?.id ?? '');
    await phone.closeApp();

    // The chat told it too, and its button opens the same receipt.
    const paid = words('notice.paid.renews', { plan: TITLES[language], amount: '150 ★', date: until });
    await expect(phone.message(paid)).toBeVisible();
    await phone.press(paid, words('notice.button.receipt'));
    await expect(app.getByTestId('charge-id')).toHaveText(sale?.id ?? '');
    expect((await sandbox.user(phone.user.id)).balance).toBe(0);
  });
}
