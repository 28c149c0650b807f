import { type Api, InputFile } from 'grammy';
import type { Delivery } from '#domain/billing-record/delivery.ts';
import { HASHTAGS } from '#domain/billing-record/rules.ts';
import { armorMessage } from '#lib/openpgp.ts';
import { escapeHtml } from '#messages/telegram.ts';

/** Telegram's limit of a message, counted without its markup (telegram.md §1.6). */
const MAX_MESSAGE = 4_096;

/** Where a record is sent, and how. `topicId` null: no topic. */
export type Destination = Readonly<{ chatId: number; topicId: number | null; isSilent: boolean; asDocument: boolean }>;

/** Sends a record: as text where it fits into a message, else as a file that GnuPG reads. Throws grammY's errors. */
export async function sendRecord(
  api: Api,
  to: Destination,
  { ciphertext, createdAt, id, type }: Delivery,
): Promise<void> {
  const armored = armorMessage(ciphertext).trim();
  const hashtags = `#${HASHTAGS[type]} #hoshi`;
  const options = {
    disable_notification: to.isSilent,
    ...(to.topicId !== null && { message_thread_id: to.topicId }),
  };
  if (!to.asDocument && hashtags.length + 1 + armored.length <= MAX_MESSAGE) {
    await api.sendMessage(to.chatId, `${hashtags}\n<pre>${escapeHtml(armored)}</pre>`, {
      ...options,
      parse_mode: 'HTML',
    });
    return;
  }
  const name = `hoshi-${createdAt.toISOString().slice(0, 10)}-${id}.asc`;
  await api.sendDocument(to.chatId, new InputFile(Buffer.from(`${armored}\n`), name), {
    ...options,
    caption: hashtags,
  });
}
