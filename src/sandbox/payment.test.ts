import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimMessage, SimTransaction } from './control.ts';
import { ALEX, Bench, DAY, HANA, INVOICE, IVAN } from './test-bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start({ preCheckoutTimeoutMs: 150 });
  await bench.setWebhook();
});
afterEach(() => bench.close());

const balanceOf = async (userId: number): Promise<number | undefined> =>
  (await bench.state()).users.find(({ id }) => id === userId)?.balance;

describe('a paid link', () => {
  it('asks the bot, charges, and tells it', async () => {
    bench.agree();
    const slug = await bench.link();
    expect(slug).toMatch(/^[A-Za-z0-9\-_=]+$/);
    expect(await bench.pay(slug, HANA)).toMatchObject({ status: 'paid', reported: ['paid'] });
    const [query] = bench.bot.of('pre_checkout_query');
    expect(query?.['pre_checkout_query']).toMatchObject({
      from: { id: HANA },
      currency: 'XTR',
      total_amount: 150,
      invoice_payload: 'order-1',
    });
    const paid = await bench.bot.until('the payment', (bot) => bot.messages('successful_payment')[0]);
    const payment = paid['message'].successful_payment;
    expect(payment).toEqual({
      currency: 'XTR',
      total_amount: 150,
      invoice_payload: 'order-1',
      telegram_payment_charge_id: expect.stringMatching(/^stx/),
      provider_payment_charge_id: expect.any(String),
    });
    expect(paid['message'].chat).toMatchObject({ id: HANA, type: 'private' });
    expect(await balanceOf(HANA)).toBe(2_350);
    expect((await bench.api('getMyStarBalance')).result).toEqual({ amount: 150 });
    const { result } = await bench.api('getStarTransactions');
    expect(result.transactions).toEqual([
      {
        id: payment.telegram_payment_charge_id,
        date: paid['message'].date,
        amount: 150,
        source: expect.objectContaining({
          type: 'user',
          transaction_type: 'invoice_payment',
          invoice_payload: 'order-1',
        }),
      },
    ]);
    const [row] = await bench.sim<SimTransaction[]>('GET', `/transactions?user_id=${HANA}`);
    expect(row?.matures_at).toBe((row?.date ?? 0) + 21 * DAY);
  });

  it('may be paid again, by anybody, with another charge id', async () => {
    bench.agree();
    const slug = await bench.link();
    await bench.pay(slug, HANA);
    await bench.pay(slug, HANA);
    await bench.pay(slug, ALEX);
    const payments = await bench.bot.until('three payments', (bot) => {
      const found = bot.messages('successful_payment');
      return found.length === 3 && found;
    });
    expect(
      new Set(payments.map((update) => update['message'].successful_payment.telegram_payment_charge_id)).size,
    ).toBe(3);
  });
});

describe('what the client reports', () => {
  it.each([
    ['missing', []],
    ['charged_but_failed', ['failed']],
    ['charged_but_cancelled', ['cancelled']],
    ['twice', ['paid', 'cancelled']],
    ['pending', ['pending']],
  ])('%s, though the Stars were taken', async (fault, reported) => {
    bench.agree();
    await bench.sim('PUT', '/faults', { invoice_closed: fault });
    expect(await bench.pay(await bench.link(), HANA)).toEqual({ status: 'paid', reported });
    expect(await balanceOf(HANA)).toBe(2_350);
  });
});

describe('a payment fails', () => {
  it('when the bot says no, with its words', async () => {
    bench.bot.answer = (update) => {
      const id: unknown = update['pre_checkout_query']?.id;
      return {
        body: { method: 'answerPreCheckoutQuery', pre_checkout_query_id: id, ok: false, error_message: 'Not yours.' },
      };
    };
    expect(await bench.pay(await bench.link(), HANA)).toMatchObject({
      status: 'failed',
      error: 'BOT_PRECHECKOUT_FAILED',
      error_message: 'Not yours.',
    });
    expect(await balanceOf(HANA)).toBe(2_500);
  });

  it('when the bot is silent; its late answer is refused', async () => {
    expect(await bench.pay(await bench.link(), HANA)).toMatchObject({
      status: 'failed',
      error: 'BOT_PRECHECKOUT_TIMEOUT',
    });
    const [query] = bench.bot.of('pre_checkout_query');
    const late = await bench.api('answerPreCheckoutQuery', {
      pre_checkout_query_id: query?.['pre_checkout_query'].id,
      ok: true,
    });
    expect(late.description).toBe('Bad Request: query is too old and response timeout expired or query ID is invalid');
    expect(await balanceOf(HANA)).toBe(2_500);
  });

  it('without Stars, with a used form, an old form or a foreign form', async () => {
    bench.agree();
    const slug = await bench.link();
    expect(await bench.pay(slug, IVAN)).toMatchObject({ status: 'failed', error: 'BALANCE_TOO_LOW' });
    const form = await bench.openForm(slug, HANA);
    const [first, second] = await Promise.all([
      bench.submit(slug, HANA, form.form_id),
      bench.submit(slug, HANA, form.form_id),
    ]);
    expect([first, second]).toContainEqual({ status: 'paid', reported: ['paid'] });
    expect([first, second]).toContainEqual({ status: 'failed', error: 'FORM_SUBMIT_DUPLICATE', reported: ['failed'] });
    const old = await bench.openForm(slug, HANA);
    await bench.advance(601);
    expect(await bench.submit(slug, HANA, old.form_id)).toMatchObject({ status: 'failed', error: 'FORM_EXPIRED' });
    const foreign = await bench.openForm(slug, ALEX);
    expect(await bench.submit(slug, HANA, foreign.form_id)).toMatchObject({ status: 'failed', error: 'FORM_EXPIRED' });
    expect(await bench.trySim('POST', '/invoices/nothing/form', { user_id: HANA })).toMatchObject({
      status: 400,
      content: { error: 'SLUG_INVALID' },
    });
    expect(await balanceOf(HANA)).toBe(2_350);
  });
});

describe('an invoice message', () => {
  it('shows a pay button, turns into a receipt and cannot be paid again', async () => {
    bench.agree();
    await bench.say(HANA, '/buy');
    const { result } = await bench.api('sendInvoice', { ...INVOICE, chat_id: HANA, start_parameter: 'buy' });
    expect(result).toMatchObject({
      invoice: {
        title: 'Plan',
        description: 'A plan for a month',
        start_parameter: 'buy',
        currency: 'XTR',
        total_amount: 150,
      },
      reply_markup: { inline_keyboard: [[{ pay: true }]] },
    });
    const invoiceOf = async (): Promise<SimMessage['invoice']> =>
      (await bench.sim<SimMessage[]>('GET', `/chats/${HANA}/messages`)).find((message) => message.invoice !== undefined)
        ?.invoice;
    const slug = (await invoiceOf())?.slug ?? '';
    expect(await bench.pay(slug, HANA)).toMatchObject({ status: 'paid', reported: ['paid'] });
    expect((await invoiceOf())?.state).toBe('paid');
    expect(await bench.trySim('POST', `/invoices/${slug}/form`, { user_id: HANA })).toMatchObject({
      status: 400,
      content: { error: 'INVOICE_ALREADY_PAID' },
    });
  });
});

describe('a refund', () => {
  const buy = async (): Promise<string> => {
    bench.agree();
    await bench.pay(await bench.link(), HANA);
    const paid = await bench.bot.until('the payment', (bot) => bot.messages('successful_payment')[0]);
    return paid['message'].successful_payment.telegram_payment_charge_id;
  };

  it('by the bot gives the Stars back once and says so', async () => {
    const chargeId = await buy();
    const args = { user_id: HANA, telegram_payment_charge_id: chargeId };
    expect((await bench.api('refundStarPayment', { ...args, user_id: ALEX })).description).toBe(
      'Bad Request: CHARGE_ID_INVALID',
    );
    expect((await bench.api('refundStarPayment', args)).result).toBe(true);
    expect((await bench.api('refundStarPayment', args)).description).toBe('Bad Request: CHARGE_ALREADY_REFUNDED');
    const refunded = await bench.bot.until('the refund', (bot) => bot.messages('refunded_payment')[0]);
    expect(refunded['message'].refunded_payment).toMatchObject({
      total_amount: 150,
      invoice_payload: 'order-1',
      telegram_payment_charge_id: chargeId,
    });
    expect(await balanceOf(HANA)).toBe(2_500);
    const { result } = await bench.api('getStarTransactions', { offset: 1 });
    expect(result.transactions).toMatchObject([{ id: chargeId, amount: 150, receiver: { user: { id: HANA } } }]);
    expect((await bench.api('getMyStarBalance')).result).toEqual({ amount: 0 });
  });

  it('by the store comes without the bot asking', async () => {
    const chargeId = await buy();
    await bench.sim('POST', '/refunds', { charge_id: chargeId });
    await bench.bot.until('the refund', (bot) => bot.messages('refunded_payment')[0]);
    expect(await bench.trySim('POST', '/refunds', { charge_id: chargeId })).toMatchObject({
      status: 409,
      content: { error: 'CHARGE_ALREADY_REFUNDED' },
    });
    const late = await bench.api('refundStarPayment', { user_id: HANA, telegram_payment_charge_id: chargeId });
    expect(late.description).toBe('Bad Request: CHARGE_ALREADY_REFUNDED');
  });
});
