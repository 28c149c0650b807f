import type { Frame, Locator, Page } from '@playwright/test';
import { Session } from './fixtures/session.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const words = wordsOf('en');
/** What the screens wait for. */
const DATA = /\/api\/trpc\/(catalog|checkout\.preview|payments|subscriptions)/;

/** The Mini App's own frame. */
async function frameOf(page: Page): Promise<Frame> {
  const frame = await (await page.getByTestId('miniapp-frame').elementHandle())?.contentFrame();
  if (!frame) throw new Error('the Mini App is not open');
  return frame;
}

declare global {
  interface Window {
    layoutShifts?: string[];
  }
}

/** Notes every layout shift of a page from its first paint, those after a touch too: slow answers hide behind them. */
function watchLayout(): void {
  const shifts: string[] = [];
  window.layoutShifts = shifts;
  const nameOf = (node: Node | null) =>
    node instanceof Element ? `${node.localName}.${node.className}` : String(node?.nodeName);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as Array<
      PerformanceEntry & { value: number; sources: Array<{ node: Node | null }> }
    >) {
      shifts.push(
        `${location.pathname} ${entry.value.toFixed(4)} ${entry.sources.map(({ node }) => nameOf(node)).join(', ')}`,
      );
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

test('skeletons keep the layout: nothing moves from boot to the checkout and back', async ({ newPhone, context }) => {
  await context.addInitScript(watchLayout);
  // Answers take their time, so that each skeleton is seen.
  let letThrough = () => {};
  const hold = () => {
    const gate = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    return context.route(DATA, async (route) => {
      await gate;
      await route.continue();
    });
  };
  const phone = await newPhone();
  const { app, page } = phone;
  const home = () => expect(app.getByTestId('plan-card-personal-pro')).toBeVisible();
  const back = () => page.getByTestId('miniapp-back').click();
  const skeleton = app.getByTestId('skeleton');
  const steps: ReadonlyArray<{ go: () => Promise<void>; meanwhile?: Locator; shown: () => Promise<void> }> = [
    { go: () => page.getByTestId('menu-button').click(), meanwhile: skeleton, shown: home },
    {
      go: () => app.getByTestId('way-history').click(),
      meanwhile: app.getByTestId('history-status'),
      shown: () => expect(app.getByText(words('app.history.emptyTitle'))).toBeVisible(),
    },
    { go: back, shown: home },
    {
      go: () => app.getByTestId('way-subscriptions').click(),
      meanwhile: skeleton,
      shown: () => expect(app.getByText(words('app.subscriptions.emptyTitle'))).toBeVisible(),
    },
    { go: back, shown: home },
    { go: () => app.getByTestId('plan-card-personal-pro').click(), shown: () => phone.expectMain('app.plan.continue') },
    { go: () => phone.mainButton.click(), meanwhile: skeleton, shown: () => phone.expectMain('app.checkout.pay') },
  ];
  for (const { go, meanwhile, shown } of steps) {
    await hold();
    await go();
    if (meanwhile) await expect(meanwhile).toBeVisible();
    letThrough();
    await shown();
    await context.unroute(DATA);
  }
  const frame = await frameOf(page);
  expect(await frame.evaluate(() => window.layoutShifts)).toEqual([]);
  // And it would have been seen.
  await frame.evaluate(() => document.body.style.setProperty('padding-top', '60px'));
  await expect.poll(() => frame.evaluate(() => window.layoutShifts?.length)).toBe(1);
});

test('without a payment the history is empty and leads to the plans', async ({ newPhone }) => {
  const phone = await newPhone();
  const { app } = phone;
  await phone.openApp();
  await app.getByTestId('way-history').click();
  await expect(app.getByText(words('app.history.emptyText'))).toBeVisible();
  await app.getByRole('button', { name: words('app.plan.toPlans') }).click();
  await phone.expectScreen('app.home.title');
});

test('an error can be tried again, and its number copied for support', async ({ newPhone, sandbox, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const phone = await newPhone({ balance: 150 });
  const { app, page } = phone;
  await phone.openCheckout();
  await sandbox.setFaults({ api: { method: 'createInvoiceLink', kind: 'server_error', remaining: 1 } });
  await phone.pressMain('app.checkout.pay');
  const id = app.getByTestId('request-id');
  await id.click();
  await expect(app.getByText(words('app.copy.done'))).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await id.textContent());
});

test('offline: what is known stays, paying waits for the connection', async ({ newPhone, context }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, mainButton, page } = phone;
  await phone.openApp();
  await app.getByTestId('plan-card-personal-pro').click();
  await phone.pressMain('app.plan.continue');
  await phone.expectMain('app.checkout.pay');
  await context.setOffline(true);
  await expect(app.getByTestId('offline-banner')).toBeVisible();
  await expect(mainButton).toBeDisabled();
  await expect(app.getByText(words('app.checkout.offline'))).toBeVisible();
  await page.getByTestId('miniapp-back').click();
  await page.getByTestId('miniapp-back').click();
  await expect(app.getByTestId('plan-card-personal-pro')).toBeVisible();
  await expect(app.getByTestId('offline-banner')).toBeVisible();
  await context.setOffline(false);
  await expect(app.getByTestId('offline-banner')).toHaveCount(0);
  await app.getByTestId('plan-card-personal-pro').click();
  await phone.pressMain('app.plan.continue');
  await phone.payToTheEnd();
});

test('without an answer a screen says so and heals by a retry', async ({ newPhone, context }) => {
  const phone = await newPhone();
  const { app } = phone;
  await phone.openApp();
  // The chunk of the screen is there already: only the answer is missing.
  await app.getByTestId('way-history').click();
  await expect(app.getByText(words('app.history.emptyTitle'))).toBeVisible();
  await phone.page.getByTestId('miniapp-back').click();
  await context.route(/\/api\/trpc\/subscriptions/, (route) => route.abort('connectionrefused'));
  await app.getByTestId('way-subscriptions').click();
  await expect(app.getByText(words('app.problem.networkTitle'))).toBeVisible();
  await context.unroute(/\/api\/trpc\/subscriptions/);
  await app.getByTestId('error-retry').click();
  await expect(app.getByText(words('app.subscriptions.emptyTitle'))).toBeVisible();
});

test('an order left during payment is found again and paid', async ({ newPhone }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, page } = phone;
  await phone.openCheckout();
  await phone.openPaySheet();
  await page.getByTestId('pay-cancel').click();
  // Telegram asks before it closes an app that is about to be paid.
  await page.getByTestId('miniapp-close').click();
  await page.getByTestId('popup-button-close').click();
  await expect(page.getByTestId('miniapp-frame')).toHaveCount(0);

  await phone.openApp();
  await app.getByTestId('resume-banner').click();
  await expect(app.getByText(words('app.order.restingTitle'))).toBeVisible();
  await phone.payToTheEnd();
  await phone.pressMain('app.order.done');
  await expect(app.getByTestId('resume-banner')).toHaveCount(0);
});

test('an order can be cancelled before it is paid', async ({ newPhone, sandbox, request }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, user } = phone;
  const { slug } = await (await Session.open(request, sandbox, user.id)).startCheckout('prc_personal_pro_month_xtr');
  await phone.openApp();
  await app.getByTestId('resume-banner').click();
  await app.getByTestId('order-cancel').click();
  await phone.expectScreen('app.home.title');
  await expect(app.getByTestId('resume-banner')).toHaveCount(0);
  expect(await sandbox.pay(slug, user.id)).toMatchObject({
    status: 'failed',
    error_message: words('error.invoice_cancelled'),
  });
});

test('many attempts in a minute are counted down, then it goes on', async ({ newPhone, sandbox, request }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, mainButton, user } = phone;
  await phone.openCheckout();
  const elsewhere = await Session.open(request, sandbox, user.id);
  for (const price of ['basic_month', 'basic_year', 'pro_year', 'developer_month', 'developer_year']) {
    await elsewhere.startCheckout(`prc_personal_${price}_xtr`);
  }
  await phone.pressMain('app.checkout.pay');
  await expect(app.getByTestId('rate-limit')).toBeVisible();
  await expect(mainButton).toBeDisabled();
  const first = (await mainButton.textContent()) ?? '';
  expect(first).toMatch(/^Wait \d+ seconds$/);
  await expect(mainButton).not.toHaveText(first);

  await sandbox.advance(60);
  await phone.openCheckout();
  await phone.payToTheEnd();
});

test('in a plain browser Hoshi explains itself and shows the way into Telegram', async ({ page, sandbox }) => {
  const state = await sandbox.state();
  const { origin } = new URL(state.bot.menu_button?.url ?? '');
  for (const [path, startParam] of [
    ['/history', 'history'],
    ['/plans/personal-pro', 'plan_personal-pro'],
  ]) {
    await page.goto(`${origin}${path}?lang=en`);
    await expect(page.getByTestId('outside-telegram')).toContainText(words('app.outside.title'));
    await expect(page.getByTestId('outside-telegram').getByRole('img')).toBeVisible();
    const link = `https://t.me/${state.bot.username}?startapp=${startParam}`;
    await expect(page.getByTestId('open-in-telegram')).toHaveAttribute('href', link);
  }
  for (const [language, title] of [
    ['en', words('app.site.title')],
    ['ja', wordsOf('ja')('app.site.title')],
  ]) {
    await page.goto(`${origin}/?lang=${language}`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(title ?? '');
  }
  const missing = await page.goto(`${origin}/nothing-here`);
  expect(missing?.status()).toBe(404);
});

test('launch data that are too old lead back into Telegram', async ({ newPhone, sandbox }) => {
  const phone = await newPhone();
  const { app, page } = phone;
  await sandbox.setFaults({ stale_init_data_seconds: 7_200 });
  await page.getByTestId('menu-button').click();
  await expect(app.getByTestId('session-expired')).toContainText(words('app.expired.title'));
  await sandbox.setFaults({});
  await app.getByTestId('reopen').click();
  await expect(page.getByTestId('miniapp-frame')).toHaveCount(0);
  await phone.openApp();
});

test('a session that ended while the app was open leads back into Telegram', async ({ newPhone, sandbox }) => {
  const phone = await newPhone();
  const { app } = phone;
  await phone.openApp();
  // The plans, the last that is asked for: if the clock jumped before they came, the session would end without a tap.
  await expect(app.getByTestId('way-history')).toBeVisible();
  await sandbox.advance(13 * 3_600);
  await app.getByTestId('way-history').click();
  await expect(app.getByTestId('session-expired')).toBeVisible();
});

test('an old client gets buttons in the page, and pays by a link', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, page, user } = phone;
  await sandbox.setFaults({ client_version: '6.0' });
  await phone.openApp();
  await app.getByTestId('plan-card-personal-pro').click();
  await app.getByTestId('page-back').click();
  await phone.expectScreen('app.home.title');
  await app.getByTestId('plan-card-personal-pro').click();
  await app.getByTestId('plan-continue').click();
  await app.getByTestId('checkout-pay').click();
  const link = app.getByRole('link', { name: /Pay/ });
  await expect(link).toHaveAttribute('href', /^https:\/\/t\.me\/\$/);
  await expect(page.getByTestId('main-button')).toHaveCount(0);
  // Tapping it is the client's business; what matters here is that the page goes on by itself.
  const slug = (await link.getAttribute('href'))?.split('$')[1] ?? '';
  expect(await sandbox.pay(slug, user.id)).toMatchObject({ status: 'paid' });
  await phone.expectSuccess();
  await app.getByTestId('success-done').click();
  await phone.expectScreen('app.home.title');

  // Without Telegram's popup the question stands in the page.
  await app.getByTestId('way-subscriptions').click();
  await app.getByTestId(/^subscription-row-/).click();
  await app.getByTestId('subscription-cancel').click();
  await app.getByTestId('dialog-yes').click();
  await expect(app.getByTestId('subscription-resume')).toBeVisible();
});

test('reloading inside Telegram keeps the screen', async ({ newPhone }) => {
  const phone = await newPhone();
  const { app, page } = phone;
  await phone.openApp();
  await app.getByTestId('way-settings').click();
  await phone.expectScreen('app.settings.title');
  await page.getByTestId('miniapp-menu').click();
  const reloaded = page.waitForEvent('framenavigated', (frame) => frame.url().includes('/settings'));
  await page.getByTestId('miniapp-reload').click();
  await reloaded;
  await phone.expectScreen('app.settings.title');
  await page.getByTestId('miniapp-back').click();
  await phone.expectScreen('app.home.title');
});
