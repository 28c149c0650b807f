import { readKey } from 'openpgp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { RecordView } from '#api/privacy-views.ts';
import { armorMessage, type PublicKey, publicKeysOf, type Signer, sealMessage } from '#lib/openpgp.ts';
import { capturedKey } from '#lib/testing/keys.ts';
import { newSigner, TEST_SIGNER } from '#lib/testing/vault.ts';
import { makeKey, type NewKey } from './pgp.ts';

vi.mock('#ui/telegram.ts', () => ({ canKeepOnDevice: () => false, onVisibility: () => () => undefined }));

const { openMessage, openRecord } = await import('./open-record.ts');
const { lock, unlock } = await import('./unlock.ts');

const NOW = new Date('2026-11-20T10:00:00.000Z');
const SERVER = publicKeysOf(TEST_SIGNER).armored;
const TEXT = JSON.stringify({ hoshi: 1, record: 'rec_1', type: 'payment', description: 'Order 7' });
let own: NewKey;

beforeAll(async () => {
  own = await makeKey({ passphrase: 'a passphrase', now: NOW });
});

async function viewOf(text: string, { signer = TEST_SIGNER, to = own.publicKey } = {}): Promise<RecordView> {
  const message = await sealMessage(text, { keys: [await readKey({ armoredKey: to })], signer, date: NOW });
  return { ...VIEW, ciphertext: Buffer.from(message).toString('base64') };
}

const VIEW: RecordView = { id: 'rec_1', paymentId: 'pay_1', type: 'payment', state: 'sealed', ciphertext: null };

describe('a record on the device', () => {
  it('is read with an unlocked key, and is genuine with the server’s signature in its own place', async () => {
    await unlock('a passphrase', own.privateKey);
    const view = await viewOf(TEXT);
    expect(await openRecord(view, SERVER)).toMatchObject({
      kind: 'read',
      view,
      details: { description: 'Order 7', text: TEXT },
      isGenuine: true,
    });
  });

  it('is not genuine in the place of another, or signed by another', async () => {
    await unlock('a passphrase', own.privateKey);
    const moved = { ...(await viewOf(TEXT)), id: 'rec_2' };
    expect(await openRecord(moved, SERVER)).toMatchObject({ kind: 'read', isGenuine: false });
    const forged = await viewOf(TEXT, { signer: await newSigner(NOW) });
    expect(await openRecord(forged, SERVER)).toMatchObject({ kind: 'read', isGenuine: false });
  });

  it('is genuine after the server’s key was replaced, twice, and not when a key of nobody here signed it', async () => {
    await unlock('a passphrase', own.privateKey);
    const second = await newSigner(NOW, TEST_SIGNER.publicKeys);
    const third = await newSigner(NOW, second.publicKeys);
    const keys = publicKeysOf(third).armored;
    const isGenuine = async (signer: Signer) => {
      const opened = await openRecord(await viewOf(TEXT, { signer }), keys);
      return opened.kind === 'read' && opened.isGenuine;
    };
    const seen = await Promise.all([TEST_SIGNER, second, third, await newSigner(NOW, third.publicKeys)].map(isGenuine));
    expect(seen).toEqual([true, true, true, false]);
  });

  it('that cannot be read says why', async () => {
    await unlock('a passphrase', own.privateKey);
    const kindOf = async (view: RecordView) => (await openRecord(view, SERVER)).kind;
    expect(await kindOf({ ...VIEW, state: 'waiting' })).toBe('waiting');
    expect(await kindOf({ ...VIEW, state: 'dropped' })).toBe('dropped');
    expect(await kindOf(await viewOf(TEXT, { to: capturedKey('curve') }))).toBe('other_key');
    const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    expect(await kindOf({ ...VIEW, ciphertext: 'AAAA' })).toBe('damaged');
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
    expect(await kindOf(await viewOf('no record'))).toBe('damaged');
    lock();
    expect(await kindOf(await viewOf(TEXT))).toBe('other_key');
  });
});

describe('a record from a log', () => {
  const armored = async (to = own.publicKey, signer = TEST_SIGNER) => {
    const keys = [await readKey({ armoredKey: to })];
    return armorMessage(await sealMessage(TEXT, { keys, signer, date: NOW }));
  };

  it('is read among what stands around it, and checked', async () => {
    await unlock('a passphrase', own.privateKey);
    const genuine = { kind: 'read', isGenuine: true, details: { description: 'Order 7' } };
    expect(await openMessage(`#payment\n${await armored()}\n12:30`, SERVER)).toMatchObject(genuine);
    const forged = await openMessage(await armored(own.publicKey, await newSigner(NOW)), SERVER);
    expect(forged).toMatchObject({ kind: 'read', isGenuine: false });
  });

  it('is genuine after the server’s key was replaced', async () => {
    await unlock('a passphrase', own.privateKey);
    const read = async (earlier: ReadonlyArray<PublicKey>) =>
      openMessage(await armored(), publicKeysOf(await newSigner(NOW, earlier)).armored);
    expect(await read(TEST_SIGNER.publicKeys)).toMatchObject({ kind: 'read', isGenuine: true });
    expect(await read([])).toMatchObject({ kind: 'read', isGenuine: false });
  });

  it('that cannot be read says why', async () => {
    await unlock('a passphrase', own.privateKey);
    expect(await openMessage('#payment', SERVER)).toEqual({ kind: 'no_message' });
    expect(await openMessage(own.publicKey, SERVER)).toEqual({ kind: 'no_message' });
    expect(await openMessage(await armored(capturedKey('curve')), SERVER)).toEqual({ kind: 'other_key' });
    const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    const lines = (await armored()).split('\n');
    const cut = [...lines.slice(0, 5), ...lines.slice(8)].join('\n');
    expect(await openMessage(cut, SERVER)).toEqual({ kind: 'damaged' });
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });
});
