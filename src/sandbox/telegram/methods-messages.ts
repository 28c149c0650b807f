import { isDeepStrictEqual } from 'node:util';
import { type Args, asObject } from './args.ts';
import type { Call, Method } from './call.ts';
import { type MessageContent, presentDocument } from './chats.ts';
import { formatText } from './entities.ts';
import { badRequest } from './errors.ts';
import { type Markup, readMarkup } from './keyboards.ts';
import { checkMaySend } from './membership.ts';
import type { FileRecord, MessageRecord } from './records.ts';
import { checkThread } from './topics.ts';
import type { FormattedText } from './wire.ts';

const TEXT_LIMIT = 4_096;
const CAPTION_LIMIT = 1_024;
const FILE_LIMIT_BYTES = 50 * 1024 * 1024;
const DELETE_AT_ONCE = 100;
const NOT_MODIFIED =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

function readText(args: Args): FormattedText {
  const raw = args.text('text');
  if (raw === '') throw badRequest('message text is empty');
  const formatted = formatText(raw, args.text('parse_mode'), args.json('entities', "can't parse entities JSON object"));
  if (formatted.text === '') throw badRequest('text must be non-empty');
  if (formatted.text.length > TEXT_LIMIT) throw badRequest('message is too long');
  return formatted;
}

/** Where a message goes and what it answers. */
function readPlace(call: Call, what: 'text messages' | 'documents'): { chatId: number; place: MessageContent } {
  const { args, telegram } = call;
  const chatId = telegram.chats.checkWritable(args.text('chat_id'));
  checkMaySend(telegram.world.groups.get(chatId), what);
  const threadId = checkThread(telegram.world, chatId, args.integer('message_thread_id', 0));
  const reply = asObject(args.json('reply_parameters', "can't parse reply parameters JSON object"));
  const replyId = Number(reply?.['message_id'] ?? args.integer('reply_to_message_id', 0));
  const place: MessageContent = {
    ...(threadId === 0 ? {} : { message_thread_id: threadId }),
    ...(args.flag('disable_notification') ? { is_silent: true } : {}),
  };
  if (replyId === 0) return { chatId, place };
  if (telegram.world.findMessage(chatId, replyId) !== undefined) place.reply_to_message_id = replyId;
  else if (reply?.['allow_sending_without_reply'] !== true) throw badRequest('message to be replied not found');
  return { chatId, place };
}

const sendMessage: Method = (call) => {
  const { args, telegram } = call;
  const content = readText(args);
  const markup = readMarkup(args);
  const { chatId, place } = readPlace(call, 'text messages');
  return telegram.chats.present(telegram.chats.addByBot(chatId, { ...place, ...content }, markup));
};

const sendDocument: Method = (call) => {
  const { args, telegram } = call;
  const upload = args.upload('document');
  const known = args.text('document');
  if (upload === undefined && known === '') throw badRequest('there is no document in the request');
  const caption = formatText(
    args.text('caption'),
    args.text('parse_mode'),
    args.json('caption_entities', "can't parse entities JSON object"),
  );
  if (caption.text.length > CAPTION_LIMIT) throw badRequest('message caption is too long');
  const markup = readMarkup(args);
  const { chatId, place } = readPlace(call, 'documents');
  const document = upload === undefined ? getKnownFile(telegram, known) : keepUpload(telegram, upload);
  const content = { ...place, document, caption: caption.text, caption_entities: caption.entities };
  return telegram.chats.present(telegram.chats.addByBot(chatId, content, markup));
};

function keepUpload(telegram: Call['telegram'], upload: { name: string; type: string; bytes: Buffer }): FileRecord {
  if (upload.bytes.length === 0) throw badRequest('file must be non-empty');
  if (upload.bytes.length > FILE_LIMIT_BYTES) throw badRequest('file is too big');
  const number = telegram.world.nextNumber('file');
  const file: FileRecord = {
    file_id: `BQACAgIAAxkDAAI${Date.now().toString(36)}AgAD${String(number).padStart(12, '0')}`,
    file_name: upload.name === '' ? 'file' : upload.name.replace(/[/\\]/g, '_'),
    mime_type: upload.type === '' ? 'application/octet-stream' : upload.type,
    file_size: upload.bytes.length,
  };
  telegram.addFile(file, upload.bytes);
  return file;
}

function getKnownFile(telegram: Call['telegram'], fileId: string): FileRecord {
  const file = telegram.findFile(fileId);
  if (file === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
  return file;
}

const getFile: Method = ({ args, telegram }) => {
  const fileId = args.text('file_id');
  if (fileId === '') throw badRequest('file_id not specified');
  const file = telegram.findFile(fileId);
  if (file === undefined) throw badRequest('wrong file_id or the file is temporarily unavailable');
  const { file_id, file_unique_id, file_size } = presentDocument(file);
  return { file_id, file_unique_id, file_size, file_path: `documents/${file_id}` };
};

function getOwnMessage(call: Call, purpose: string): MessageRecord {
  const { args, telegram } = call;
  const chatText = args.text('chat_id');
  const messageId = args.integer('message_id', 0);
  if (chatText === '' && messageId === 0) throw badRequest('Message identifier is not specified');
  const chatId = telegram.chats.checkKnown(chatText);
  const message = telegram.world.findMessage(chatId, messageId);
  if (message === undefined) throw badRequest(`${purpose} not found`);
  return message;
}

/** Replaces content and keyboard; an edit without reply_markup takes the keyboard away, as Telegram does. */
function applyEdit(call: Call, message: MessageRecord, content: Partial<MessageRecord>, markup: Markup): object {
  const { chats, clock } = call.telegram;
  if (message.from !== 'bot') throw badRequest("message can't be edited");
  const keyboard = markup.kind === 'inline' ? markup.keyboard : [];
  const isSame = Object.entries(content).every(([key, value]) =>
    isDeepStrictEqual(message[key as keyof MessageRecord], value),
  );
  if (isSame && isDeepStrictEqual(message.inline_keyboard ?? [], keyboard)) throw badRequest(NOT_MODIFIED);
  Object.assign(message, content, { edit_date: clock.now() });
  if (keyboard.length > 0) message.inline_keyboard = keyboard;
  else delete message.inline_keyboard;
  chats.changed(message);
  return chats.present(message);
}

const editMessageText: Method = (call) => {
  const content = readText(call.args);
  const markup = readMarkup(call.args);
  const message = getOwnMessage(call, 'message to edit');
  if (message.from === 'bot' && message.text === undefined) throw badRequest('there is no text in the message to edit');
  return applyEdit(call, message, content, markup);
};

const editMessageCaption: Method = (call) => {
  const { args } = call;
  const caption = formatText(
    args.text('caption'),
    args.text('parse_mode'),
    args.json('caption_entities', "can't parse entities JSON object"),
  );
  const markup = readMarkup(args);
  const message = getOwnMessage(call, 'message to edit');
  if (message.from === 'bot' && message.document === undefined)
    throw badRequest('there is no caption in the message to edit');
  return applyEdit(call, message, { caption: caption.text, caption_entities: caption.entities }, markup);
};

const editMessageReplyMarkup: Method = (call) => {
  const message = getOwnMessage(call, 'message to edit');
  return applyEdit(call, message, {}, readMarkup(call.args, message.invoice !== undefined));
};

const deleteMessage: Method = (call) => {
  const { args, telegram } = call;
  if (args.text('chat_id') === '') throw badRequest('Chat identifier is not specified');
  if (args.integer('message_id', 0) === 0) throw badRequest('Message identifier is not specified');
  const message = getOwnMessage(call, 'message to delete');
  telegram.chats.delete(message.chat_id, message.message_id);
  return true;
};

const deleteMessages: Method = ({ args, telegram }) => {
  const ids = args.json('message_ids', "Can't parse message_ids JSON object");
  if (ids === undefined) throw badRequest('Message identifiers are not specified');
  if (!Array.isArray(ids)) throw badRequest('Expected an Array of message identifiers');
  if (ids.length > DELETE_AT_ONCE) throw badRequest('Too many message identifiers specified');
  const chatId = telegram.chats.checkKnown(args.text('chat_id'));
  for (const id of ids) {
    if (telegram.world.findMessage(chatId, Number(id)) !== undefined) telegram.chats.delete(chatId, Number(id));
  }
  return true;
};

const answerCallbackQuery: Method = ({ args, telegram }) => {
  const text = args.text('text');
  if (text.length > 200) throw badRequest('MESSAGE_TOO_LONG');
  telegram.chats.answerTap(args.text('callback_query_id'), {
    text,
    showAlert: args.flag('show_alert'),
    url: args.text('url'),
  });
  return true;
};

const sendChatAction: Method = ({ args, telegram }) => {
  telegram.chats.checkWritable(args.text('chat_id'));
  if (args.text('action') === '') throw badRequest('wrong parameter action in request');
  return true;
};

/** Messages in chats. */
export const messageMethods = {
  sendMessage,
  sendDocument,
  getFile,
  editMessageText,
  editMessageCaption,
  editMessageReplyMarkup,
  deleteMessage,
  deleteMessages,
  answerCallbackQuery,
  sendChatAction,
};
