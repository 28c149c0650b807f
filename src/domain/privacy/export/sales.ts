import type { Ctx } from '#domain/context/context.ts';
import { type ExportScope, money } from '#domain/privacy/export/books.ts';
import { PAGE, readPages } from '#domain/privacy/export/pages.ts';
import type { Payment } from '#lib/generated/prisma/client.ts';

/** What a sale is of a payment: nothing of it says who bought, or leads to them. */
const OF_A_SALE = {
  id: true,
  paidAt: true,
  status: true,
  amount: true,
  currency: true,
  platformFee: true,
  processorFee: true,
  developerShare: true,
  returnedAmount: true,
} as const;
export type ExportSale = Pick<Payment, keyof typeof OF_A_SALE>;

/** What a developer sold, oldest first; nothing for everybody else. */
export function readSales(ctx: Ctx, { asOf, userId }: ExportScope): AsyncGenerator<ExportSale[]> {
  return readPages<ExportSale>(
    PAGE,
    ({ paidAt }) => paidAt,
    (after, take) =>
      ctx.db.payment.findMany({
        where: {
          developerUserId: userId,
          createdAt: { lte: asOf },
          paidAt: { gte: after.at },
          OR: [{ paidAt: { gt: after.at } }, { id: { gt: after.id } }],
        },
        orderBy: [{ paidAt: 'asc' }, { id: 'asc' }],
        select: OF_A_SALE,
        take,
      }),
  );
}

export function writeSale(sale: ExportSale) {
  const { amount, currency, developerShare, platformFee, processorFee, returnedAmount } = sale;
  return {
    payment_id: sale.id,
    paid_at: sale.paidAt.toISOString(),
    status: sale.status,
    currency,
    ...money('amount', amount, currency),
    ...money('returned', returnedAmount, currency),
    ...money('platform_fee', platformFee, currency),
    ...money('processor_fee', processorFee, currency),
    ...money('developer_share', developerShare, currency),
  };
}
