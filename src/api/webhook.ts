import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { Language, languageFor } from '#domain/identity/rules.ts';
import type { ProviderRequest } from '#domain/provider/contract.ts';
import type { ExplainRefusal } from '#domain/webhook/answer.ts';
import { claimMessage, finishMessage, releaseMessage } from '#domain/webhook/claim-message.ts';
import { receiveWebhook } from '#domain/webhook/receive.ts';
import { codesOf, errorText, logFailure, presentError, toAppError } from './errors.ts';
import { requestIdFor } from './request.ts';

/** Addresses beside those by the provider's id, as bots and the older systems have them. */
const ALIASES: ReadonlyArray<readonly [path: string, providerId: string]> = [
  ['/webhooks/telegram', 'telegram-stars'],
  ['/api/v1/payments/webhook/telegram-stars', 'telegram-stars'],
  ['/api/v1/payment/webhooks/telegram', 'telegram-stars'],
  ['/api/v1/stripe/webhook', 'stripe'],
];

/** The addresses to which the providers that are set up post, each with its provider. */
export function webhookPathsOf(providers: Ctx['providers']): ReadonlyMap<string, string> {
  const own = [...providers.keys()].flatMap((id) => [
    [`/webhooks/${id}`, id] as const,
    [`/api/v1/payment/webhooks/${id}`, id] as const,
  ]);
  return new Map([...own, ...ALIASES.filter(([, id]) => providers.has(id))]);
}

/** Whether a provider hears a message of this method. Most protocols have no words for another than POST. */
export function hearsMethod(providers: Ctx['providers'], providerId: string, method: string | undefined): boolean {
  return method === 'POST' || providers.get(providerId)?.answersAll === true;
}

export const WEBHOOK_BODY_LIMIT_BYTES = 1_048_576;

/** Header names are lower-case. A header that came twice may be an array, as Node gives it: it counts as absent. */
export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>;
/** A message as it came: `remoteAddress` as `clientAddress` of lib/http.ts knows it. */
export type WebhookRequest = Omit<ProviderRequest, 'headers'> & Readonly<{ headers: WebhookHeaders }>;
export type WebhookAnswer = Readonly<{
  status: number;
  contentType: string;
  body: string;
  requestId: string;
  retryAfterSeconds?: number;
}>;

/** The bot's handler for what is not about money. It throws when the provider should send the update again. */
export type MessageHandler = (update: unknown, requestId: string) => Promise<void>;

/**
 * Takes one message of a provider in and answers in its words. What is not about money goes to `onMessage`, once however
 * often it is delivered; the provider hears 2xx only afterwards. Any other status makes it send again.
 *
 * Plain on purpose: thousands of messages a second come this way, so nothing is built here that is not needed.
 */
export async function handleWebhook(
  ctx: Ctx,
  providerId: string,
  request: WebhookRequest,
  onMessage: MessageHandler,
): Promise<WebhookAnswer> {
  const startedAt = performance.now();
  const own = asActor(
    ctx,
    { kind: 'provider', providerId },
    requestIdFor(ctx, single(request.headers['x-request-id'])),
  );
  const answer = await receive(own, providerId, request, onMessage).catch((error: unknown) => refuse(own, error));
  const seconds = (performance.now() - startedAt) / 1000;
  const route = `/webhooks/${providerId}`;
  const method = request.method === 'POST' ? 'POST' : 'OTHER';
  ctx.metrics.requests.inc({ route, method, status: answer.status });
  ctx.metrics.requestSeconds.observe({ route }, seconds);
  if (own.outside.ms > 0) ctx.metrics.ownSeconds.observe({ route }, seconds - own.outside.ms / 1000);
  // One line per message would cost more than the message; each stands in the inbox anyway.
  const { status } = answer;
  if (status >= 400) own.log.warn({ route, method, status, ms: Math.round(seconds * 1000) }, 'request');
  return answer;
}

async function receive(
  ctx: Ctx,
  providerId: string,
  received: WebhookRequest,
  onMessage: MessageHandler,
): Promise<WebhookAnswer> {
  const { body } = received;
  const isTooLong = body.byteLength > WEBHOOK_BODY_LIMIT_BYTES;
  if (isTooLong && !ctx.providers.get(providerId)?.answersAll)
    throw new AppError('invalid', 'body_too_large', { details: { limitBytes: WEBHOOK_BODY_LIMIT_BYTES } });
  const request = { ...received, headers: singles(received.headers) };
  const { message, reply } = await receiveWebhook(ctx, { providerId, request, explain });
  if (message) await passOn(ctx, providerId, message, onMessage);
  return { ...reply, requestId: ctx.requestId };
}

const BUSY_RETRY_SECONDS = 5;

/** Hands a message to the bot unless it was handled before. */
async function passOn(
  ctx: Ctx,
  providerId: string,
  { eventId, update }: { eventId: string; update: unknown },
  onMessage: MessageHandler,
): Promise<void> {
  const claim = await claimMessage(ctx, { providerId, eventId, kind: 'message' });
  if (claim === 'done') return;
  if (claim === 'busy') throw new AppError('unavailable', 'busy', { retryAfterSeconds: BUSY_RETRY_SECONDS });
  try {
    await onMessage(update, ctx.requestId);
  } catch (error) {
    // Not handled: the provider's next delivery, which follows at once, must find it free.
    await releaseMessage(ctx, { providerId, eventId });
    throw asRetry(error);
  }
  await finishMessage(ctx, { providerId, eventId });
}

/** A bot that names a time to come again (Telegram itself was away) is no fault of ours: 503 with Retry-After. */
function asRetry(error: unknown): unknown {
  const wait = error instanceof Error && 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined;
  if (typeof wait !== 'number' || error instanceof AppError) return error;
  return new AppError('unavailable', 'service_unavailable', { retryAfterSeconds: wait, cause: error });
}

/** A refusal of a pre-checkout question, in the payer's own language, or Telegram's for them when we do not know it. */
const explain: ExplainRefusal = (reason, language, languageCode) => {
  const known = Language.safeParse(language);
  return errorText(
    { reason, details: {}, retryAfterSeconds: undefined },
    known.success ? known.data : languageFor(languageCode),
  );
};

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function singles(headers: WebhookHeaders): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, single(value)]));
}

/** A refusal for a machine: English, and the reason code. */
function refuse(ctx: Ctx, thrown: unknown): WebhookAnswer {
  const error = toAppError(thrown);
  logFailure(ctx.log, error);
  return {
    status: codesOf(error).status,
    contentType: 'application/json',
    body: JSON.stringify({ success: false, error: presentError(error, 'en', ctx.requestId) }),
    requestId: ctx.requestId,
    ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
  };
}
