import { judgeInquiry, type PayableOrder } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { subjectOf } from '#domain/identity/account.ts';
import type { Subject } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import type { InquiryReason, ProviderInquiry } from '#domain/provider/inquiry.ts';

export type MayPay = Extract<ProviderInquiry, { type: 'may_pay' }>;

type Row = {
  status: PayableOrder['status'];
  buyer: Subject | null;
  amount: bigint;
  currency: string;
  /** Null where the order does not name it any more. */
  catalogue_amount: bigint | null;
  catalogue_currency: string | null;
  is_for_sale: boolean | null;
  created_at: Date;
  expires_at: Date;
  has_lasting: boolean;
  is_renewing: boolean;
  is_reserved: boolean;
  language: string;
};

const LOAD = {
  name: 'load_inquiry',
  text: `
    SELECT i.status, encode(l.subject, 'hex') AS buyer, u.language, i.amount, i.currency, pr.amount AS catalogue_amount, pr.currency AS catalogue_currency,
      (pr.is_active AND p.status = 'published') AS is_for_sale, i.created_at, i.expires_at,
      (i."interval" = 'once' AND EXISTS (SELECT 1 FROM entitlement e WHERE e.user_id = i.user_id AND e.plan_id = i.plan_id
        AND e.ends_at IS NULL AND e.revoked_at IS NULL)) AS has_lasting,
      (i.kind = 'subscription' AND EXISTS (SELECT 1 FROM subscription s WHERE s.user_id = i.user_id AND s.plan_id = i.plan_id
        AND s.status = 'active')) AS is_renewing,
      EXISTS (SELECT 1 FROM reservation r WHERE r.invoice_id = i.id AND r.status = 'reserved') AS is_reserved
    FROM invoice i
    JOIN users u ON u.id = i.user_id
    LEFT JOIN identity_link l ON l.user_id = i.user_id
    LEFT JOIN price pr ON pr.id = i.price_id
    LEFT JOIN product p ON p.id = i.product_id
    WHERE i.id = $1`,
};

export type InquiryVerdict = { ok: true } | { ok: false; reason: InquiryReason; language: string | null };

/**
 * Answers a provider's question whether an order may be paid now: one query, no write. `language` is the payer's own when
 * they are the buyer, so that the refusal can be said in it; a stranger is told nothing of the buyer's.
 */
export async function answerInquiry(ctx: Ctx, inquiry: MayPay): Promise<InquiryVerdict> {
  const { rows } = await ctx.pool.query<Row>({ ...LOAD, values: [inquiry.invoiceId] });
  const [row] = rows;
  const order: PayableOrder | null = row
    ? {
        status: row.status,
        buyer: row.buyer,
        price: { amount: row.amount, currency: Currency.parse(row.currency) },
        cataloguePrice:
          row.is_for_sale && row.catalogue_amount !== null
            ? { amount: row.catalogue_amount, currency: Currency.parse(row.catalogue_currency) }
            : null,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
      }
    : null;
  const holds = row?.has_lasting ? 'lasting_right' : row?.is_renewing ? 'renewing_subscription' : 'nothing';
  const payer = inquiry.payerId === null ? null : subjectOf(ctx, inquiry.payerId);
  const verdict = judgeInquiry(order, { payer, price: inquiry.price, holds }, ctx.clock.now());
  const language = row && payer !== null && row.buyer === payer ? row.language : null;
  if (!verdict.ok) return { ok: false, reason: verdict.reason, language };
  return row?.is_reserved ? { ok: false, reason: 'invoice_reserved', language } : verdict;
}
