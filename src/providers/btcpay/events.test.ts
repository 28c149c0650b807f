import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDecimal } from '#domain/money.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import { count, invoiceOf, needsPayments, type Refund, readRefund, toDescription, toEvents, toRows } from './events.ts';
import { Invoice, type Payment, Payouts, PullPayment } from './wire.ts';

const ID = '8MpvJ1h3Xk2QeQzB6nT4aR';
const ORDER = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
const ATTEMPT = 'att_1';
const now = new Date('2026-11-20T10:00:00Z');
const came = new Date(1_795_164_600_000);
const expired = new Date(1_795_165_200_000);
const parsed = (name: string) => JSON.parse(readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8'));
const invoice = (change: Record<string, unknown> = {}) => Invoice.parse({ ...parsed('invoice'), ...change });
const payment = (status: Payment['status'], receivedDate = came): Payment => ({ status, receivedDate });
const usd = (amount: bigint) => ({ amount, currency: 'USD' }) as const;

type Told = Parameters<typeof toEvents>[0];
const tell = (change: Record<string, unknown>, facts: Partial<Told> = {}) => {
  const found = { payments: [], refunds: [], booked: [], invoiceId: ORDER, isHeld: false, now, ...facts };
  return toEvents({ invoice: invoice(change), ...found });
};
/** An event in a few words, for tables. */
const brief = (event: ProviderEvent): string => {
  switch (event.type) {
    case 'payment_succeeded':
      return ['paid', event.chargeId.replace(ID, 'id'), toDecimal(event.paid), event.irregularity ?? 'plain'].join(' ');
    case 'payment_pending':
      return ['pending', event.progress, event.missing ?? 'all'].join(' ');
    case 'payment_failed':
      return ['failed', event.failure, event.isFinal ? 'final' : 'open'].join(' ');
    case 'payment_refunded':
      return ['refunded', event.chargeId.replace(ID, 'id'), toDecimal(event.paid), event.refundId].join(' ');
    case 'refund_part_paid':
      return ['part', event.part, toDecimal(event.paid), event.refundId].join(' ');
    case 'refund_failed':
      return ['refund failed', event.code].join(' ');
    case 'payment_disputed':
      return ['disputed', event.status, toDecimal(event.amount)].join(' ');
    default:
      return event.type;
  }
};
const briefly = (change: Record<string, unknown>, facts: Partial<Told> = {}) => tell(change, facts).map(brief);

describe('status and additional status', () => {
  const sure = [payment('Settled')];
  const open = [payment('Settled'), payment('Processing')];
  it.each<[string, string, string, Payment[], string[]]>([
    ['New', 'None', '0', [], []],
    ['New', 'PaidPartial', '9.99', [], ['pending underpaid 2000']],
    ['New', 'PaidLate', '0', [], []],
    ['New', 'PaidOver', '0', [], []],
    ['New', 'Marked', '0', [], []],
    ['Processing', 'None', '29.99', [], ['pending confirming all']],
    ['Processing', 'PaidOver', '35', [], ['pending confirming all']],
    ['Processing', 'PaidPartial', '29.99', [], ['pending confirming all']],
    ['Processing', 'PaidLate', '29.99', [], ['pending confirming all']],
    ['Processing', 'Marked', '29.99', [], ['pending confirming all']],
    ['Settled', 'None', '29.99', sure, ['paid id 29.99 plain']],
    ['Settled', 'None', '30.01', sure, ['paid id 29.99 plain']],
    ['Settled', 'Marked', '0', [], ['paid id 29.99 underpaid']],
    ['Settled', 'Marked', '9.99', sure, ['paid id 29.99 underpaid']],
    ['Settled', 'Marked', '29.98', open, ['paid id 29.99 underpaid']],
    ['Settled', 'Marked', '29.99', sure, ['paid id 29.99 plain']],
    ['Settled', 'PaidPartial', '9.99', sure, ['paid id 29.99 underpaid']],
    ['Settled', 'PaidLate', '29.99', sure, ['paid id 29.99 plain']],
    ['Settled', 'PaidOver', '35', sure, ['paid id 29.99 excess', 'paid id:excess 5.01 plain']],
    ['Settled', 'PaidOver', '35', open, ['paid id 29.99 excess']],
    ['Settled', 'PaidOver', '29.99', sure, ['paid id 29.99 plain']],
    ['Expired', 'None', '0', [], ['failed checkout_expired final']],
    ['Expired', 'Marked', '0', [], ['failed checkout_expired final']],
    ['Expired', 'PaidPartial', '9.99', open, ['failed underpaid final']],
    ['Expired', 'PaidPartial', '9.99', sure, ['failed underpaid final', 'paid id:partial 9.99 plain']],
    ['Expired', 'PaidLate', '29.99', open, ['pending confirming all']],
    ['Expired', 'PaidLate', '29.99', sure, ['paid id 29.99 late']],
    ['Expired', 'PaidLate', '35', sure, ['paid id 29.99 late', 'paid id:excess 5.01 plain']],
    ['Expired', 'PaidOver', '35', sure, ['paid id 29.99 late', 'paid id:excess 5.01 plain']],
    ['Invalid', 'None', '0', [], ['failed payment_dropped final']],
    ['Invalid', 'None', '29.99', open, ['failed payment_dropped final']],
    ['Invalid', 'None', '29.99', sure, ['paid id 29.99 late']],
    ['Invalid', 'PaidOver', '35', sure, ['paid id 29.99 late', 'paid id:excess 5.01 plain']],
    ['Invalid', 'PaidPartial', '9.99', sure, ['failed payment_dropped final', 'paid id:partial 9.99 plain']],
    ['Invalid', 'PaidLate', '29.99', sure, ['paid id 29.99 late']],
    ['Invalid', 'Marked', '0', [], ['failed cancelled_by_payer final']],
    ['Invalid', 'Marked', '29.99', sure, ['paid id 29.99 late']],
    ['Invalid', 'Marked', '0', [payment('Invalid')], ['failed payment_dropped final']],
    ['Invalid', 'None', '0', [payment('Invalid')], ['failed payment_dropped final']],
  ])('%s/%s, %s USD paid', (status, additionalStatus, paidAmount, payments, events) => {
    expect(briefly({ status, additionalStatus, paidAmount }, { payments })).toEqual(events);
  });

  it('each pair is told without a throw, and nothing is paid that is not confirmed', () => {
    const statuses = fc.constantFrom('New', 'Processing', 'Expired', 'Invalid', 'Settled');
    const additional = fc.constantFrom('None', 'PaidLate', 'PaidPartial', 'Marked', 'PaidOver');
    fc.assert(
      fc.property(statuses, additional, fc.bigInt(0n, 9_999n), fc.boolean(), (status, extra, paid, isHeld) => {
        const change = { status, additionalStatus: extra, paidAmount: toDecimal(usd(paid)) };
        const events = tell(change, { payments: [payment('Processing')], isHeld });
        if (status !== 'Settled') expect(events.some(({ type }) => type === 'payment_succeeded')).toBe(false);
      }),
    );
  });

  it('what is confirmed and whole is told to the last unit: price and excess are what was paid', () => {
    const currencies = fc.constantFrom('USD', 'EUR', 'JPY', 'BTC');
    const amounts = fc.bigInt(1n, 4_000_000_000_000_000_000n);
    const pair = fc.constantFrom(['Settled', 'PaidOver'], ['Expired', 'PaidLate'], ['Invalid', 'None']);
    fc.assert(
      fc.property(currencies, amounts, amounts, pair, (currency, amount, excess, [status, additionalStatus]) => {
        const paidAmount = `${toDecimal({ amount: amount + excess, currency })}`;
        const change = { status, additionalStatus, currency, amount: toDecimal({ amount, currency }), paidAmount };
        const paid = tell(change, { payments: [payment('Settled')] }).map((event) => 'paid' in event && event.paid);
        expect(paid).toEqual([
          { amount, currency },
          { amount: excess, currency },
        ]);
      }),
    );
  });
});

describe('what is told of money', () => {
  it('that came', () => {
    const payments = [payment('Settled', came), payment('Settled', new Date(0)), payment('Invalid', now)];
    expect(tell({ status: 'Settled', paidAmount: '29.99' }, { payments })).toEqual([
      {
        type: 'payment_succeeded',
        eventId: `payment:${ID}`,
        occurredAt: came,
        invoiceId: ORDER,
        chargeId: ID,
        payerId: null,
        paid: usd(2_999n),
        renewal: 'none',
        paidUntil: null,
        renewalDays: null,
        fee: null,
        method: null,
        irregularity: null,
      },
    ]);
    expect(tell({ status: 'Settled', additionalStatus: 'Marked' })).toMatchObject([{ occurredAt: now }]);
  });

  it('that is on its way', () => {
    const told = { occurredAt: now, invoiceId: ORDER, chargeId: ID, price: usd(2_999n) };
    const instructionsUrl = `https://btcpay.example/i/${ID}`;
    expect(tell({ additionalStatus: 'PaidPartial', paidAmount: '29.98' })).toEqual([
      {
        type: 'payment_pending',
        eventId: `pending:${ID}:underpaid:2998`,
        ...told,
        progress: 'underpaid',
        missing: 1n,
        instructionsUrl,
      },
    ]);
    expect(tell({ status: 'Processing', paidAmount: '29.99' })).toEqual([
      {
        type: 'payment_pending',
        eventId: `pending:${ID}:confirming:2999`,
        ...told,
        progress: 'confirming',
        missing: null,
        instructionsUrl,
      },
    ]);
  });

  it('that was seen and is gone frees the order, each time; without a hold there is nothing to tell', () => {
    const failed = {
      type: 'payment_failed',
      invoiceId: ORDER,
      chargeId: ID,
      attemptId: ATTEMPT,
      failure: 'payment_dropped',
    };
    const eventId = `payment_dropped:${ID}:${now.getTime()}`;
    expect(tell({}, { isHeld: true })).toEqual([{ ...failed, eventId, isFinal: false, occurredAt: now }]);
    expect(tell({})).toEqual([]);
  });

  it('that does not come any more', () => {
    const failed = { type: 'payment_failed', invoiceId: ORDER, chargeId: ID, attemptId: ATTEMPT, isFinal: true };
    expect(tell({ status: 'Expired' })).toEqual([
      { ...failed, eventId: `checkout_expired:${ID}`, failure: 'checkout_expired', occurredAt: expired },
    ]);
    expect(tell({ status: 'Invalid' })).toEqual([
      { ...failed, eventId: `payment_dropped:${ID}`, failure: 'payment_dropped', occurredAt: now },
    ]);
  });

  it.each([
    [{ currency: 'SATS' }],
    [{ amount: '29.999' }],
    [{ paidAmount: '-1' }],
    [{ amount: '9999999999999999999' }],
    [{ currency: 'JPY' }],
  ])('that is none of ours is an error, not silence: %o', (change) => {
    expect(() => tell(change)).toThrow(new ProviderError('invalid', 'UNREADABLE_AMOUNT'));
  });

  it('is read with zeros behind it or without', () => {
    for (const amount of ['29.99', '29.990', '29.9900000000'])
      expect(count(invoice({ amount, paidAmount: '30.00' }))).toEqual({
        price: usd(2_999n),
        paid: usd(3_000n),
        missing: 0n,
        excess: 1n,
      });
    expect(count(invoice({ amount: '100', paidAmount: '10' })).missing).toBe(9_000n);
  });
});

describe('what was booked and is marked as invalid', () => {
  const charge = (part: string, amount: bigint, isDisputed = false) => ({
    chargeId: `${ID}${part}`,
    amount,
    goesBackInParts: false,
    isDisputed,
  });
  const stands = [charge('', 2_999n)];
  const rests = [charge('', 2_999n, true)];
  const invalid = { status: 'Invalid', additionalStatus: 'Marked' };

  it('is a dispute that is lost, and no try that failed', () => {
    expect(tell(invalid, { booked: stands })).toEqual([
      {
        type: 'payment_disputed',
        eventId: `disputed:${ID}:lost`,
        occurredAt: now,
        chargeId: ID,
        reference: `${ID}:invalid`,
        status: 'lost',
        amount: usd(2_999n),
        fee: 0n,
      },
    ]);
  });

  const sure = [payment('Settled')];
  const open = [payment('Processing')];
  it.each<[string, string, Partial<Told>, string[]]>([
    ['without a payment', '0', {}, ['disputed lost 29.99']],
    ['without a payment, while its hold is remembered', '0', { isHeld: true }, ['disputed lost 29.99']],
    ['after its payment was dropped', '0', { payments: [payment('Invalid')] }, ['disputed lost 29.99']],
    ['with a part', '9.99', { payments: sure }, ['disputed lost 29.99']],
    ['with a part that is not confirmed', '9.99', { payments: open }, ['disputed open 29.99']],
    ['with the price, not confirmed', '29.99', { payments: open }, ['disputed open 29.99']],
    ['with the price', '29.99', { payments: sure }, ['paid id 29.99 late']],
    ['with more', '35', { payments: sure }, ['paid id 29.99 late', 'paid id:excess 5.01 plain']],
    [
      'with a part that goes back already',
      '9.99',
      { payments: sure, booked: [...stands, charge(':partial', 999n)] },
      ['disputed lost 29.99'],
    ],
    [
      'with the price in two parts that both go back',
      '29.99',
      { payments: sure, booked: [...stands, charge(':partial', 999n), charge(':rest', 2_000n)] },
      ['disputed lost 29.99'],
    ],
  ])('%s', (_name, paidAmount, facts, events) => {
    expect(briefly({ ...invalid, paidAmount }, { booked: stands, ...facts })).toEqual(events);
  });

  it('is won again when all of it is confirmed, or it is marked as settled, while it is open', () => {
    const facts = { booked: rests, payments: sure };
    expect(briefly({ ...invalid, paidAmount: '29.99' }, facts)[0]).toBe('disputed won 29.99');
    expect(briefly({ ...invalid, paidAmount: '9.99' }, facts)).toEqual(['disputed lost 29.99']);
    const settled = { status: 'Settled', additionalStatus: 'Marked' };
    expect(briefly(settled, { booked: rests })).toEqual(['disputed won 29.99', 'paid id 29.99 underpaid']);
    expect(briefly(settled, { booked: stands })).toEqual(['paid id 29.99 underpaid']);
  });

  it('leaves another invoice of the order alone', () => {
    const booked = [{ chargeId: 'another', amount: 2_999n, goesBackInParts: false, isDisputed: true }];
    expect(briefly(invalid, { booked })).toEqual(['failed cancelled_by_payer final']);
    expect(briefly({ status: 'Settled', paidAmount: '29.99' }, { booked })).toEqual(['paid id 29.99 plain']);
  });

  it('and is settled by hand after its parts went back got nothing that stays', () => {
    const booked = [charge(':partial', 999n), charge(':rest', 2_000n)];
    const settled = { status: 'Settled', additionalStatus: 'Marked', paidAmount: '29.99' };
    expect(briefly(settled, { booked, payments: sure })).toEqual(['paid id 29.99 underpaid']);
  });
});

describe('refunds', () => {
  const pullPayment = (change: Record<string, unknown> = {}) =>
    PullPayment.parse({ ...parsed('pull-payment'), ...change });
  const payouts = (...changes: Array<Record<string, unknown>>) =>
    Payouts.parse(changes.map((change) => ({ ...parsed('payouts')[0], ...change })));
  const refund = (change: Record<string, unknown>, ...paid: Array<Record<string, unknown>>): Refund => {
    const read = readRefund(pullPayment(change));
    if (!read) throw new Error('not a refund of ours');
    return { ...read, payouts: payouts(...paid) };
  };
  const settled = { status: 'Settled', paidAmount: '29.99' };
  const told = (...refunds: Refund[]) => briefly(settled, { payments: [payment('Settled')], refunds }).slice(1);

  it('are pull payments that name the charge, the amount and our id', () => {
    expect(readRefund(pullPayment())).toMatchObject({ refundId: 'ref_01kb2v', chargeId: ID, amount: usd(2_999n) });
    for (const amount of [usd(1n), { amount: 3_000n, currency: 'JPY' }, { amount: 7n, currency: 'BTC' }] as const) {
      const description = toDescription(`${ID}:excess`, amount);
      expect(readRefund(pullPayment({ description }))).toMatchObject({ chargeId: `${ID}:excess`, amount });
      const less = toDescription(ID, amount, { ...amount, amount: amount.amount - 1n });
      expect(less).toContain(' can be claimed');
      expect(readRefund(pullPayment({ description: less }))).toMatchObject({ chargeId: ID, amount });
    }
  });

  it.each([
    [{ name: '' }],
    [{ name: null }],
    [{ description: null }],
    [{ description: 'Salary' }],
    [{ description: `Refund of ${ID}: 29.999 USD` }],
    [{ description: `Refund of ${ID}: 1 XAU` }],
  ])('are no others: %o', (change) => {
    expect(readRefund(pullPayment(change))).toBeNull();
  });

  it('are done when all of it was paid, at once or in parts', () => {
    expect(tell(settled, { payments: [payment('Settled')], refunds: [refund({}, {})] })[1]).toEqual({
      type: 'payment_refunded',
      eventId: 'refund:3tXkPq9sYd2Vw5mN8hLr4cBfZaJe',
      occurredAt: new Date(1_795_172_400_000),
      invoiceId: ORDER,
      chargeId: ID,
      payerId: null,
      paid: usd(2_999n),
      reference: '3tXkPq9sYd2Vw5mN8hLr4cBfZaJe',
      refundId: 'ref_01kb2v',
    });
    expect(told(refund({}, { originalAmount: '0.0003' }, { originalAmount: '0.00001' }))).toEqual([
      'refunded id 29.99 ref_01kb2v',
    ]);
    expect(told(refund({ archived: true }, {}))).toEqual(['refunded id 29.99 ref_01kb2v']);
  });

  it.each<[string, Record<string, unknown>, Array<Record<string, unknown>>]>([
    ['nobody claimed', {}, []],
    ['waits for approval', {}, [{ state: 'AwaitingApproval' }]],
    ['waits for payment', {}, [{ state: 'AwaitingPayment' }]],
    ['is being paid', {}, [{ state: 'InProgress' }]],
    ['was claimed and cancelled: it can be claimed again', {}, [{ state: 'Cancelled' }]],
    ['is past its end with a claim under way', { expiresAt: 1 }, [{ state: 'InProgress' }]],
    ['has not ended yet', { expiresAt: now.getTime() / 1_000 + 1 }, []],
    ['was only topped up', {}, [{ originalAmount: '-0.5' }]],
  ])('wait while one %s', (_name, change, paid) => {
    expect(told(refund(change, ...paid))).toEqual([]);
  });

  const HALF = `Refund of ${ID}: 29.99 USD, of which 9.99 USD can be claimed`;
  it.each<[string, Record<string, unknown>, Array<Record<string, unknown>>, string[]]>([
    ['but for one satoshi', {}, [{ originalAmount: '0.00030999' }], ['part 9qRs 29.99 ref_01kb2v']],
    [
      'by one claim of two',
      {},
      [{ originalAmount: '0.0001' }, { id: 'other', state: 'AwaitingPayment' }],
      ['part 9qRs 9.68 ref_01kb2v'],
    ],
    [
      'by two claims of three',
      {},
      [{ originalAmount: '0.0001' }, { id: 'other', originalAmount: '0.0002' }],
      ['part 9qRs 9.68 ref_01kb2v', 'part other 19.35 ref_01kb2v'],
    ],
    [
      'of which less could be claimed',
      { description: HALF },
      [{ originalAmount: '0.000155' }],
      ['part 9qRs 5.00 ref_01kb2v'],
    ],
    [
      'and past its end',
      { expiresAt: 1 },
      [{ originalAmount: '0.0001' }],
      ['part 9qRs 9.68 ref_01kb2v', 'refund failed pull-payment-expired'],
    ],
    [
      'and taken back, where a server shows it',
      { archived: true },
      [{ originalAmount: '0.0001' }],
      ['part 9qRs 9.68 ref_01kb2v', 'refund failed pull-payment-archived'],
    ],
  ])('paid in part tell that part, rounded up: %s', (_name, change, paid, events) => {
    expect(told(refund(change, ...paid))).toEqual(events);
  });

  it.each<[string, Record<string, unknown>, Array<Record<string, unknown>>, string]>([
    ['taken back', { archived: true }, [], 'pull-payment-archived'],
    ['taken back after a claim was cancelled', { archived: true }, [{ state: 'Cancelled' }], 'pull-payment-archived'],
    ['past its end', { expiresAt: now.getTime() / 1_000 }, [], 'pull-payment-expired'],
  ])('came to nothing when one is %s', (_name, change, paid, code) => {
    expect(told(refund(change, ...paid))).toEqual([`refund failed ${code}`]);
  });

  it('that were paid in part or came to nothing say which', () => {
    const [, part] = tell(settled, {
      payments: [payment('Settled')],
      refunds: [refund({}, { originalAmount: '0.0001' })],
    });
    expect(part).toEqual({
      type: 'refund_part_paid',
      eventId: 'refund-part:9qRs',
      occurredAt: new Date(1_795_172_400_000),
      chargeId: ID,
      refundId: 'ref_01kb2v',
      reference: '3tXkPq9sYd2Vw5mN8hLr4cBfZaJe',
      part: '9qRs',
      paid: usd(968n),
    });
    const [, failed] = tell(settled, { payments: [payment('Settled')], refunds: [refund({ archived: true })] });
    expect(failed).toEqual({
      type: 'refund_failed',
      eventId: 'refund-failed:3tXkPq9sYd2Vw5mN8hLr4cBfZaJe',
      occurredAt: now,
      chargeId: ID,
      reference: '3tXkPq9sYd2Vw5mN8hLr4cBfZaJe',
      refundId: 'ref_01kb2v',
      code: 'pull-payment-archived',
      undoesDone: false,
    });
  });

  it('of a part that stands in our books leave it that part, whatever came since', () => {
    const booked = [{ chargeId: `${ID}:partial`, amount: 999n, goesBackInParts: false, isDisputed: false }];
    const late = { status: 'Expired', additionalStatus: 'PaidLate', paidAmount: '29.99' };
    expect(tell(late, { booked }).map(brief)).toEqual(['paid id:partial 9.99 plain', 'paid id:rest 20.00 late']);
    const more = { status: 'Expired', additionalStatus: 'PaidPartial', paidAmount: '19.99' };
    expect(tell(more, { booked }).map(brief)).toEqual([
      'failed underpaid final',
      'paid id:partial 9.99 plain',
      'paid id:rest 10.00 late',
    ]);
  });

  it('of a price that is invalid now tell that it was booked, where our books were not asked', () => {
    const invalid = { status: 'Invalid', additionalStatus: 'Marked', paidAmount: '9.99' };
    const facts = { payments: [payment('Settled')], refunds: [refund({}, {})] };
    expect(briefly(invalid, facts)).toEqual(['disputed lost 29.99', 'refunded id 29.99 ref_01kb2v']);
  });

  it('of a part that was too little leave the rest a charge of its own, so that it goes back as well', () => {
    const late = { status: 'Expired', additionalStatus: 'PaidLate', paidAmount: '29.99' };
    const given = refund({ description: `Refund of ${ID}:partial: 9.99 USD` }, {});
    const facts = { payments: [payment('Settled')], refunds: [given] };
    expect(briefly(late, facts)).toEqual([
      'paid id:partial 9.99 plain',
      'paid id:rest 20.00 late',
      'refunded id:partial 9.99 ref_01kb2v',
    ]);
    expect(briefly({ ...late, paidAmount: '9.99' }, facts)[1]).toBe('refunded id:partial 9.99 ref_01kb2v');
  });
});

describe('charges', () => {
  it.each([
    [ID, ID],
    [`${ID}:excess`, ID],
    [`${ID}:partial`, ID],
    [`${ID}:rest`, ID],
    ['__test__a-b__test__', '__test__a-b__test__'],
    [`${ID}:more`, null],
    ['a/../b', null],
    ['', null],
  ])('"%s" is of invoice %s', (chargeId, id) => {
    expect(invoiceOf(chargeId)).toBe(id);
  });

  it.each([
    ['New', 'None', false],
    ['New', 'PaidPartial', false],
    ['Processing', 'None', false],
    ['Settled', 'None', true],
    ['Expired', 'None', false],
    ['Expired', 'PaidLate', true],
    ['Invalid', 'None', true],
  ])('of %s/%s need their payments: %s', (status, additionalStatus, isNeeded) => {
    expect(needsPayments(invoice({ status, additionalStatus }))).toBe(isNeeded);
  });

  it('are rows of the list', () => {
    const over = invoice({ status: 'Settled', additionalStatus: 'PaidOver', paidAmount: '35' });
    const row = {
      direction: 'charge',
      reference: null,
      occurredAt: came,
      payerId: null,
      invoiceId: ORDER,
      renewalDays: null,
    };
    expect(toRows(over, [payment('Settled')], [])).toEqual([
      { ...row, chargeId: ID, amount: usd(2_999n) },
      { ...row, chargeId: `${ID}:excess`, amount: usd(501n) },
    ]);
    const marked = invoice({ status: 'Settled', additionalStatus: 'Marked' });
    expect(toRows(marked, [], [])).toMatchObject([{ occurredAt: new Date(1_795_163_400_000) }]);
  });

  it.each([
    [{}],
    [{ status: 'Processing', paidAmount: '29.99' }],
    [{ status: 'Settled', metadata: null }],
    [{ status: 'Settled', currency: 'SATS' }],
    [{ status: 'Settled', amount: '29.999' }],
  ])('are none of %o', (change) => {
    expect(toRows(invoice(change), [], [])).toEqual([]);
  });
});
