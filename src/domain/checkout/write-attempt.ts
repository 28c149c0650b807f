import { type AuditEntry, toAuditRow } from '#domain/audit/record.ts';
import { sealDetails } from '#domain/checkout/details.ts';
import type { OpenOrder } from '#domain/checkout/load.ts';
import { tooManyAttempts } from '#domain/checkout/refusals.ts';
import type { Bought, StartRequest } from '#domain/checkout/request.ts';
import { ATTEMPT_WINDOW_MS, ATTEMPTS_PER_MINUTE, type Candidate } from '#domain/checkout/rules.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';

const MAX_EXPIRY_MINUTES = 60;

/** An order to be paid. `sealed`: what is said of a new one to its buyer. */
export type Order = Pick<OpenOrder, 'id' | 'expiresAt' | 'platformFeeBps' | 'isLogged'> &
  Readonly<{ sealed: Buffer | null }>;
/** A provider that was not used. `reason`: breaker_open, or the code of its failure a moment ago. */
export type PassedOver = Readonly<{ providerId: string; reason: string }>;
type Opening = Readonly<{
  candidate: Candidate;
  attemptId: string;
  order: Order;
  isNew: boolean;
  passedOver: ReadonlyArray<PassedOver>;
}>;

/** A new order by its terms; it is written with its first attempt. Throws `not_found user_not_found`. */
export async function newOrder(ctx: Ctx, request: StartRequest, { loaded }: Bought): Promise<Order> {
  const { details = {}, isLogged = true, terms, userId } = request;
  const minutes = Math.min(terms?.expiresInMinutes ?? ctx.policy.invoiceTtlMinutes, MAX_EXPIRY_MINUTES);
  return {
    id: newId(ctx, 'inv'),
    expiresAt: new Date(ctx.clock.now().getTime() + minutes * 60_000),
    platformFeeBps: terms?.platformFeeBps ?? loaded.product.platformFeeBps ?? ctx.policy.platformFeeBps,
    isLogged,
    sealed: await sealDetails(ctx, userId, details),
  };
}

/** Each text with its version, as the function writes it. */
function consentsOf({ agreesTo, surface }: StartRequest) {
  return agreesTo ? Object.entries(agreesTo).map(([kind, version]) => ({ kind, version, surface })) : null;
}

/** Somebody else, a server, may have placed the order that a person goes on with. */
export async function keepConsents(ctx: Ctx, request: StartRequest): Promise<void> {
  const consents = consentsOf(request);
  if (!consents) return;
  await ctx.pool.query({
    name: 'write_consents',
    text: 'SELECT write_consents($1, $2::jsonb, $3)',
    values: [request.userId, JSON.stringify(consents), ctx.clock.now()],
  });
}

type Written = 'opened' | 'rate_limited' | 'stale' | 'erasing';

/**
 * Writes an attempt, with its order where that is new, the consents and the audit: one statement. False when another request
 * changed the order meanwhile. Throws precondition_failed erasure_waiting, rate_limited too_many_attempts.
 */
export async function writeAttempt(
  ctx: Ctx,
  request: StartRequest,
  { loaded, price }: Bought,
  { candidate, attemptId, order, isNew, passedOver }: Opening,
): Promise<boolean> {
  const { plan, product } = loaded;
  const amount = price.amount.toString();
  const audit: AuditEntry = {
    action: isNew ? 'invoice.opened' : 'checkout.attempted',
    objectId: order.id,
    data: {
      attempt: attemptId,
      provider: candidate.providerId,
      amount,
      currency: price.currency,
      ...(passedOver.length > 0 && {
        passed_over: passedOver.map(({ providerId, reason }) => `${providerId}:${reason}`).join(' '),
      }),
    },
  };
  const rows = {
    // A link is shown only after it was kept, and that commit is waited for. A chat shows the order at once.
    is_shown_at_once: request.chatId !== undefined,
    limit: ATTEMPTS_PER_MINUTE,
    consents: consentsOf(request),
    expired_invoice_id: isNew ? (price.order?.id ?? null) : null,
    invoice: isNew
      ? {
          id: order.id,
          user_id: request.userId,
          price_id: price.id,
          plan_id: plan.id,
          product_id: product.id,
          kind: candidate.renewalDays === null ? 'one_time' : 'subscription',
          interval: price.interval,
          surface: request.surface,
          amount,
          currency: price.currency,
          developer_user_id: product.developerUserId,
          platform_fee_bps: order.platformFeeBps,
          is_logged: order.isLogged,
          sealed: order.sealed?.toString('base64') ?? null,
          expires_at: order.expiresAt.toISOString(),
        }
      : null,
    attempt: {
      id: attemptId,
      invoice_id: order.id,
      user_id: request.userId,
      provider: candidate.providerId,
      method: candidate.capability.method,
      opened_by: openerOf(request),
      created_at: ctx.clock.now().toISOString(),
    },
    audit: toAuditRow(ctx, audit),
  };
  const { rows: answers } = await ctx.pool.query<{ outcome: Written }>({
    name: 'open_checkout',
    text: 'SELECT open_checkout($1::jsonb) AS outcome',
    values: [JSON.stringify(rows)],
  });
  const outcome = answers[0]?.outcome ?? 'stale';
  if (outcome === 'erasing') throw new AppError('precondition_failed', 'erasure_waiting');
  if (outcome === 'rate_limited') throw tooManyAttempts(ATTEMPT_WINDOW_MS / 1000);
  return outcome === 'opened';
}

function openerOf({ isByLink = false, token }: StartRequest): NonNullable<OpenOrder['attempt']>['openedBy'] {
  if (isByLink) return 'link';
  return token === undefined ? 'buyer' : 'stored_method';
}
