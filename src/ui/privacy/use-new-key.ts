'use client';
import { useState } from 'react';
import { keepKey } from '#ui/privacy/kept.ts';
import type { NewKey } from '#ui/privacy/pgp.ts';
import { useAddKey, useProveKey } from '#ui/privacy/queries.ts';
import { type Problem, problemOf } from '#ui/problem.ts';
import { hapticResult } from '#ui/telegram.ts';

/** `failed`: this device cannot make or read keys. `unread`: the key is added, and its message could not be read here. */
type Trouble = Readonly<{ kind: 'failed' | 'unread' } | { kind: 'refused'; problem: Problem }>;

export type NewKeyFlow = Readonly<
  | { step: 'passphrase'; isBusy: boolean; trouble: Trouble | null }
  | { step: 'backup'; key: NewKey; isBusy: boolean; trouble: Trouble | null }
  | { step: 'done'; key: NewKey; isKept: boolean | null }
>;

/**
 * Makes a key on this device, and takes it into use once its owner has a backup: the public part goes to the server, and the code
 * that comes back is read here. The private part stays; it is `kept` by the client where its owner wishes.
 */
export function useNewKey(serverTime: () => Date) {
  const [flow, setFlow] = useState<NewKeyFlow>({ step: 'passphrase', isBusy: false, trouble: null });
  const [passphrase, setPassphrase] = useState('');
  const add = useAddKey();
  const prove = useProveKey();

  const make = async () => {
    setFlow({ step: 'passphrase', isBusy: true, trouble: null });
    try {
      const { makeKey } = await import('#ui/privacy/pgp.ts');
      const key = await makeKey({ passphrase, now: serverTime() });
      setFlow({ step: 'backup', key, isBusy: false, trouble: null });
    } catch (cause) {
      console.warn('no key could be made', cause);
      setFlow({ step: 'passphrase', isBusy: false, trouble: { kind: 'failed' } });
    }
  };

  const takeIntoUse = async (key: NewKey, options: { keep: boolean }) => {
    setFlow({ step: 'backup', key, isBusy: true, trouble: null });
    try {
      const added = await add.mutateAsync(key.publicKey);
      // It was proven before, and the answer to that was lost.
      if (added.outcome === 'begun') {
        const code = await readCode(key, passphrase, added.key.message);
        if (code === null) return setFlow({ step: 'backup', key, isBusy: false, trouble: { kind: 'unread' } });
        await prove.mutateAsync({ keyId: added.key.id, code });
      }
      const isKept = options.keep ? await keepKey(key.fingerprint, key.privateKey) : null;
      setPassphrase('');
      hapticResult('success');
      setFlow({ step: 'done', key, isKept });
    } catch (error) {
      setFlow({ step: 'backup', key, isBusy: false, trouble: { kind: 'refused', problem: problemOf(error) } });
    }
  };

  return { flow, passphrase, setPassphrase, make, takeIntoUse };
}

/** The code of the message that came back; null when this device cannot read it. */
async function readCode(key: NewKey, passphrase: string, message: string | null): Promise<string | null> {
  if (message === null) return null;
  try {
    const { decrypt, unlock } = await import('#ui/privacy/unlock.ts');
    await unlock(passphrase, key.privateKey);
    return await decrypt(message);
  } catch (cause) {
    console.warn('the message could not be read', cause);
    return null;
  }
}
