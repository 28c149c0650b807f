import { keptKey, keptKeys } from '#ui/privacy/kept.ts';
import { openKey, type PrivateKey, type ReadMessage, readWith } from '#ui/privacy/pgp.ts';
import { onVisibility } from '#ui/telegram.ts';

/** Keys that were unlocked since the app was opened. They live in memory alone and are gone with the app. */
const unlocked = new Map<string, PrivateKey>();
/** Counts the changes of `unlocked`. */
let changes = 0;
const listeners = new Set<() => void>();

/** After so long away whoever holds the device has to unlock again. */
const AWAY_MS = 10 * 60_000;
let stopWatching: (() => void) | null = null;

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
  if (fingerprints.length === 0) return { kind: failure };
  stopWatching ??= watchAbsence();
  tellChange();
  return { kind: 'opened', fingerprints };
}

async function keptOnDevice(): Promise<string[]> {
  const found = await Promise.all((await keptKeys()).map(keptKey));
  return found.filter((text) => text !== null);
}

/** Forgets all unlocked keys. */
export function lock(): void {
  unlocked.clear();
  stopWatching?.();
  stopWatching = null;
  tellChange();
}

/** Locks when the person was away for long: at the time, and where the client stops its timers, when they return. */
function watchAbsence(): () => void {
  let leftAt: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = onVisibility((isVisible) => {
    clearTimeout(timer);
    const isLongAgo = leftAt !== null && Date.now() - leftAt >= AWAY_MS;
    if (isVisible) {
      leftAt = null;
      if (isLongAgo) lock();
      return;
    }
    leftAt ??= Date.now();
    timer = setTimeout(lock, AWAY_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

function tellChange(): void {
  changes += 1;
  for (const listener of listeners) listener();
}

/** 0 while no key is unlocked; else a number that changes with the keys. */
export function unlockedVersion(): number {
  return unlocked.size === 0 ? 0 : changes;
}

/** Runs `listener` when keys are unlocked or forgotten. @returns stops listening. */
export function onLockChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * The text of a message, armoured or binary, that was encrypted to one of the unlocked keys; null when none of them can read it.
 * Throws when the message is damaged.
 */
export async function decrypt(message: string | Uint8Array): Promise<string | null> {
  return (await readWith([...unlocked.values()], message))?.text ?? null;
}

/** The same, and whether one of `signingKeys`, an armoured block, signed it. */
export function decryptSigned(message: string | Uint8Array, signingKeys: string): Promise<ReadMessage | null> {
  return readWith([...unlocked.values()], message, signingKeys);
}
