import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { Shop } from './fixtures/orders.ts';
import { watchScripts } from './fixtures/scripts.ts';
import { Session, slugOf } from './fixtures/session.ts';
import { test as base, expect } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const SCRIPT_BUDGET_BYTES = 152 * 1024;
const SMALLEST_TARGET_PX = 44;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
const EXPIRED_SECONDS = 31 * 60;

const en = wordsOf('en');
const ja = wordsOf('ja');
const PAYME = en('app.provider.payme');
const CLICK = en('app.provider.click');

const test = base.extend<{ origin: string; shop: Shop; buyer: { id: number } }>({
  origin: async ({ sandbox }, use) => use(new URL((await sandbox.state()).bot.menu_button?.url ?? '').origin),
  shop: async ({ request, origin }, use) => use(new Shop(request, origin)),
  // Nobody else's attempts count for them.
  buyer: async ({ sandbox }, use) => use(await sandbox.addUser({ balance: 1_500 })),
});

const payButton = (page: Page) => page.getByTestId('pay');

/** What axe finds, what is too small for a finger, and whether the page is wider than the window. */
async function expectClean(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ failureSummary }) => `${id} ${failureSummary}`));
  expect.soft(found, `axe: ${name}`).toEqual([]);
  const small = await page.evaluate((smallest) => {
    const pressable = [...document.querySelectorAll<HTMLElement>('a[href], button, input, summary')];
    return pressable.flatMap((element) => {
      const area = element instanceof HTMLInputElement ? (element.closest('label') ?? element) : element;
      const { height, width } = area.getBoundingClientRect();
      return width > 0 && (height < smallest || width < smallest) ? [`${element.textContent} ${width}×${height}`] : [];
    });
  }, SMALLEST_TARGET_PX);
  expect.soft(small, `targets: ${name}`).toEqual([]);
  const { needed, room } = await page
    .locator('html')
    .evaluate((root) => ({ needed: root.scrollWidth, room: root.clientWidth }));
  expect.soft(needed, `sideways: ${name}`).toBeLessThanOrEqual(room);
}

test('an open order shows what it is, how it can be paid and where the money goes', async ({ page, shop, buyer }) => {
  const { url } = await shop.order(buyer.id);
  const answer = await page.goto(`${url}?lang=en`);
  expect(answer?.headers()['content-security-policy']).toContain("frame-ancestors 'none'");
  await expect(page.locator('meta[name="robots"]')).toHaveAttribute('content', /noindex/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/Personal log\s*Pro/);
  await expect(page.getByTestId('pay-choosing')).toContainText('360,000 so’m');
  await expect(page.getByTestId('minutes-left')).toHaveText(/\b(29|30) minutes left to pay/);

  const ways = page.getByRole('group', { name: en('app.checkout.methods') });
  await expect(ways.getByRole('group', { name: en('app.method.credit_card') }).getByRole('radio')).toHaveCount(2);
  await expect(ways.getByRole('radio')).toHaveCount(2);
  await expect(ways.getByRole('radio', { name: PAYME })).toBeChecked();
  await expect(page.getByTestId('way-payme-credit_card')).toContainText(
    en('app.wayNote.credit_card', { provider: PAYME }),
  );
  await expect(page.getByTestId('way-payme-credit_card')).toContainText(en('app.privacy.level.medium'));
  await expect(page.getByTestId('checkout-bar').locator('div')).not.toHaveCount(0);
  await expect(payButton(page)).toHaveText('Pay 360,000 so’m with Payme');

  // By keyboard, as a radio group is used.
  await ways.getByRole('radio', { name: PAYME }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(payButton(page)).toHaveText('Pay 360,000 so’m with Click');
  expect(await page.context().cookies()).toEqual([]);
});

for (const [provider, name, address] of [
  ['payme', PAYME, /^http:\/\/localhost:\d+\/payme\/[\w=+/-]+$/],
  ['click', CLICK, /^http:\/\/localhost:\d+\/click\/services\/pay\?.*transaction_param=inv_/],
] as const) {
  test(`paying with ${name} leads to its page once, and the way back to a waiting page`, async ({
    page,
    shop,
    buyer,
  }) => {
    const { id, url } = await shop.order(buyer.id);
    await page.goto(`${url}?lang=en`);
    await page.getByTestId(`way-${provider}-credit_card`).click();
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.isNavigationRequest()) sent.push(request.url());
    });
    let starts = 0;
    await page.route(/pay\.start/, async (route) => {
      starts += 1;
      await route.continue();
    });
    await payButton(page).evaluate((button: HTMLButtonElement) => {
      button.click();
      button.click();
    });
    await page.waitForURL(address);
    expect(starts).toBe(1);
    expect(sent).toHaveLength(1);

    await page.goto(`${url}?lang=en`);
    const heading = page.getByRole('heading', { level: 1 });
    await expect(heading).toHaveText(en('app.pay.waiting.title', { provider: name }));
    await expect(page.getByTestId('pay-waiting')).toContainText(id);
    await page.getByTestId('pay-other-way').click();
    await expect(page.getByTestId('pay-choosing')).toBeVisible();
    await page.reload();
    await expect(page.getByTestId('pay-choosing')).toBeVisible();
  });
}

const CARD = { normal: '8600 4954 7331 6478', blocked: '4444 4459 8745 9073', code: '666666' };

/** The way to Payme and through its card form. Ends where Payme says how it went. */
async function payByCard(page: Page, card: string): Promise<void> {
  await page.getByTestId('way-payme-credit_card').click();
  await payButton(page).click();
  await page.waitForURL(/\/payme\//);
  await page.getByRole('button', { name: card }).click();
  await page.getByRole('textbox').fill(CARD.code);
  await page.locator('form[action$="/pay"] button').click();
}

test('a card pays with Payme, and the page shows what is theirs now; a refund in its cabinet arrives too', async ({
  page,
  shop,
  buyer,
  request,
  baseURL,
}) => {
  const { id, url } = await shop.order(buyer.id);
  await page.goto(`${url}?lang=en`);
  await payByCard(page, CARD.normal);
  await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
  await expect(page.getByTestId('pay-paid')).toContainText('Pro');
  const [sale] = await (await request.get(`${baseURL}/sim/payme/transactions?account=${id}`)).json();
  await request.post(`${baseURL}/sim/payme/transactions/${sale.id}/refund`);
  await page.reload();
  await expect(page.getByTestId('pay-refunded')).toBeVisible();
});

/** What the server tells of an order, with something else about it. */
async function tellOtherwise(page: Page, change: Record<string, unknown>): Promise<void> {
  await page.route(/pay\.order/, async (route) => {
    const response = await route.fetch();
    const { result } = await response.json();
    await route.fulfill({ response, json: { result: { data: { ...result.data, ...change } } } });
  });
}

const MISSING = { amount: '1200', currency: 'JPY', text: '¥1,200', label: '¥1,200' };
const PENDING = { provider: 'stripe', missing: null, instructionsUrl: 'https://provider.example/how' };

for (const { name, change, title, text, hasInstructions } of [
  {
    name: 'a transfer that is awaited',
    change: { pending: { ...PENDING, progress: 'awaiting_transfer', missing: MISSING } },
    title: en('app.pending.awaiting_transfer.title'),
    text: en('app.pending.awaiting_transfer.textAmount', { amount: '¥1,200' }),
    hasInstructions: true,
  },
  {
    name: 'a part that is missing',
    change: { pending: { ...PENDING, progress: 'underpaid', missing: MISSING } },
    title: en('app.pending.underpaid.titleAmount', { amount: '¥1,200' }),
    text: en('app.pending.heldOpen'),
    hasInstructions: true,
  },
  {
    name: 'a payment that is processed',
    change: { pending: { ...PENDING, progress: 'processing', instructionsUrl: null } },
    title: en('app.pending.processing.title'),
    text: en('app.pending.held'),
    hasInstructions: false,
  },
  {
    name: 'what its buyer has already',
    change: { blocked: { reason: 'already_owned', text: 'In words.' } },
    title: en('app.pay.blocked.title', { plan: 'Pro' }),
    text: 'In words.',
    hasInstructions: false,
  },
  {
    name: 'a dispute',
    change: { status: 'paid', paymentStatus: 'disputed' },
    title: en('app.pay.disputed.title'),
    text: en('app.pay.disputed.text'),
    hasInstructions: false,
  },
] as const) {
  test(`${name} is told, and nothing can be paid`, async ({ page, shop, buyer }) => {
    const { id, url } = await shop.order(buyer.id);
    await tellOtherwise(page, change);
    await page.goto(`${url}?lang=en`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
    await expect(page.getByRole('main')).toContainText(text);
    await expect(page.getByTestId('instructions')).toHaveCount(hasInstructions ? 1 : 0);
    await expect(page.getByTestId('to-bot')).toHaveAttribute('href', new RegExp(`startapp=invoice_${id}$`));
    await expect(payButton(page)).toHaveCount(0);
    await expectClean(page, name);
  });
}

test('why a try failed stands above the choices, which stay', async ({ page, shop, buyer }) => {
  const { url } = await shop.order(buyer.id);
  await tellOtherwise(page, { failure: { failure: 'card_declined', text: 'In words.' } });
  await page.goto(`${url}?lang=en`);
  await expect(page.getByTestId('failure-note')).toContainText('In words.');
  await expect(payButton(page)).toBeEnabled();
  await expectClean(page, 'failed');
});

test('a blocked card takes nothing; the order is still open and Click takes it over', async ({ page, shop, buyer }) => {
  const { url } = await shop.order(buyer.id);
  await page.goto(`${url}?lang=en`);
  await payByCard(page, CARD.blocked);
  await expect(page.getByTestId('result')).toHaveAttribute('data-status', 'failed');
  await page.goto(`${url}?lang=en`);
  await page.getByTestId('pay-other-way').click();
  await page.getByTestId('way-click-credit_card').click();
  await payButton(page).click();
  await page.waitForURL(/\/click\//);
  await page.locator('button[value="paid"]').click();
  await expect(page.getByTestId('pay-paid')).toBeVisible({ timeout: 15_000 });
});

test('Stars are paid in Telegram, and the page turns into success and refund by itself', async ({
  page,
  shop,
  buyer,
  sandbox,
}) => {
  const { id, url } = await shop.order(buyer.id, 'XTR');
  await page.goto(`${url}?lang=en`);
  await payButton(page).click();
  const heading = page.getByRole('heading', { level: 1 });
  await expect(heading).toHaveText(en('app.pay.telegram.title'));
  await expect(heading).toBeFocused();
  await expect(page.getByRole('img', { name: en('app.pay.telegram.qr') })).toBeVisible();
  const link = (await page.getByTestId('open-in-telegram').getAttribute('href')) ?? '';

  await sandbox.pay(slugOf(link), buyer.id);
  await expect(heading).toHaveText(en('app.pay.paid.title', { plan: 'Pro' }));
  await expect(heading).toBeFocused();
  await expect(page.getByTestId('pay-paid')).toContainText('Yours until');
  const { bot } = await sandbox.state();
  await expect(page.getByTestId('to-bot')).toHaveAttribute(
    'href',
    `https://t.me/${bot.username}?startapp=invoice_${id}`,
  );

  await shop.refund(id);
  await page.reload();
  await expect(heading).toHaveText(en('app.pay.refunded.title'));
});

test('a link that leads to no order says so', async ({ page, origin }) => {
  for (const id of ['inv_01m7wsxs51yx4wg7y5rfyxq000', 'nonsense']) {
    const answer = await page.goto(`${origin}/pay/${id}?lang=en`);
    expect(answer?.status()).toBe(404);
    await expect(page.getByTestId('pay-unknown')).toContainText(en('app.pay.unknown.title'));
  }
});

test('an order runs out while it is looked at', async ({ page, shop, buyer, sandbox }) => {
  const { url } = await shop.order(buyer.id);
  await page.goto(`${url}?lang=en`);
  await expect(payButton(page)).toBeVisible();
  await sandbox.advance(EXPIRED_SECONDS);
  const heading = page.getByRole('heading', { level: 1 });
  await expect(heading).toHaveText(en('app.pay.ended.title'));
  await expect(heading).toBeFocused();
  await expect(payButton(page)).toHaveCount(0);
});

test('an order that was cancelled can no longer be paid', async ({ page, shop, buyer, sandbox, request }) => {
  const { id, url } = await shop.order(buyer.id);
  await (await Session.open(request, sandbox, buyer.id)).cancelOrder(id);
  await page.goto(`${url}?lang=ja`);
  await expect(page.getByTestId('pay-cancelled')).toContainText(ja('app.pay.cancelled.title'));
  await expect(page.getByTestId('to-bot')).toBeVisible();
});

test('the language changes in place: address kept, choice kept', async ({ page, shop, buyer }) => {
  const { url } = await shop.order(buyer.id);
  await page.goto(`${url}?lang=ja`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
  await page.getByTestId('way-click-credit_card').click();
  await expect(payButton(page)).toHaveText('Clickで360,000 スムを支払う');
  await page.getByRole('link', { name: 'English' }).click();
  await expect(payButton(page)).toHaveText('Pay 360,000 so’m with Click');
  await expect(page).toHaveURL(`${url}?lang=en`);
  await expect(page).toHaveTitle(`${en('app.pay.title')} · Hoshi`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('what goes wrong is told, and can be tried again', async ({ page, shop, buyer, context }) => {
  const { url } = await shop.order(buyer.id);
  const error = (kind: string, retryAfterSeconds: number | null) => ({
    message: 'x',
    code: -32603,
    data: { hoshi: { kind, reason: 'x', text: 'In words.', requestId: 'req_1', retryAfterSeconds, details: {} } },
  });
  let next = error('unavailable', null);
  await page.route(/pay\.start/, (route) => route.fulfill({ status: 503, json: { error: next } }));
  await page.goto(`${url}?lang=en`);
  await payButton(page).click();
  await expect(page.getByTestId('refusal')).toContainText('In words.');
  await expect(page.getByTestId('request-id')).toHaveText('req_1');

  next = error('rate_limited', 2);
  await payButton(page).click();
  await expect(payButton(page)).toHaveText(en('app.checkout.wait', { seconds: 2 }));
  await expect(payButton(page)).toBeDisabled();
  await expect(payButton(page)).toBeEnabled();

  await context.setOffline(true);
  await expect(page.getByTestId('offline-banner')).toBeVisible();
  await expect(payButton(page)).toBeDisabled();
  await context.setOffline(false);
  await expect(payButton(page)).toBeEnabled();
});

test('the page can be handed over to a phone', async ({ page, shop, buyer }) => {
  const { url } = await shop.order(buyer.id);
  await page.goto(`${url}?lang=en`);
  await page.getByTestId('hand-over').click();
  await expect(page.getByRole('img', { name: en('app.pay.handOver.qr') })).toBeVisible();
  await expect(page.getByText(`${url}?lang=en`)).toBeVisible();
});

// Each width once: colours do not depend on it, nor sizes on the colours.
const SHOWN = { light: [320, 1280], dark: [390] } as const;
for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of SHOWN[colorScheme]) {
    test(`every state is clean for axe and fingers (${colorScheme}, ${width} px)`, async ({
      page,
      shop,
      buyer,
      origin,
      sandbox,
    }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      const lang = width === 390 ? 'ja' : 'en';
      const stars = await shop.order(buyer.id, 'XTR');
      const { url } = await shop.order(buyer.id);
      await page.goto(`${url}?lang=${lang}`);
      await page.getByTestId('hand-over').click();
      await expect(page.getByRole('img')).toBeVisible();
      await expectClean(page, 'choosing');

      await page.goto(`${stars.url}?lang=${lang}`);
      await payButton(page).click();
      const link = page.getByTestId('open-in-telegram');
      await expect(page.getByRole('img')).toBeVisible();
      await expectClean(page, 'in Telegram');
      await sandbox.pay(slugOf((await link.getAttribute('href')) ?? ''), buyer.id);
      await expect(page.getByTestId('pay-paid')).toBeVisible();
      await expectClean(page, 'paid');

      await page.goto(`${origin}/pay/nonsense?lang=${lang}`);
      await expect(page.getByTestId('pay-unknown')).toBeVisible();
      await expectClean(page, 'unknown');
    });
  }
}

test('nothing moves while the order is fetched, and the scripts stay within their budget', async ({
  page,
  context,
  shop,
  buyer,
  origin,
}) => {
  const scripts = watchScripts(context, origin);
  await context.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push((entry as PerformanceEntry & { value: number }).value);
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const { url } = await shop.order(buyer.id);
  let letThrough = () => {};
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  await page.route(/pay\.order/, async (route) => {
    await gate;
    await route.continue();
  });
  await page.goto(`${url}?lang=en`);
  await expect(page.getByTestId('skeleton')).toBeVisible();
  letThrough();
  await expect(payButton(page)).toBeVisible();
  await page.waitForLoadState('networkidle');
  expect(await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts)).toEqual([]);

  const { total, words } = await scripts.sum();
  console.log(`    browser checkout: ${words} of ${SCRIPT_BUDGET_BYTES}`);
  test.info().annotations.push({ type: 'browser checkout', description: words });
  expect(total).toBeLessThanOrEqual(SCRIPT_BUDGET_BYTES);
});
