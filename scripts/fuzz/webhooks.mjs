import { signBtcpay, signCryptoPay, signStripe } from '../bench/sign.mjs';
import { anyValue, mutate, TEXTS, toBytes } from './hostile.mjs';

/*
 * Webhooks of providers that sign over the bytes: rightly signed nonsense, and sense that is wrongly signed, late or early.
 * `now` is the sandbox's time in milliseconds. Ids of events are drawn anew each time: what was seen is not handled again.
 */

const INVOICE = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
const STRIPE_TYPES = [
  'checkout.session.completed',
  'checkout.session.expired',
  'payment_intent.payment_failed',
  'payment_intent.succeeded',
  'charge.succeeded',
  'charge.refunded',
  'refund.updated',
  'charge.dispute.created',
  'customer_cash_balance_transaction.created',
  'invoice.paid',
  'v2.core.event_destination.ping',
  'constructor',
];
const BTCPAY_TYPES = [
  'InvoiceSettled',
  'InvoiceProcessing',
  'InvoiceExpired',
  'InvoiceInvalid',
  'InvoiceReceivedPayment',
  'PayoutUpdated',
  'PayoutCreated',
  'SubscriberCreated',
  '__proto__',
];
/** Seconds by which a message is late: on both sides of what is let through, and far away. */
const AGES = [0, 0, 0, 0, 290, 310, -290, -310, 700, -3_700, 90_000, 1e9, -1e9];

/** Those that were signed wrongly carry this in their event id, so that one that is kept all the same is found. */
export const FORGED = 'forged';

const drawId = (random, prefix, isRight) =>
  isRight && random.chance(0.1)
    ? `${random.pick(TEXTS)}${random.whole(1e9)}`
    : `${prefix}_${isRight ? '' : FORGED}${random.whole(1e9)}${random.whole(1e9)}`;

/** Mostly right; else of another secret, of other bytes, or nothing like a signature. */
function drawSignature(random, sign) {
  const isRight = random.chance(0.75);
  return {
    isRight,
    over: (body) =>
      isRight
        ? sign(body, false)
        : random.pick([
            () => sign(body, true),
            () => sign(Buffer.concat([body, Buffer.from(' ')]), false),
            () => sign(body, false).slice(0, -1),
            () => random.pick(TEXTS).replaceAll(/[^\t\x20-\x7e]/g, ''),
            () => undefined,
          ])(),
  };
}

function send(door, header, { path, signature, body }) {
  const signed = signature === undefined ? {} : { [header]: signature };
  return { door, method: 'POST', path, headers: { 'content-type': 'application/json', ...signed }, body };
}

const pathsOf = (provider) => [`/webhooks/${provider}`, `/api/v1/payment/webhooks/${provider}`];

/** The bytes of a message; now and then another provider's. */
const bytesOf = (random, message, others) =>
  toBytes(random, random.chance(0.05) ? random.pick(others) : mutate(random, message));

export function stripe(random, { ids, now, providers }) {
  const age = random.pick(AGES);
  const at = Math.floor(now() / 1_000) - age;
  const signature = drawSignature(random, (body, isOther) =>
    signStripe(body, isOther ? 'whsec_other' : providers.stripeSecret, at),
  );
  const metadata = { invoice: random.pick([INVOICE, ...ids]), attempt: 'att_nobody' };
  const intent = random.pick(['pi_nobody', null, { id: 'pi_nobody' }, { id: 7 }]);
  const object = random.pick([
    { id: 'cs_test_nobody', object: 'checkout.session', mode: 'payment', payment_intent: intent, metadata },
    { id: 'cs_test_nobody', object: 'checkout.session', mode: 'setup', metadata: { method: 'pmt_nobody' } },
    { id: 'pi_nobody', object: 'payment_intent', metadata },
    { id: 'ch_nobody', object: 'charge', payment_intent: intent, metadata },
    { id: 're_nobody', object: 'refund', payment_intent: intent },
    { id: 'du_nobody', object: 'dispute', payment_intent: intent },
    { object: 'customer_cash_balance_transaction', applied_to_payment: { payment_intent: intent } },
  ]);
  const event = {
    id: drawId(random, 'evt', signature.isRight),
    object: random.pick(['event', 'event', 'event', 'v2.core.event']),
    type: random.pick([...STRIPE_TYPES, ...STRIPE_TYPES, ...TEXTS]),
    api_version: random.pick(['2026-10-28.endive', '2024-06-20', null, '']),
    livemode: random.chance(0.1),
    data: random.chance(0.1) ? anyValue(random) : { object: mutate(random, object) },
    created: at,
  };
  const body = bytesOf(random, event, [{ update_type: 'invoice_paid' }, { deliveryId: 'd1', type: 'InvoiceSettled' }]);
  let header = signature.over(body);
  // Other schemes and a second signature stand beside the one that counts.
  if (header && random.chance(0.2)) header = `${header},v1=${'0'.repeat(64)},v0=x`;
  if (header && random.chance(0.05)) header = `${header},t=${at}`;
  return send('stripe', 'stripe-signature', { path: random.pick(pathsOf('stripe')), signature: header, body });
}

export function cryptoPay(random, { ids, now, providers }) {
  const signature = drawSignature(random, (body, isOther) =>
    signCryptoPay(body, isOther ? '1:other' : providers.cryptoPayToken),
  );
  const invoice = {
    // Its number names the event.
    invoice_id: 900_000_000 + random.whole(100_000_000),
    hash: 'IVnobody',
    currency_type: 'fiat',
    fiat: 'USD',
    amount: random.pick(['29.99', '1e9', '-1', '0.000000000000000000001', 29.99]),
    status: 'paid',
    paid_asset: 'TON',
    paid_amount: '1',
    payload: random.pick([...ids, ...TEXTS]),
  };
  const update = {
    update_id: random.whole(5),
    update_type: random.pick(['invoice_paid', 'invoice_paid', 'invoice_paid', ...TEXTS]),
    request_date: random.chance(0.9)
      ? new Date(now() - random.pick(AGES) * 1_000).toISOString()
      : random.pick(['2026-02-30T00:00:00Z', '2026-11-27', 'yesterday', '+275760-09-13T00:00:00.001Z']),
    payload: random.chance(0.1) ? anyValue(random) : mutate(random, invoice),
  };
  const body = bytesOf(random, update, [{ object: 'event', type: 'charge.succeeded' }, { method: 'CheckTransaction' }]);
  const path = random.pick(pathsOf('crypto-pay'));
  return send('crypto-pay', 'crypto-pay-api-signature', { path, signature: signature.over(body), body });
}

export function btcpay(random, { ids, now, providers }) {
  const signature = drawSignature(random, (body, isOther) =>
    signBtcpay(body, isOther ? 'other-secret' : providers.btcpaySecret),
  );
  const deliveryId = drawId(random, 'dlv', signature.isRight);
  const event = {
    deliveryId,
    webhookId: 'w1',
    originalDeliveryId: random.pick([deliveryId, deliveryId, deliveryId, null, 7]),
    isRedelivery: random.chance(0.5),
    type: random.pick([...BTCPAY_TYPES, ...BTCPAY_TYPES, ...TEXTS]),
    timestamp: Math.floor(now() / 1_000) - random.pick([...AGES, 61 * 86_400 + 1_000]),
    storeId: random.pick([providers.btcpayStore, providers.btcpayStore, providers.btcpayStore, 'another']),
    invoiceId: random.pick(['nobody', 'AAAAAAAAAAAAAAAAAAAAAA', ...TEXTS]),
    metadata: random.chance(0.1) ? anyValue(random) : mutate(random, { orderId: random.pick([...ids, ...TEXTS]) }),
    payoutId: 'po1',
    pullPaymentId: random.pick(['nobody', ...TEXTS]),
    payment: anyValue(random),
  };
  const body = bytesOf(random, event, [{ update_type: 'invoice_paid' }, { id: 'evt_1', object: 'event' }]);
  const path = random.pick(pathsOf('btcpay'));
  return send('btcpay', 'btcpay-sig', { path, signature: signature.over(body), body });
}
