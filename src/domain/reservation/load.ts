import type { PayableOrder } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Subject } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import type { Reservation } from '#domain/provider/inquiry.ts';
import type { ReservationFacts } from '#domain/reservation/rules.ts';

type Row = {
  id: string;
  number: bigint;
  charge_id: string;
  invoice_id: string;
  amount: bigint;
  currency: string;
  status: Reservation['status'];
  asked_at: Date;
  created_at: Date;
  paid_at: Date | null;
  cancelled_at: Date | null;
  code: number | null;
};
type OrderRow = {
  order_status: PayableOrder['status'] | null;
  buyer: Subject | null;
  order_amount: bigint;
  order_currency: string;
  /** Null where the order does not name it any more. */
  catalogue_amount: bigint | null;
  catalogue_currency: string | null;
  is_for_sale: boolean | null;
  order_created_at: Date;
  expires_at: Date;
  has_lasting: boolean;
  is_renewing: boolean;
  is_held_by_other: boolean;
  language: string | null;
};

const COLUMNS =
  'r.id, r.number, r.charge_id, r.invoice_id, r.amount, r.currency, r.status, r.asked_at, r.created_at, r.paid_at, r.cancelled_at, r.code';

// By the charge, and by the order it names; a step that names only its charge finds the order through the reservation.
const LOAD = {
  name: 'load_reservation',
  text: `
    SELECT ${COLUMNS}, i.status AS order_status, encode(l.subject, 'hex') AS buyer, u.language, i.amount AS order_amount,
      i.currency AS order_currency, pr.amount AS catalogue_amount, pr.currency AS catalogue_currency,
      (pr.is_active AND p.status = 'published') AS is_for_sale, i.created_at AS order_created_at, i.expires_at,
      (i."interval" = 'once' AND EXISTS (SELECT 1 FROM entitlement e WHERE e.user_id = i.user_id AND e.plan_id = i.plan_id
        AND e.ends_at IS NULL AND e.revoked_at IS NULL)) AS has_lasting,
      (i.kind = 'subscription' AND EXISTS (SELECT 1 FROM subscription s WHERE s.user_id = i.user_id AND s.plan_id = i.plan_id
        AND s.status = 'active')) AS is_renewing,
      EXISTS (SELECT 1 FROM reservation o WHERE o.invoice_id = i.id AND o.status = 'reserved'
        AND NOT (o.provider = $1 AND o.charge_id = $2)) AS is_held_by_other
    FROM (SELECT 1) one
    LEFT JOIN reservation r ON r.provider = $1 AND r.charge_id = $2
    LEFT JOIN invoice i ON i.id = coalesce($3, r.invoice_id)
    LEFT JOIN users u ON u.id = i.user_id
    LEFT JOIN identity_link l ON l.user_id = i.user_id
    LEFT JOIN price pr ON pr.id = i.price_id
    LEFT JOIN product p ON p.id = i.product_id`,
};

/** Everything a step is judged by, in one query. `invoiceId` where the step names its order. `language` is the buyer's. */
export async function loadReservation(
  ctx: Ctx,
  key: { providerId: string; chargeId: string; invoiceId: string | null },
): Promise<ReservationFacts & { language: string | null }> {
  const { rows } = await ctx.pool.query<Partial<Row> & OrderRow>({
    ...LOAD,
    values: [key.providerId, key.chargeId, key.invoiceId],
  });
  const [row] = rows;
  if (!row) throw new Error('load_reservation returned no row');
  return {
    own: row.id ? toReservation(row as Row) : null,
    order: row.order_status ? toOrder(row, row.order_status) : null,
    holds: row.has_lasting ? 'lasting_right' : row.is_renewing ? 'renewing_subscription' : 'nothing',
    isHeldByOther: row.is_held_by_other,
    language: row.language,
  };
}

const LIST = {
  name: 'list_reservations',
  text: `SELECT ${COLUMNS} FROM reservation r WHERE r.provider = $1 AND r.asked_at >= $2 AND r.asked_at <= $3
    ORDER BY r.asked_at, r.id LIMIT $4`,
};

/** A provider's reservations that it began from `from` to `to`, both included, oldest first; at most `limit`. */
export async function listReservations(
  ctx: Ctx,
  asked: { providerId: string; from: Date; to: Date; limit: number },
): Promise<Reservation[]> {
  const { rows } = await ctx.pool.query<Row>({
    ...LIST,
    values: [asked.providerId, asked.from, asked.to, asked.limit],
  });
  return rows.map(toReservation);
}

function toReservation(row: Row): Reservation {
  return {
    id: row.id,
    number: row.number,
    chargeId: row.charge_id,
    invoiceId: row.invoice_id,
    price: { amount: row.amount, currency: Currency.parse(row.currency) },
    status: row.status,
    askedAt: row.asked_at,
    createdAt: row.created_at,
    paidAt: row.paid_at,
    cancelledAt: row.cancelled_at,
    code: row.code,
  };
}

function toOrder(row: OrderRow, status: PayableOrder['status']): PayableOrder {
  return {
    status,
    buyer: row.buyer,
    price: { amount: row.order_amount, currency: Currency.parse(row.order_currency) },
    cataloguePrice:
      row.is_for_sale && row.catalogue_amount !== null
        ? { amount: row.catalogue_amount, currency: Currency.parse(row.catalogue_currency) }
        : null,
    createdAt: row.order_created_at,
    expiresAt: row.expires_at,
  };
}
