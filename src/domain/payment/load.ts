import { OwnerRow } from '#domain/billing-record/owner.ts';
import type { Interval } from '#domain/catalog/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { InboxEntry } from '#domain/context/inbox.ts';
import { subjectOf } from '#domain/identity/account.ts';
import type { Subject } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import type { PaymentStatus, SettlingOrder } from '#domain/payment/rules.ts';
import { METHODS, type Method } from '#domain/provider/capability.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { SubscriptionStatus } from '#domain/subscription/rules.ts';

export type SucceededEvent = Extract<ProviderEvent, { type: 'payment_succeeded' }>;

export type SettleRequest = Readonly<{
  providerId: string;
  event: SucceededEvent;
  inbox: InboxEntry | null;
  /**
   * The provider's hold on the order, which is captured with the settlement. Money that is not debited yet is taken only
   * when it is owed: the provider can still be told no.
   */
  hold?: Readonly<{ reservationId: string; isDebited: boolean }>;
}>;

/** Who paid, as orders name their buyers; null when the provider does not know its payers. */
export function payerSubject(ctx: Ctx, { payerId }: SucceededEvent): Subject | null {
  return payerId === null ? null : subjectOf(ctx, payerId);
}

/** A charge to settle, by what its order is found with. */
export type ChargeKey = Readonly<{ providerId: string; chargeId: string; invoiceId: string; payer: Subject | null }>;

/** Everything a charge is judged by, read in one query. */
export type LoadedCharge = Readonly<{
  order: SettlingOrder;
  invoice: Readonly<{
    id: string;
    userId: string;
    /** What the seller's server said of it, sealed to its buyer; null for nothing and once it was paid. */
    sealed: Buffer | null;
    /** Whether the record of it is delivered. */
    isLogged: boolean;
  }>;
  /** What the order, or the subscription it began, is for; null once that was forgotten. */
  names: Readonly<{ priceId: string; planId: string; productId: string }> | null;
  /** The same as the records name it; also of a paid order as long as its right stands. */
  item: SoldItem | null;
  /** To whom the records of it are sealed: whoever paid, and the developer with a share. Null: never met, or erased. */
  payer: OwnerRow | null;
  developer: OwnerRow | null;
  /** Who paid; the buyer where the provider does not know its payers. Null when the payer never met us. */
  payerUserId: string | null;
  /** By which the provider knows the subscription of the order; null when there is none. */
  firstChargeId: string | null;
  /** How the last checkout that was opened at its provider was to be paid; null where that is not known. */
  openedMethod: Method | null;
  /** The payment that stands for this charge already. */
  existing: Readonly<{ id: string; status: PaymentStatus }> | null;
  /** Renewing subscriptions of the same product whose place this purchase takes: another plan, months when a year is bought, or one whose renewal failed. */
  replacedSubscriptionIds: ReadonlyArray<string>;
}>;

/** The codes and names of a product and its plan; names by language. */
export type SoldItem = Readonly<{ product: CatalogName; plan: CatalogName }>;
type CatalogName = Readonly<{ code: string; names: Readonly<Record<string, string>> }>;

type Row = {
  position: bigint;
  invoice_id: string;
  user_id: string;
  price_id: string | null;
  plan_id: string | null;
  product_id: string | null;
  sealed: Buffer | null;
  kind: 'one_time' | 'subscription';
  interval: Interval;
  status: SettlingOrder['status'];
  amount: bigint;
  currency: string;
  platform_fee_bps: number;
  developer_user_id: string | null;
  is_logged: boolean;
  buyer: Subject | null;
  payer_user_id: string | null;
  opened_method: string | null;
  existing_id: string | null;
  existing_status: PaymentStatus | null;
  subscription_id: string | null;
  first_charge_id: string | null;
  subscription_status: SubscriptionStatus | null;
  subscription_end: Date | null;
  first_period_start: Date | null;
  other_renewing: ReadonlyArray<string>;
  replaced: ReadonlyArray<string>;
  has_lasting: boolean;
  paid_time_end: Date | null;
  item: SoldItem | null;
  payer: unknown;
  developer: unknown;
};

const nameOf = (table: string) => `json_build_object('code', ${table}.code,
        'names', (SELECT json_object_agg(t.key, t.value->>'name') FROM jsonb_each(${table}.texts) t))`;

// Each lookup rests on a unique or composite index; the lateral parts touch a handful of rows of one person. The arrays
// stand in sub-selects so that their length tells the planner nothing: else it plans anew each time, for longer than the
// query runs.
const LOAD_CHARGES = {
  name: 'load_charges',
  text: `
    SELECT key.position, i.id AS invoice_id, i.user_id, named.price_id, named.plan_id, named.product_id, i.sealed, i.kind, i."interval", i.status,
      i.amount, i.currency, i.platform_fee_bps, i.developer_user_id, i.is_logged, encode(buyer.subject, 'hex') AS buyer, CASE WHEN key.payer IS NULL THEN i.user_id ELSE payer.user_id END AS payer_user_id,
      (SELECT a.method FROM payment_attempt a WHERE a.invoice_id = i.id AND a.provider = key.provider AND a.method IS NOT NULL
        ORDER BY a.status = 'failed', a.created_at DESC, a.id DESC LIMIT 1) AS opened_method,
      existing.id AS existing_id, existing.status AS existing_status,
      s.id AS subscription_id, s.first_charge_id, s.status AS subscription_status, s.current_period_end AS subscription_end,
      (SELECT f.period_start FROM payment f WHERE s.id IS NOT NULL AND f.invoice_id = i.id AND f.kind = 'first') AS first_period_start,
      ARRAY(SELECT o.id FROM subscription o WHERE i.kind = 'subscription' AND o.user_id = i.user_id AND o.plan_id = named.plan_id
        AND o.status = 'active' AND o.invoice_id <> i.id) AS other_renewing,
      ARRAY(SELECT o.id FROM subscription o WHERE i."interval" <> 'once' AND o.user_id = i.user_id AND o.product_id = named.product_id
        AND o.invoice_id <> i.id AND (o.plan_id <> named.plan_id OR i.kind = 'one_time' OR o.status = 'past_due') AND o.status IN ('active', 'past_due')) AS replaced,
      (i."interval" = 'once' AND EXISTS (SELECT 1 FROM entitlement e WHERE e.user_id = i.user_id AND e.plan_id = named.plan_id
        AND e.ends_at IS NULL AND e.revoked_at IS NULL)) AS has_lasting,
      (SELECT max(e.ends_at) FROM entitlement e WHERE i."interval" IN ('year', 'month') AND i.kind = 'one_time' AND e.user_id = i.user_id
        AND e.product_id = named.product_id AND e.plan_id = named.plan_id AND e.revoked_at IS NULL) AS paid_time_end,
      CASE WHEN pl.id IS NOT NULL THEN json_build_object('product', ${nameOf('p')}, 'plan', ${nameOf('pl')}) END AS item,
      record_owner(CASE WHEN key.payer IS NULL THEN i.user_id ELSE payer.user_id END) AS payer,
      record_owner(i.developer_user_id) AS developer
    FROM unnest((SELECT $1::text[]), (SELECT $2::text[]), (SELECT $3::text[]), (SELECT $4::bytea[]))
      WITH ORDINALITY AS key(provider, charge_id, invoice_id, payer, position)
    JOIN invoice i ON i.id = key.invoice_id
    LEFT JOIN identity_link buyer ON buyer.user_id = i.user_id
    LEFT JOIN identity_link payer ON payer.subject = key.payer
    LEFT JOIN payment existing ON existing.provider = key.provider AND existing.charge_id = key.charge_id
    LEFT JOIN subscription s ON s.invoice_id = i.id
    CROSS JOIN LATERAL (SELECT coalesce(i.price_id, s.price_id) AS price_id, coalesce(i.plan_id, s.plan_id) AS plan_id,
      coalesce(i.product_id, s.product_id) AS product_id) named
    LEFT JOIN plan pl ON pl.id = coalesce(named.plan_id, (SELECT e.plan_id FROM payment q JOIN entitlement e ON e.payment_id = q.id
      WHERE q.invoice_id = i.id LIMIT 1))
    LEFT JOIN product p ON p.id = pl.product_id`,
};

/** Loads the orders that charges name, in the order of `keys`; null where no such order exists. One round trip. */
export async function loadCharges(ctx: Ctx, keys: ReadonlyArray<ChargeKey>): Promise<Array<LoadedCharge | null>> {
  const { rows } = await ctx.pool.query<Row>({
    ...LOAD_CHARGES,
    values: [
      keys.map((key) => key.providerId),
      keys.map((key) => key.chargeId),
      keys.map((key) => key.invoiceId),
      keys.map(({ payer }) => (payer === null ? null : Buffer.from(payer, 'hex'))),
    ],
  });
  const loaded: Array<LoadedCharge | null> = keys.map(() => null);
  for (const row of rows) loaded[Number(row.position) - 1] = toLoadedCharge(row);
  return loaded;
}

function toLoadedCharge(row: Row): LoadedCharge {
  const subscription =
    row.subscription_id && row.subscription_status && row.subscription_end
      ? {
          id: row.subscription_id,
          status: row.subscription_status,
          currentPeriodEnd: row.subscription_end,
          firstPeriodStart: row.first_period_start,
        }
      : null;
  const { plan_id: planId, price_id: priceId, product_id: productId } = row;
  const names = priceId && planId && productId ? { priceId, planId, productId } : null;
  return {
    order: {
      kind: row.kind,
      interval: row.interval,
      status: row.status,
      price: { amount: row.amount, currency: Currency.parse(row.currency) },
      buyer: row.buyer,
      platformFeeBps: row.platform_fee_bps,
      developerUserId: row.developer_user_id,
      subscription,
      hasOtherRenewing: row.other_renewing.length > 0,
      hasLastingRight: row.has_lasting,
      paidTimeEnd: row.paid_time_end,
      isForgotten: names === null,
    },
    invoice: {
      id: row.invoice_id,
      userId: row.user_id,
      sealed: row.sealed,
      isLogged: row.is_logged,
    },
    names,
    payerUserId: row.payer_user_id,
    firstChargeId: row.first_charge_id,
    item: row.item,
    payer: OwnerRow.nullable().parse(row.payer),
    developer: OwnerRow.nullable().parse(row.developer),
    openedMethod: METHODS.find((method) => method === row.opened_method) ?? null,
    existing: row.existing_id && row.existing_status ? { id: row.existing_id, status: row.existing_status } : null,
    replacedSubscriptionIds: row.replaced,
  };
}
