import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError, type Reason } from '#domain/errors.ts';
import { Currency } from '#domain/money.ts';
import { finishAdding } from '#domain/payment-method/confirm.ts';
import type { OrderHint } from '#domain/provider/contract.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { AskedOrder, KnownRefund } from '#domain/provider/request.ts';
import { type Applied, applyEvent } from '#domain/reconciliation/apply.ts';

type Row = {
  invoice_id: string | null;
  reference: string | null;
  charge_id: string | null;
  created_at: Date;
  booked: ReadonlyArray<{ chargeId: string; amount: string; goesBackInParts: boolean; isDisputed: boolean }>;
  refunds: ReadonlyArray<Omit<KnownRefund, 'amount'> & { amount: string }>;
  held_charge_id: string | null;
  held_reference: string | null;
  held_amount: bigint | null;
  held_currency: string | null;
};

// $1 provider, $2 our order, $3 the provider's checkout or refund, $4 its charge. The order is the one named, else that of the
// checkout, of the payment, of the refund or of the hold; each lookup rests on an index of its own. Asked about one checkout, its charge is not guessed.
const LOAD = {
  name: 'load_asked_order',
  text: `
    WITH named AS (
      SELECT coalesce(
        (SELECT id FROM invoice WHERE id = $2),
        (SELECT invoice_id FROM payment_attempt WHERE provider = $1 AND reference = $3 LIMIT 1),
        (SELECT invoice_id FROM payment WHERE provider = $1 AND charge_id = $4),
        (SELECT p.invoice_id FROM refund f JOIN payment p ON p.id = f.payment_id
          WHERE f.reference = $3 AND p.provider = $1 LIMIT 1),
        (SELECT invoice_id FROM reservation WHERE provider = $1 AND charge_id = $4)) AS id
    )
    SELECT i.id AS invoice_id, coalesce($3, a.reference) AS reference,
      CASE WHEN $3 IS NULL THEN coalesce($4, p.charge_id) ELSE $4 END AS charge_id, i.created_at,
      ARRAY(SELECT json_build_object('chargeId', b.charge_id, 'amount', b.amount::text,
          'isDisputed', b.status = 'disputed', 'goesBackInParts',
          EXISTS (SELECT 1 FROM refund f WHERE f.payment_id = b.id AND f.amount < b.amount))
        FROM payment b WHERE b.invoice_id = i.id AND b.provider = $1) AS booked,
      ARRAY(SELECT json_build_object('refundId', f.id, 'chargeId', b.charge_id, 'reference', f.reference, 'status', f.status,
          'amount', f.amount::text, 'isUnsure', f.reference IS NULL AND f.asked_at IS NOT NULL)
        FROM payment b JOIN refund f ON f.payment_id = b.id WHERE b.invoice_id = i.id AND b.provider = $1
        ORDER BY f.created_at DESC LIMIT 100) AS refunds,
      r.charge_id AS held_charge_id, r.reference AS held_reference, r.amount AS held_amount, r.currency AS held_currency
    FROM named JOIN invoice i ON i.id = named.id
    LEFT JOIN LATERAL (SELECT reference FROM payment_attempt WHERE invoice_id = i.id AND provider = $1 AND reference IS NOT NULL
      ORDER BY created_at DESC LIMIT 1) a ON true
    LEFT JOIN LATERAL (SELECT charge_id FROM payment WHERE invoice_id = i.id AND provider = $1
      ORDER BY paid_at LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT * FROM reservation WHERE invoice_id = i.id AND provider = $1
      ORDER BY (charge_id = $4) DESC NULLS LAST, (status = 'reserved') DESC, created_at DESC LIMIT 1) r ON true`,
};

const NOT_OURS: ReadonlySet<Reason> = new Set(['payment_not_found', 'invoice_not_found']);

/**
 * Asks a provider what is true of an order or charge and brings us there. Safe at any time and as often as one likes: what
 * stands already stays. Returns `applied` when something changed, `ignored` when the provider knows nothing of ours. Throws
 * ProviderError when it cannot be asked, and what applying an event throws.
 */
export async function convergeOrder(
  ctx: Ctx,
  { about, providerId }: { providerId: string; about: OrderHint },
): Promise<Applied> {
  const provider = ctx.providers.get(providerId);
  if (!provider) return 'ignored';
  const asProvider = asActor(ctx, { kind: 'provider', providerId }, ctx.requestId);
  const isMethod =
    about.reference !== null && (await finishAdding(asProvider, { providerId, reference: about.reference }));
  if (isMethod) return 'applied';
  if (!provider.find) return 'ignored';
  const startedAt = performance.now();
  const events = await provider.find(await loadAsked(ctx, providerId, about)).finally(() => {
    const ms = performance.now() - startedAt;
    ctx.outside.ms += ms;
    ctx.metrics.providerSeconds.observe({ provider: providerId }, ms / 1000);
  });
  const outcomes = new Set<Applied>();
  for (const event of events) outcomes.add(await apply(asProvider, { providerId, event, about }));
  if (outcomes.has('applied')) return 'applied';
  return outcomes.has('duplicate') ? 'duplicate' : 'ignored';
}

/**
 * A provider that was asked tells all it knows: what goes back of a charge that it does not tell was never ours. Nor is what
 * was paid for an order that nobody here made, where others sell by the same account: comparing its list reports that once.
 */
async function apply(
  ctx: Ctx,
  { about, event, providerId }: { providerId: string; event: ProviderEvent; about: OrderHint },
): Promise<Applied> {
  try {
    return await applyEvent(ctx, { providerId, event, inbox: null, reference: about.reference });
  } catch (error) {
    const isNotOurs = error instanceof AppError && NOT_OURS.has(error.reason);
    if (isNotOurs) return 'ignored';
    throw error;
  }
}

async function loadAsked(ctx: Ctx, providerId: string, about: OrderHint): Promise<AskedOrder> {
  const { chargeId, invoiceId, reference, refundReference = null } = about;
  const { rows } = await ctx.pool.query<Row>({ ...LOAD, values: [providerId, invoiceId, reference, chargeId] });
  const [row] = rows;
  if (!row)
    return { invoiceId: null, reference, chargeId, refundReference, createdAt: ctx.clock.now(), reservation: null };
  return {
    invoiceId: row.invoice_id,
    reference: row.reference,
    chargeId: row.charge_id,
    createdAt: row.created_at,
    booked: row.booked.map(({ amount, ...charge }) => ({ ...charge, amount: BigInt(amount) })),
    refunds: row.refunds.map(({ amount, ...refund }) => ({ ...refund, amount: BigInt(amount) })),
    refundReference,
    reservation:
      row.held_charge_id !== null && row.held_amount !== null
        ? {
            chargeId: row.held_charge_id,
            reference: row.held_reference,
            price: { amount: row.held_amount, currency: Currency.parse(row.held_currency) },
          }
        : null,
  };
}
