import { answerInquiry } from '#domain/checkout/answer-inquiry.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Provider, ProviderReply } from '#domain/provider/contract.ts';
import type { InquiryAnswer, InquiryReason, ProviderInquiry } from '#domain/provider/inquiry.ts';
import { lapseHolder } from '#domain/reservation/end.ts';
import { takeStep } from '#domain/reservation/take-step.ts';
import { toInbox } from '#domain/webhook/store.ts';
import { describeError } from '#lib/log.ts';

/** Says a refusal to a payer. `language` is our user's own, `languageCode` what the provider knows. */
export type ExplainRefusal = (reason: InquiryReason, language: string | null, languageCode: string | null) => string;

type Asked = Readonly<{ provider: Provider; inquiry: ProviderInquiry; body: Uint8Array; explain: ExplainRefusal }>;

/**
 * Answers what a provider asks and waits for, in its own words. When we cannot (the database is away), a provider that has
 * words for that hears them; for any other this throws, and the door's status makes it ask again.
 */
export async function answerProvider(ctx: Ctx, asked: Asked): Promise<ProviderReply> {
  const { inquiry, provider } = asked;
  const stop = ctx.metrics.inquirySeconds.startTimer({ provider: provider.id });
  const count = (outcome: string) => ctx.metrics.webhooks.inc({ provider: provider.id, kind: inquiry.type, outcome });
  try {
    const answer = await decide(ctx, asked);
    count(answer.ok ? 'accepted' : answer.reason);
    const reply = provider.reply(inquiry, answer);
    if (!reply) throw new Error(`${provider.id} has no words for ${inquiry.type}`);
    return reply;
  } catch (error) {
    count('failed');
    const reply = provider.reply(inquiry, { ok: false, reason: 'service_unavailable', text: '', reservation: null });
    if (!reply) throw error;
    ctx.log.error(
      { provider: provider.id, step: inquiry.type, error: describeError(error) },
      'a provider was told to come again',
    );
    return reply;
  } finally {
    stop();
  }
}

async function decide(ctx: Ctx, { body, explain, inquiry, provider }: Asked): Promise<InquiryAnswer> {
  if (inquiry.type === 'may_pay') {
    let verdict = await answerInquiry(ctx, inquiry);
    const isHeld = !verdict.ok && verdict.reason === 'invoice_reserved';
    if (isHeld && (await lapseHolder(ctx, inquiry.invoiceId))) verdict = await answerInquiry(ctx, inquiry);
    if (verdict.ok) return { ok: true, reservation: null, reservations: [] };
    const text = explain(verdict.reason, verdict.language, inquiry.languageCode);
    return { ok: false, reason: verdict.reason, text, reservation: null };
  }
  const about = inquiry.type === 'list' ? inquiry.inquiryId : inquiry.chargeId;
  const eventId = ctx.vault.conceal(`${inquiry.type}:${ctx.vault.reveal(about)}`);
  const inbox = toInbox(ctx, provider.id, { eventId, kind: inquiry.type, body });
  const answer = await takeStep(ctx, { providerId: provider.id, inquiry, inbox });
  if (answer.ok) return answer;
  const { language, reason, reservation } = answer;
  return { ok: false, reason, reservation, text: explain(reason, language, null) };
}
