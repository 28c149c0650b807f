import { type AuditEntry, toAuditRow } from '#domain/audit/record.ts';
import type { Interval } from '#domain/catalog/rules.ts';
import { PlanTexts, ProductTexts } from '#domain/catalog/rules.ts';
import {
  ATTEMPT_WINDOW_MS,
  ATTEMPTS_PER_MINUTE,
  type Candidate,
  checkAttemptLimit,
  chooseProviders,
  judgeSurface,
  PAYABLE_FOR_MS,
} from '#domain/checkout/rules.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import { type Method, ProviderError, type Surface } from '#domain/provider.ts';

export type StartRequest = Readonly<{
  userId: string;
  priceId: string;
  surface: Surface;
  method: Method;
  /** Language of the texts that the provider shows. */
  language: Language;
  /** Deliver the invoice into this Telegram chat instead of returning a link. */
  chatId?: bigint;
  /** What a server with an API key may set otherwise than the catalogue. */
  terms?: Readonly<{ platformFeeBps?: number; expiresInMinutes?: number }>;
}>;

/** An order that can be paid now. `url` is null when it was delivered into the chat. */
export type OpenInvoice = Readonly<{
  invoiceId: string;
  providerId: string;
  url: string | null;
  expiresAt: Date;
  isResumed: boolean;
}>;

type Row = {
  amount: bigint;
  currency: string;
  interval: Interval;
  plan_id: string;
  plan_texts: unknown;
  product_id: string;
  product_texts: unknown;
  fulfilment: 'digital' | 'physical';
  developer_user_id: string | null;
  platform_fee_bps: number | null;
  is_for_sale: boolean;
  user_exists: boolean;
  open_invoice_id: string | null;
  open_created_at: Date | null;
  open_expires_at: Date | null;
  live_attempt_id: string | null;
  live_provider: string | null;
  live_status: 'creating' | 'live' | null;
  live_url: string | null;
  live_created_at: Date | null;
  recent: ReadonlyArray<Date>;
  has_lasting: boolean;
  is_renewing: boolean;
};

// All a checkout is decided by, in one round trip: the price, the open order of the same price with its live attempt,
// recent attempts, and what the buyer holds.
const LOAD = {
  name: 'load_checkout',
  text: `
    SELECT pr.amount, pr.currency, pr."interval", pl.id AS plan_id, pl.texts AS plan_texts, p.id AS product_id, p.texts AS product_texts,
      p.fulfilment, p.developer_user_id, p.platform_fee_bps, (pr.is_active AND p.status = 'published') AS is_for_sale,
      EXISTS (SELECT 1 FROM users u WHERE u.id = $2) AS user_exists,
      o.id AS open_invoice_id, o.created_at AS open_created_at, o.expires_at AS open_expires_at,
      a.id AS live_attempt_id, a.provider AS live_provider, a.status AS live_status, a.url AS live_url, a.created_at AS live_created_at,
      ARRAY(SELECT r.created_at FROM payment_attempt r WHERE r.user_id = $2 AND r.created_at > $3 ORDER BY r.created_at DESC LIMIT ${ATTEMPTS_PER_MINUTE}) AS recent,
      EXISTS (SELECT 1 FROM entitlement e WHERE e.user_id = $2 AND e.plan_id = pl.id AND e.ends_at IS NULL AND e.revoked_at IS NULL) AS has_lasting,
      EXISTS (SELECT 1 FROM subscription s WHERE s.user_id = $2 AND s.plan_id = pl.id AND s.status = 'active') AS is_renewing
    FROM price pr
    JOIN plan pl ON pl.id = pr.plan_id
    JOIN product p ON p.id = pl.product_id
    LEFT JOIN invoice o ON o.user_id = $2 AND o.price_id = pr.id AND o.status = 'open'
    LEFT JOIN payment_attempt a ON a.invoice_id = o.id AND a.status IN ('creating', 'live')
    WHERE pr.id = $1`,
};

const MAX_TRIES = 4;
/** An attempt that is still being created after this long belongs to a process that died. */
const CREATING_FOR_MS = 20_000;
const MAX_EXPIRY_MINUTES = 60;

/**
 * Opens an order and returns where to pay it. A second tap on the same price gets the same order and link. Candidates
 * are tried in order; only an unavailable provider, before any link was shown, lets the next one try.
 *
 * Throws not_found price_not_found | user_not_found, precondition_failed plan_not_for_sale | already_owned |
 * already_subscribed, forbidden method_not_allowed_here, invalid method_unavailable, rate_limited too_many_attempts,
 * conflict busy, unavailable provider_unavailable, internal provider_misconfigured.
 */
export async function startCheckout(ctx: Ctx, request: StartRequest): Promise<OpenInvoice> {
  requireOwnerOr(ctx, request.userId, 'payments:write');
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const loaded = await load(ctx, request);
    const candidates = decide(ctx, request, loaded);
    const resumed = findResumable(loaded, request, ctx.clock.now());
    if (resumed) return resumed;
    const limit = checkAttemptLimit(loaded.recent, ctx.clock.now());
    if (!limit.ok) throw tooManyAttempts(limit.retryAfterSeconds);
    const opened = await open(ctx, request, loaded, candidates);
    if (opened) return opened;
  }
  throw new AppError('conflict', 'busy', { retryAfterSeconds: 1 });
}

async function load(ctx: Ctx, request: StartRequest): Promise<Row> {
  const since = new Date(ctx.clock.now().getTime() - ATTEMPT_WINDOW_MS);
  const { rows } = await ctx.pool.query<Row>({ ...LOAD, values: [request.priceId, request.userId, since] });
  const [row] = rows;
  if (!row) throw new AppError('not_found', 'price_not_found');
  if (!row.user_exists) throw new AppError('not_found', 'user_not_found');
  return row;
}

/** The open order of the same price, when its link still works. A chat delivery is always made anew: the old message may be far up. */
function findResumable(row: Row, request: StartRequest, now: Date): OpenInvoice | null {
  const isUsable = row.open_invoice_id && row.open_expires_at && isPayable(row, now) && row.live_status === 'live';
  if (!isUsable || !row.open_invoice_id || !row.open_expires_at || !row.live_provider || !row.live_url) return null;
  if (request.chatId !== undefined) return null;
  return {
    invoiceId: row.open_invoice_id,
    providerId: row.live_provider,
    url: row.live_url,
    expiresAt: row.open_expires_at,
    isResumed: true,
  };
}

function isPayable(row: Row, now: Date): boolean {
  if (!row.open_expires_at || !row.open_created_at) return false;
  return row.open_expires_at > now && now.getTime() - row.open_created_at.getTime() < PAYABLE_FOR_MS;
}

function decide(ctx: Ctx, request: StartRequest, row: Row): Candidate[] {
  if (!row.is_for_sale) throw new AppError('precondition_failed', 'plan_not_for_sale');
  const surface = judgeSurface({
    surface: request.surface,
    method: request.method,
    fulfilment: row.fulfilment,
    policy: ctx.policy.surfacePolicy,
  });
  if (!surface.ok) throw new AppError('forbidden', surface.reason);
  if (row.has_lasting) throw new AppError('precondition_failed', 'already_owned');
  if (row.is_renewing && row.interval === 'month') throw new AppError('precondition_failed', 'already_subscribed');
  const price = { amount: row.amount, currency: Currency.parse(row.currency) };
  const candidates = chooseProviders([...ctx.providers.values()], {
    price,
    method: request.method,
    surface: request.surface,
    interval: row.interval,
  });
  if (candidates.length === 0) throw new AppError('invalid', 'method_unavailable');
  return candidates;
}

function tooManyAttempts(retryAfterSeconds: number): AppError {
  return new AppError('rate_limited', 'too_many_attempts', { retryAfterSeconds, details: { retryAfterSeconds } });
}

/** Tries the candidates. Null when another request changed the order meanwhile. */
async function open(
  ctx: Ctx,
  request: StartRequest,
  row: Row,
  candidates: ReadonlyArray<Candidate>,
): Promise<OpenInvoice | null> {
  const now = ctx.clock.now();
  const reusable = row.open_invoice_id !== null && isPayable(row, now);
  if (
    row.live_status === 'creating' &&
    row.live_created_at &&
    now.getTime() - row.live_created_at.getTime() < CREATING_FOR_MS
  ) {
    throw new AppError('conflict', 'busy', { retryAfterSeconds: 2 });
  }
  const minutes = Math.min(request.terms?.expiresInMinutes ?? ctx.policy.invoiceTtlMinutes, MAX_EXPIRY_MINUTES);
  const invoiceId = reusable && row.open_invoice_id ? row.open_invoice_id : newId(ctx, 'inv');
  const expiresAt = reusable && row.open_expires_at ? row.open_expires_at : new Date(now.getTime() + minutes * 60_000);
  // A live attempt that is not resumed is closed first: never two at once.
  if (reusable && row.live_attempt_id) await closeAttempt(ctx, row.live_attempt_id);

  let isOpened = reusable;
  let lastFailure: ProviderError | null = null;
  for (const candidate of candidates) {
    const attemptId = newId(ctx, 'att');
    const outcome = await writeAttempt(ctx, request, row, {
      candidate,
      attemptId,
      invoiceId,
      expiresAt,
      isNew: !isOpened,
    });
    if (outcome === 'stale') return null;
    if (outcome === 'rate_limited') throw tooManyAttempts(ATTEMPT_WINDOW_MS / 1000);
    isOpened = true;
    try {
      const url = await callProvider(ctx, request, row, { candidate, invoiceId, expiresAt });
      const isLive = await keepLink(ctx, attemptId, url);
      return isLive ? { invoiceId, providerId: candidate.providerId, url, expiresAt, isResumed: false } : null;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      lastFailure = error;
      await failAttempt(ctx, attemptId, invoiceId, error);
      if (error.failure !== 'unavailable') break;
    }
  }
  throw refusalFor(lastFailure);
}

type Opening = { candidate: Candidate; attemptId: string; invoiceId: string; expiresAt: Date; isNew: boolean };

async function writeAttempt(
  ctx: Ctx,
  request: StartRequest,
  row: Row,
  opening: Opening,
): Promise<'opened' | 'rate_limited' | 'stale'> {
  const { candidate, attemptId, invoiceId, expiresAt, isNew } = opening;
  const now = ctx.clock.now().toISOString();
  const audit: AuditEntry = {
    action: isNew ? 'invoice.opened' : 'checkout.attempted',
    objectId: invoiceId,
    data: { attempt: attemptId, provider: candidate.providerId, amount: row.amount.toString(), currency: row.currency },
  };
  const rows = {
    // A link is shown only after it was kept, and that commit is waited for. A chat shows the order at once.
    is_shown_at_once: request.chatId !== undefined,
    limit: ATTEMPTS_PER_MINUTE,
    expired_invoice_id: isNew ? row.open_invoice_id : null,
    invoice: isNew
      ? {
          id: invoiceId,
          user_id: request.userId,
          price_id: request.priceId,
          plan_id: row.plan_id,
          product_id: row.product_id,
          kind: candidate.renewalDays === null ? 'one_time' : 'subscription',
          interval: row.interval,
          surface: request.surface,
          amount: row.amount.toString(),
          currency: row.currency,
          developer_user_id: row.developer_user_id,
          platform_fee_bps: request.terms?.platformFeeBps ?? row.platform_fee_bps ?? ctx.policy.platformFeeBps,
          expires_at: expiresAt.toISOString(),
        }
      : null,
    attempt: {
      id: attemptId,
      invoice_id: invoiceId,
      user_id: request.userId,
      provider: candidate.providerId,
      created_at: now,
    },
    audit: toAuditRow(ctx, audit),
  };
  const { rows: answers } = await ctx.pool.query<{ outcome: 'opened' | 'rate_limited' | 'stale' }>({
    name: 'open_checkout',
    text: 'SELECT open_checkout($1::jsonb) AS outcome',
    values: [JSON.stringify(rows)],
  });
  return answers[0]?.outcome ?? 'stale';
}

async function callProvider(
  ctx: Ctx,
  request: StartRequest,
  row: Row,
  order: { candidate: Candidate; invoiceId: string; expiresAt: Date },
): Promise<string | null> {
  const provider = ctx.providers.get(order.candidate.providerId);
  if (!provider) throw new ProviderError('misconfigured', 'not_registered');
  const plan = PlanTexts.parse(row.plan_texts)[request.language];
  const product = ProductTexts.parse(row.product_texts)[request.language];
  const startedAt = performance.now();
  try {
    const link = await provider.createCheckout({
      invoiceId: order.invoiceId,
      price: { amount: row.amount, currency: Currency.parse(row.currency) },
      title: titleOf(product.name, plan.name),
      description: plan.description,
      renewalDays: order.candidate.renewalDays,
      chatId: request.chatId ?? null,
      expiresAt: order.expiresAt,
    });
    return link.url;
  } finally {
    const ms = performance.now() - startedAt;
    ctx.outside.ms += ms;
    ctx.metrics.providerSeconds.observe({ provider: provider.id }, ms / 1000);
  }
}

const TITLE_MAX = 32;

/** The provider's title has 32 characters: the line and the plan when they fit, else the plan alone. */
function titleOf(productName: string, planName: string): string {
  const whole = productName === planName ? planName : `${productName} ${planName}`;
  return [...whole].length <= TITLE_MAX ? whole : [...planName].slice(0, TITLE_MAX).join('');
}

const KEEP_LINK = {
  name: 'keep_link',
  text: `UPDATE payment_attempt SET status = 'live', url = $2 WHERE id = $1 AND status = 'creating'`,
};

async function keepLink(ctx: Ctx, attemptId: string, url: string | null): Promise<boolean> {
  const { rowCount } = await ctx.pool.query({ ...KEEP_LINK, values: [attemptId, url] });
  return rowCount === 1;
}

async function closeAttempt(ctx: Ctx, attemptId: string): Promise<void> {
  await ctx.db.paymentAttempt.updateMany({
    where: { id: attemptId, status: { in: ['creating', 'live'] } },
    data: { status: 'closed' },
  });
}

async function failAttempt(ctx: Ctx, attemptId: string, invoiceId: string, error: ProviderError): Promise<void> {
  ctx.log.warn(
    { attemptId, invoiceId, failure: error.failure, code: error.code },
    'provider could not create a checkout',
  );
  const audit = JSON.stringify(
    toAuditRow(ctx, {
      action: 'checkout.failed',
      objectId: invoiceId,
      data: { attempt: attemptId, failure: error.failure, code: error.code.slice(0, 100) },
    }),
  );
  await ctx.db.$transaction([
    ctx.db.paymentAttempt.updateMany({
      where: { id: attemptId, status: 'creating' },
      data: { status: 'failed', failure: error.failure },
    }),
    ctx.db.$executeRaw`SELECT write_audit(${audit}::jsonb)`,
  ]);
}

function refusalFor(error: ProviderError | null): AppError {
  if (error?.failure === 'misconfigured' || error?.failure === 'invalid')
    return new AppError('internal', 'provider_misconfigured', { cause: error });
  if (error?.failure === 'declined') return new AppError('precondition_failed', 'provider_declined', { cause: error });
  return new AppError('unavailable', 'provider_unavailable', {
    retryAfterSeconds: error?.retryAfterSeconds ?? 5,
    cause: error,
  });
}
