import type { RecordView } from '#api/privacy-views.ts';
import { type RecordDetails, readRecord } from '#ui/privacy/record.ts';
import { decryptSigned } from '#ui/privacy/unlock.ts';

/** A record after the device tried to read it. */
export type OpenedRecord = Readonly<{ view: RecordView }> &
  Readonly<
    | { kind: 'read'; details: RecordDetails; isGenuine: boolean }
    /** `waiting` and `dropped`: the server has no message. `other_key`: no unlocked key reads it. `damaged`: nothing can. */
    | { kind: 'waiting' | 'dropped' | 'other_key' | 'damaged' }
  >;

/** A message that somebody brought. */
export type OpenedMessage = Readonly<
  { kind: 'read'; details: RecordDetails; isGenuine: boolean } | { kind: 'no_message' | 'other_key' | 'damaged' }
>;

const MESSAGE = /-----BEGIN PGP MESSAGE-----[\s\S]*?-----END PGP MESSAGE-----/;

/** Reads the message in a text, whatever stands around it: in a log its hashtag does. `signingKeys` is one armoured block. */
export async function openMessage(text: string, signingKeys: string): Promise<OpenedMessage> {
  const [message] = MESSAGE.exec(text) ?? [];
  if (message === undefined) return { kind: 'no_message' };
  return read(message, signingKeys);
}

async function read(message: string | Uint8Array, signingKeys: string): Promise<OpenedMessage> {
  try {
    const told = await decryptSigned(message, signingKeys);
    if (told === null) return { kind: 'other_key' };
    const details = readRecord(told.text);
    return details === null ? { kind: 'damaged' } : { kind: 'read', details, isGenuine: told.isSigned };
  } catch (cause) {
    console.warn('a record could not be read', cause);
    return { kind: 'damaged' };
  }
}

/** Reads one record with the unlocked keys. One that stands in the place of another does not count as genuine. */
export async function openRecord(view: RecordView, signingKeys: string): Promise<OpenedRecord> {
  if (view.ciphertext === null) return { view, kind: view.state === 'dropped' ? 'dropped' : 'waiting' };
  const opened = await read(bytesOf(view.ciphertext), signingKeys);
  if (opened.kind === 'read') return { ...opened, view, isGenuine: opened.isGenuine && opened.details.id === view.id };
  return { view, kind: opened.kind === 'other_key' ? 'other_key' : 'damaged' };
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
