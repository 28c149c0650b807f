import { judgeSurface } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import type { Capability } from '#domain/provider/capability.ts';
import type { Prisma } from '#lib/generated/prisma/client.ts';

const WITH_STATE = {
  subscription: { select: { planId: true } },
  // The newest is the one that is shown; how it ended says what to do next.
  attempts: { orderBy: { createdAt: 'desc' }, take: 1 },
  reservations: { where: { status: 'reserved' }, take: 1 },
  payments: {
    where: { kind: { not: 'surplus' } },
    orderBy: { paidAt: 'asc' },
    take: 1,
    include: { entitlement: true, refunds: { where: { status: 'requested' }, select: { amount: true } } },
  },
} satisfies Prisma.InvoiceInclude;

/** An order with its live checkout and, once paid, its first payment; the addresses where it is paid are revealed. */
export type InvoiceRecord = Prisma.InvoiceGetPayload<{ include: typeof WITH_STATE }>;

/** The plan an order is for: told by itself, by the subscription it began or by the right it bought. Null once none does. */
export function planOfOrder({ payments: [payment], planId, subscription }: InvoiceRecord): string | null {
  return planId ?? subscription?.planId ?? payment?.entitlement?.planId ?? null;
}

/** An order by id. A stranger's order looks like none: `not_found invoice_not_found`. */
export async function getInvoice(ctx: Ctx, invoiceId: string): Promise<InvoiceRecord> {
  const hidden = new AppError('not_found', 'invoice_not_found');
  const invoice = await ctx.db.invoice.findUnique({ where: { id: invoiceId }, include: WITH_STATE });
  if (!invoice) throw hidden;
  requireOwnerOr(ctx, invoice.userId, 'payments:read', hidden);
  return revealPages(ctx, invoice);
}

function revealPages({ vault }: Ctx, invoice: InvoiceRecord): InvoiceRecord {
  const show = (page: string | null) => page && vault.reveal(page);
  return {
    ...invoice,
    attempts: invoice.attempts.map((attempt) => ({ ...attempt, url: show(attempt.url) })),
    reservations: invoice.reservations.map((held) => ({ ...held, instructionsUrl: show(held.instructionsUrl) })),
  };
}

/** The newest order of a person that can still be paid where they are, inside Telegram; null when there is none. */
export async function findOpenInvoice(ctx: Ctx, userId: string): Promise<InvoiceRecord | null> {
  requireOwnerOr(ctx, userId, 'payments:read');
  const invoice = await ctx.db.invoice.findFirst({
    where: {
      userId,
      status: 'open',
      // Held for money that is on its way, it waits as long as that takes.
      OR: [{ expiresAt: { gt: ctx.clock.now() } }, { reservations: { some: { status: 'reserved' } } }],
      // An order of a browser stays there: its link must not be offered where the policy refuses the method.
      attempts: { some: { status: 'live', provider: { in: providersInside(ctx) } } },
    },
    orderBy: { createdAt: 'desc' },
    include: WITH_STATE,
  });
  return invoice && revealPages(ctx, invoice);
}

/** Providers with a method that may be offered inside Telegram for digital goods. */
function providersInside(ctx: Ctx): string[] {
  const { surfacePolicy: policy } = ctx.policy;
  const isAllowed = ({ method }: Capability) =>
    judgeSurface({ surface: 'mini_app', method, fulfilment: 'digital', policy }).ok;
  return [...ctx.providers.values()].filter(({ accepts }) => accepts.some(isAllowed)).map(({ id }) => id);
}
