import { type Api, GrammyError, HttpError, InputFile } from 'grammy';
import {
  beginDelivery,
  completeDelivery,
  type Delivery,
  failDelivery,
  KEPT_DAYS,
} from '#domain/billing-record/delivery.ts';
import { HASHTAGS } from '#domain/billing-record/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { telegramIdOf } from '#domain/identity/account.ts';
import { armorMessage } from '#lib/openpgp.ts';
import { DONE, type JobOutcome } from '../table.ts';

/** Telegram's limit of a message, less what stands around the armoured text. */
const MAX_MESSAGE = 4_000;

/**
 * The job `deliver_record`: sends a record to its owner, as text where it fits into a message, else as a document. What is
 * marked as being sent and was not finished is not sent again by itself: Telegram cannot be asked whether it arrived.
 */
export function makeRecordDeliverer(api: Api): (ctx: Ctx, job: { recordId: string }) => Promise<JobOutcome> {
  return async (ctx, { recordId }) => {
    const delivery = await beginDelivery(ctx, recordId);
    if (!delivery) return DONE;
    try {
      await send(api, await telegramIdOf(ctx, delivery.userId), delivery);
    } catch (error) {
      return await afterRefusal(ctx, recordId, error);
    }
    await completeDelivery(ctx, recordId, { keepDays: KEPT_DAYS });
    return DONE;
  };
}

async function send(api: Api, chatId: bigint, { ciphertext, createdAt, id, type }: Delivery): Promise<void> {
  const armored = armorMessage(ciphertext);
  const hashtag = `#${HASHTAGS[type]}`;
  const options = { disable_notification: true, parse_mode: 'HTML' as const };
  if (armored.length <= MAX_MESSAGE) {
    await api.sendMessage(Number(chatId), `${hashtag}\n<pre>${armored}</pre>`, options);
    return;
  }
  const name = `hoshi-${createdAt.toISOString().slice(0, 10)}-${id}.asc`;
  await api.sendDocument(Number(chatId), new InputFile(Buffer.from(armored), name), { ...options, caption: hashtag });
}

/** An answer of Telegram's says that nothing was sent; silence says nothing, and the record waits for its owner to say. */
async function afterRefusal(ctx: Ctx, recordId: string, error: unknown): Promise<JobOutcome> {
  if (error instanceof HttpError) throw error;
  if (!(error instanceof GrammyError)) throw error;
  const { error_code: status, parameters } = error;
  if (status === 429) {
    await failDelivery(ctx, recordId, 'flood');
    return { kind: 'retry', afterSeconds: parameters.retry_after ?? 1, code: 'FLOOD' };
  }
  if (status >= 500 || status === 401 || status === 404) {
    await failDelivery(ctx, recordId, 'telegram_unavailable');
    return { kind: 'retry', afterSeconds: null, code: `HTTP_${status}` };
  }
  await failDelivery(ctx, recordId, status === 403 ? 'unreachable' : 'refused');
  return DONE;
}
