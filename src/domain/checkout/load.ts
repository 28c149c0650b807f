import type { Interval } from '#domain/catalog/rules.ts';
import type { Breaker } from '#domain/checkout/breaker.ts';
import { ATTEMPT_WINDOW_MS, ATTEMPTS_PER_MINUTE } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Subject } from '#domain/identity/rules.ts';
import { Currency, type Money } from '#domain/money.ts';
import type { Progress } from '#domain/provider/event.ts';

/** Whom a checkout is for: a person's id, or their Telegram account. */
export type BuyerName = Readonly<{ userId: string } | { telegramId: bigint }>;

/** The order of one price that is still open, and the way to pay it that was shown for it. */
export type OpenOrder = Readonly<{
  id: string;
  createdAt: Date;
  expiresAt: Date;
  platformFeeBps: number;
  /** Whether its record is delivered to its buyer. */
  isLogged: boolean;
  /** A provider holds it and may take the money at any moment. */
  hold: Hold | null;
  attempt: Readonly<{
    id: string;
    provider: string;
    method: string | null;
    reference: string | null;
    status: 'creating' | 'live';
    url: string | null;
    /** Who opened it; of a stored method its page is about that card. */
    openedBy: 'buyer' | 'stored_method' | 'link';
    createdAt: Date;
  }> | null;
  /** When its latest attempts of the last minute began that were opened by its link. */
  recentByLink: ReadonlyArray<Date>;
}>;

/** What holds an order, and the try that led to it. `progress` is null for a provider that takes money in two steps. */
export type Hold = Readonly<{
  id: string;
  provider: string;
  chargeId: string;
  progress: Progress | null;
  attempt: Readonly<{
    id: string;
    userId: string;
    reference: string | null;
    openedBy: 'buyer' | 'stored_method' | 'link';
  }> | null;
}>;

export type LoadedPrice = Money &
  Readonly<{ id: string; interval: Interval; isActive: boolean; order: OpenOrder | null }>;

/** All a checkout is decided by. `texts` are as stored: parse what is shown. */
export type LoadedCheckout = Readonly<{
  product: Readonly<{
    id: string;
    code: string;
    kind: 'plan_line' | 'plugin';
    fulfilment: 'digital' | 'physical';
    texts: unknown;
    developerUserId: string | null;
    platformFeeBps: number | null;
    isPublished: boolean;
  }>;
  plan: Readonly<{ id: string; code: string; texts: unknown }>;
  prices: ReadonlyArray<LoadedPrice>;
  /** Null when we never met them; what follows then says that they hold nothing. */
  buyer: Readonly<{
    id: string;
    subject: Subject | null;
    language: string;
    /** Their log is on, and there is somewhere to deliver it: a group that takes records, or the chat with the bot. */
    takesRecords: boolean;
  }> | null;
  /** When their latest attempts of the last minute began, without those that others opened by a link. */
  recent: ReadonlyArray<Date>;
  hasLasting: boolean;
  isRenewing: boolean;
  /** Providers that failed lately. */
  breakers: ReadonlyArray<Breaker>;
}>;

// One round trip and one column: reading twenty columns costs the driver more than asking for them.
// $1 id of a price, id or code of a plan, or id or code of a product with one plan (a plugin); $2 whether a product is meant
// first; $3 id of the buyer or null; $4 their Telegram id; $5 since when attempts count.
// Orders are looked up by the price, and attempts by the order: few are open, and a plain join may walk them all.
const LOAD = {
  name: 'load_checkout',
  text: `
    WITH chosen AS (
      SELECT id FROM (
        SELECT plan_id AS id, 1 AS rank FROM price WHERE id = $1
        UNION ALL SELECT id, 2 FROM plan WHERE id = $1 OR code = $1
        UNION ALL SELECT min(q.id), CASE WHEN $2 THEN 0 ELSE 3 END FROM plan q
          WHERE q.product_id = (SELECT id FROM product WHERE id = $1 OR code = $1) HAVING count(*) = 1
      ) named ORDER BY rank LIMIT 1
    ), buyer AS MATERIALIZED (
      SELECT u.id, encode(l.subject, 'hex') AS subject, u.language, coalesce(g.is_on, true)
          AND (u.is_reachable OR (g.sealed IS NOT NULL AND g.obstacle IS NULL)) AS takes_records
      FROM users u LEFT JOIN identity_link l ON l.user_id = u.id LEFT JOIN personal_log g ON g.user_id = u.id
      WHERE u.id = coalesce($3, (SELECT user_id FROM identity_link WHERE subject = $4))
    )
    SELECT json_build_object(
      'product', json_build_object('id', p.id, 'code', p.code, 'kind', p.kind, 'fulfilment', p.fulfilment, 'texts', p.texts,
        'developerUserId', p.developer_user_id, 'platformFeeBps', p.platform_fee_bps, 'isPublished', p.status = 'published'),
      'plan', json_build_object('id', pl.id, 'code', pl.code, 'texts', pl.texts),
      'prices', (
        SELECT coalesce(json_agg(json_build_object('id', pr.id, 'amount', pr.amount::text, 'currency', pr.currency,
          'interval', pr."interval", 'isActive', pr.is_active, 'order', o.found) ORDER BY pr.currency, pr."interval"), '[]')
        FROM price pr LEFT JOIN LATERAL (
          SELECT json_build_object('id', i.id, 'createdAt', i.created_at, 'expiresAt', i.expires_at,
            'platformFeeBps', i.platform_fee_bps, 'isLogged', i.is_logged,
            'hold', (
              SELECT json_build_object('id', r.id, 'provider', r.provider, 'chargeId', r.charge_id, 'progress', r.progress, 'attempt', (
                SELECT json_build_object('id', h.id, 'userId', h.user_id, 'reference', h.reference, 'openedBy', h.opened_by)
                FROM payment_attempt h WHERE h.invoice_id = i.id AND h.provider = r.provider ORDER BY h.created_at DESC LIMIT 1))
              FROM reservation r WHERE r.invoice_id = i.id AND r.status = 'reserved'),
            'attempt', (
              SELECT json_build_object('id', a.id, 'provider', a.provider, 'method', a.method, 'reference', a.reference, 'status', a.status, 'url', a.url,
                'openedBy', a.opened_by, 'createdAt', a.created_at)
              FROM payment_attempt a WHERE a.invoice_id = i.id AND a.status IN ('creating', 'live')),
            'recentByLink', (SELECT coalesce(json_agg(r.created_at), '[]') FROM (SELECT created_at FROM payment_attempt
              WHERE invoice_id = i.id AND opened_by = 'link' AND created_at > $5
              ORDER BY created_at DESC LIMIT ${ATTEMPTS_PER_MINUTE}) r)) AS found
          FROM invoice i WHERE i.user_id = (SELECT id FROM buyer) AND i.price_id = pr.id AND i.status = 'open'
        ) o ON true
        WHERE pr.plan_id = pl.id),
      'buyer', (SELECT json_build_object('id', id, 'subject', subject, 'language', language, 'takesRecords', takes_records)
        FROM buyer),
      'recent', (SELECT coalesce(json_agg(r.created_at), '[]') FROM (SELECT created_at FROM payment_attempt
        WHERE user_id = (SELECT id FROM buyer) AND opened_by <> 'link' AND created_at > $5
        ORDER BY created_at DESC LIMIT ${ATTEMPTS_PER_MINUTE}) r),
      'hasLasting', EXISTS (SELECT 1 FROM entitlement e WHERE e.user_id = (SELECT id FROM buyer) AND e.plan_id = pl.id
        AND e.ends_at IS NULL AND e.revoked_at IS NULL),
      'isRenewing', EXISTS (SELECT 1 FROM subscription s WHERE s.user_id = (SELECT id FROM buyer) AND s.plan_id = pl.id
        AND s.status = 'active'),
      'breakers', (SELECT coalesce(json_agg(json_build_object('provider', provider, 'failures', failures, 'openUntil', open_until)), '[]')
        FROM provider_breaker WHERE failures > 0)
    ) AS loaded
    FROM plan pl JOIN product p ON p.id = pl.product_id
    WHERE pl.id = (SELECT id FROM chosen)`,
};

type Json<T> = T extends bigint | Date
  ? string
  : T extends ReadonlyArray<infer Item>
    ? ReadonlyArray<Json<Item>>
    : T extends object
      ? { readonly [Key in keyof T]: Json<T[Key]> }
      : T;

/**
 * Loads everything a checkout of `item` by `buyer` is decided by: the plan with its prices, the buyer, their open orders of
 * it, their recent attempts and what they hold. `item` is the id of a price, the id or code of a plan, or of a product with
 * one plan; `isProduct` says that a product is meant where a code could be either. Null when there is no such plan.
 */
export async function loadCheckout(
  ctx: Ctx,
  { item, isProduct = false, buyer }: { item: string; isProduct?: boolean; buyer: BuyerName },
): Promise<LoadedCheckout | null> {
  const since = new Date(ctx.clock.now().getTime() - ATTEMPT_WINDOW_MS);
  const person = 'userId' in buyer ? [buyer.userId, null] : [null, Buffer.from(ctx.vault.subjectOf(buyer.telegramId))];
  const { rows } = await ctx.pool.query<{ loaded: Json<LoadedCheckout> }>({
    ...LOAD,
    values: [item, isProduct, ...person, since],
  });
  const loaded = rows[0]?.loaded;
  if (!loaded) return null;
  return {
    ...loaded,
    prices: loaded.prices.map((price) => ({
      ...price,
      amount: BigInt(price.amount),
      currency: Currency.parse(price.currency),
      order: price.order && toOpenOrder(ctx, price.order),
    })),
    recent: loaded.recent.map((at) => new Date(at)),
    breakers: loaded.breakers.map((breaker) => ({
      ...breaker,
      openUntil: breaker.openUntil === null ? null : new Date(breaker.openUntil),
    })),
  };
}

function toOpenOrder({ vault }: Ctx, { attempt, ...order }: Json<OpenOrder>): OpenOrder {
  return {
    ...order,
    createdAt: new Date(order.createdAt),
    expiresAt: new Date(order.expiresAt),
    recentByLink: order.recentByLink.map((at) => new Date(at)),
    attempt: attempt && {
      ...attempt,
      url: attempt.url && vault.reveal(attempt.url),
      createdAt: new Date(attempt.createdAt),
    },
  };
}
