import type { Page } from '@playwright/test';
import { expectCleanScreen } from './fixtures/clean.ts';
import { test } from './fixtures/permissive.ts';
import type { Phone } from './fixtures/phone.ts';
import { Session } from './fixtures/session.ts';
import { expect } from './fixtures/test.ts';

const CARDS = { succeeds: '4242424242424242', poor: '4000000000009995' };
const PRO_DOLLARS = 'prc_personal_pro_month_usd';
const CARD = 'way-stripe-credit_card';
const COINS = 'way-crypto-pay-cryptocurrency';

async function chooseDollars({ app }: Phone): Promise<void> {
  await app.getByTestId('checkout-currency').selectOption(PRO_DOLLARS);
  await expect(app.getByTestId(CARD)).toBeVisible();
}

/** The checkout of a month of Pro, asked for in dollars. */
async function openCheckoutInDollars(phone: Phone): Promise<void> {
  await phone.openCheckout();
  await chooseDollars(phone);
}

/** Chooses a way and presses the main button. @returns the provider's page, in the person's own browser. */
async function payBy(phone: Phone, way: string): Promise<Page> {
  await phone.app.getByTestId(way).click();
  await expect(phone.mainButton).toContainText('$2.99');
  const [opened] = await Promise.all([phone.page.context().waitForEvent('page'), phone.pressMain('app.checkout.pay')]);
  await expect(phone.app.getByTestId('outside')).toBeVisible();
  return opened;
}

const payWithCard = (page: Page, number: string) => page.locator(`button[name="number"][value="${number}"]`).click();

async function payWithCoins(page: Page): Promise<void> {
  await page.locator('button[name="asset"][value="TON"]').click();
  await page.locator('button[value="pay"]').click();
  await expect(page.getByTestId('invoice')).toHaveAttribute('data-status', 'paid');
}

test('a card pays on its provider’s page, and the app goes on by itself', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ language: 'ja', theme: 'dark' });
  const { app, words } = phone;
  await phone.openCheckout();
  await expect(app.getByText(words('app.checkout.otherWays'))).toBeVisible();
  await chooseDollars(phone);
  await expect(app.getByText(words('app.checkout.otherWays'))).toHaveCount(0);
  const ways = app.getByRole('group', { name: words('app.checkout.methods') });
  await expect(ways.getByRole('radio')).toHaveCount(5);
  await expect(ways.getByRole('radio', { disabled: true })).toHaveCount(0);
  const card = app.getByTestId(CARD);
  await expect(card.getByRole('radio')).toBeChecked();
  await expect(card).toContainText(words('app.pay.fee', { fee: '$0.39' }));
  await expect(card).toContainText(words('app.privacy.level.medium'));
  await expect(app.getByTestId('way-stripe-bank_transfer')).toContainText(words('app.privacy.level.low'));
  await expect(app.getByTestId(COINS)).toContainText(words('app.privacy.level.very_high'));

  const page = await payBy(phone, CARD);
  await expect(page).toHaveURL(/\/stripe\//);
  await expect(app.getByTestId('outside')).toContainText(words('app.order.outside.title', { provider: 'Stripe' }));
  await payWithCard(page, CARDS.succeeds);
  await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
  // Back in the language in which it was begun, whatever the browser's is.
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(words('app.pay.paid.title', { plan: 'プロ' }));
  const back = new URL((await page.getByTestId('to-bot').getAttribute('href')) ?? '');
  await page.close();
  await phone.expectSuccess();
  await expect(app.getByTestId('success')).toContainText(await phone.day(30));

  expect(back.pathname).toBe(`/${(await sandbox.state()).bot.username}`);
  await phone.openAppAt(back.searchParams.get('startapp') ?? '');
  await phone.expectSuccess();
});

test('coins pay with Crypto Pay, and the history shows them', async ({ newPhone }) => {
  const phone = await newPhone();
  const { app } = phone;
  await openCheckoutInDollars(phone);
  const page = await payBy(phone, COINS);
  await payWithCoins(page);
  await page.close();
  await phone.expectSuccess();
  await phone.pressMain('app.order.done');
  await app.getByTestId('way-history').click();
  await expect(app.getByTestId(/^history-row-/)).toContainText('$2.99');
});

test('a page of a bot in Telegram is opened there, not in the browser', async ({ newPhone }) => {
  const phone = await newPhone();
  const { page } = phone;
  await openCheckoutInDollars(phone);
  // What the sandbox's Crypto Pay cannot say, as it has no t.me.
  await page.route(/checkout\.start/, async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    const url = '"url":"https://t.me/CryptoBot?start=IVaBc"';
    await route.fulfill({ response, body: text.replace(/"url":"[^"]+CryptoTestnetBot[^"]+"/, url) });
  });
  const asked = page.evaluate(() => {
    window.open = () => null;
    return new Promise((resolve) => {
      window.addEventListener('message', ({ data }) => {
        const { eventType, eventData } = JSON.parse(String(data));
        if (/link$/.test(eventType)) resolve({ eventType, eventData });
      });
    });
  });
  await phone.app.getByTestId(COINS).click();
  await phone.pressMain('app.checkout.pay');
  expect(await asked).toEqual({
    eventType: 'web_app_open_tg_link',
    eventData: { path_full: '/CryptoBot?start=IVaBc' },
  });
});

test('after a refused card the order is kept, and paid once another way', async ({ newPhone }) => {
  const phone = await newPhone();
  const { app, page: telegram, words } = phone;
  await openCheckoutInDollars(phone);
  const stripe = await payBy(phone, CARD);
  await payWithCard(stripe, CARDS.poor);
  await expect(stripe.getByTestId('problem')).toBeVisible();
  await expect(app.getByTestId('failure')).toContainText(words('common.failure.insufficient_funds'));
  await expect(phone.mainButton).toHaveText(words('app.order.outside.again', { provider: 'Stripe' }));

  await telegram.getByTestId('secondary-button').click();
  await phone.expectScreen('app.checkout.title');
  const coins = await payBy(phone, COINS);
  // Of two pages only the last can be paid.
  await stripe.reload();
  await expect(stripe.locator('button[name="number"]')).toHaveCount(0);
  await payWithCoins(coins);
  await phone.expectSuccess();
  await phone.pressMain('app.order.done');
  await app.getByTestId('way-history').click();
  await expect(app.getByTestId(/^history-row-/)).toHaveCount(1);
});

test("/buy sells by card: a link, the provider's page, and the receipt in the chat", async ({ newPhone, context }) => {
  const phone = await newPhone();
  const { chat, words } = phone;
  const end = await phone.day(30);
  await phone.send('/buy');
  await phone.press(words('bot.buy.title'), 'Personal log');
  await phone.press(words('bot.buy.choosePlan'), 'Pro');
  await phone.press(words('bot.buy.chooseInterval'), words('bot.price.month', { amount: '$2.99' }));
  const card = words('common.way', { method: words('bot.buy.method.credit_card'), provider: 'Stripe' });
  await phone.press(words('bot.buy.until', { date: end }), card);
  const pay = chat.getByRole('button', { name: words('bot.buy.payButton', { amount: '$2.99' }) });
  const [page] = await Promise.all([context.waitForEvent('page'), pay.click()]);
  await payWithCard(page, CARDS.succeeds);
  await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
  const receipt = words('notice.paid.until', { plan: 'Personal log Pro', amount: '$2.99', date: end });
  await expect(phone.message(receipt)).toBeVisible();
});

for (const { language, theme, width } of [
  { language: 'ja', theme: 'light', width: 390 },
  { language: 'en', theme: 'dark', width: 320 },
] as const) {
  test(`all ways to pay are clean for axe, fingers and narrow phones (${theme}, ${language}, ${width} px)`, async ({
    newPhone,
  }) => {
    const phone = await newPhone({ language, theme });
    await phone.page.setViewportSize({ width, height: 800 });
    await openCheckoutInDollars(phone);
    await expectCleanScreen(phone, 'checkout');
    await payBy(phone, CARD);
    await expectCleanScreen(phone, 'at the provider');
  });
}

test('a provider that does not answer is marked and not preselected, and may still be chosen', async ({
  newPhone,
  sandbox,
  request,
}) => {
  const phone = await newPhone();
  const { app, words } = phone;
  await phone.openAppAt('plan_personal-pro');
  await phone.expectMain('app.plan.continue');

  await sandbox.setFaults({ stripe: { kind: 'unavailable', remaining: 100 } });
  const elsewhere = await Session.open(request, sandbox, phone.user.id);
  const byCard = { method: 'credit_card', provider: 'stripe' };
  for (let tries = 1; tries <= 3; tries += 1)
    await expect(elsewhere.startCheckoutBy(PRO_DOLLARS, byCard)).rejects.toThrow('503');
  await phone.pressMain('app.plan.continue');
  await chooseDollars(phone);
  await expect(app.getByTestId(CARD)).toContainText(words('app.checkout.resting'));
  await expect(app.getByTestId(COINS).getByRole('radio')).toBeChecked();

  await app.getByTestId(CARD).click();
  await phone.pressMain('app.checkout.pay');
  await expect(app.getByText(words('error.provider_unavailable'))).toBeVisible();
  await sandbox.setFaults({});
  await payWithCard(await payBy(phone, CARD), CARDS.succeeds);
  await phone.expectSuccess();
});
