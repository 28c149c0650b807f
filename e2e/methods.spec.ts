import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { Shop } from './fixtures/orders.ts';
import type { Phone } from './fixtures/phone.ts';
import { test as base, expect } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const test = base.extend<{ shop: Shop }>({
  shop: async ({ request, sandbox }, use) =>
    use(new Shop(request, new URL((await sandbox.state()).bot.menu_button?.url ?? '').origin)),
});
const en = wordsOf('en');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];

/** The providers whose cards go from the page to them, with a test card of each and the code it sends. */
const CARDS = {
  payme: { number: '8600 0691 9540 6311', expiry: '0399', code: '666666', name: /Uzcard.*6311/ },
  click: { number: '8600 1200 0000 0011', expiry: '1299', code: '12345', name: /Uzcard.*0011/ },
} as const;

async function openMethods(phone: Phone): Promise<void> {
  await phone.openApp();
  await phone.app.getByTestId('way-settings').click();
  await phone.app.getByTestId('settings-methods').click();
  await phone.expectScreen('app.methods.title');
}

/** Begins to add a card in the Mini App, and follows to the page in the person's own browser. */
async function beginAdding(phone: Phone, provider: keyof typeof CARDS): Promise<Page> {
  const [opened] = await Promise.all([
    phone.page.context().waitForEvent('page'),
    phone.app.getByTestId(`method-add-${provider}`).click(),
  ]);
  await expect(opened.getByTestId('adding-card')).toBeVisible();
  return opened;
}

/** The start parameter of the link by which this page leads into Telegram. */
async function confirmationOf(page: Page): Promise<string> {
  const href = await page.getByTestId('confirm-in-telegram').getAttribute('href');
  const link = new URL(href ?? '');
  expect(link.origin).toBe('https://t.me');
  return link.searchParams.get('startapp') ?? '';
}

/** Gives a card of Payme on the page that was begun. */
async function giveCard(page: Page): Promise<void> {
  await page.getByTestId('card-number').fill(CARDS.payme.number);
  await page.getByTestId('card-expiry').fill(CARDS.payme.expiry);
  await page.getByTestId('card-send').click();
  await page.getByTestId('card-code').fill(CARDS.payme.code);
  await page.getByTestId('card-confirm').click();
  await expect(page.getByTestId('adding-nearly')).toContainText(CARDS.payme.name);
}

async function expectClean(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect
    .soft(
      violations.map(({ id, help }) => `${id} ${help}`),
      name,
    )
    .toEqual([]);
}

for (const provider of ['payme', 'click'] as const) {
  const card = CARDS[provider];

  test(`a card is stored with ${provider} past us, confirmed in Telegram, pays, and is deleted again`, async ({
    newPhone,
    shop,
  }) => {
    const phone = await newPhone();
    const { app, page } = phone;
    await openMethods(phone);
    await expect(app.getByText(en('app.methods.emptyTitle'))).toBeVisible();
    const opened = await beginAdding(phone, provider);
    await expect(app.getByTestId('method-waiting')).toBeVisible();

    // Not one request of ours holds the number.
    const ours: string[] = [];
    const { origin } = new URL(opened.url());
    opened.on('request', (request) => {
      if (request.url().startsWith(origin)) ours.push(`${request.url()} ${request.postData() ?? ''}`);
    });
    await expect(opened.getByTestId('adding-warning')).toContainText(en('app.adding.warning.title'));
    await expectClean(opened, 'card');
    await opened.getByTestId('card-number').fill(card.number);
    await opened.getByTestId('card-expiry').fill(card.expiry);
    await opened.getByTestId('card-send').click();
    await expect(opened.getByTestId('card-code')).toBeFocused();
    await expectClean(opened, 'code');

    await opened.getByTestId('card-code').fill('000000');
    await opened.getByTestId('card-confirm').click();
    await expect(opened.getByTestId('card-failure')).toHaveText(en('app.adding.failure.code_wrong'));
    await opened.getByTestId('card-code').fill(card.code);
    await opened.getByTestId('card-confirm').click();
    await expect(opened.getByTestId('adding-nearly')).toContainText(card.name);
    await expect(opened.getByTestId('confirm-qr').getByRole('img')).toBeVisible();
    await expectClean(opened, 'nearly');
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((sent) => sent.replace(/\D/g, '').includes(card.number.replaceAll(' ', '')))).toEqual([]);

    // The person's own session in Telegram is not enough, nor is this page: both together are.
    await expect(app.getByText(en('app.methods.waiting.nearlyTitle'))).toBeVisible();
    await expect(app.getByText(en('app.methods.unconfirmed.name'))).toBeVisible();
    await phone.openAppAt(await confirmationOf(opened));
    await phone.expectScreen('app.methods.title');
    await expect(app.getByTestId('method-added')).toContainText(card.name);
    await expect(opened.getByTestId('adding-done')).toContainText(card.name);
    await expectClean(opened, 'done');

    const testId = await app.getByTestId(/^method-remove-/).getAttribute('data-testid');
    const charged = await shop.charge(testId?.replace('method-remove-', '') ?? '', phone.user.id, 'UZS');
    await opened.goto(charged.checkout_url);
    await expect(opened.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
    await opened.close();
    await app.getByTestId(/^method-remove-/).click();
    await page.getByTestId('popup-button-yes').click();
    await expect(app.getByText(en('app.methods.emptyTitle'))).toBeVisible();
  });
}

test('a card given on a page that somebody sent is not saved, and its owner is told so', async ({ newPhone }) => {
  const sender = await newPhone();
  await openMethods(sender);
  const page = await beginAdding(sender, 'payme');
  await giveCard(page);
  const victim = await newPhone({ name: 'Ken' });
  await victim.openAppAt(await confirmationOf(page));
  await victim.expectScreen('app.methods.title');
  await expect(victim.app.getByTestId('method-of-another')).toContainText(en('app.methods.claim.anotherTitle'));
  await expect(victim.app.getByText(en('app.methods.emptyTitle'))).toBeVisible();
  await expect(page.getByTestId('adding-removed')).toBeVisible();
  await sender.reopenApp();
  await sender.app.getByTestId('way-settings').click();
  await sender.app.getByTestId('settings-methods').click();
  await expect(sender.app.getByText(en('app.methods.emptyTitle'))).toBeVisible();
});

test('a card is confirmed from the browser in which it was given, and from no other', async ({ newPhone, browser }) => {
  const phone = await newPhone();
  await openMethods(phone);
  const page = await beginAdding(phone, 'payme');
  await giveCard(page);
  const startParam = await confirmationOf(page);
  const elsewhere = await (await browser.newContext()).newPage();
  await elsewhere.goto(page.url());
  await expect(elsewhere.getByTestId('adding-elsewhere')).toBeVisible();
  await expect(elsewhere.getByTestId('confirm-in-telegram')).toHaveCount(0);
  await elsewhere.context().close();
  // Reloaded, it is still the same browser.
  await page.reload();
  expect(await confirmationOf(page)).toBe(startParam);
  const wrong = startParam.slice(0, -4) + (startParam.endsWith('AAAA') ? 'BBBB' : 'AAAA');
  await phone.openAppAt(wrong);
  await expect(phone.app.getByText(en('error.payment_method_not_found'))).toBeVisible();
  await phone.openAppAt(startParam);
  await expect(phone.app.getByTestId('method-added')).toContainText(CARDS.payme.name);
});

test('a card that is refused can be corrected, and another one used', async ({ newPhone }) => {
  const phone = await newPhone();
  await openMethods(phone);
  const page = await beginAdding(phone, 'payme');
  const number = page.getByTestId('card-number');
  await number.fill('8600 0691 9540 6312');
  await page.getByTestId('card-expiry').fill('0399');
  await expect(page.getByText(en('app.adding.numberHint'))).toBeVisible();
  await page.getByTestId('card-send').click();
  await expect(page.getByTestId('card-failure')).toHaveText(en('app.adding.failure.card_wrong'));
  await expect(number).toHaveValue('8600 0691 9540 6312');

  await number.fill(CARDS.payme.number);
  await page.getByTestId('card-send').click();
  await expect(page.getByTestId('card-resend')).toBeDisabled();
  await page.getByTestId('card-other').click();
  await expect(number).toHaveValue('');
});

test('the page may call its providers and nobody else', async ({ newPhone, request }) => {
  const phone = await newPhone();
  await openMethods(phone);
  const page = await beginAdding(phone, 'payme');
  const policyOf = async (url: string) => (await request.get(url)).headers()['content-security-policy'] ?? '';
  const policy = await policyOf(page.url());
  expect(policy).toMatch(/connect-src 'self' \S+\/payme\/api \S+\/card_token\/request;/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(await policyOf(new URL(page.url()).origin)).toContain("connect-src 'self';");
});

test('a link that leads nowhere says so', async ({ page, sandbox }) => {
  const { origin } = new URL((await sandbox.state()).bot.menu_button?.url ?? '');
  for (const id of ['pmt_01m7wsxs51yx4wg7y5rfyxq000', 'nonsense']) {
    await page.goto(`${origin}/methods/${id}?lang=en`);
    await expect(page.getByTestId('adding-unknown')).toContainText(en('app.adding.unknown.title'));
  }
});
