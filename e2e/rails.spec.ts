import type { Page } from '@playwright/test';
import { Shop } from './fixtures/orders.ts';
import { test as base, expect } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const en = wordsOf('en');
const CARDS = { succeeds: '4242424242424242', asksTheBank: '4000002760003184', poor: '4000000000009995' };

const test = base.extend<{ shop: Shop; buyer: { id: number } }>({
  shop: async ({ request, sandbox }, use) =>
    use(new Shop(request, new URL((await sandbox.state()).bot.menu_button?.url ?? '').origin)),
  // Nobody else's attempts count for them.
  buyer: async ({ sandbox }, use) => use(await sandbox.addUser({ language_code: 'en' })),
});

const heading = (page: Page) => page.getByRole('heading', { level: 1 });

/** From the order to the page of a provider. */
async function goTo(page: Page, url: string, way: string): Promise<void> {
  await page.goto(`${url}?lang=en`);
  await page.getByTestId(`way-${way}`).click();
  await page.getByTestId('pay').click();
  await page.waitForURL(new RegExp(`/${way.slice(0, way.lastIndexOf('-'))}/`));
}

const payWithCard = (page: Page, number: string) => page.locator(`button[name="number"][value="${number}"]`).click();

/** Presses a button in Stripe's Dashboard, in the row of an order. */
async function inDashboard(page: Page, baseURL: string | undefined, order: string, button: string): Promise<void> {
  await page.goto(`${baseURL}/stripe/cabinet`);
  await page
    .getByTestId(/^payment-/)
    .filter({ hasText: order })
    .getByRole('button', { name: button })
    .click();
}

test.describe('Stripe', () => {
  test('a card that is refused can be changed on its page; the bank asks; a part goes back', async ({
    page,
    shop,
    buyer,
  }) => {
    const { id, url } = await shop.order(buyer.id, 'USD');
    await goTo(page, url, 'stripe-credit_card');
    await payWithCard(page, CARDS.poor);
    await expect(page.getByTestId('problem')).toContainText('insufficient_funds');
    await payWithCard(page, CARDS.asksTheBank);
    await page.locator('button[name="answer"][value="accept"]').click();
    await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
    await expect(heading(page)).toHaveText(en('app.pay.paid.title', { plan: 'Pro' }));

    // A part leaves what was bought with its buyer.
    await shop.refund(id, 1_000);
    await page.goto(`${url}?lang=en`);
    await expect(page.getByTestId('pay-paid')).toBeVisible();
  });

  test('a dispute freezes what was bought, and what is won thaws it', async ({ page, shop, buyer, baseURL }) => {
    const { id, url } = await shop.order(buyer.id, 'USD');
    await goTo(page, url, 'stripe-credit_card');
    await payWithCard(page, CARDS.succeeds);
    await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
    await inDashboard(page, baseURL, id, 'Open a dispute');
    await page.goto(`${url}?lang=en`);
    await expect(heading(page)).toHaveText(en('app.pay.disputed.title'));
    await inDashboard(page, baseURL, id, 'We win');
    await page.goto(`${url}?lang=en`);
    await expect(page.getByTestId('pay-paid')).toBeVisible();
  });

  test('what is paid in a shop waits, with how to pay it at hand', async ({ page, shop, buyer, baseURL }) => {
    const { id, url } = await shop.order(buyer.id, 'JPY');
    await goTo(page, url, 'stripe-bank_transfer');
    await page.locator('button[value="konbini"]').click();
    await expect(page.getByTestId('result')).toHaveAttribute('data-status', 'unpaid');
    await page.goto(`${url}?lang=en`);
    await expect(page.getByTestId('pay')).toHaveCount(0);
    await expect(page.getByTestId('instructions')).toBeVisible();
    const instructions = await page.getByTestId('instructions').getAttribute('href');
    await page.goto(instructions ?? '');
    await expect(page.getByTestId('result')).toContainText('¥4,800');

    await inDashboard(page, baseURL, id, 'Pay at the shop');
    await page.goto(`${url}?lang=en`);
    await expect(page.getByTestId('pay-paid')).toBeVisible();
  });

  test('a transfer that nobody makes gives way to a card, and is void then', async ({ page, shop, buyer }) => {
    const { url } = await shop.order(buyer.id, 'USD');
    await goTo(page, url, 'stripe-bank_transfer');
    await page.locator('button[value="bank_transfer"]').click();
    await expect(page.getByTestId('result')).toHaveAttribute('data-status', 'unpaid');
    await page.goto(`${url}?lang=en`);
    const instructions = await page.getByTestId('instructions').getAttribute('href');
    await expect(page.getByTestId('pay-pending')).toContainText(en('app.pending.heldOrElse'));

    await page.getByTestId('pay-other-way').click();
    await expect(page.getByTestId('instead-of-transfer')).toContainText(en('app.pending.instead'));
    await page.getByTestId('keep-transfer').click();
    await expect(page.getByTestId('pay-pending')).toBeVisible();
    await page.getByTestId('pay-other-way').click();
    await page.getByTestId('way-stripe-credit_card').click();
    await page.getByTestId('pay').click();
    await payWithCard(page, CARDS.succeeds);
    await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
    await page.goto(instructions ?? '');
    await expect(page.getByTestId('result')).toHaveAttribute('data-status', 'canceled');
  });

  test('a card that was stored on its page pays by itself, after the bank was answered', async ({
    newPhone,
    context,
    shop,
  }) => {
    // Who was never seen cannot store anything.
    const phone = await newPhone();
    await phone.openApp();
    const buyer = phone.user;
    const page = await context.newPage();
    const card = await shop.addCard(buyer.id, 'stripe');
    await page.goto(card.url);
    await page.getByTestId('to-provider').click();
    await payWithCard(page, CARDS.asksTheBank);
    await page.locator('button[name="answer"][value="accept"]').click();
    await expect(page.getByTestId('adding-nearly')).toContainText('3184', { timeout: 15_000 });
    // What Stripe led back with is gone from the address, and is told to no other page.
    expect(new URL(page.url()).search).toBe('');
    const link = await page.getByTestId('confirm-in-telegram').getAttribute('href');
    await phone.openAppAt(new URL(link ?? '').searchParams.get('startapp') ?? '');
    await expect(phone.app.getByTestId('method-added')).toContainText('3184');

    const charged = await shop.charge(card.id, buyer.id, 'USD');
    expect(charged.status).toBe('requires_action');
    await page.goto(charged.confirmation_url ?? '');
    await page.locator('button[name="answer"][value="accept"]').click();
    await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
    await expect(page).toHaveURL(new RegExp(charged.payment_id));
  });
});

test.describe('coins', () => {
  test('Crypto Pay: a coin is chosen on its page, and the order is theirs', async ({ page, shop, buyer }) => {
    const { url } = await shop.order(buyer.id, 'EUR');
    await goTo(page, url, 'crypto-pay-cryptocurrency');
    await page.locator('button[name="asset"][value="TON"]').click();
    await page.locator('button[value="pay"]').click();
    await expect(page.getByTestId('invoice')).toHaveAttribute('data-status', 'paid');
    await page.goto(`${url}?lang=en`);
    await expect(page.getByTestId('pay-paid')).toBeVisible();
  });

  test('BTCPay: a part is told with what is missing; the rest pays; the buyer says where a refund goes', async ({
    newPhone,
    context,
    shop,
  }) => {
    const phone = await newPhone();
    const page = await context.newPage();
    const { id, url } = await shop.order(phone.user.id, 'BTC');
    await goTo(page, url, 'btcpay-cryptocurrency');
    const invoice = page.url();
    await page.locator('button[value="under"]').click();
    await page.goto(`${url}?lang=en`);
    await expect(heading(page)).toHaveText(en('app.pending.underpaid.titleAmount', { amount: '0.0005 BTC' }));
    await page.goto(invoice);
    await page.locator('button[value="send"]').click();
    await expect(page.getByTestId('invoice')).toHaveAttribute('data-status', 'Processing');
    await page.goto(`${url}?lang=en`);
    await expect(heading(page)).toHaveText(en('app.pending.confirming.title'));
    await page.goto(invoice);
    await page.locator('button[value="confirm_all"]').click();
    await page.goto(`${url}?lang=en`);
    await expect(page.getByTestId('pay-paid')).toBeVisible();

    await shop.refund(id);
    await phone.openAppAt(`invoice_${id}`);
    await expect(phone.app.getByTestId('undone')).toBeVisible();
    await phone.app.getByRole('button', { name: phone.words('app.receipt.title') }).click();
    const [claim] = await Promise.all([context.waitForEvent('page'), phone.app.getByTestId('refund-claim').click()]);
    await claim.locator('button[value="fresh"]').click();
    await expect(claim.getByTestId('payout')).toBeVisible();
  });
});
