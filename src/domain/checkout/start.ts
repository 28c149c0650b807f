import { type AuditEntry, toAuditRow } from '#domain/audit/record.ts';
import { PlanTexts, ProductTexts } from '#domain/catalog/rules.ts';
import { noteFailure, noteSuccess } from '#domain/checkout/breaker.ts';
import { closeCheckout, closeCheckoutJobs } from '#domain/checkout/close.ts';
import { type OrderDetails, sealDetails } from '#domain/checkout/details.ts';
import { freeOrder } from '#domain/checkout/free.ts';
import {
  type Hold,
  type LoadedCheckout,
  type LoadedPrice,
  loadCheckout,
  type OpenOrder,
} from '#domain/checkout/load.ts';
import {
  ATTEMPT_WINDOW_MS,
  ATTEMPTS_PER_MINUTE,
  type Candidate,
  checkAttemptLimit,
  chooseProviders,
  judgeSurface,
  PAYABLE_FOR_MS,
  passOver,
} from '#domain/checkout/rules.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import {
  type CheckoutLink,
  type Method,
  PAYMENT_FAILURES,
  type PaymentFailure,
  ProviderError,
  type Surface,
} from '#domain/provider.ts';

export type StartRequest = Readonly<{
  userId: string;
  priceId: string;
  surface: Surface;
  method: Method;
  /** Only this one of the providers that take the method. */
  providerId?: string;
  /** Language of the texts that the provider shows. */
  language: Language;
  /** Deliver the invoice into this Telegram chat instead of returning a link. */
  chatId?: bigint;
  /** The provider's token of a stored payment method, to be charged without its page. Needs `providerId`. */
  token?: string;
  /** Asked for by whoever holds the order's link. */
  isByLink?: boolean;
  /** What a server with an API key may set otherwise than the catalogue. */
  terms?: Readonly<{ platformFeeBps?: number; expiresInMinutes?: number }>;
  /** False: its record is not delivered to the buyer's log. */
  isLogged?: boolean;
  /** What the seller's server says of it to the buyer; an order that was open before keeps what was said first. */
  details?: OrderDetails;
  /** Versions of the texts under which a person orders; written down with the order. */
  agreesTo?: Agreement;
}>;

/** The versions of the texts that were shown beside the button. */
export type Agreement = Readonly<{ terms: string; privacy: string }>;

/** An order that can be paid now. `url` is null when it was delivered into the chat. */
export type OpenInvoice = Readonly<{
  invoiceId: string;
  providerId: string;
  url: string | null;
  expiresAt: Date;
  isResumed: boolean;
  /** The platform's part of this order, which an order that was open before keeps. */
  platformFeeBps: number;
  /** Whether its record is delivered, which an order that was open before keeps too. */
  isLogged: boolean;
  /** Providers that come first and could not be used: they do not answer at present. */
  passedOver: ReadonlyArray<string>;
}>;

/** The checkout with the price that is bought. */
type Bought = Readonly<{ loaded: LoadedCheckout; price: LoadedPrice }>;

const MAX_TRIES = 4;
/** An attempt that is still being created after this long belongs to a process that died. */
const CREATING_FOR_MS = 20_000;
const MAX_EXPIRY_MINUTES = 60;
/** How much of a provider's code the audit keeps. */
const MAX_CODE = 100;

/**
 * Opens an order and returns where to pay it. A second tap on the same price gets the same order and link. Candidates
 * are tried in order; only an unavailable provider, before any link was shown, lets the next one try, and one that failed
 * repeatedly is passed over at once. A door that has
 * loaded the checkout to understand its request gives it along.
 *
 * Throws not_found price_not_found | user_not_found, precondition_failed plan_not_for_sale | already_owned |
 * already_subscribed, forbidden method_not_allowed_here, invalid method_unavailable, rate_limited too_many_attempts,
 * precondition_failed erasure_waiting, conflict busy | invoice_reserved, unavailable provider_unavailable, internal provider_misconfigured.
 */
export async function startCheckout(
  ctx: Ctx,
  request: StartRequest,
  given: LoadedCheckout | null = null,
): Promise<OpenInvoice> {
  requireOwnerOr(ctx, request.userId, 'payments:write');
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const isGiven = attempt === 1 && given !== null;
    const loaded = isGiven ? given : await loadCheckout(ctx, { item: request.priceId, buyer: request });
    const bought = findBought(loaded, request);
    const candidates = decide(ctx, request, bought);
    const resumed = findResumable(bought.price.order, candidates, request, ctx.clock.now());
    if (resumed) {
      await keepConsents(ctx, request);
      return resumed;
    }
    const { order } = bought.price;
    const recent = request.isByLink ? (order?.recentByLink ?? []) : bought.loaded.recent;
    const limit = checkAttemptLimit(recent, ctx.clock.now());
    if (!limit.ok) throw tooManyAttempts(limit.retryAfterSeconds);
    if (order?.hold) {
      await free(ctx, request, order.id, order.hold);
      // What was loaded is not so any more.
      continue;
    }
    const opened = await open(ctx, request, bought, candidates);
    if (opened) return opened;
    // Of taps at the same moment one charges. By the next look its order may be paid and gone, and this would buy once more.
    if (request.token !== undefined) break;
  }
  throw new AppError('conflict', 'busy', { retryAfterSeconds: 1 });
}

function findBought(loaded: LoadedCheckout | null, request: StartRequest): Bought {
  const price = loaded?.prices.find(({ id }) => id === request.priceId);
  if (!loaded || !price) throw new AppError('not_found', 'price_not_found');
  if (loaded.buyer?.id !== request.userId) throw new AppError('not_found', 'user_not_found');
  return { loaded, price };
}

/** The open order of the same price, when its link still works. A chat delivery is always made anew: the old message may be far up. */
function findResumable(
  order: OpenOrder | null,
  candidates: ReadonlyArray<Candidate>,
  request: StartRequest,
  now: Date,
): OpenInvoice | null {
  if (!order || !isPayable(order, now) || request.chatId !== undefined) return null;
  const { attempt, hold } = order;
  // Whoever chooses again while a transfer is awaited wants to begin anew; a server that repeats itself wants the same answer.
  if (hold?.progress === 'awaiting_transfer' && request.surface !== 'api') return null;
  if (attempt?.status !== 'live' || !attempt.url || request.token !== undefined) return null;
  // Its page is about the stored card: it is no page for another card, and nobody's but its owner's.
  if (attempt.openedBy === 'stored_method') return null;
  // Another way to pay was chosen meanwhile.
  if ((attempt.method ?? request.method) !== request.method) return null;
  if (!candidates.some(({ providerId }) => providerId === attempt.provider)) return null;
  return {
    invoiceId: order.id,
    providerId: attempt.provider,
    url: attempt.url,
    expiresAt: order.expiresAt,
    isResumed: true,
    platformFeeBps: order.platformFeeBps,
    isLogged: order.isLogged,
    passedOver: [],
  };
}

function isPayable(order: OpenOrder, now: Date): boolean {
  return order.expiresAt > now && now.getTime() - order.createdAt.getTime() < PAYABLE_FOR_MS;
}

function decide(ctx: Ctx, request: StartRequest, { loaded, price }: Bought): Candidate[] {
  const { product } = loaded;
  if (!price.isActive || !product.isPublished) throw new AppError('precondition_failed', 'plan_not_for_sale');
  const surface = judgeSurface({
    surface: request.surface,
    method: request.method,
    fulfilment: product.fulfilment,
    policy: ctx.policy.surfacePolicy,
  });
  if (!surface.ok) throw new AppError('forbidden', surface.reason);
  if (loaded.hasLasting) throw new AppError('precondition_failed', 'already_owned');
  if (loaded.isRenewing && price.interval === 'month') throw new AppError('precondition_failed', 'already_subscribed');
  const { interval } = price;
  const { method } = request;
  const providers = [...ctx.providers.values()].filter(({ id }) => (request.providerId ?? id) === id);
  const candidates = chooseProviders(providers, { price, method, surface: request.surface, interval });
  if (candidates.length === 0) throw new AppError('invalid', 'method_unavailable');
  return candidates;
}

function tooManyAttempts(retryAfterSeconds: number): AppError {
  return new AppError('rate_limited', 'too_many_attempts', { retryAfterSeconds, details: { retryAfterSeconds } });
}

/** Throws `conflict invoice_reserved` where a provider is taking the money: any other way to pay could take it twice. */
async function free(ctx: Ctx, { isByLink = false }: StartRequest, invoiceId: string, hold: Hold): Promise<void> {
  const isFree = await freeOrder(ctx, { invoiceId, hold, isByLink }).catch((error: unknown) => {
    throw error instanceof ProviderError ? refusalFor(error) : error;
  });
  if (!isFree) throw reserved();
}

/** Tries the candidates. Null when another request changed the order meanwhile. */
async function open(
  ctx: Ctx,
  request: StartRequest,
  bought: Bought,
  candidates: ReadonlyArray<Candidate>,
): Promise<OpenInvoice | null> {
  const now = ctx.clock.now();
  const before = bought.price.order;
  const reusable = before && isPayable(before, now) ? before : null;
  const attempt = before?.attempt ?? null;
  // A provider may be charging a stored method, and whoever holds the link does not end what its owner began.
  const isStored = attempt?.openedBy === 'stored_method';
  if (isStored && request.isByLink) throw reserved();
  if (attempt?.status === 'creating' && now.getTime() - attempt.createdAt.getTime() < CREATING_FOR_MS)
    throw new AppError('conflict', 'busy', { retryAfterSeconds: 2 });
  // Nobody heard whether it was charged. Only a stored method's own next try finds that out; a page beside it would not.
  if (reusable && isStored && attempt?.status === 'creating' && request.token === undefined) throw reserved();
  const order = reusable ? { ...reusable, sealed: null } : await newOrder(ctx, request, bought);
  // A live attempt that is not resumed is closed first, here and at its provider: never two at once.
  if (reusable && attempt) await closeAttempt(ctx, attempt);
  else if (attempt) await queueJobs(ctx, closeCheckoutJobs([attempt]));

  const { id: invoiceId, expiresAt, isLogged, platformFeeBps } = order;
  const { tried, passedOver } = passOver(candidates, bought.loaded.breakers, now);
  const skipped: PassedOver[] = passedOver.map(({ providerId }) => ({ providerId, reason: 'breaker_open' }));
  let isNew = reusable === null;
  let lastFailure: ProviderError | null = null;
  for (const candidate of tried) {
    const attemptId = newId(ctx, 'att');
    const opening = { candidate, attemptId, order, isNew, passedOver: skipped };
    const outcome = await writeAttempt(ctx, request, bought, opening);
    if (outcome === 'stale') return null;
    if (outcome === 'erasing') throw new AppError('precondition_failed', 'erasure_waiting');
    if (outcome === 'rate_limited') throw tooManyAttempts(ATTEMPT_WINDOW_MS / 1000);
    isNew = false;
    try {
      const link = await callProvider(ctx, request, bought, { candidate, attemptId, invoiceId, expiresAt });
      const isLive = await keepLink(ctx, attemptId, invoiceId, link);
      // A stored method has been charged by now, and may even have paid the order: another round would charge it again.
      if (!isLive && request.token === undefined) return null;
      const url = link.url && ctx.vault.reveal(link.url);
      const { providerId } = candidate;
      if (bought.loaded.breakers.some(({ provider }) => provider === providerId)) await noteSuccess(ctx, providerId);
      const others = skipped.map((other) => other.providerId);
      return { invoiceId, providerId, url, expiresAt, isResumed: false, platformFeeBps, isLogged, passedOver: others };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      lastFailure = error;
      await failAttempt(ctx, attemptId, invoiceId, error);
      if (error.failure !== 'unavailable') break;
      await noteFailure(ctx, candidate.providerId);
      skipped.push({ providerId: candidate.providerId, reason: error.code.slice(0, MAX_CODE) });
    }
  }
  throw refusalFor(lastFailure, invoiceId);
}

function reserved(): AppError {
  return new AppError('conflict', 'invoice_reserved', { retryAfterSeconds: 60 });
}

function openerOf({ isByLink = false, token }: StartRequest): NonNullable<OpenOrder['attempt']>['openedBy'] {
  if (isByLink) return 'link';
  return token === undefined ? 'buyer' : 'stored_method';
}

type Order = Pick<OpenOrder, 'id' | 'expiresAt' | 'platformFeeBps' | 'isLogged'> & Readonly<{ sealed: Buffer | null }>;
/** `reason`: breaker_open, or the code of its failure a moment ago. */
type PassedOver = Readonly<{ providerId: string; reason: string }>;
type Opening = Readonly<{
  candidate: Candidate;
  attemptId: string;
  order: Order;
  isNew: boolean;
  passedOver: ReadonlyArray<PassedOver>;
}>;

async function newOrder(ctx: Ctx, request: StartRequest, { loaded }: Bought): Promise<Order> {
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

type Written = 'opened' | 'rate_limited' | 'stale' | 'erasing';

/** Each text with its version, as the function writes it. */
function consentsOf({ agreesTo, surface }: StartRequest) {
  return agreesTo ? Object.entries(agreesTo).map(([kind, version]) => ({ kind, version, surface })) : null;
}

/** Somebody else, a server, may have placed the order that a person goes on with. */
async function keepConsents(ctx: Ctx, request: StartRequest): Promise<void> {
  const consents = consentsOf(request);
  if (!consents) return;
  await ctx.pool.query({
    name: 'write_consents',
    text: 'SELECT write_consents($1, $2::jsonb, $3)',
    values: [request.userId, JSON.stringify(consents), ctx.clock.now()],
  });
}

async function writeAttempt(
  ctx: Ctx,
  request: StartRequest,
  { loaded, price }: Bought,
  { candidate, attemptId, order, isNew, passedOver }: Opening,
): Promise<Written> {
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
  return answers[0]?.outcome ?? 'stale';
}

async function callProvider(
  ctx: Ctx,
  request: StartRequest,
  { loaded, price }: Bought,
  order: { candidate: Candidate; attemptId: string; invoiceId: string; expiresAt: Date },
): Promise<CheckoutLink> {
  const provider = ctx.providers.get(order.candidate.providerId);
  if (!provider) throw new ProviderError('misconfigured', 'not_registered');
  const plan = PlanTexts.parse(loaded.plan.texts)[request.language];
  const product = ProductTexts.parse(loaded.product.texts)[request.language];
  const startedAt = performance.now();
  try {
    return await provider.createCheckout({
      invoiceId: order.invoiceId,
      attemptId: order.attemptId,
      method: request.method,
      price: { amount: price.amount, currency: price.currency },
      title: titleOf(product.name, plan.name),
      description: plan.description,
      language: request.language,
      renewalDays: order.candidate.renewalDays,
      chatId: request.chatId ?? null,
      returnUrl: `${ctx.policy.publicUrl}/pay/${order.invoiceId}?lang=${request.language}`,
      expiresAt: order.expiresAt,
      token: request.token ?? null,
    });
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

// By the order too: few attempts are live, and by the id alone Postgres would walk the index of all that are.
const KEEP_LINK = {
  name: 'keep_link',
  text: `UPDATE payment_attempt SET status = 'live', url = $3, reference = $4 WHERE id = $1 AND invoice_id = $2 AND status = 'creating'`,
};

/** False when the order was closed meanwhile; then the checkout is closed at its provider too. */
async function keepLink(ctx: Ctx, attemptId: string, invoiceId: string, link: CheckoutLink): Promise<boolean> {
  const values = [attemptId, invoiceId, link.url, link.reference];
  const { rowCount } = await ctx.pool.query({ ...KEEP_LINK, values });
  if (rowCount === 1) return true;
  await ctx.db.paymentAttempt.updateMany({ where: { id: attemptId }, data: { reference: link.reference } });
  await queueJobs(ctx, closeCheckoutJobs([{ id: attemptId, reference: link.reference }]));
  return false;
}

/**
 * Closes an attempt before another is opened. Throws `conflict invoice_reserved` when somebody is paying there, and what
 * its provider's failure means: a link that was shown and may still be paid must not stand beside another.
 */
async function closeAttempt(ctx: Ctx, attempt: NonNullable<OpenOrder['attempt']>): Promise<void> {
  const answer = await closeCheckout(ctx, attempt).catch((error: unknown) => {
    throw error instanceof ProviderError ? refusalFor(error) : error;
  });
  if (answer === 'busy') {
    // What is true is asked for behind this refusal, so that the next look shows it.
    await queueJobs(ctx, closeCheckoutJobs([attempt]));
    throw reserved();
  }
  await ctx.db.paymentAttempt.updateMany({
    where: { id: attempt.id, status: { in: ['creating', 'live'] } },
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
      data: { attempt: attemptId, failure: error.failure, code: error.code.slice(0, MAX_CODE) },
    }),
  );
  await ctx.db.$transaction([
    ctx.db.paymentAttempt.updateMany({
      where: { id: attemptId, status: 'creating' },
      data: { status: 'failed', failure: paymentFailureOf(error) ?? error.failure },
    }),
    ctx.db.$executeRaw`SELECT write_audit(${audit}::jsonb)`,
  ]);
}

/** Why a stored method was refused, where that is what happened. */
function paymentFailureOf(error: ProviderError): PaymentFailure | null {
  return PAYMENT_FAILURES.find((failure) => failure === error.code) ?? null;
}

/** `invoiceId`: the order that stays open when a stored method was refused, so that it can be shown with the reason. */
function refusalFor(error: ProviderError | null, invoiceId?: string): AppError {
  if (error?.failure === 'misconfigured' || error?.failure === 'invalid')
    return new AppError('internal', 'provider_misconfigured', { cause: error });
  if (error?.failure === 'declined') {
    const failure = paymentFailureOf(error);
    return new AppError('precondition_failed', 'provider_declined', {
      cause: error,
      ...(failure && { details: { failure, ...(invoiceId !== undefined && { invoiceId }) } }),
    });
  }
  return new AppError('unavailable', 'provider_unavailable', {
    retryAfterSeconds: error?.retryAfterSeconds ?? 5,
    cause: error,
  });
}
