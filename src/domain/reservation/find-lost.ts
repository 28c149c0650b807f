import { asActor, type Ctx, newId } from '#domain/context/context.ts';
import { Currency } from '#domain/money.ts';
import { type Provider, ProviderError } from '#domain/provider.ts';
import { takeStep } from '#domain/reservation/take-step.ts';

/** How old a reservation is when it is asked about: an abandoned order costs a handful of questions, not one a minute. */
const AGES_MS = [2, 5, 15, 60, 240, 1_440].map((minutes) => minutes * 60_000);
const OLDEST_MS = 2 * 86_400_000;
const BATCH = 50;

type Held = {
  id: string;
  charge_id: string;
  reference: string | null;
  invoice_id: string;
  amount: bigint;
  currency: string;
  created_at: Date;
};

/**
 * Asks providers about orders that they hold and never told the end of, and captures what was paid. Returns how many were;
 * a provider that cannot be asked now is asked again at the next age.
 */
export async function findLostCaptures(ctx: Ctx): Promise<number> {
  let found = 0;
  for (const provider of ctx.providers.values()) {
    if (!provider.find || !provider.reservations) continue;
    for (const held of await claimHeld(ctx, provider.id)) if (await captureIfPaid(ctx, provider, held)) found += 1;
  }
  return found;
}

/** Takes the reservations whose next question is due; several workers may do so at once. */
async function claimHeld(ctx: Ctx, providerId: string): Promise<Held[]> {
  const now = ctx.clock.now();
  const { rows } = await ctx.pool.query<Held>({
    name: 'claim_held_reservations',
    text: `UPDATE reservation r SET questions = questions + 1
      WHERE r.id IN (
        SELECT h.id FROM reservation h
        WHERE h.provider = $1 AND h.asked_at > $2 AND (h.status = 'reserved' OR (h.status = 'cancelled' AND h.code IS NULL))
          AND h.questions < (SELECT count(*) FROM unnest($3::timestamptz[]) due WHERE h.created_at <= due)
        ORDER BY h.asked_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
      RETURNING r.id, r.charge_id, r.reference, r.invoice_id, r.amount, r.currency, r.created_at`,
    values: [
      providerId,
      new Date(now.getTime() - OLDEST_MS),
      AGES_MS.map((age) => new Date(now.getTime() - age).toISOString()),
    ],
  });
  return rows;
}

async function captureIfPaid(ctx: Ctx, provider: Provider, held: Held): Promise<boolean> {
  const { charge_id: chargeId } = held;
  if (!(await isPaid(ctx, provider, held))) return false;
  const inbox = {
    id: newId(ctx, 'whe'),
    providerId: provider.id,
    eventId: `capture:${chargeId}`,
    kind: 'capture',
    receivedAt: ctx.clock.now(),
    body: null,
  };
  const answer = await takeStep(asActor(ctx, { kind: 'provider', providerId: provider.id }), {
    providerId: provider.id,
    inquiry: { type: 'capture', inquiryId: inbox.id, chargeId, claim: null, isDebited: true },
    inbox,
  });
  return answer.ok;
}

async function isPaid(ctx: Ctx, provider: Provider, held: Held): Promise<boolean> {
  const { charge_id: chargeId, created_at: createdAt, invoice_id: invoiceId, reference } = held;
  const price = { amount: held.amount, currency: Currency.parse(held.currency) };
  try {
    const asked = { invoiceId, reference: null, createdAt, reservation: { chargeId, reference, price } };
    const events = (await provider.find?.(asked)) ?? [];
    return events.some((event) => event.type === 'payment_succeeded' && event.chargeId === chargeId);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const { code, failure } = error;
    const log = { provider: provider.id, reservation: held.id, failure, code };
    if (failure === 'unavailable') ctx.log.warn(log, 'a provider could not be asked about an order');
    else ctx.log.error(log, 'a provider’s answer about an order cannot be used: compare with its statement');
    return false;
  }
}
