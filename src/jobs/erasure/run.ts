import type { Api } from 'grammy';
import { InputFile } from 'grammy';
import type { Ctx } from '#domain/context/context.ts';
import { findTelegramId } from '#domain/identity/account.ts';
import { Language, languageFor } from '#domain/identity/rules.ts';
import type { ErasureReport } from '#domain/privacy/erasure/rules.ts';
import { runErasure, type TellErased } from '#domain/privacy/erasure/run.ts';
import { markup } from '#messages/telegram.ts';
import { formatDate } from '#messages/translate.ts';
import { failureOf } from '../records/failure.ts';
import { DONE, type JobOutcome } from '../table.ts';

/** The job `run_erasure`. What is left to do stands in the erasure's row, from which it is queued again. */
export function makeErasureRunner(api: Api): (ctx: Ctx, job: { erasureId: string }) => Promise<JobOutcome> {
  const tell = makeTeller(api);
  return async (ctx, { erasureId }) => {
    const wait = await runErasure(ctx, erasureId, tell);
    return wait ? { kind: 'retry', afterSeconds: wait.afterSeconds, code: wait.because, isKept: true } : DONE;
  };
}

/**
 * Sends what was done, in one message: the report as a document under a few plain words. Telegram cannot be asked whether it
 * arrived, and it is better told twice than not at all.
 */
function makeTeller(api: Api): TellErased {
  return async (ctx, { language, report, userId }) => {
    const chatId = await findTelegramId(ctx, userId);
    if (chatId === null) return 'not_possible';
    const file = new InputFile(Buffer.from(`${JSON.stringify(report, null, 2)}\n`), `hoshi-${report.request_id}.json`);
    try {
      await api.sendDocument(Number(chatId), file, { caption: captionOf(report, language), parse_mode: 'HTML' });
      return 'told';
    } catch (error) {
      const failure = failureOf(error, false);
      if (failure.kind === 'unreachable') return 'not_possible';
      if (failure.kind !== 'refused') return 'wait';
      ctx.log.error({ erasureId: report.request_id, code: failure.code }, 'Telegram refused the report of an erasure');
      return 'not_possible';
    }
  };
}

function captionOf(report: ErasureReport, stored: string): string {
  const known = Language.safeParse(stored);
  const language = known.success ? known.data : languageFor(stored);
  const say = markup(language);
  const books = report.retained.find(({ class: name, until }) => name === 'payments' && until !== null);
  return [
    say('notice.erased.done'),
    books?.until
      ? say('notice.erased.kept', { count: books.count ?? 0, date: formatDate(new Date(books.until), language) })
      : say('notice.erased.keptNothing'),
    ...(report.status === 'completed_partially' ? [say('notice.erased.cardUnconfirmed')] : []),
    say('notice.erased.yours'),
  ].join('\n\n');
}
