import type { Api } from 'grammy';
import {
  beginDelivery,
  completeDelivery,
  type Delivery,
  failDelivery,
  findAddressee,
} from '#domain/billing-record/delivery.ts';
import type { Ctx } from '#domain/context/context.ts';
import { findTelegramId } from '#domain/identity/account.ts';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { breakLog, moveLog } from '#domain/personal-log/bind.ts';
import { getLog, type LogGroup, type PersonalLog } from '#domain/personal-log/records.ts';
import { TOPIC } from '#domain/personal-log/rules.ts';
import { writeSurely } from '../surely.ts';
import { DONE, type JobOutcome } from '../table.ts';
import { failureOf, type SendFailure } from './failure.ts';
import { type Destination, sendRecord } from './message.ts';

/** Calls end after 8 s: one that begins later than this could outlast the lease of its job (engine.ts). */
const LAST_CALL_MS = 8_500;
/** How long it is tried to write that a record arrived. */
const WRITE_MS = 5_000;
const TURNS = 3;

/**
 * The job `deliver_record`: sends a record to its owner's group, or to the chat with the bot. Telegram cannot be asked whether
 * a message arrived: what was sent without an answer, or by a process that died, waits for its owner to say.
 */
export function makeRecordDeliverer(api: Api): (ctx: Ctx, job: { recordId: string }) => Promise<JobOutcome> {
  return async (ctx, { recordId }) => {
    const lastCallAt = performance.now() + LAST_CALL_MS;
    const userId = await findAddressee(ctx, recordId);
    if (userId === null) return DONE;
    const account = await findTelegramId(ctx, userId);
    if (account === null) return DONE;
    const chatId = Number(account);
    for (let turn = 1; ; turn += 1) {
      const log = await getLog(ctx, userId);
      const delivery = await beginDelivery(ctx, recordId);
      if (!delivery) return DONE;
      if (!log.isOn) {
        await failDelivery(ctx, recordId, 'off');
        return DONE;
      }
      const sending = { api, chatId, log, delivery };
      const failure = await trySend(sending);
      if (!failure) {
        const { keepDays } = log;
        await writeSurely(ctx, performance.now() + WRITE_MS, () => completeDelivery(ctx, recordId, { keepDays }));
        return DONE;
      }
      const outcome = await afterFailure(ctx, sending, failure);
      if (outcome !== 'again') return outcome;
      if (turn === TURNS || performance.now() > lastCallAt) return later(null, 'AGAIN');
    }
  };
}

type Sending = Readonly<{ api: Api; chatId: number; log: PersonalLog; delivery: Delivery }>;

/** The group, while there is one that takes messages. */
function openGroup({ group, obstacle }: PersonalLog): LogGroup | null {
  return obstacle === null ? group : null;
}

/** Null when it arrived. */
async function trySend({ api, chatId, delivery, log }: Sending): Promise<SendFailure | null> {
  const { asDocument, isSilent } = log;
  const group = openGroup(log);
  const to: Destination = { ...(group ?? { chatId, topicId: null }), isSilent, asDocument };
  try {
    await sendRecord(api, to, delivery);
    return null;
  } catch (error) {
    return failureOf(error, group !== null);
  }
}

/** `again`: what stood in the way is gone, and nothing was sent. */
async function afterFailure(ctx: Ctx, sending: Sending, failure: SendFailure): Promise<JobOutcome | 'again'> {
  const { delivery, log } = sending;
  const { id, userId } = delivery;
  switch (failure.kind) {
    case 'flood':
      await failDelivery(ctx, id, 'flood');
      return later(failure.afterSeconds, 'FLOOD');
    case 'unavailable':
      await failDelivery(ctx, id, 'telegram_unavailable');
      return later(null, failure.code);
    case 'unknown':
      ctx.log.warn({ recordId: id, event: 'record_unanswered' }, 'nobody knows whether a record was delivered');
      await failDelivery(ctx, id, 'unknown');
      return DONE;
    case 'topic_gone':
      return await remakeTopic(ctx, sending);
    case 'group':
      await failDelivery(ctx, id, null);
      await breakLog(ctx, { userId, boundAt: log.boundAt }, failure.obstacle);
      return 'again';
    case 'unreachable':
      // First: a person who comes back in this moment queues what is held by then.
      await failDelivery(ctx, id, 'unreachable');
      await changeSettings(ctx, { userId, isReachable: false });
      return DONE;
    case 'refused':
      ctx.log.error(
        { recordId: id, code: failure.code, event: 'record_refused' },
        'Telegram refused a record for good',
      );
      await failDelivery(ctx, id, 'refused');
      return DONE;
  }
}

/** Whoever deletes the topic still wants their records: another is made in its place. */
async function remakeTopic(ctx: Ctx, sending: Sending): Promise<JobOutcome | 'again'> {
  const { api, delivery, log } = sending;
  const { id, userId } = delivery;
  const group = openGroup(log);
  if (!group) throw new Error('only a group has topics');
  await failDelivery(ctx, id, null);
  let topicId: number;
  try {
    const topic = await api.createForumTopic(group.chatId, TOPIC.name, { icon_color: TOPIC.iconColor });
    topicId = topic.message_thread_id;
  } catch (error) {
    const failure = failureOf(error, true);
    // Nothing of the record was sent: at worst the group gets a topic that stays empty.
    if (failure.kind === 'unknown' || failure.kind === 'topic_gone' || failure.kind === 'refused')
      return later(null, 'TOPIC_NOT_MADE');
    return await afterFailure(ctx, sending, failure);
  }
  await moveLog(ctx, { userId, boundAt: log.boundAt }, { ...group, topicId });
  return 'again';
}

/** The record itself stays: when the tries of its job are used up, the schedule queues it again. */
function later(afterSeconds: number | null, code: string): JobOutcome {
  return { kind: 'retry', afterSeconds, code, isKept: true };
}
