import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { receiveWebhook } from '#domain/webhook/receive.ts';
import { codesOf, logFailure, presentError, toAppError } from './errors.ts';
import { requestIdFor } from './request.ts';

/** The addresses to which providers post. The older systems' addresses lead to the same door. */
export const WEBHOOK_PATHS: Readonly<Record<string, string>> = {
  '/webhooks/telegram': 'telegram-stars',
  '/api/v1/payments/webhook/telegram-stars': 'telegram-stars',
  '/api/v1/payment/webhooks/telegram': 'telegram-stars',
};

export const WEBHOOK_BODY_LIMIT_BYTES = 1_048_576;

export type WebhookHeaders = Readonly<Record<string, string | undefined>>;
export type WebhookAnswer = Readonly<{ status: number; contentType: string; body: string; retryAfterSeconds?: number }>;

/**
 * Takes one message of a provider in and answers in its words. Header names are lower-case. `onMessage` gets what is not
 * about money (a bot's updates); the provider is told 2xx only after it, and anything else makes the provider send again.
 *
 * Plain on purpose: thousands of messages a second come this way, so nothing is built here that is not needed.
 */
export async function handleWebhook(
  ctx: Ctx,
  providerId: string,
  headers: WebhookHeaders,
  bodyBytes: Uint8Array,
  onMessage: (message: unknown) => Promise<void>,
): Promise<WebhookAnswer> {
  const startedAt = performance.now();
  const requestId = requestIdFor(ctx, headers['x-request-id']);
  const own = asActor(ctx, { kind: 'provider', providerId }, requestId);
  const answer = await receive(own, providerId, headers, bodyBytes, onMessage).catch((error: unknown) =>
    refuse(own, error),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const route = `/webhooks/${providerId}`;
  ctx.metrics.requests.inc({ route, method: 'POST', status: answer.status });
  ctx.metrics.requestSeconds.observe({ route }, seconds);
  // One line per message would cost more than the message; each stands in the inbox anyway.
  if (answer.status >= 400) own.log.warn({ route, status: answer.status, ms: Math.round(seconds * 1000) }, 'webhook refused');
  return answer;
}

async function receive(
  ctx: Ctx,
  providerId: string,
  headers: WebhookHeaders,
  body: Uint8Array,
  onMessage: (message: unknown) => Promise<void>,
): Promise<WebhookAnswer> {
  if (body.byteLength > WEBHOOK_BODY_LIMIT_BYTES) throw new AppError('invalid', 'body_too_large');
  const outcome = await receiveWebhook(ctx, { providerId, request: { headers, body } });
  if ('status' in outcome) return outcome;
  await onMessage(outcome.message);
  return { status: 200, contentType: 'application/json', body: '{}' };
}

/** A refusal for a machine: English, and the reason code. */
function refuse(ctx: Ctx, thrown: unknown): WebhookAnswer {
  const error = toAppError(thrown);
  logFailure(ctx.log, error);
  return {
    status: codesOf(error).status,
    contentType: 'application/json',
    body: JSON.stringify({ success: false, error: presentError(error, 'en', ctx.requestId) }),
    ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
  };
}
