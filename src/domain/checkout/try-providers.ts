import { toAuditRow } from '#domain/audit/record.ts';
import { PlanTexts, ProductTexts } from '#domain/catalog/rules.ts';
import { noteFailure, noteSuccess } from '#domain/checkout/breaker.ts';
import { closeCheckoutJobs } from '#domain/checkout/close.ts';
import { paymentFailureOf, refusalFor } from '#domain/checkout/refusals.ts';
import type { Bought, OpenInvoice, StartRequest } from '#domain/checkout/request.ts';
import type { Candidate } from '#domain/checkout/rules.ts';
import { type Order, type PassedOver, writeAttempt } from '#domain/checkout/write-attempt.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { CheckoutLink } from '#domain/provider/request.ts';

/** How much of a provider's code the audit keeps. */
const MAX_CODE = 100;

type Choice = Readonly<{
  order: Order;
  /** The order is written with its first attempt. */
  isNew: boolean;
  tried: ReadonlyArray<Candidate>;
  /** Come first, and are not asked: they failed repeatedly. */
  passedOver: ReadonlyArray<Candidate>;
}>;

/**
 * Tries the candidates in order until one opens a way to pay the order. Null when another request changed the order
 * meanwhile. Throws as startCheckout does.
 */
export async function tryProviders(
  ctx: Ctx,
  request: StartRequest,
  bought: Bought,
  { order, tried, ...given }: Choice,
): Promise<OpenInvoice | null> {
  const { id: invoiceId, expiresAt, isLogged, platformFeeBps } = order;
  const skipped: PassedOver[] = given.passedOver.map(({ providerId }) => ({ providerId, reason: 'breaker_open' }));
  let { isNew } = given;
  let lastFailure: ProviderError | null = null;
  for (const candidate of tried) {
    const attemptId = newId(ctx, 'att');
    const opening = { candidate, attemptId, order, isNew, passedOver: skipped };
    if (!(await writeAttempt(ctx, request, bought, opening))) return null;
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
