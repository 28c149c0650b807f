import { keptKey, keptKeys } from '#ui/privacy/kept.ts';
import { openKey, type PrivateKey, readWith } from '#ui/privacy/pgp.ts';

/** Keys that were unlocked since the app was opened. They live in memory alone and are gone with the app. */
const unlocked = new Map<string, PrivateKey>();

export type Unlocked =
  | Readonly<{ kind: 'opened'; fingerprints: ReadonlyArray<string> }>
  /** `no_key`: none is kept on this device, so a backup has to be given. */
  | Readonly<{ kind: 'no_key' | 'not_a_key' | 'wrong_passphrase' }>;

/**
 * Unlocks the keys that are kept on this device, or the one of a `backup`, for as long as the app is open. Of several kept keys
 * those are opened that the passphrase fits.
 */
export async function unlock(passphrase: string, backup?: string): Promise<Unlocked> {
  const locked = backup === undefined ? await keptOnDevice() : [backup];
  if (locked.length === 0) return { kind: 'no_key' };
  const fingerprints: string[] = [];
  let failure: 'not_a_key' | 'wrong_passphrase' = 'not_a_key';
  for (const text of locked) {
    const opened = await openKey(text, passphrase);
    if (opened.kind !== 'opened') {
      if (opened.kind === 'wrong_passphrase') failure = opened.kind;
      continue;
    }
    unlocked.set(opened.fingerprint, opened.key);
    fingerprints.push(opened.fingerprint);
  }
  return fingerprints.length > 0 ? { kind: 'opened', fingerprints } : { kind: failure };
}

async function keptOnDevice(): Promise<string[]> {
  const found = await Promise.all((await keptKeys()).map(keptKey));
  return found.filter((text) => text !== null);
}

/**
 * The text of a message, armoured or binary, that was encrypted to one of the unlocked keys; null when none of them can read it.
 * Throws when the message is damaged.
 */
export function decrypt(message: string | Uint8Array): Promise<string | null> {
  return readWith([...unlocked.values()], message);
}
