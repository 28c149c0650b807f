import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { btcpayStoreId, TestStore } from './test-store.ts';

let store: TestStore;
const INVOICES = `stores/${btcpayStoreId}/invoices`;

beforeEach(async () => {
  store = await TestStore.start();
});
afterEach(async () => {
  await store.close();
});

describe('the Greenfield API', () => {
  it('answers 401 without the key, 403 without permission or for another store, 404 and 405', async () => {
    expect(await store.call('GET', INVOICES, undefined, null)).toMatchObject({
      ...{ status: 401, body: { code: 'unauthenticated' } },
    });
    expect(await store.call('GET', INVOICES, undefined, 'wrong')).toMatchObject({ status: 401 });
    expect(await store.call('GET', 'stores/other/invoices')).toMatchObject({
      status: 403,
      body: { code: 'missing-permission', missingPermission: 'btcpay.store.canviewinvoices' },
    });
    await store.bench.sim('PUT', '/btcpay/settings', { permissions: ['btcpay.store.canviewinvoices'] });
    expect((await store.call('GET', INVOICES)).status).toBe(200);
    expect(await store.call('POST', INVOICES, {})).toMatchObject({
      status: 403,
      body: { missingPermission: 'btcpay.store.cancreateinvoice' },
    });
    expect(await store.call('GET', `${INVOICES}/nothing`)).toMatchObject({
      status: 404,
      body: { code: 'invoice-not-found', message: 'The invoice was not found' },
    });
    expect((await store.call('GET', 'nothing')).status).toBe(404);
    expect((await store.call('PUT', INVOICES, {})).status).toBe(405);
  });

  it('makes an invoice with the defaults of the server', async () => {
    const invoice = await store.create();
    expect(invoice).toEqual({
      id: expect.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{20,22}$/),
      storeId: btcpayStoreId,
      ...{ amount: '97.5', paidAmount: '0', currency: 'USD', type: 'Standard', metadata: { orderId: 'pay_01' } },
      checkoutLink: `${store.bench.sandbox.url}/btcpay/i/${invoice.id}`,
      ...{ status: 'New', additionalStatus: 'None', archived: false },
      availableStatusesForManualMarking: ['Settled', 'Invalid'],
      createdTime: expect.any(Number),
      expirationTime: invoice.createdTime + 900,
      monitoringExpiration: invoice.createdTime + 900 + 86_400,
      checkout: {
        ...{ speedPolicy: 'MediumSpeed', paymentMethods: ['BTC-CHAIN', 'BTC-LN'], defaultPaymentMethod: 'BTC-CHAIN' },
        ...{ expirationMinutes: 15, monitoringMinutes: 1_440, paymentTolerance: 0, redirectURL: null },
        ...{ redirectAutomatically: false, defaultLanguage: null, lazyPaymentMethods: null },
      },
      receipt: { enabled: true, showQR: true, showPayments: true },
    });
    for (const path of [`${INVOICES}/${invoice.id}`, `invoices/${invoice.id}`]) {
      expect(await store.get('GET', path)).toEqual(invoice);
    }
  });

  it.each([
    ['Amount', 'The amount should be 0 or more.', { amount: '-1' }],
    ['Checkout.Expiration', 'Expiration time must be at least 30 seconds', { checkout: { expirationMinutes: 0.4 } }],
    [
      'Checkout.PaymentTolerance',
      'PaymentTolerance can only be between 0 and 100 percent',
      { checkout: { paymentTolerance: 101 } },
    ],
    ['Checkout.PaymentMethods[1]', 'Invalid PaymentMethodId', { checkout: { paymentMethods: ['BTC-LN', 'ETH'] } }],
  ])('refuses an invoice by %s with 422: %s', async (path, message, fields) => {
    const reply = await store.call('POST', INVOICES, { amount: '1', currency: 'USD', ...fields });
    expect(reply).toEqual({ status: 422, body: [{ path, message }] });
  });

  it('answers 422 for what is no request, and 400 without a code for a currency without a rate', async () => {
    expect((await store.call('POST', INVOICES, { amount: 'much' })).status).toBe(422);
    expect((await store.call('POST', INVOICES, [])).status).toBe(422);
    expect(await store.call('POST', INVOICES, { amount: '1', currency: 'XYZ' })).toMatchObject({
      ...{ status: 400, body: { code: null, message: expect.any(String) } },
    });
  });

  it.each([
    ['29.99', 'USD', '0.00030759'],
    ['0.00000001', 'BTC', '0.00000001'],
    ['3000', 'JPY', '0.00020513'],
    [12.5, 'EUR', '0.00013936'],
  ])('asks for %s %s as %s BTC, rounded up to a satoshi', async (amount, currency, due) => {
    const { id } = await store.create({ amount, currency });
    const [chain, lightning] = await store.get('GET', `${INVOICES}/${id}/payment-methods`);
    expect(chain).toMatchObject({
      ...{ paymentMethodId: 'BTC-CHAIN', currency: 'BTC', activated: true, amount: due, due, paymentMethodFee: '0' },
      ...{ totalPaid: '0', paymentMethodPaid: '0', payments: [] },
      destination: expect.stringMatching(/^bcrt1q[02-9ac-hj-np-z]{38}$/),
    });
    expect(chain.paymentLink).toBe(`bitcoin:${chain.destination}?amount=${due}`);
    expect(lightning).toMatchObject({ paymentMethodId: 'BTC-LN', paymentLink: `lightning:${lightning.destination}` });
  });

  it('tells what was paid, and a negative due when it was too much', async () => {
    const { id } = await store.create();
    await store.pay(id, { amount: '0.00100001', confirmations: 0 });
    const [chain] = await store.get('GET', `invoices/${id}/payment-methods`);
    expect(chain).toMatchObject({ totalPaid: '0.00100001', paymentMethodPaid: '0.00100001', due: '-0.00000001' });
    expect(chain.payments).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{64}-0$/),
        receivedDate: expect.any(Number),
        ...{ value: '0.00100001', fee: '0', status: 'Processing', destination: chain.destination },
      },
    ]);
    expect(await store.get('GET', `invoices/${id}`)).toMatchObject({ paidAmount: '97.5' });
  });

  it('lists newest first, by order, status and time, in pages', async () => {
    const first = await store.create();
    await store.bench.advance(100);
    const second = await store.create({ metadata: { orderId: 'pay_02' } });
    await store.pay(second.id);
    const ids = async (query: string): Promise<string[]> =>
      (await store.get('GET', `${INVOICES}?${query}`)).map((invoice: { id: string }) => invoice.id);
    expect(await ids('')).toEqual([second.id, first.id]);
    expect(await ids('orderId=pay_01')).toEqual([first.id]);
    expect(await ids('orderId=pay_01&orderId=pay_02')).toHaveLength(2);
    expect(await ids('status=Settled')).toEqual([second.id]);
    expect(await ids(`startDate=${second.createdTime}`)).toEqual([second.id]);
    expect(await ids(`endDate=${first.createdTime + 1}`)).toEqual([first.id]);
    expect(await ids('skip=1&take=1')).toEqual([first.id]);
    expect(await ids('textSearch=pay_0')).toHaveLength(2);
    expect(await store.call('GET', `${INVOICES}?startDate=2&endDate=1`)).toMatchObject({
      ...{ status: 422, body: [{ path: 'startDate' }, { path: 'endDate' }] },
    });
    expect((await store.get('GET', `${INVOICES}?includePaymentMethods=true`))[0].paymentMethods).toHaveLength(2);
  });

  it('archives and brings back', async () => {
    const { id } = await store.create();
    expect(await store.call('DELETE', `${INVOICES}/${id}`)).toEqual({ status: 200, body: undefined });
    expect(await store.get('GET', INVOICES)).toEqual([]);
    expect(await store.get('GET', `${INVOICES}?includeArchived=true`)).toMatchObject([{ id, archived: true }]);
    expect(await store.get('POST', `invoices/${id}/unarchive`)).toMatchObject({ archived: false });
    expect(await store.call('POST', `invoices/${id}/unarchive`)).toMatchObject({
      ...{ status: 400, body: { code: 'already-unarchived' } },
    });
    expect(await store.get('PUT', `invoices/${id}`, { metadata: { orderId: 'x' } })).toMatchObject({
      metadata: { orderId: 'x' },
    });
  });

  it('can be down, hurried, cut off and lost', async () => {
    await store.fault({ kind: 'unavailable' });
    expect((await store.call('GET', INVOICES)).status).toBe(503);
    await store.fault({ kind: 'rate_limited', method: 'invoices/list' });
    expect((await store.call('GET', INVOICES)).status).toBe(429);
    await store.fault({ kind: 'malformed', method: 'invoices/create' });
    await expect(store.create()).rejects.toThrow();
    await store.fault({ kind: 'lost_answer', method: 'invoices/create' });
    await expect(store.create()).rejects.toThrow();
    await store.fault({ kind: 'lost_request', method: 'invoices/create' });
    await expect(store.create()).rejects.toThrow();
    expect(await store.get('GET', INVOICES)).toHaveLength(2);
  });
});

describe('a refund', () => {
  const refund = (id: string, body: Record<string, unknown>) =>
    store.call('POST', `${INVOICES}/${id}/refund`, { payoutMethods: ['BTC-CHAIN'], ...body });

  async function paid(given: Record<string, unknown> = {}): Promise<string> {
    const { id } = await store.create();
    await store.pay(id, given);
    return id;
  }

  it.each([
    ['RateThen', { currency: 'BTC', amount: '0.001', autoApproveClaims: true }],
    ['CurrentRate', { currency: 'BTC', amount: '0.00195', autoApproveClaims: true }],
    ['Fiat', { currency: 'USD', amount: '97.5', autoApproveClaims: false }],
  ])('%s becomes a pull payment', async (refundVariant, expected) => {
    const id = await paid();
    await store.bench.sim('PUT', '/btcpay/settings', { rates: { USD: '50000' } });
    const { body } = await refund(id, { refundVariant });
    expect(body).toMatchObject({
      ...expected,
      name: `Refund ${id}`,
      description: '',
      archived: false,
      expiresAt: null,
    });
    expect(body.viewLink).toBe(`${store.bench.sandbox.url}/btcpay/pull-payments/${body.id}`);
    expect(await store.call('GET', `pull-payments/${body.id}`, undefined, null)).toEqual({ status: 200, body });
    await store.allSent();
    expect(store.events.at(-1)).toMatchObject({ type: 'InvoiceRefund', invoiceId: id, pullPaymentId: body.id });
  });

  it('OverpaidAmount gives back what is too much, and only then', async () => {
    const { body } = await refund(await paid({ amount: '0.0015' }), { refundVariant: 'OverpaidAmount' });
    expect(body).toMatchObject({ currency: 'BTC', amount: '0.0005' });
    expect(await refund(await paid(), { refundVariant: 'OverpaidAmount' })).toEqual({
      ...{ status: 422, body: [{ path: 'RefundVariant', message: 'Invoice is not overpaid' }] },
    });
  });

  it('Custom is any amount of a known currency, less a percentage', async () => {
    const id = await paid();
    const custom = { refundVariant: 'Custom', customAmount: '10', customCurrency: 'EUR', subtractPercentage: '2.5' };
    expect((await refund(id, custom)).body).toMatchObject({
      currency: 'EUR',
      amount: '9.75',
      autoApproveClaims: false,
    });
    expect((await refund(id, { refundVariant: 'Custom' })).body).toEqual([
      { path: 'CustomAmount', message: 'Amount must be greater than 0' },
      { path: 'CustomCurrency', message: 'Invalid currency' },
    ]);
    expect((await refund(id, { refundVariant: 'Fiat', customAmount: '1' })).status).toBe(422);
    expect((await refund(id, { refundVariant: 'Fiat', subtractPercentage: '101' })).status).toBe(422);
    expect((await refund(id, {})).body).toEqual([{ path: 'RefundVariant', message: '`refundVariant` is mandatory' }]);
    expect((await refund(id, { refundVariant: 'Fiat', payoutMethods: ['ETH'] })).status).toBe(422);
  });

  it('is refused for what was not paid', async () => {
    const { id } = await store.create();
    expect(await refund(id, { refundVariant: 'RateThen' })).toEqual({
      ...{ status: 400, body: { code: 'non-refundable', message: 'Cannot refund this invoice' } },
    });
  });

  it('is claimed with an address, approved, paid, and announced at each step', async () => {
    const { body: pullPayment } = await refund(await paid(), { refundVariant: 'Fiat' });
    const path = `pull-payments/${pullPayment.id}/payouts`;
    const claim = (destination: string, more = {}) =>
      store.call('POST', path, { destination, payoutMethodId: 'BTC-CHAIN', ...more }, null);
    expect((await claim('bcrt1qwrong')).body).toEqual([
      { path: 'Destination', message: 'A valid address was not provided' },
    ]);
    const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    expect((await claim(address, { amount: '98' })).body).toMatchObject({ code: 'overdraft' });
    expect((await claim(address, { payoutMethodId: 'BTC-LN' })).status).toBe(422);
    const { body: payout } = await claim(`bitcoin:${address}?amount=1`);
    expect(payout).toMatchObject({
      ...{ pullPaymentId: pullPayment.id, destination: address, payoutMethodId: 'BTC-CHAIN', originalAmount: '97.5' },
      ...{ originalCurrency: 'USD', payoutCurrency: 'BTC', payoutAmount: null, state: 'AwaitingApproval', revision: 0 },
    });
    expect((await claim(address)).body).toMatchObject({ code: 'duplicate-destination' });
    expect((await store.call('POST', `payouts/${payout.id}/mark-paid`)).body).toMatchObject({ code: 'invalid-state' });
    expect(await store.get('POST', `payouts/${payout.id}`, { revision: 0 })).toMatchObject({
      ...{ state: 'AwaitingPayment', payoutAmount: '0.001' },
    });
    await store.get('POST', `stores/${btcpayStoreId}/payouts/${payout.id}/mark-paid`);
    expect(await store.get('GET', `stores/${btcpayStoreId}/payouts`)).toMatchObject([{ state: 'Completed' }]);
    expect(await store.get('GET', path)).toMatchObject([{ id: payout.id, state: 'Completed' }]);
    await store.allSent();
    const told = store.events.filter(({ type }) => type.startsWith('Payout'));
    expect(told.map(({ type, payoutState }) => [type, payoutState])).toEqual([
      ['PayoutCreated', 'AwaitingApproval'],
      ['PayoutApproved', 'AwaitingPayment'],
      ['PayoutUpdated', 'Completed'],
    ]);
    expect(told[0]).toMatchObject({ payoutId: payout.id, pullPaymentId: pullPayment.id, storeId: btcpayStoreId });
  });

  it('can be claimed in one call of the control API, and cancelled', async () => {
    const { body: pullPayment } = await refund(await paid(), { refundVariant: 'RateThen' });
    const payout = await store.bench.sim<{ id: string; state: string }>(
      'POST',
      `/btcpay/pull-payments/${pullPayment.id}/claim`,
      { amount: '0.0004' },
    );
    expect(payout.state).toBe('AwaitingPayment');
    expect(await store.bench.sim('POST', `/btcpay/payouts/${payout.id}/cancel`)).toMatchObject({ state: 'Cancelled' });
    expect(await store.get('GET', `pull-payments/${pullPayment.id}/payouts`)).toEqual([]);
    const again = await store.bench.sim<{ id: string }>('POST', `/btcpay/pull-payments/${pullPayment.id}/claim`);
    expect(again).toMatchObject({ original_amount: '0.001' });
    expect(await store.bench.sim('POST', `/btcpay/payouts/${again.id}/start`)).toMatchObject({ state: 'InProgress' });
    expect((await store.bench.trySim('POST', `/btcpay/payouts/${again.id}/cancel`)).status).toBe(409);
    expect(await store.bench.sim('POST', `/btcpay/payouts/${again.id}/complete`)).toMatchObject({ state: 'Completed' });
    await store.get('DELETE', `pull-payments/${pullPayment.id}`);
    expect(await store.get('GET', `pull-payments/${pullPayment.id}`)).toMatchObject({ archived: true });
    expect(await store.call('GET', 'pull-payments/nothing')).toMatchObject({
      ...{ status: 404, body: { code: 'pullpayment-not-found' } },
    });
  });

  it('is refused to a claim or an approval that cannot be', async () => {
    const { body: pullPayment } = await refund(await paid(), { refundVariant: 'Fiat' });
    const path = `pull-payments/${pullPayment.id}/payouts`;
    const destination = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    const claim = async (more: Record<string, unknown>): Promise<unknown> =>
      (await store.call('POST', path, { destination, payoutMethodId: 'BTC-CHAIN', ...more }, null)).body;
    const invoice = `lnbcrt1p${'q'.repeat(60)}`;
    expect(await claim({ payoutMethodId: 'ETH' })).toEqual([
      { path: 'PayoutMethodId', message: 'Invalid payment method' },
    ]);
    expect(await claim({ payoutMethodId: 'BTC-LN', destination: invoice })).toMatchObject({
      code: 'payment-method-not-supported',
    });
    expect(await claim({ amount: '0' })).toMatchObject({ code: 'amount-too-low' });
    expect(await claim({ amount: '0.001' })).toEqual([{ path: 'Amount', message: 'Invalid amount' }]);
    const { id } = (await claim({ amount: '10' })) as { id: string };
    const approve = (body: Record<string, unknown>) => store.call('POST', `payouts/${id}`, body);
    expect((await approve({})).body).toEqual([{ path: 'Revision', message: 'The `revision` property is required' }]);
    expect((await approve({ revision: 1 })).body).toMatchObject({ code: 'old-revision' });
    expect((await approve({ revision: 0 })).status).toBe(200);
    expect((await approve({ revision: 0 })).body).toMatchObject({ code: 'invalid-state' });
    expect((await store.call('GET', 'payouts/nothing')).body).toMatchObject({ code: 'payout-not-found' });
    await store.get('POST', `payouts/${id}/mark`, { state: 'InProgress', paymentProof: { proofType: 'Manual' } });
    expect(await store.get('GET', `payouts/${id}`)).toMatchObject({
      state: 'InProgress',
      paymentProof: { proofType: 'Manual' },
    });
    expect((await store.call('DELETE', `payouts/${id}`)).body).toMatchObject({ code: 'invalid-state' });
    await store.get('DELETE', `pull-payments/${pullPayment.id}`);
    expect(await claim({ destination: undefined })).toMatchObject([{ path: 'Destination' }]);
    expect(
      await claim({ destination: 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry' }),
    ).toMatchObject({
      code: 'archived',
    });
  });

  it('in bitcoin of one own amount needs no approval', async () => {
    const custom = { refundVariant: 'Custom', customAmount: '0.00012345', customCurrency: 'BTC' };
    const { body } = await refund(await paid(), custom);
    expect(body).toMatchObject({ currency: 'BTC', amount: '0.00012345', autoApproveClaims: true });
    expect(await store.bench.sim('POST', `/btcpay/pull-payments/${body.id}/claim`)).toMatchObject({
      ...{ state: 'AwaitingPayment', amount: '0.00012345' },
    });
  });
});
