import { describe, expect, it } from 'vitest';
import type { Ctx } from '#domain/context/context.ts';
import { encodePress } from './callback.ts';
import type { SeenMessage } from './testing/sandbox.ts';
import { buttonOf, forgedPress, type Person, useStage } from './testing/stage.ts';

/** Walks through buttons by their text, each time in the message that is there now. */
async function walk(person: Person, start: SeenMessage[], ...texts: Array<string | RegExp>): Promise<SeenMessage[]> {
  let seen = start;
  for (const text of texts) {
    const message = seen.find((candidate) =>
      candidate.inline_keyboard
        ?.flat()
        .some((button) => (typeof text === 'string' ? button.text === text : text.test(button.text))),
    );
    if (!message) throw new Error(`nothing to press for ${text}: ${JSON.stringify(seen.map((each) => each.text))}`);
    seen = await person.press(message, buttonOf(message, text));
  }
  return seen;
}

const accountOf = (ctx: Ctx, telegramId: number) => ({
  link: { subject: ctx.vault.subjectOf(BigInt(telegramId)) },
});
const slugOf = (message: SeenMessage | undefined) => message?.invoice?.slug ?? '';

describe('buying in the chat', () => {
  const stage = useStage();

  it('sends an invoice into the chat for a year, which can be paid once', async () => {
    const person = await stage.person('en');
    const confirm = await walk(person, await person.write('/buy'), 'Personal log', 'Pro', /a year/);
    expect(confirm[0]?.text).toContain('Personal log Pro');
    expect(confirm[0]?.text).toMatch(/Yours until \d+ \w+ 20\d\d\. It is paid once and does not renew\./);
    expect(confirm[0]?.text).toContain('sold for Stars only inside Telegram');

    const said = await walk(person, confirm, 'Telegram Stars');
    const invoice = said.find((message) => message.invoice);
    expect(invoice?.invoice).toMatchObject({ total_amount: 1500, title: 'Personal log Pro' });
    expect(said.find((message) => message.text)?.text).toContain('The invoice is below.');

    expect(await person.pay(slugOf(invoice))).toMatchObject({ status: 'paid' });
    const [state] = await person.write('/subscription');
    expect(state?.text).toMatch(/Also yours\n• Personal log Pro: until .*, does not renew/);
    const [history] = await person.write('/history');
    expect(history?.text).toContain('Personal log Pro: 1,500 ★');
    expect(buttonOf(history, 'All payments').url).toBe('https://t.me/hoshi_sandbox_bot?startapp=history');
    const [plans] = await person.write('/plans');
    expect(plans?.text).toContain('Pro: 150 ★ a month, 1,500 ★ a year (save 16%) (yours)');
    await expect(person.pay(slugOf(invoice))).rejects.toThrow('INVOICE_ALREADY_PAID');

    // Long over: the history says what is still known, and where the rest stands.
    await stage.ctx.db.entitlement.deleteMany({});
    const [past] = await person.write('/history');
    expect(past?.text).toContain('One-off payment: 1,500 ★');
    expect(past?.text).toContain('your encrypted record says what');
    expect((await person.write('/paysupport'))[0]?.text).toContain('an earlier purchase, 1,500 ★');
  });

  it('sells a month by a link, cancels it with its end date and resumes it', async () => {
    const person = await stage.person('en');
    const confirm = await walk(person, await person.write('/buy'), 'Channels', 'Starter', '500 ★ a month');
    expect(confirm[0]?.text).toMatch(/Renews by itself on \d+ \w+ 20\d\d/);
    const [offer] = await walk(person, confirm, 'Telegram Stars');
    const pay = buttonOf(offer, 'Pay 500 ★');
    expect(pay.url).toMatch(/^https:\/\/t\.me\/\$/);

    const [open] = await person.write('/buy');
    expect(open?.text).toContain('You have an open order: Channels Starter for 500 ★');
    expect(buttonOf(open, 'Pay 500 ★').url).toBe(pay.url);

    expect(await person.pay(pay.url?.split('$')[1] ?? '')).toMatchObject({ status: 'paid' });
    const running = await person.write('/subscription');
    expect(running[0]?.text).toMatch(/Channels Starter\nRenews .* for 500 ★\./);

    const asked = await walk(person, running, 'Cancel Channels Starter');
    expect(asked[0]?.text).toMatch(/You keep it until \d+ \w+ 20\d\d\. Nothing is charged after that/);
    const kept = await walk(person, asked, 'Keep it');
    expect(kept[0]?.text).toContain('Renews');
    const cancelled = await walk(person, kept, 'Cancel Channels Starter', 'Cancel the subscription');
    expect(cancelled[0]?.text).toMatch(/is cancelled\. It stays yours until .*, and nothing more is charged\./);
    const subscriptions = await stage.sandbox.sim<Array<{ state: string }>>('GET', `/users/${person.id}/subscriptions`);
    expect(subscriptions).toMatchObject([{ state: 'canceled_by_bot' }]);

    const resumed = await walk(person, cancelled, 'Resume Channels Starter');
    expect(resumed[0]?.text).toMatch(/is resumed\. It renews .* for 500 ★\./);
  });

  it('leads to Telegram to resume what was cancelled there, and to Stars after a failed renewal', async () => {
    const person = await stage.person('en');
    const [offer] = await walk(
      person,
      await person.write('/buy'),
      'Personal log',
      'Basic',
      '50 ★ a month',
      'Telegram Stars',
    );
    await person.pay(buttonOf(offer, 'Pay 50 ★').url?.split('$')[1] ?? '');
    const where = { invoice: { user: accountOf(stage.ctx, person.id) } };
    const { firstChargeId, id } = await stage.ctx.db.subscription.findFirstOrThrow({ where });
    await stage.sandbox.sim('POST', `/subscriptions/${stage.ctx.vault.reveal(firstChargeId)}/cancel`);
    await expect
      .poll(async () => (await stage.ctx.db.subscription.findUnique({ where: { id } }))?.status)
      .toBe('cancelling');
    const [cancelled] = await person.write('/subscription');
    expect(cancelled?.text).toContain('Settings → My Stars');
    expect(cancelled?.inline_keyboard?.flat().some(({ text }) => text.startsWith('Resume'))).toBe(false);
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('resume', id)));
    expect((await person.messages()).at(-1)?.text).toContain('can only be resumed there');

    const currentPeriodEnd = new Date(Date.now() - 60_000);
    const currentPeriodStart = new Date(Date.now() - 30 * 86_400_000);
    await stage.ctx.db.subscription.update({
      where: { id },
      data: { status: 'past_due', cancelledBy: null, currentPeriodStart, currentPeriodEnd },
    });
    const pastDue = await person.write('/subscription');
    expect(pastDue[0]?.text).toMatch(/did not go through\. You keep access until \d+ \w+ 20\d\d\. Get 50 ★ by then/);
    expect(buttonOf(pastDue[0], 'Get Stars').url).toBe('tg://stars_topup?balance=50&purpose=subs');
    const asked = await walk(person, pastDue, 'Cancel Personal log Basic');
    expect(asked[0]?.text).toContain('it ends at once');
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('askCancel', id)));
    const ended = await walk(person, asked, 'Cancel the subscription');
    expect(ended[0]?.text).toContain('has ended');
    expect((await walk(person, await person.write('/subscription'), /^Buy$/))[0]?.text).toContain(
      'What would you like',
    );
  });

  it('says that a plan is subscribed to already, and what a new one replaces', async () => {
    const person = await stage.person('en');
    const [offer] = await walk(
      person,
      await person.write('/buy'),
      'Personal log',
      'Basic',
      '50 ★ a month',
      'Telegram Stars',
    );
    await person.pay(buttonOf(offer, 'Pay 50 ★').url?.split('$')[1] ?? '');
    const again = await walk(person, await person.write('/buy'), 'Personal log', 'Basic', '50 ★ a month');
    expect(again[0]?.text).toContain('already subscribed');
    const [mine] = await walk(person, again, 'Your subscriptions');
    expect(mine?.text).toContain('Personal log Basic');
    const [other] = await walk(person, await person.write('/buy'), 'Personal log', 'Pro', '150 ★ a month');
    expect(other?.text).toMatch(/Your plan Personal log Basic will not be renewed any more\. It stays yours until/);
  });

  it('sells a plugin for good, straight from the list, in Japanese', async () => {
    const person = await stage.person('ja');
    const confirm = await walk(person, await person.write('/buy'), 'ボイスメモ変換', '250 ★（買い切り）');
    expect(confirm[0]?.text).toContain('期限なくお使いいただけます');
    const said = await walk(person, confirm, 'Telegramスター');
    expect(await person.pay(slugOf(said.find((message) => message.invoice)))).toMatchObject({ status: 'paid' });
    const again = await walk(person, await person.write('/buy'), 'ボイスメモ変換', '250 ★（買い切り）');
    expect(again[0]?.text).toContain('すでにお持ちです');
  });

  it('cancels an open order, whose invoice then cannot be paid', async () => {
    const person = await stage.person('en');
    const said = await walk(person, await person.write('/buy'), 'Habit stars', '75 ★ once', 'Telegram Stars');
    const invoice = said.find((message) => message.invoice);
    const [cancelled] = await walk(person, said, 'Cancel the order');
    expect(cancelled?.text).toContain('Nothing was charged');
    expect(await person.pay(slugOf(invoice))).toMatchObject({ status: 'failed' });
  });

  it('names the seconds to wait after five orders in a minute', async () => {
    const person = await stage.person('en');
    const order = async () => walk(person, await person.write('/buy'), 'Habit stars', '75 ★ once', 'Telegram Stars');
    for (let attempt = 1; attempt <= 5; attempt += 1)
      expect((await order()).some((message) => message.invoice)).toBe(true);
    const [refused] = await order();
    expect(refused?.text).toMatch(/Try again in \d+ seconds/);
  });

  it('opens a plan from a link, and shows what there is when the plan is gone', async () => {
    const person = await stage.person('en');
    const [plan] = await person.write('/start plan_channels-pro');
    expect(plan?.text).toContain('Channels Pro');
    expect(buttonOf(plan, '1,500 ★ a month').callback_data).toBeTruthy();
    expect(
      plan?.inline_keyboard
        ?.flat()
        .map(({ text }) => text)
        .join(),
    ).not.toContain('$');
    const [gone] = await person.write('/start plan_golden');
    expect(gone?.text).toContain('no longer offered');
    const [free] = await person.write('/start plan_channels-free');
    expect(free?.text).toContain('Free');
    const [odd] = await person.write('/start <script>');
    expect(odd?.text).toContain('Welcome to Hoshi');
  });

  it('shows the numbers of a payment and a ready request for a refund', async () => {
    const person = await stage.person('en');
    const said = await walk(person, await person.write('/buy'), 'Weekly review', '120 ★ once', 'Telegram Stars');
    await person.pay(slugOf(said.find((message) => message.invoice)));
    const support = await person.write('/paysupport');
    const payment = await stage.ctx.db.payment.findFirstOrThrow({
      where: { invoice: { user: accountOf(stage.ctx, person.id) } },
    });
    expect(support[0]?.text).toContain(payment.id);
    const [request] = await walk(person, support, /Weekly review/);
    expect(request?.text).toContain(stage.ctx.vault.reveal(payment.chargeId));
    const copied = buttonOf(request, 'Copy the request').copy_text?.text ?? '';
    expect(copied).toContain(payment.id);
    expect(copied).toContain('120 ★');
    expect(buttonOf(request, 'Write to support').url).toBe(
      `https://t.me/hoshi_help?text=${encodeURIComponent(copied)}`,
    );
    expect(buttonOf(request, 'Ask Telegram').url).toBe('https://t.me/BotFather?start=starsdispute');

    await stage.ctx.db.payment.update({
      where: { id: payment.id },
      data: { status: 'refunded', returnedAmount: payment.amount },
    });
    const [refunded] = await walk(person, await person.write('/paysupport'), /Weekly review/);
    expect(refunded?.text).toContain('refunded in full');
    expect((await person.write('/history'))[0]?.text).toContain('(refunded)');
  });

  it('hides other people’s payments, orders and subscriptions', async () => {
    const [owner, stranger] = [await stage.person('en'), await stage.person('en')];
    const said = await walk(owner, await owner.write('/buy'), 'Habit stars', '75 ★ once', 'Telegram Stars');
    const cancel =
      buttonOf(
        said.find((message) => message.text),
        'Cancel the order',
      ).callback_data ?? '';
    await stranger.write('/start');
    await stage.bot.handleUpdate(forgedPress(stranger.id, cancel));
    const refused = (await stranger.messages()).at(-1);
    expect(refused?.text).toContain('This order does not exist');
  });
});

describe('buying in the chat where the operator permits other methods', () => {
  const stage = useStage({ surfacePolicy: 'permissive' });

  it('does not say that only Stars are allowed', async () => {
    const person = await stage.person('en');
    const [confirm] = await walk(person, await person.write('/buy'), 'Personal log', 'Pro', /a year/);
    expect(confirm?.text).not.toContain('Stars only');
    expect(buttonOf(confirm, 'Telegram Stars').callback_data).toBeTruthy();
  });

  it('lists plans in one currency and says that there are more, which the plan then offers', async () => {
    const person = await stage.person('en');
    const [plans] = await person.write('/plans');
    expect(plans?.text).toContain('Pro: 150 ★ a month, 1,500 ★ a year (save 16%)\n');
    expect(plans?.text).not.toMatch(/[$€¥]/);
    expect(plans?.text).toContain('you can pay in another currency too.');
    const product = await walk(person, await person.write('/buy'), 'Personal log');
    expect(product[0]?.text).toContain('Basic: 50 ★ a month, 500 ★ a year (save 16%)\n');
    expect(product[0]?.text).toContain('you can pay in another currency too.');
    const [plan] = await walk(person, product, 'Pro');
    const months = plan?.inline_keyboard?.flat().filter(({ text }) => text.endsWith('a month'));
    const amounts = ['150 ★', '¥480', '$2.99', '€2.99', '36,000\u00a0so’m'];
    expect(months?.map(({ text }) => text.replace(' a month', ''))).toEqual(amounts);
  });

  it('offers one button per way to pay, and opens the one that was chosen', async () => {
    const person = await stage.person('en');
    const confirm = await walk(person, await person.write('/buy'), 'Channels', 'Pro', /so’m a year/);
    const ways = confirm[0]?.inline_keyboard?.flat().map(({ text }) => text);
    expect(ways).toEqual(expect.arrayContaining(['Card (Payme)', 'Card (Click)', 'Back']));
    expect(ways).not.toContain('Telegram Stars');
    const [order] = await walk(person, confirm, 'Card (Click)');
    expect(buttonOf(order, /^Pay /).url).toContain('/click/services/pay?');
    expect(order?.text).toContain('Press the button to pay on Click’s page.');
    const attempts = () =>
      stage.ctx.db.paymentAttempt.findMany({
        where: { invoice: { user: accountOf(stage.ctx, person.id) } },
        orderBy: { createdAt: 'asc' },
        select: { provider: true, method: true },
      });
    expect(await attempts()).toEqual([{ provider: 'click', method: 'credit_card' }]);
    const again = await walk(person, await person.write('/buy'), 'Channels', 'Pro', /so’m a year/, 'Card (Payme)');
    expect(buttonOf(again[0], /^Pay /).url).toContain('/payme/');
    expect(await attempts()).toHaveLength(2);
  });

  it('still takes a button from before a provider was named on it', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    await stage.bot.handleUpdate(
      forgedPress(person.id, encodePress('pay', 'prc_channels_pro_year_uzs', 'credit_card')),
    );
    expect((await person.messages()).at(-1)?.text).toContain('Press the button to pay');
  });

  it('says which provider does not answer, and who takes its place where none was named', async () => {
    const { clock, db } = stage.ctx;
    const openUntil = new Date(clock.now().getTime() + 60_000);
    await db.providerBreaker.create({ data: { provider: 'payme', failures: 3, openUntil } });
    const old = encodePress('pay', 'prc_channels_pro_year_uzs', 'credit_card');
    const english = await stage.person('en');
    const [offer] = await walk(english, await english.write('/buy'), 'Channels', 'Pro', /so’m a year/);
    expect(offer?.text).toContain('Payme does not answer at the moment.');
    expect(buttonOf(offer, 'Card (Payme)').callback_data).toBeTruthy();
    await stage.bot.handleUpdate(forgedPress(english.id, old));
    const order = (await english.messages()).at(-1);
    expect(order?.text).toContain('Payme does not answer at the moment, so Click takes this payment.');
    expect(buttonOf(order, /^Pay /).url).toContain('/click/');
    const japanese = await stage.person('ja');
    await japanese.write('/start');
    await stage.bot.handleUpdate(forgedPress(japanese.id, old, 'ja'));
    expect((await japanese.messages()).at(-1)?.text).toContain('Paymeからただいま応答がないため、Clickでのお支払い');
    await db.providerBreaker.delete({ where: { provider: 'payme' } });
    await english.write('/buy');
    await stage.bot.handleUpdate(forgedPress(english.id, old));
    expect((await english.messages()).at(-1)?.text).not.toContain('does not answer');
  });

  it('names Telegram as judge only where Stars were paid', async () => {
    const person = await stage.person('en');
    await walk(person, await person.write('/buy'), 'Channels', 'Pro', /so’m a year/, 'Card (Payme)');
    const invoice = await stage.ctx.db.invoice.findFirstOrThrow({
      where: { user: accountOf(stage.ctx, person.id) },
    });
    const { amount, currency, id: invoiceId, userId } = invoice;
    const now = stage.ctx.clock.now();
    const paid = {
      provider: 'payme',
      chargeId: stage.ctx.vault.conceal('card-1'),
      kind: 'one_time',
      status: 'succeeded',
    } as const;
    const shares = { platformFee: amount, processorFee: 0n, developerShare: 0n };
    const rest = { id: 'pay_card1', invoiceId, userId, amount, currency, paidAt: now, createdAt: now };
    await stage.ctx.db.payment.create({ data: { ...rest, ...paid, ...shares, method: 'credit_card' } });
    const support = await person.write('/paysupport');
    const [request] = await walk(person, support, /Pro/);
    for (const message of [support[0], request])
      expect(message?.inline_keyboard?.flat().map(({ text }) => text)).not.toContain('Ask Telegram');
    expect(request?.text).not.toContain('to Telegram');
  });
});
