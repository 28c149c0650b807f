import { answerInquiry } from '#domain/checkout/answer-inquiry.ts';
import type { InquiryReason } from '#domain/checkout/rules.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import type { InboxEntry } from '#domain/context/inbox.ts';
import { AppError } from '#domain/errors.ts';
import type { Provider, ProviderReply, ProviderRequest } from '#domain/provider.ts';
import { applyEvent } from '#domain/webhook/apply.ts';
import { storeFailure, storeUnreadable } from '#domain/webhook/store.ts';
import { sealBytes } from '#lib/crypto.ts';
import { describeError } from '#lib/log.ts';

/** What the door does next: send `reply`, or hand `message` to the bot first (it is authentic and not about money). */
export type Received = Readonly<{ reply: ProviderReply; message: { eventId: string; update: unknown } | null }>;

/** Says a refusal to a payer. `language` is our user's own, `languageCode` what the provider knows. */
export type ExplainRefusal = (reason: InquiryReason, language: string | null, languageCode: string | null) => string;

const OK: ProviderReply = { status: 200, contentType: 'application/json', body: '{}' };

/**
 * Takes one message of a provider in: verifies, answers a question, or applies an event exactly once. An event is
 * acknowledged only when its effect, or the event itself for a later try, is durable; otherwise this throws and the
 * provider sends it again. `ctx` acts for the provider. Throws `unauthenticated webhook_secret_wrong`, `invalid malformed_request`, or a database error.
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
      return { reply: await answer(ctx, provider, reading.inquiry, explain), message: null };
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

function toInbox(
  ctx: Ctx,
  providerId: string,
  { body, eventId, kind }: { eventId: string; kind: string; body: Uint8Array },
): InboxEntry {
  const sealed = sealBytes(ctx.dataKey, body);
  return { id: newId(ctx, 'whe'), providerId, eventId, kind, receivedAt: ctx.clock.now(), body: sealed };
}

async function answer(
  ctx: Ctx,
  provider: Provider,
  inquiry: Parameters<typeof answerInquiry>[1],
  explain: ExplainRefusal,
): Promise<ProviderReply> {
  const stop = ctx.metrics.inquirySeconds.startTimer({ provider: provider.id });
  const verdict = await answerInquiry(ctx, inquiry);
  stop();
  ctx.metrics.webhooks.inc({
    provider: provider.id,
    kind: 'inquiry',
    outcome: verdict.ok ? 'accepted' : verdict.reason,
  });
  const { inquiryId, languageCode } = inquiry;
  return provider.reply(
    verdict.ok
      ? { inquiryId, ok: true }
      : { inquiryId, ok: false, text: explain(verdict.reason, verdict.language, languageCode) },
  );
}
