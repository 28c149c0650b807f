import { randomBytes } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../../../../src/lib/generated/prisma/client.ts';

/*
 * Comparator: what one would write first. A Next route handler, Prisma's model API, everything in one `$transaction`; the
 * same rows as Hoshi writes for a first payment, without sealing the body and without judging anything but the order.
 */

export const dynamic = 'force-dynamic';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });

const id = (prefix) => `${prefix}_01${Date.now().toString(36)}${randomBytes(8).toString('hex')}`;

export async function POST(request) {
  if (request.headers.get('x-telegram-bot-api-secret-token') !== process.env.TELEGRAM_WEBHOOK_SECRET) {
    return Response.json({}, { status: 401 });
  }
  const text = await request.text();
  const update = JSON.parse(text);
  await prisma.$transaction((tx) => settle(tx, update, text), { timeout: 30_000, maxWait: 30_000 });
  return Response.json({});
}

async function settle(tx, { update_id, message }, text) {
  const paid = message.successful_payment;
  const now = new Date();
  const provider = 'telegram-stars';
  const chargeId = `~${paid.telegram_payment_charge_id}`;
  if (await tx.payment.findUnique({ where: { provider_chargeId: { provider, chargeId } } })) return;
  const order = await tx.invoice.findUniqueOrThrow({ where: { id: paid.invoice_payload } });
  const { currency, planId, productId, userId } = order;
  const amount = BigInt(paid.total_amount);
  if (order.amount !== amount || currency !== paid.currency) throw new Error('another price');
  const { count } = await tx.invoice.updateMany({
    where: { id: order.id, status: 'open' },
    data: { status: 'paid', closedAt: now },
  });
  if (count === 0) throw new Error('not open');
  await tx.paymentAttempt.updateMany({
    where: { invoiceId: order.id, status: { in: ['creating', 'live'] } },
    data: { status: 'closed' },
  });
  const start = new Date(message.date * 1000);
  const isRecurring = paid.is_recurring === true;
  const end = isRecurring
    ? new Date(paid.subscription_expiration_date * 1000)
    : new Date(start.getTime() + 31_536_000_000);
  const period = { periodStart: start, periodEnd: end };
  const subscriptionId = isRecurring ? id('sub') : null;
  if (subscriptionId) {
    await tx.subscription.create({
      data: {
        ...{ id: subscriptionId, userId, productId, planId, priceId: order.priceId, invoiceId: order.id, provider },
        ...{ firstChargeId: chargeId, status: 'active', amount, currency, createdAt: now },
        ...{ currentPeriodStart: start, currentPeriodEnd: end },
      },
    });
  }
  const paymentId = id('pay');
  const kind = isRecurring ? 'first' : 'one_time';
  await tx.payment.create({
    data: {
      ...{
        id: paymentId,
        invoiceId: order.id,
        userId,
        subscriptionId,
        provider,
        chargeId,
        kind,
        amount,
        currency,
      },
      ...{
        status: 'succeeded',
        platformFee: amount,
        processorFee: 0n,
        developerShare: 0n,
        ...period,
        paidAt: start,
        createdAt: now,
      },
    },
  });
  await tx.entitlement.create({
    data: {
      id: id('ent'),
      userId,
      productId,
      planId,
      paymentId,
      subscriptionId,
      startsAt: start,
      endsAt: end,
      createdAt: now,
    },
  });
  await tx.ledgerEntry.createMany({
    data: [
      { transactionId: paymentId, account: 'provider_receivable', owner: provider, amount, currency, createdAt: now },
      { transactionId: paymentId, account: 'platform_revenue', owner: '', amount: -amount, currency, createdAt: now },
    ],
  });
  await tx.auditEvent.create({
    data: {
      ...{
        at: now,
        actor: `provider:${provider}`,
        action: 'payment.settled',
        objectId: paymentId,
        requestId: id('req'),
      },
      data: { invoice: order.id, kind, amount: String(amount), currency, found_by: 'webhook' },
    },
  });
  await tx.job.create({
    data: {
      ...{ name: 'send_notice', lane: `chat:${userId}`, runAt: now, createdAt: now },
      payload: { userId, kind: 'paid', objectId: paymentId },
    },
  });
  await tx.webhookEvent.create({
    data: {
      ...{ id: id('whe'), provider, eventId: `~${update_id}`, kind: 'payment_succeeded', status: 'processed' },
      ...{ result: 'settled', body: Buffer.from(text), receivedAt: now, processedAt: now },
    },
  });
}
