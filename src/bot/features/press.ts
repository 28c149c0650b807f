import { Composer } from 'grammy';
import { decodePress } from '../callback.ts';
import type { BotContext } from '../context.ts';

/** Understands a pressed button and ends its spinner while the work goes on: Telegram keeps the question for seconds only. */
export const press = new Composer<BotContext>();

press.on('callback_query', async (context, next) => {
  const { data } = context.callbackQuery;
  context.press = data === undefined ? null : decodePress(data);
  // A button that is not understood is answered at the end, in the reader's language.
  const answering = context.press ? context.answerPress() : Promise.resolve();
  try {
    await next();
  } finally {
    await answering;
  }
});
