import { z } from 'zod';
import { type Ask, type Route, readLimit, route } from '../control-route.ts';

const LIST_LIMIT = 500;

const payBody = z.strictObject({
  url: z.string().min(1),
  method: z.enum(['card', 'apple_pay', 'google_pay', 'link', 'konbini', 'bank_transfer']).default('card'),
  card: z.string().optional(),
  expiry: z.string().optional(),
  cvc: z.string().optional(),
  email: z.string().optional(),
  authenticate: z.enum(['accept', 'refuse', 'leave']).default('accept'),
});
const refundBody = z.strictObject({ amount: z.int().positive().optional() });
const transferBody = z.strictObject({ amount: z.int().positive() });
const storeBody = z.strictObject({
  store: z.enum(['familymart', 'lawson', 'ministop', 'seicomart']).default('lawson'),
});
const disputeBody = z.strictObject({ reason: z.string().default('fraudulent') });
const closeBody = z.strictObject({ outcome: z.enum(['won', 'lost']) });
const answerBody = z.strictObject({ answer: z.enum(['accept', 'refuse']) });
const settleBody = z.strictObject({ outcome: z.enum(['succeeded', 'failed']) });

/** Stripe's part of the control API (see control-stripe.ts). */
export const stripeRoutes: readonly Route[] = [
  route('POST', '/stripe/pay', ({ stripe, body }) => stripe.pay(payBody.parse(body))),
  route('POST', '/stripe/sessions/:id/expire', ({ stripe, part }) => stripe.expireSession(part(1))),
  route('GET', '/stripe/payments', listPayments),
  route('GET', '/stripe/payments/:id', ({ stripe, part }) => stripe.presentPayment(stripe.getIntent(part(1)))),
  route('POST', '/stripe/payments/:id/konbini', async ({ stripe, part, body }) =>
    stripe.presentPayment(await stripe.payVoucher(part(1), storeBody.parse(body).store)),
  ),
  route('POST', '/stripe/payments/:id/transfer', async ({ stripe, part, body }) =>
    stripe.presentPayment(await stripe.transfer(part(1), transferBody.parse(body).amount)),
  ),
  route('POST', '/stripe/payments/:id/fail', async ({ stripe, part }) =>
    stripe.presentPayment(await stripe.failPayment(part(1))),
  ),
  route('POST', '/stripe/payments/:id/authenticate', async ({ stripe, part, body }) =>
    stripe.presentPayment(await stripe.answerBank(part(1), answerBody.parse(body).answer === 'accept')),
  ),
  route('POST', '/stripe/payments/:id/refund', ({ stripe, part, body }) =>
    stripe.refund(part(1), refundBody.parse(body).amount),
  ),
  route('POST', '/stripe/payments/:id/dispute', ({ stripe, part, body }) =>
    stripe.dispute(part(1), disputeBody.parse(body).reason),
  ),
  route('POST', '/stripe/disputes/:id/close', ({ stripe, part, body }) =>
    stripe.closeDispute(part(1), closeBody.parse(body).outcome === 'won'),
  ),
  route('POST', '/stripe/refunds/:id/settle', ({ stripe, part, body }) =>
    stripe.settleRefund(part(1), settleBody.parse(body).outcome === 'succeeded'),
  ),
  route('GET', '/stripe/events', listEvents),
  route('POST', '/stripe/events/:id/redeliver', ({ stripe, part }) => stripe.redeliver(part(1))),
  route('GET', '/stripe/balance', ({ stripe }) => stripe.parts.ledger.balances()),
];

function listPayments({ stripe, query }: Ask): unknown {
  const order = query.get('order');
  return stripe.listPayments(
    readLimit(query, LIST_LIMIT),
    (_intent, session) => order === null || session?.client_reference_id === order,
  );
}

function listEvents({ stripe, query }: Ask): unknown {
  const type = query.get('type');
  const subject = query.get('subject');
  return stripe.listEvents(
    readLimit(query, LIST_LIMIT),
    ({ event, subject: own }) => (type === null || event.type === type) && (subject === null || own === subject),
  );
}
