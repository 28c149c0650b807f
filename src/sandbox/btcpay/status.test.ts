import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimBtcpayInvoice } from '../control-crypto.ts';
import { DAY } from '../test-bench.ts';
import { btcpayStoreId, TestStore } from './test-store.ts';

let store: TestStore;

beforeEach(async () => {
  store = await TestStore.start();
});
afterEach(async () => {
  await store.close();
});

async function standing(id: string): Promise<string> {
  const { status, additionalStatus } = await store.get('GET', `invoices/${id}`);
  return `${status}/${additionalStatus}`;
}

const show = ({ status, additional_status: additional }: SimBtcpayInvoice): string => `${status}/${additional}`;
const lastEvent = (id: string) => store.events.filter((event) => event.invoiceId === id).at(-1);

describe('an invoice', () => {
  it('is New, Processing, then Settled by confirmations', async () => {
    const { id } = await store.create();
    expect(show(await store.pay(id, { confirmations: 0 }))).toBe('Processing/None');
    expect(show(await store.act(id, 'confirm'))).toBe('Settled/None');
    expect(store.types(id)).toEqual([
      ...['InvoiceCreated', 'InvoiceReceivedPayment', 'InvoiceProcessing', 'InvoicePaymentSettled', 'InvoiceSettled'],
    ]);
    expect(lastEvent(id)).toMatchObject({ manuallyMarked: false, overPaid: false, metadata: { orderId: 'pay_01' } });
    expect(await store.get('GET', `invoices/${id}`)).toMatchObject({ availableStatusesForManualMarking: [] });
  });

  it.each([
    ['HighSpeed', 0],
    ['MediumSpeed', 1],
    ['LowMediumSpeed', 2],
    ['LowSpeed', 6],
  ])('needs for %s %i confirmations', async (speedPolicy, needed) => {
    const { id } = await store.create({ checkout: { speedPolicy } });
    const first = await store.pay(id, { confirmations: Math.max(0, needed - 1) });
    expect(first.status).toBe(needed === 0 ? 'Settled' : 'Processing');
    expect((await store.act(id, 'confirm')).status).toBe('Settled');
  });

  it('needs a confirmation even for HighSpeed when the payment may be replaced', async () => {
    const { id } = await store.create({ checkout: { speedPolicy: 'HighSpeed' } });
    expect(show(await store.pay(id, { confirmations: 0, rbf: true }))).toBe('Processing/None');
    expect(show(await store.act(id, 'confirm'))).toBe('Settled/None');
  });

  it('is settled at once by Lightning, whose payment is announced as settled first', async () => {
    const { id } = await store.create();
    expect(show(await store.pay(id, { method: 'BTC-LN', confirmations: 0 }))).toBe('Settled/None');
    expect(store.types(id).slice(1)).toEqual([
      ...['InvoicePaymentSettled', 'InvoiceReceivedPayment', 'InvoiceProcessing', 'InvoiceSettled'],
    ]);
  });

  it('is PaidPartial by half, paid by the rest', async () => {
    const { id } = await store.create();
    const half = await store.pay(id, { outcome: 'under' });
    expect([show(half), half.due]).toEqual(['New/PaidPartial', '0.0005']);
    expect(show(await store.pay(id))).toBe('Settled/None');
    expect(store.types(id)).toEqual([
      ...['InvoiceCreated', 'InvoiceReceivedPayment', 'InvoicePaymentSettled'],
      ...['InvoiceReceivedPayment', 'InvoiceProcessing', 'InvoicePaymentSettled', 'InvoiceSettled'],
    ]);
  });

  it('is PaidOver by more', async () => {
    const { id } = await store.create();
    expect(show(await store.pay(id, { outcome: 'over' }))).toBe('Settled/PaidOver');
    const processing = store.events.find(({ type }) => type === 'InvoiceProcessing');
    expect(processing).toMatchObject({ overPaid: true });
    expect(lastEvent(id)).toMatchObject({ type: 'InvoiceSettled', overPaid: true });
  });

  it('becomes PaidOver by a second payment while it is processed', async () => {
    const { id } = await store.create();
    await store.pay(id, { confirmations: 0 });
    expect(show(await store.pay(id, { amount: '0.0001', confirmations: 0 }))).toBe('Processing/PaidOver');
    expect(show(await store.act(id, 'drop'))).toBe('Processing/None');
  });

  it('is paid by what its tolerance allows', async () => {
    const { id } = await store.create({ checkout: { paymentTolerance: 10 } });
    expect(show(await store.pay(id, { amount: '0.0009' }))).toBe('Settled/None');
  });

  it('without an amount is paid by whatever comes', async () => {
    const { id } = await store.create({ amount: null });
    expect(await store.get('GET', `invoices/${id}`)).toMatchObject({ type: 'TopUp', amount: '0' });
    expect(show(await store.pay(id, { amount: '0.0002' }))).toBe('Settled/None');
    expect(await store.get('GET', `invoices/${id}`)).toMatchObject({ amount: '19.5', paidAmount: '19.5' });
  });

  it('is not PaidOver by the rounding to a satoshi', async () => {
    const { id } = await store.create({ amount: '29.99' });
    expect(show(await store.pay(id))).toBe('Settled/None');
  });

  it('falls back to New when its payment is replaced, and is paid again', async () => {
    const { id } = await store.create();
    await store.pay(id, { confirmations: 0, rbf: true });
    const dropped = await store.act(id, 'drop');
    expect([show(dropped), dropped.payments[0]?.status]).toEqual(['New/None', 'Invalid']);
    expect(store.types(id).at(-1)).toBe('InvoiceProcessing');
    const [chain] = await store.get('GET', `invoices/${id}/payment-methods?onlyAccountedPayments=false`);
    expect(chain).toMatchObject({ due: '0.001', payments: [{ status: 'Invalid' }] });
    expect((await store.get('GET', `invoices/${id}/payment-methods`))[0].payments).toEqual([]);
    expect(show(await store.pay(id))).toBe('Settled/None');
  });

  it('falls back to PaidPartial when only the second payment is replaced', async () => {
    const { id } = await store.create();
    await store.pay(id, { outcome: 'under', confirmations: 0 });
    await store.pay(id, { confirmations: 0 });
    expect(show(await store.act(id, 'drop'))).toBe('New/PaidPartial');
    const { content } = await store.bench.trySim('POST', `/btcpay/invoices/${(await store.create()).id}/drop`);
    expect(content).toMatchObject({ error: 'NOTHING_TO_DROP' });
  });

  it('expires by the clock', async () => {
    const { id } = await store.create({ checkout: { expirationMinutes: 1 } });
    await store.bench.advance(62);
    expect(store.types(id)).toEqual(['InvoiceCreated', 'InvoiceExpired']);
    expect(lastEvent(id)).toMatchObject({ partiallyPaid: false });
    expect(await standing(id)).toBe('Expired/None');
  });

  it('expires paid in part, with an event more', async () => {
    const { id } = await store.create();
    await store.pay(id, { outcome: 'under' });
    await store.bench.advance(902);
    expect(store.types(id).slice(-2)).toEqual(['InvoiceExpired', 'InvoiceExpiredPaidPartial']);
    expect(store.events.find(({ type }) => type === 'InvoiceExpired')).toMatchObject({ partiallyPaid: true });
    expect(await standing(id)).toBe('Expired/PaidPartial');
  });

  it('paid late stays Expired, whatever is confirmed', async () => {
    const { id } = await store.create();
    await store.bench.advance(902);
    expect(show(await store.pay(id))).toBe('Expired/PaidLate');
    expect(store.types(id)).toEqual([
      ...['InvoiceCreated', 'InvoiceExpired', 'InvoiceReceivedPayment', 'InvoicePaidAfterExpiration'],
      'InvoicePaymentSettled',
    ]);
    const received = store.events.find(({ type }) => type === 'InvoiceReceivedPayment');
    expect(received).toMatchObject({
      afterExpiration: true,
      paymentMethodId: 'BTC-CHAIN',
      payment: { value: '0.001' },
    });
    expect(show(await store.act(id, 'mark', { status: 'Settled' }))).toBe('Settled/Marked');
  });

  it('is Invalid when it is not confirmed before its monitoring ends', async () => {
    const { id } = await store.create();
    await store.pay(id, { confirmations: 0 });
    await store.bench.advance(DAY + 902);
    expect(await standing(id)).toBe('Invalid/None');
    expect(lastEvent(id)).toMatchObject({ type: 'InvoiceInvalid', manuallyMarked: false });
    expect((await store.bench.trySim('POST', '/btcpay/pay', { url: id })).content).toMatchObject({
      error: 'NOT_WATCHED',
    });
  });

  it('is marked by hand, and back, and not without reason', async () => {
    const { id } = await store.create();
    const mark = (status: string) => store.call('POST', `stores/${btcpayStoreId}/invoices/${id}/status`, { status });
    expect((await mark('Invalid')).body).toMatchObject({
      ...{ status: 'Invalid', additionalStatus: 'Marked', availableStatusesForManualMarking: ['Settled'] },
    });
    expect((await mark('Settled')).body).toMatchObject({
      ...{ status: 'Settled', additionalStatus: 'Marked', availableStatusesForManualMarking: ['Invalid'] },
    });
    expect(await mark('New')).toEqual({
      status: 422,
      body: [{ path: 'Status', message: 'Status can only be marked to invalid or settled within certain conditions.' }],
    });
    await store.allSent();
    expect(store.types(id)).toEqual(['InvoiceCreated', 'InvoiceInvalid', 'InvoiceSettled']);
    expect(lastEvent(id)).toMatchObject({ manuallyMarked: true, overPaid: false });
    const paid = await store.create();
    await store.pay(paid.id);
    expect((await store.bench.trySim('POST', `/btcpay/invoices/${paid.id}/mark`, { status: 'Invalid' })).status).toBe(
      409,
    );
  });

  it('settled by hand without a payment is refunded as if it had been paid', async () => {
    const { id } = await store.create();
    await store.act(id, 'mark', { status: 'Settled' });
    const refund = { refundVariant: 'RateThen', payoutMethods: ['BTC-CHAIN'] };
    expect(await store.get('POST', `invoices/${id}/refund`, refund)).toMatchObject({ amount: '0.001' });
  });
});
