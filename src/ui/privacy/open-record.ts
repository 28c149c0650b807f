import type { RecordView } from '#api/views.ts';
import { type RecordDetails, readRecord } from '#ui/privacy/record.ts';
import { decryptSigned } from '#ui/privacy/unlock.ts';

/** A record after the device tried to read it. */
export type OpenedRecord = Readonly<{ view: RecordView }> &
  Readonly<
    | { kind: 'read'; details: RecordDetails; isGenuine: boolean }
    /** `waiting` and `dropped`: the server has no message. `other_key`: no unlocked key reads it. `damaged`: nothing can. */
    | { kind: 'waiting' | 'dropped' | 'other_key' | 'damaged' }
  >;

/** Reads one record with the unlocked keys. One that stands in the place of another does not count as genuine. */
export async function openRecord(view: RecordView, signingKey: string): Promise<OpenedRecord> {
  if (view.ciphertext === null) return { view, kind: view.state === 'dropped' ? 'dropped' : 'waiting' };
  try {
    const message = Uint8Array.from(atob(view.ciphertext), (letter) => letter.charCodeAt(0));
    const read = await decryptSigned(message, signingKey);
    if (read === null) return { view, kind: 'other_key' };
    const details = readRecord(read.text);
    if (details === null) return { view, kind: 'damaged' };
    return { view, kind: 'read', details, isGenuine: read.isSigned && details.id === view.id };
  } catch (cause) {
    console.warn('a record could not be read', cause);
    return { view, kind: 'damaged' };
  }
}
