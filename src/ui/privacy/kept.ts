import { canKeepOnDevice, keepOnDevice, readFromDevice } from '#ui/telegram.ts';

/*
 * Private keys that the client keeps on this device, locked with their passphrase. Never in the browser's own storage: Telegram
 * Desktop lost that between two openings (tdesktop#31051).
 */

/** The names of the kept keys: fingerprints with commas between. A client holds ten texts, this one included. */
const LIST = 'billing-keys';
const MOST = 9;

const nameOf = (fingerprint: string) => `billing-key-${fingerprint}`;

export const canKeepKeys = canKeepOnDevice;

/** The fingerprints of the keys that are kept on this device. */
export async function keptKeys(): Promise<string[]> {
  if (!canKeepOnDevice()) return [];
  const list = await readFromDevice(LIST);
  return (list ?? '').split(',').filter((fingerprint) => /^[0-9A-F]{40,64}$/.test(fingerprint));
}

/** A locked key that is kept on this device. */
export function keptKey(fingerprint: string): Promise<string | null> {
  return readFromDevice(nameOf(fingerprint));
}

/** Keeps a locked key beside those that are kept already. False when the client does not take it. */
export async function keepKey(fingerprint: string, lockedKey: string): Promise<boolean> {
  const others = (await keptKeys()).filter((other) => other !== fingerprint);
  if (others.length >= MOST) return false;
  if (!(await keepOnDevice(nameOf(fingerprint), lockedKey))) return false;
  return keepOnDevice(LIST, [...others, fingerprint].join(','));
}
