import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import type { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE } from '#domain/provider/event.ts';
import { toEvents } from './events.ts';
import {
  ATTEMPT,
  balanceTransaction,
  CREATED,
  cardDetails,
  charge,
  dispute,
  INVOICE,
  intent,
  konbiniIntent,
  paymentMethod,
  refund,
  reinstatement,
  session,
  transferIntent,
  withdrawal,
} from './fixtures/objects.ts';
import {
  CheckoutSession,
  Dispute,
  ListedCharge,
  PaymentIntent,
  Refund,
  readAnswer,
  toChargeRow,
  toRefundRow,
} from './objects.ts';

const PI = 'pi_3SVhoshi0000000000000001';
const at = (seconds: number) => new Date((CREATED + seconds) * 1_000);
const now = at(10_000);

type Found = Readonly<{
  intent?: Stripe.PaymentIntent;
  session?: Stripe.Checkout.Session;
  refunds?: Stripe.Refund[];
  disputes?: Stripe.Dispute[];
}>;
const eventsOf = (found: Found) =>
  toEvents(
    {
      intent: found.intent ? readAnswer(PaymentIntent, found.intent) : null,
      session: found.session ? readAnswer(CheckoutSession, found.session) : null,
      refunds: (found.refunds ?? []).map((row) => readAnswer(Refund, row)),
      disputes: (found.disputes ?? []).map((row) => readAnswer(Dispute, row)),
    },
    { now },
  );
const errorOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return [(error as ProviderError).failure, (error as ProviderError).code];
  }
  return null;
};

type CardError = Stripe.PaymentIntent.LastPaymentError;
type CardErrorChange = { [Field in keyof CardError]?: CardError[Field] | undefined };
/** As it crosses the wire: what is undefined is not there. */
const cardError = (change: CardErrorChange = {}): CardError =>
  JSON.parse(
    JSON.stringify({
      type: 'card_error',
      code: 'card_declined',
      decline_code: 'insufficient_funds',
      charge: 'ch_3SVhoshi0000000000000001',
      message: 'Your card has insufficient funds.',
      payment_method: paymentMethod(),
      ...change,
    }),
  );

describe('a payment that succeeded', () => {
  it('is told with what was paid, its fee and its time', () => {
    expect(eventsOf({ intent: intent() })).toEqual([
      {
        type: 'payment_succeeded',
        eventId: `charge:${PI}`,
        occurredAt: at(60),
        invoiceId: INVOICE,
        chargeId: PI,
        payerId: null,
        paid: { amount: 999n, currency: 'USD' },
        ...PLAIN_CHARGE,
        fee: 59n,
        method: 'credit_card',
      },
    ]);
  });

  it('of ¥980 is 980, not 9.80 and not 98,000', () => {
    const yen = intent({
      amount: 980,
      amount_received: 980,
      currency: 'jpy',
      latest_charge: charge({ amount: 980, balance_transaction: balanceTransaction({ currency: 'jpy', fee: 35 }) }),
    });
    expect(eventsOf({ intent: yen })).toMatchObject([{ paid: { amount: 980n, currency: 'JPY' }, fee: 35n }]);
  });

  it.each([
    ['not settled', null, null],
    ['not expanded', 'txn_1', null],
    ['settled in another currency', balanceTransaction({ currency: 'jpy', fee: 9_000 }), null],
    ['settled without a fee', balanceTransaction({ fee: 0 }), 0n],
  ])('and is %s has the fee that is known', (_name, settled, fee) => {
    const paid = intent({ latest_charge: charge({ balance_transaction: settled }) });
    expect(eventsOf({ intent: paid })).toMatchObject([{ fee }]);
  });

  it.each([
    ['a card', cardDetails(), 'credit_card'],
    ['Apple Pay', cardDetails({ dynamic_last4: '4242', type: 'apple_pay' }), 'digital_wallet'],
    ['Google Pay', cardDetails({ dynamic_last4: null, type: 'google_pay' }), 'digital_wallet'],
    ['a wallet of tomorrow', cardDetails({ dynamic_last4: null, type: 'moon_pay' }), 'digital_wallet'],
    ['Link', { type: 'link' }, 'digital_wallet'],
    ['PayPay', { type: 'paypay' }, 'digital_wallet'],
    ['a transfer', { type: 'customer_balance', customer_balance: {} }, 'bank_transfer'],
    ['konbini', { type: 'konbini', konbini: { store: null } }, 'bank_transfer'],
    ['a way of tomorrow', { type: 'telepathy' }, null],
    ['nothing that is said', null, null],
  ])('by %s', (_name, details, method) => {
    const paid = intent({ latest_charge: charge({ payment_method_details: details }) });
    expect(eventsOf({ intent: paid })).toMatchObject([{ method }]);
  });

  it('without its charge cannot be told', () => {
    for (const latest of [null, 'ch_1'])
      expect(errorOf(() => eventsOf({ intent: intent({ latest_charge: latest }) }))).toEqual([
        'unavailable',
        'UNREADABLE_PAYMENT',
      ]);
  });

  it('in a currency we never ask for cannot be told', () => {
    expect(errorOf(() => eventsOf({ intent: intent({ currency: 'gbp' }) }))).toEqual(['invalid', 'CURRENCY_UNKNOWN']);
  });
});

describe('whose payment it is', () => {
  const unnamed = intent({ metadata: {} });

  it.each([
    ['the PaymentIntent says it', intent(), undefined],
    ['its page says it', unnamed, session()],
  ])('%s', (_name, found, page) => {
    const events = eventsOf({ intent: found, ...(page ? { session: page } : {}) });
    expect(events).toMatchObject([{ type: 'payment_succeeded', invoiceId: INVOICE }]);
  });

  it('is not what whoever opened the page wrote: only our key can write metadata', () => {
    expect(eventsOf({ intent: unnamed, session: session({ metadata: {}, client_reference_id: INVOICE }) })).toEqual([]);
  });

  it('is nobody’s when nothing says it', () => {
    expect(eventsOf({ intent: unnamed, refunds: [refund()] })).toEqual([]);
    expect(eventsOf({ intent: intent({ metadata: { invoice: 'INV-1' } }) })).toEqual([]);
  });
});

describe('money on its way', () => {
  const pending = { type: 'payment_pending', occurredAt: at(30), invoiceId: INVOICE, chargeId: PI };
  const yen = { amount: 980n, currency: 'JPY' };
  const instructionsUrl = 'https://payments.stripe.com/bank_transfers/instructions/fixture';

  it('may wait for Stripe', () => {
    expect(eventsOf({ intent: intent({ status: 'processing', latest_charge: null }) })).toEqual([
      {
        ...pending,
        eventId: `pending:${PI}:processing:all`,
        price: { amount: 999n, currency: 'USD' },
        progress: 'processing',
        missing: null,
        instructionsUrl: null,
      },
    ]);
  });

  it.each([
    [980, 'awaiting_transfer'],
    [300, 'underpaid'],
  ])('may wait for a transfer of ¥%d', (missing, progress) => {
    expect(eventsOf({ intent: transferIntent(missing) })).toEqual([
      {
        ...pending,
        eventId: `pending:${PI}:${progress}:${missing}`,
        price: yen,
        progress,
        missing: BigInt(missing),
        instructionsUrl,
      },
    ]);
  });

  it('may wait for a transfer of which nothing is said', () => {
    const bare = transferIntent(0);
    bare.next_action = {
      type: 'display_bank_transfer_instructions',
      display_bank_transfer_instructions: {
        amount_remaining: null,
        currency: null,
        hosted_instructions_url: null,
        reference: null,
        type: 'jp_bank_transfer',
      },
    };
    expect(eventsOf({ intent: bare })).toMatchObject([
      { progress: 'awaiting_transfer', missing: 980n, instructionsUrl: null },
    ]);
  });

  it('may wait for cash at a store', () => {
    expect(eventsOf({ intent: konbiniIntent() })).toEqual([
      {
        ...pending,
        eventId: `pending:${PI}:awaiting_transfer:980`,
        price: yen,
        progress: 'awaiting_transfer',
        missing: 980n,
        instructionsUrl: 'https://payments.stripe.com/konbini/voucher/fixture',
      },
    ]);
  });

  it('holds an order also after its page has run out', () => {
    expect(eventsOf({ intent: transferIntent(980), session: session({ status: 'expired' }) })).toMatchObject([
      { type: 'payment_pending' },
    ]);
  });

  it.each([
    ['requires_action', { type: 'redirect_to_url', redirect_to_url: { url: 'https://x', return_url: null } }],
    ['requires_action', null],
    ['requires_confirmation', null],
    ['requires_capture', null],
    ['a_status_of_tomorrow', null],
  ])('is not what %s says', (status, action) => {
    expect(eventsOf({ intent: intent({ status, next_action: action, latest_charge: null }) })).toEqual([]);
  });
});

describe('a try that failed', () => {
  const failing = (change: CardErrorChange = {}, latest: Stripe.PaymentIntent['latest_charge'] = charge()) =>
    intent({
      status: 'requires_payment_method',
      amount_received: 0,
      last_payment_error: cardError(change),
      latest_charge: latest,
    });
  const told = {
    type: 'payment_failed',
    eventId: 'failed:ch_3SVhoshi0000000000000001',
    occurredAt: at(60),
    invoiceId: INVOICE,
    chargeId: PI,
    attemptId: ATTEMPT,
    failure: 'insufficient_funds',
  };

  it('may be made again while the page is open', () => {
    expect(eventsOf({ intent: failing(), session: session() })).toEqual([{ ...told, isFinal: false }]);
  });

  it('is the last one without a page, and after one that is complete', () => {
    expect(eventsOf({ intent: failing() })).toEqual([{ ...told, isFinal: true }]);
    expect(eventsOf({ intent: failing(), session: session({ status: 'complete' }) })).toEqual([
      { ...told, isFinal: true },
    ]);
  });

  it.each([
    [{ code: 'authentication_required', decline_code: undefined }, false],
    [{ code: 'card_declined', decline_code: 'authentication_required' }, false],
    [{ code: 'payment_intent_authentication_failure', decline_code: undefined }, true],
  ])('of a stored card with %o is the last one: %s', (change, isFinal) => {
    expect(eventsOf({ intent: failing(change) })).toMatchObject([{ failure: 'authentication_failed', isFinal }]);
  });

  it('is followed by the end of its page', () => {
    const page = session({ status: 'expired', payment_intent: PI });
    expect(eventsOf({ intent: failing(), session: page })).toEqual([
      { ...told, isFinal: false },
      {
        type: 'payment_failed',
        eventId: `ended:${page.id}`,
        occurredAt: at(3_600),
        invoiceId: INVOICE,
        chargeId: PI,
        attemptId: ATTEMPT,
        failure: 'checkout_expired',
        isFinal: true,
      },
    ]);
  });

  it.each([
    ['another charge', {}, charge({ id: 'ch_other', created: CREATED + 90 }), told.eventId, at(30)],
    ['a charge that was not expanded', {}, 'ch_3SVhoshi0000000000000001', told.eventId, at(30)],
    ['no charge', { charge: undefined }, null, `failed:${PI}:card_declined`, at(30)],
    ['no charge and no code', { charge: undefined, code: undefined }, null, `failed:${PI}:unknown`, at(30)],
  ])('with %s has the time of its PaymentIntent', (_name, change, latest, eventId, occurredAt) => {
    const tried = failing(change, latest);
    expect(eventsOf({ intent: tried, session: session() })).toMatchObject([{ eventId, occurredAt }]);
  });

  it.each([
    ['konbini', 'payment_intent_payment_attempt_failed', 'transfer_failed'],
    ['konbini', 'payment_intent_payment_attempt_expired', 'checkout_expired'],
    ['customer_balance', undefined, 'transfer_failed'],
    ['card', 'payment_intent_authentication_failure', 'authentication_failed'],
    ['paypay', 'payment_method_customer_decline', 'cancelled_by_payer'],
    ['card', 'card_declined', 'card_declined'],
  ])('by %s with %s is %s', (type, code, failure) => {
    const error = { code, decline_code: undefined, payment_method: paymentMethod({ type }) };
    expect(eventsOf({ intent: failing(error), session: session() })).toMatchObject([{ failure }]);
  });

  it('without a word about the method is a card’s', () => {
    const error = { code: undefined, decline_code: undefined, payment_method: undefined };
    expect(eventsOf({ intent: failing(error) })).toMatchObject([{ failure: 'card_declined' }]);
  });

  it('is none when nothing was tried', () => {
    const untried = intent({ status: 'requires_payment_method', latest_charge: null });
    expect(eventsOf({ intent: untried, session: session() })).toEqual([]);
  });
});

describe('the end of a checkout', () => {
  it('is that of its page, on which nobody paid', () => {
    expect(eventsOf({ session: session({ status: 'expired' }) })).toEqual([
      {
        type: 'payment_failed',
        eventId: 'ended:cs_test_a1HoshiFixture000000000000000001',
        occurredAt: at(3_600),
        invoiceId: INVOICE,
        chargeId: null,
        attemptId: ATTEMPT,
        failure: 'checkout_expired',
        isFinal: true,
      },
    ]);
  });

  it('before its time is now', () => {
    const closed = session({ status: 'expired', expires_at: CREATED + 20_000 });
    expect(eventsOf({ session: closed })).toMatchObject([{ occurredAt: now }]);
  });

  it.each(['open', 'complete', null, 'a_status_of_tomorrow'])('is not told by %s', (status) => {
    expect(eventsOf({ session: session({ status }) })).toEqual([]);
  });

  it.each([
    ['requested_by_customer', 'cancelled_by_payer'],
    ['abandoned', 'checkout_expired'],
    ['automatic', 'checkout_expired'],
    ['expired', 'checkout_expired'],
    ['fraudulent', 'processing_error'],
    ['duplicate', 'processing_error'],
    ['void_invoice', 'processing_error'],
    [null, 'processing_error'],
  ])('of a PaymentIntent that was cancelled as %s is %s', (reason, failure) => {
    const gone = intent({
      status: 'canceled',
      cancellation_reason: reason,
      canceled_at: CREATED + 500,
      latest_charge: null,
    });
    expect(eventsOf({ intent: gone, session: session({ status: 'expired' }) })).toEqual([
      {
        type: 'payment_failed',
        eventId: `canceled:${PI}`,
        occurredAt: at(500),
        invoiceId: INVOICE,
        chargeId: PI,
        attemptId: ATTEMPT,
        failure,
        isFinal: true,
      },
    ]);
  });

  it('keeps the try before it', () => {
    const gone = intent({
      status: 'canceled',
      canceled_at: null,
      last_payment_error: cardError(),
      latest_charge: null,
    });
    expect(eventsOf({ intent: gone })).toMatchObject([
      { failure: 'insufficient_funds', isFinal: false },
      { eventId: `canceled:${PI}`, occurredAt: at(30), isFinal: true },
    ]);
  });
});

describe('a refund', () => {
  const refunded = {
    type: 'payment_refunded',
    eventId: 'refund:re_3SVhoshi0000000000000001',
    occurredAt: at(600),
    invoiceId: INVOICE,
    chargeId: PI,
    payerId: null,
    paid: { amount: 999n, currency: 'USD' },
    reference: 're_3SVhoshi0000000000000001',
    refundId: 'ref_01kb2v9d3h8mzq4x7c5n6t0r2y',
  };

  it('that is done says which it is', () => {
    expect(eventsOf({ intent: intent(), refunds: [refund()] })[1]).toEqual(refunded);
  });

  it('of parts is one event each, the older first, and some are not ours', () => {
    const newer = refund({ id: 're_2', amount: 500, created: CREATED + 700, metadata: {} });
    const older = refund({ amount: 499, metadata: null });
    expect(eventsOf({ intent: intent(), refunds: [newer, older] }).slice(1)).toMatchObject([
      { reference: 're_3SVhoshi0000000000000001', paid: { amount: 499n }, refundId: null },
      { reference: 're_2', paid: { amount: 500n }, refundId: null },
    ]);
  });

  it.each([
    ['failed', 'lost_or_stolen_card', 'lost_or_stolen_card'],
    ['failed', undefined, 'failed'],
    ['canceled', undefined, 'canceled'],
  ])('that came to nothing (%s) says why', (status, reason, code) => {
    const row = refund({ status, ...(reason === undefined ? {} : { failure_reason: reason }) });
    expect(eventsOf({ intent: intent(), refunds: [row] })[1]).toEqual({
      type: 'refund_failed',
      eventId: 'refund_failed:re_3SVhoshi0000000000000001',
      occurredAt: at(600),
      chargeId: PI,
      reference: 're_3SVhoshi0000000000000001',
      refundId: 'ref_01kb2v9d3h8mzq4x7c5n6t0r2y',
      code,
      undoesDone: true,
    });
  });

  it.each(['pending', 'requires_action', null, 'a_status_of_tomorrow'])('that is %s is nothing yet', (status) => {
    expect(eventsOf({ intent: intent(), refunds: [refund({ status })] })).toHaveLength(1);
  });
});

describe('a dispute', () => {
  const statusesOf = (change: Partial<Stripe.Dispute>) =>
    eventsOf({ intent: intent(), disputes: [dispute(change)] })
      .slice(1)
      .map((found) => (found.type === 'payment_disputed' ? found.status : found.type));

  it('is told with its sum and what Stripe charges for it', () => {
    expect(eventsOf({ intent: intent(), disputes: [dispute()] })[1]).toEqual({
      type: 'payment_disputed',
      eventId: 'dispute:du_1SVhoshi0000000000000001:open',
      occurredAt: at(900),
      chargeId: PI,
      reference: 'du_1SVhoshi0000000000000001',
      status: 'open',
      amount: { amount: 999n, currency: 'USD' },
      fee: 1_500n,
    });
  });

  it('that was won has its fee back, at the time at which the money came', () => {
    const won = dispute({ status: 'won', balance_transactions: [withdrawal, reinstatement] });
    expect(eventsOf({ intent: intent(), disputes: [won] })[1]).toMatchObject({
      eventId: 'dispute:du_1SVhoshi0000000000000001:won',
      status: 'won',
      fee: 0n,
      occurredAt: at(90_000),
    });
  });

  it('has no fee that could be told when the account settles in another currency', () => {
    const yen = balanceTransaction({ ...withdrawal, currency: 'jpy', amount: -150_000, fee: 2_300 });
    expect(eventsOf({ intent: intent(), disputes: [dispute({ balance_transactions: [yen] })] })[1]).toMatchObject({
      fee: 0n,
    });
  });

  it.each([
    ['needs_response', ['open']],
    ['under_review', ['open']],
    ['appeal_needs_response', ['open']],
    ['appeal_under_review', ['open']],
    ['won', ['won']],
    ['lost', ['lost']],
    ['warning_needs_response', []],
    ['warning_under_review', []],
    ['warning_closed', []],
    ['prevented', ['lost']],
    ['a_status_of_tomorrow', ['open']],
    ['toString', ['open']],
  ])('with money taken and %s', (status, expected) => {
    expect(statusesOf({ status })).toEqual(expected);
  });

  it.each(['prevented', 'a_status_of_tomorrow'])('with %s and no money taken is none', (status) => {
    expect(statusesOf({ status, balance_transactions: [] })).toEqual([]);
    expect(statusesOf({ status, balance_transactions: [withdrawal, reinstatement] })).toEqual([]);
  });
});

describe('events', () => {
  it('come oldest first, and those of one second in their order', () => {
    const events = eventsOf({
      intent: intent(),
      refunds: [refund({ created: CREATED + 60 })],
      disputes: [dispute({ created: CREATED + 60 })],
    });
    expect(events.map(({ type }) => type)).toEqual(['payment_succeeded', 'payment_refunded', 'payment_disputed']);
  });

  it('are the same however often they are asked for', () => {
    const found = { intent: intent(), refunds: [refund()], disputes: [dispute()] };
    expect(eventsOf(found)).toEqual(eventsOf(found));
  });
});

describe('rows of Stripe’s lists', () => {
  const chargeRow = (change: Partial<Stripe.Charge> = {}) => toChargeRow(readAnswer(ListedCharge, charge(change)));
  const refundRow = (change: Partial<Stripe.Refund> = {}) =>
    toRefundRow(readAnswer(Refund, refund({ payment_intent: intent(), ...change })));
  const row = { chargeId: PI, invoiceId: INVOICE, payerId: null, renewalDays: null };

  it('are charges and refunds', () => {
    const amount = { amount: 999n, currency: 'USD' };
    expect(chargeRow()).toEqual({ ...row, direction: 'charge', reference: null, amount, occurredAt: at(60) });
    expect(chargeRow({ payment_intent: intent() })).toMatchObject(row);
    expect(refundRow()).toEqual({ ...row, direction: 'refund', reference: refund().id, amount, occurredAt: at(600) });
  });

  it.each([
    ['another’s charge', () => chargeRow({ metadata: {} })],
    ['a charge that failed', () => chargeRow({ status: 'failed' })],
    ['a charge on its way', () => chargeRow({ status: 'pending' })],
    ['a charge without a PaymentIntent', () => chargeRow({ payment_intent: null })],
    ['another’s refund', () => refundRow({ payment_intent: intent({ metadata: {} }) })],
    ['a refund on its way', () => refundRow({ status: 'pending' })],
    ['a refund of nothing known', () => refundRow({ payment_intent: null })],
    ['a refund whose PaymentIntent was not expanded', () => refundRow({ payment_intent: PI })],
  ])('are null for %s', (_name, read) => {
    expect(read()).toBeNull();
  });
});

describe('an answer', () => {
  it('in another form is not read', () => {
    const broken = { ...intent(), amount: 9.99 };
    expect(errorOf(() => readAnswer(PaymentIntent, broken))).toEqual(['unavailable', 'UNREADABLE_ANSWER']);
  });
});
