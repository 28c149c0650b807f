import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { ProviderReply, ProviderRequest } from '#domain/provider/contract.ts';
import { applyEvent } from '#domain/reconciliation/apply.ts';
import { answerProvider, type ExplainRefusal } from '#domain/webhook/answer.ts';
import { handleHint } from '#domain/webhook/hint.ts';
import { storeFailure, storeUnreadable, toInbox } from '#domain/webhook/store.ts';
import { describeError } from '#lib/log.ts';

/** What the door does next: send `reply`, or hand `message` to the bot first (it is authentic and not about money). */
export type Received = Readonly<{ reply: ProviderReply; message: { eventId: string; update: unknown } | null }>;

const OK: ProviderReply = { status: 200, contentType: 'application/json', body: '{}' };

/**
 * Takes one message of a provider in: verifies, answers a question, or applies an event exactly once. An event is
 * acknowledged only when its effect, or the event itself for a later try, is durable; otherwise this throws and the
 * provider sends it again. A hint is kept first, and what its provider says to it is applied within a time box, else by the
 * worker. `ctx` acts for the provider. Throws `unauthenticated webhook_secret_wrong`, `invalid malformed_request`, or a database error.
 */
export async function receiveWebhook(
  ctx: Ctx,
  received: { providerId: string; request: ProviderRequest; explain: ExplainRefusal },
): Promise<Received> {
  const { explain, providerId, request } = received;
  const provider = ctx.providers.get(providerId);
  if (!provider) throw new AppError('not_found', 'route_not_found');
  const now = ctx.clock.now();
  const reading = provider.read(request, now);
  const count = (kind: string, outcome: string) => ctx.metrics.webhooks.inc({ provider: providerId, kind, outcome });
  switch (reading.kind) {
    case 'rejected':
      count('rejected', reading.reason);
      if (reading.reply) return { reply: reading.reply, message: null };
      throw new AppError(reading.reason === 'malformed_request' ? 'invalid' : 'unauthenticated', reading.reason);
    case 'ignored':
      count(reading.type, 'ignored');
      return {
        reply: OK,
        message:
          reading.message === null || reading.eventId === null
            ? null
            : { eventId: reading.eventId, update: reading.message },
      };
    case 'inquiry':
      return {
        reply: await answerProvider(ctx, { provider, inquiry: reading.inquiry, body: request.body, explain }),
        message: null,
      };
    case 'unreadable': {
      const inbox = toInbox(ctx, providerId, { eventId: reading.eventId, kind: reading.type, body: request.body });
      if (await storeUnreadable(ctx, inbox))
        ctx.log.error(
          { event: inbox.id, kind: inbox.kind },
          'a message about money cannot be read and is kept: look at it',
        );
      count(inbox.kind, 'unreadable');
      return { reply: OK, message: null };
    }
    case 'hint': {
      const { about, eventId, type } = reading;
      const inbox = toInbox(ctx, providerId, { eventId, kind: type, body: request.body });
      count(type, await handleHint(ctx, { providerId, about, inbox }));
      return { reply: OK, message: null };
    }
    case 'event': {
      const { eventId, type } = reading.event;
      const inbox = toInbox(ctx, providerId, { eventId, kind: type, body: request.body });
      try {
        count(inbox.kind, await applyEvent(ctx, { providerId, event: reading.event, inbox }));
      } catch (error) {
        ctx.log.warn(
          { event: inbox.id, kind: inbox.kind, error: describeError(error) },
          'event not applied, kept for another try',
        );
        await storeFailure(ctx, inbox, error);
        count(inbox.kind, 'failed');
      }
      return { reply: OK, message: null };
    }
  }
}
