import type { SimFaults } from '#sandbox/control.ts';
import { Session } from './fixtures/session.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const PRO_PRICE = 'prc_personal_pro_month_xtr';
const words = wordsOf('en');

/** Ways in which a real client has been seen to tell of a payment, and what lies over the app afterwards. */
const LIES: ReadonlyArray<{
  told: NonNullable<SimFaults['invoice_closed']>;
  sheet: 'leaves' | 'pay-error' | 'pay-pending';
}> = [
  { told: 'missing', sheet: 'leaves' },
  { told: 'twice', sheet: 'leaves' },
  { told: 'charged_but_failed', sheet: 'pay-error' },
  { told: 'charged_but_cancelled', sheet: 'leaves' },
  { told: 'pending', sheet: 'pay-pending' },
];

for (const { told, sheet } of LIES) {
  test(`a payment counts whatever the client tells of it: ${told}`, async ({ newPhone, sandbox }) => {
    const phone = await newPhone({ balance: 150 });
    await phone.openCheckout();
    await sandbox.setFaults({ invoice_closed: told });
    await phone.openPaySheet();
    await phone.confirmPayment();
    if (sheet !== 'leaves') {
      await expect(phone.page.getByTestId(sheet)).toBeVisible();
      await phone.page.getByTestId('pay-cancel').click();
    }
    await phone.expectSuccess();
    expect(await sandbox.transactions(phone.user.id)).toHaveLength(1);
  });
}

test('"cancelled" is doubted and taken back when the payment turns up', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app } = phone;
  await phone.openCheckout();
  await phone.openPaySheet();
  await sandbox.holdPayment({ invoice_closed: 'charged_but_cancelled' });
  await phone.confirmPayment();
  await expect(app.getByTestId('failure')).toContainText(words('app.order.notTaken.cancelled.title'));
  await phone.expectMain('app.order.tryAgain');
  await sandbox.deliverPayment();
  await phone.expectSuccess();
  expect((await sandbox.user(phone.user.id)).balance).toBe(0);
});

test('a lost update is found by reconciliation, and the app that waits shows it', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app } = phone;
  await phone.openCheckout();
  await sandbox.setFaults({ updates: { type: 'successful_payment', kind: 'drop', remaining: 1 } });
  await phone.openPaySheet();
  await phone.confirmPayment();
  await expect(app.getByTestId('confirming')).toBeVisible();
  await expect(phone.paySheet).toHaveCount(0);
  await sandbox.advance(180);
  await phone.expectSuccess();
  await sandbox.messageWith(phone.user.id, 'is yours');
});

test('an update that comes twice is one payment and one notice', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, chat } = phone;
  await phone.openCheckout();
  await sandbox.setFaults({ updates: { type: 'successful_payment', kind: 'duplicate', remaining: 1 } });
  await phone.payToTheEnd();
  await expect
    .poll(async () => (await sandbox.traffic()).filter(isPaymentOf(phone.user.id)).map(({ status }) => status))
    .toEqual([200, 200]);
  await phone.pressMain('app.order.done');
  await app.getByTestId('way-history').click();
  await expect(app.getByTestId(/^history-row-/)).toHaveCount(1);
  await phone.closeApp();
  await expect(phone.message('is yours')).toBeVisible();
  // What is asked later is answered later: by then a second notice would have come.
  await phone.send('/terms');
  await expect(phone.message(words('bot.terms.text'))).toBeVisible();
  await expect(chat.getByTestId(/^message-/).filter({ hasText: 'is yours' })).toHaveCount(1);
});

test('an update that comes after its successor is settled all the same', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  await phone.openCheckout();
  await sandbox.setFaults({ updates: { type: 'successful_payment', kind: 'reorder', remaining: 1 } });
  await phone.openPaySheet();
  await phone.confirmPayment();
  await expect(phone.app.getByTestId('confirming')).toBeVisible();
  await sandbox.say(phone.user.id, '/history');
  await phone.expectSuccess();
  await sandbox.messageWith(phone.user.id, words('bot.history.empty'));
  await sandbox.messageWith(phone.user.id, 'is yours');
});

const REFUSALS: ReadonlyArray<NonNullable<SimFaults['api']>> = [
  { method: 'createInvoiceLink', kind: 'flood', retry_after: 2, remaining: 1 },
  { method: 'createInvoiceLink', kind: 'timeout', remaining: 1 },
];

for (const fault of REFUSALS) {
  test(`when Telegram cannot make the order (${fault.kind}) it says so and the next try works`, async ({
    newPhone,
    sandbox,
  }) => {
    const phone = await newPhone({ balance: 150 });
    const { app } = phone;
    await phone.openCheckout();
    await sandbox.setFaults({ api: fault });
    await phone.pressMain('app.checkout.pay');
    const problem = app.getByRole('alert').filter({ hasText: words('error.provider_unavailable') });
    await expect(problem).toBeVisible({ timeout: 15_000 });
    await expect(problem.getByTestId('request-id')).toHaveText(/^req_\w+$/);
    await phone.payToTheEnd();
    expect(await sandbox.transactions(phone.user.id)).toHaveLength(1);
  });
}

test('with too few Stars Telegram offers to top up, and the payment goes on', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 100 });
  const { page } = phone;
  await phone.openCheckout();
  await phone.openPaySheet();
  await phone.confirmPayment();
  await page.getByTestId('top-up-50').click();
  await expect(page.getByTestId('top-up-sheet')).toHaveCount(0);
  await expect(page.getByTestId('pay-confirm')).toBeEnabled();
  await phone.confirmPayment();
  await phone.expectSuccess();
  expect((await sandbox.user(phone.user.id)).balance).toBe(0);
});

test("nobody pays another person's order", async ({ newPhone, sandbox, request }) => {
  const hana = await sandbox.addUser({ first_name: 'Hana', language_code: 'ja', balance: 150 });
  const { slug } = await (await Session.open(request, sandbox, hana.id)).startCheckout(PRO_PRICE);

  // Hana's link reaches somebody else, who follows it.
  const phone = await newPhone({ balance: 150 });
  await phone.send(`https://t.me/$${slug}`);
  await phone.message(slug).getByText(slug).click();
  await expect(phone.page.getByTestId('pay-confirm')).toBeEnabled();
  await phone.confirmPayment();
  await expect(phone.page.getByTestId('pay-error')).toContainText(words('error.payer_is_not_buyer'));
  expect((await sandbox.user(phone.user.id)).balance).toBe(150);

  expect(await sandbox.pay(slug, hana.id)).toMatchObject({ status: 'paid' });
});

test('an order that has expired is refused in words and can be made anew', async ({ newPhone, sandbox }) => {
  const phone = await newPhone({ balance: 150 });
  const { app, page } = phone;
  await phone.openCheckout();
  await phone.openPaySheet();
  await sandbox.advance(31 * 60);
  // Telegram's form has run out first; opened again, the bot refuses.
  await phone.confirmPayment();
  await expect(page.getByTestId('pay-error')).toContainText('FORM_EXPIRED');
  await phone.paySheet.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByTestId('pay-confirm')).toBeEnabled();
  await phone.confirmPayment();
  await expect(page.getByTestId('pay-error')).toContainText(words('error.invoice_expired'));
  await page.getByTestId('pay-cancel').click();

  await expect(app.getByTestId('failure')).toContainText(words('app.order.ended.expired.title'));
  await phone.pressMain('app.order.startAgain');
  await phone.expectScreen('app.checkout.title');
  await phone.payToTheEnd();
});

test('paying one order from two windows at once gives the second payment back', async ({ newPhone, sandbox }) => {
  const here = await newPhone({ balance: 300 });
  const { user } = here;
  await here.openCheckout();
  await here.openPaySheet();
  const there = await newPhone({ user });
  await there.openApp();
  await there.app.getByTestId('resume-banner').click();
  await there.openPaySheet();

  // The news of the first payment is late, so the second is not stopped before it is charged.
  await sandbox.holdPayment();
  await here.confirmPayment();
  await expect(here.page.getByTestId('pay-paid')).toBeVisible();
  await there.confirmPayment();
  await expect(there.page.getByTestId('pay-paid')).toBeVisible();
  await sandbox.deliverPayment();

  await here.expectSuccess();
  await there.expectSuccess();
  const returned = words('notice.returned.stars', { amount: '150 ★' });
  const notice = words('notice.surplusRefunded.invoice_already_paid', { plan: 'Personal log Pro', returned });
  await sandbox.messageWith(user.id, notice);
  expect((await sandbox.user(user.id)).balance).toBe(150);
  const running = (await sandbox.subscriptions(user.id)).filter(({ state }) => state === 'active');
  expect(running).toHaveLength(1);

  await there.pressMain('app.order.done');
  await there.app.getByTestId('way-history').click();
  await there.app
    .getByTestId(/^history-row-/)
    .filter({ hasText: words('app.status.refunded') })
    .click();
  await expect(there.app.getByTestId('receipt')).toContainText(words('app.timeline.surplus'));
  await expect(there.app.getByTestId('receipt')).toContainText(words('app.timeline.refunded'));
});

/** Deliveries of a successful payment of this user. */
function isPaymentOf(userId: number) {
  return ({ direction, request }: { direction: string; request: unknown }): boolean => {
    const update = request as { message?: { from?: { id: number }; successful_payment?: unknown } };
    return (
      direction === 'to_bot' && update.message?.from?.id === userId && update.message.successful_payment !== undefined
    );
  };
}
