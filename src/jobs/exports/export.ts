import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, InputFile } from 'grammy';
import type { Ctx } from '#domain/context/context.ts';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { Language, languageFor } from '#domain/identity/rules.ts';
import { type ExportOwner, findExportOwner } from '#domain/privacy/export/own.ts';
import { DAY_MS, percentOf } from '#domain/privacy/export/rules.ts';
import {
  beginExport,
  beginSending,
  completeExport,
  delayExport,
  type ExportRun,
  failExport,
  showProgress,
} from '#domain/privacy/export/run.ts';
import { formatDate, translator } from '#messages/translate.ts';
import { failureOf, type SendFailure } from '../records/failure.ts';
import { writeSurely } from '../surely.ts';
import { DONE, type JobHandlers, type JobOutcome } from '../table.ts';
import { buildCopy } from './build.ts';
import { Copy, type Document } from './copy.ts';

/** How long a document may take to be sent; the calls of the api that is handed in end after it. */
export const SEND_SECONDS = 100;
/** A bot may send 50 MB (telegram.md § 1.6). One of 20 is sent in that time by slow servers, and fits into memory. */
const PART_BYTES = 20_000_000;
const SHOW_EVERY_MS = 500;
const LEASE_SECONDS = 60;
/** How long it is tried to write that all arrived. */
const WRITE_MS = 10_000;
/** Telegram's wish to wait between two documents is followed this far; the first waits as a job. */
const MAX_WAITS = 5;
const LONGEST_WAIT_SECONDS = 30;

/** Ends the work on a copy from within. */
class Stop extends Error {
  readonly outcome: JobOutcome;
  constructor(outcome: JobOutcome) {
    super('the export stops here');
    this.outcome = outcome;
  }
}

type Prolong = Parameters<JobHandlers['export_data']>[2];
type Exporting = Readonly<{
  api: Api;
  ctx: Ctx;
  run: ExportRun;
  owner: ExportOwner;
  language: Language;
  prolong: Prolong;
}>;

/**
 * The job `export_data`: builds a copy of a person's data and sends it to their chat with the bot, one document after the other;
 * nothing of it stays here. Telegram cannot be asked what arrived: a copy whose sending broke off is not sent again by itself.
 */
export function makeExporter(api: Api, { partBytes = PART_BYTES } = {}): JobHandlers['export_data'] {
  return async (ctx, { exportId }, prolong) => {
    const run = await beginExport(ctx, exportId);
    if (!run) return DONE;
    const owner = await findExportOwner(ctx, run);
    const isTooOld = run.asOf.getTime() - run.createdAt.getTime() >= DAY_MS;
    if (!owner || isTooOld) {
      await failExport(ctx, run, owner ? 'given_up' : 'unreachable');
      return DONE;
    }
    const known = Language.safeParse(owner.language);
    const language = known.success ? known.data : languageFor(owner.language);
    try {
      await exportAll({ api, ctx, run, owner, language, prolong }, partBytes);
      return DONE;
    } catch (error) {
      if (error instanceof Stop) return error.outcome;
      throw error;
    }
  };
}

async function exportAll(exporting: Exporting, partBytes: number): Promise<void> {
  const { ctx, language, owner, prolong, run } = exporting;
  await prolong(LEASE_SECONDS);
  const hash = createHash('sha256');
  const send = async (document: Document) => {
    await sendDocument(exporting, document);
    hash.update(document.bytes);
  };
  const copy = new Copy({ at: run.asOf, partBytes, send });
  const scope = { userId: run.userId, asOf: run.asOf, language };
  const parts = await buildCopy(ctx, copy, { scope, owner, onRows: counter(exporting) });
  const sent = { parts, sha256: hash.digest() };
  await writeSurely(ctx, performance.now() + WRITE_MS, () => completeExport(ctx, run, sent));
}

/** Shows how many rows are done, now and then, and keeps the job ours meanwhile. */
function counter({ ctx, owner, prolong, run }: Exporting): (count: number) => Promise<void> {
  // Sending is a step too.
  const all = owner.rows + 1;
  let done = 0;
  let shown = 0;
  let shownAt = performance.now();
  return async (count) => {
    done += count;
    const percent = percentOf(done, all);
    if (percent === shown || performance.now() - shownAt < SHOW_EVERY_MS) return;
    shown = percent;
    shownAt = performance.now();
    await prolong(LEASE_SECONDS);
    if (!(await showProgress(ctx, run, percent))) throw new Stop(DONE);
  };
}

async function sendDocument(exporting: Exporting, document: Document): Promise<void> {
  const { ctx, prolong, run } = exporting;
  const isFirst = document.number === 1;
  if (isFirst && !(await beginSending(ctx, run))) throw new Stop(DONE);
  for (let waits = 0; ; waits += 1) {
    await prolong(SEND_SECONDS + LEASE_SECONDS);
    const failure = await trySend(exporting, document);
    if (!failure) return;
    const canWait = failure.kind === 'flood' || failure.kind === 'unavailable';
    if (isFirst || !canWait || waits === MAX_WAITS) throw new Stop(await afterFailure(exporting, failure, isFirst));
    await sleep(1_000 * Math.min(failure.kind === 'flood' ? failure.afterSeconds : 2 ** waits, LONGEST_WAIT_SECONDS));
  }
}

/** Null when it arrived. */
async function trySend({ api, language, owner, run }: Exporting, document: Document): Promise<SendFailure | null> {
  const { bytes, isLast, number } = document;
  const isOnly = isLast && number === 1;
  const date = run.asOf.toISOString().slice(0, 10);
  const caption = isOnly ? 'caption' : isLast ? 'captionLast' : 'captionPart';
  const file = new InputFile(bytes, `hoshi-data-${date}${isOnly ? '' : `-${number}`}.zip`);
  try {
    await api.sendDocument(Number(owner.telegramId), file, {
      caption: translator(language)(`export.${caption}`, { date: formatDate(run.asOf, language), number }),
    });
    return null;
  } catch (error) {
    return failureOf(error, false);
  }
}

async function afterFailure({ ctx, run }: Exporting, failure: SendFailure, isFirst: boolean): Promise<JobOutcome> {
  const { id, userId } = run;
  switch (failure.kind) {
    case 'flood':
    case 'unavailable': {
      if (!isFirst) break;
      // Nothing was sent: it is built again later.
      const isFlood = failure.kind === 'flood';
      await delayExport(ctx, run, isFlood ? 'flood' : 'telegram_unavailable');
      return isFlood
        ? { kind: 'retry', afterSeconds: failure.afterSeconds, code: 'FLOOD' }
        : { kind: 'retry', afterSeconds: null, code: failure.code };
    }
    case 'unreachable':
      await failExport(ctx, run, 'unreachable');
      await changeSettings(ctx, { userId, isReachable: false });
      return DONE;
    case 'unknown':
      ctx.log.warn({ exportId: id, event: 'export_unanswered' }, 'nobody knows whether an export was delivered');
      await failExport(ctx, run, 'unknown');
      return DONE;
    default:
      ctx.log.error({ exportId: id, failure: failure.kind, event: 'export_refused' }, 'Telegram refused an export');
      if (isFirst) {
        await failExport(ctx, run, 'refused');
        return DONE;
      }
  }
  await failExport(ctx, run, 'incomplete');
  return DONE;
}
