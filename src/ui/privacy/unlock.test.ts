import { generateKey, readKey, readPrivateKey } from 'openpgp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { publicKeysOf, type Signer, sealMessage } from '#lib/openpgp.ts';
import { checkKey, encryptText, readUploadedKey } from '#lib/openpgp-check.ts';
import { capturedKey } from '#lib/testing/keys.ts';
import { newSigner, TEST_SIGNER } from '#lib/testing/vault.ts';
import { makeKey, type NewKey } from './pgp.ts';

/** What the client keeps on the device: by name, in a place that may be full or absent. */
const device = vi.hoisted(() => ({
  texts: new Map<string, string>(),
  isThere: true,
  room: 10,
  listeners: new Set<(isVisible: boolean) => void>(),
}));
vi.mock('#ui/telegram.ts', () => ({
  canKeepOnDevice: () => device.isThere,
  keepOnDevice: async (name: string, text: string) => {
    if (!device.isThere || (!device.texts.has(name) && device.texts.size >= device.room)) return false;
    device.texts.set(name, text);
    return true;
  },
  readFromDevice: async (name: string) => device.texts.get(name) ?? null,
  onVisibility: (listener: (isVisible: boolean) => void) => {
    device.listeners.add(listener);
    return () => device.listeners.delete(listener);
  },
}));

const NOW = new Date('2026-11-20T10:00:00.000Z');
const PASSPHRASE = 'correct horse battery staple';
const kept = await import('./kept.ts');

async function encryptedFor(publicKey: string, text: string): Promise<string> {
  return encryptText(await readKey({ armoredKey: publicKey }), text, NOW);
}

/** The module anew, as after the app was opened. */
async function open() {
  vi.resetModules();
  return import('./unlock.ts');
}

beforeEach(() => {
  device.texts.clear();
  device.isThere = true;
  device.room = 10;
  device.listeners.clear();
});

describe('a key that is made on the device', () => {
  it('is one that the server takes, for two years from the server’s time', async () => {
    const made = await makeKey({ passphrase: PASSPHRASE, now: NOW });
    const read = await readUploadedKey(made.publicKey);
    if (!read.ok) throw new Error(read.fault);
    expect(await checkKey(read.key, NOW)).toMatchObject({
      ok: true,
      key: {
        fingerprint: made.fingerprint,
        userIds: ['Hoshi billing'],
        algorithm: 'Curve25519',
        encryptionEnds: new Date(NOW.getTime() + 730 * 86_400_000),
      },
    });
    expect((await readKey({ armoredKey: made.publicKey })).keyPacket.version).toBe(4);
  });

  it('has a private part that GnuPG reads, locked by an iterated passphrase, and can be revoked without it', async () => {
    const made = await makeKey({ passphrase: PASSPHRASE, now: NOW });
    const locked = await readPrivateKey({ armoredKey: made.privateKey });
    const packets = [locked.keyPacket, ...locked.subkeys.map(({ keyPacket }) => keyPacket)] as unknown[];
    // RFC 4880 § 5.5.3: usage 254, a SHA-1 checksum inside; § 3.7.1.3: iterated and salted.
    for (const packet of packets)
      expect(packet).toMatchObject({ s2kUsage: 254, s2k: { type: 'iterated' }, symmetric: 9 });
    const key = await readKey({ armoredKey: made.publicKey });
    expect(await key.isRevoked(undefined, undefined, NOW)).toBe(false);
    const { revokeKey } = await import('openpgp');
    const revoked = await revokeKey({
      key,
      revocationCertificate: made.revocationCertificate,
      date: NOW,
      format: 'object',
    });
    expect(await revoked.publicKey.isRevoked(undefined, undefined, NOW)).toBe(true);
  });
});

describe('unlocking', () => {
  const keep = (made: NewKey) => kept.keepKey(made.fingerprint, made.privateKey);

  it('opens messages with the backup, as long as the app is open', async () => {
    const made = await makeKey({ passphrase: PASSPHRASE, now: NOW });
    const message = await encryptedFor(made.publicKey, '{"hoshi":1}');
    const { decrypt, unlock } = await open();
    expect(await decrypt(message)).toBeNull();
    expect(await unlock(PASSPHRASE, made.privateKey)).toEqual({ kind: 'opened', fingerprints: [made.fingerprint] });
    expect(await decrypt(message)).toBe('{"hoshi":1}');
    const again = await open();
    expect(await again.decrypt(message)).toBeNull();
  });

  it('reads binary messages, and only those for its keys', async () => {
    const made = await makeKey({ passphrase: PASSPHRASE, now: NOW });
    const { decrypt, unlock } = await open();
    await unlock(PASSPHRASE, made.privateKey);
    const { unarmor } = await import('openpgp');
    const { data } = await unarmor(await encryptedFor(made.publicKey, 'binary'));
    expect(await decrypt(new Uint8Array(data as Uint8Array))).toBe('binary');
    expect(await decrypt(await encryptedFor(capturedKey('curve'), 'for another'))).toBeNull();
    await expect(decrypt('nothing of the kind')).rejects.toThrow();
  });

  it('says what is wrong', async () => {
    const made = await makeKey({ passphrase: PASSPHRASE, now: NOW });
    const { unlock } = await open();
    expect(await unlock('another', made.privateKey)).toEqual({ kind: 'wrong_passphrase' });
    expect(await unlock(PASSPHRASE, made.publicKey)).toEqual({ kind: 'not_a_key' });
    expect(await unlock(PASSPHRASE, 'a letter')).toEqual({ kind: 'not_a_key' });
    expect(await unlock(PASSPHRASE)).toEqual({ kind: 'no_key' });
  });

  it('opens of the kept keys those that the passphrase fits', async () => {
    const [one, two, other] = await Promise.all([
      makeKey({ passphrase: PASSPHRASE, now: NOW }),
      makeKey({ passphrase: PASSPHRASE, now: NOW }),
      makeKey({ passphrase: 'another passphrase', now: NOW }),
    ]);
    for (const made of [one, other, two]) expect(await keep(made)).toBe(true);
    const { decrypt, unlock } = await open();
    expect(await unlock(PASSPHRASE)).toEqual({ kind: 'opened', fingerprints: [one.fingerprint, two.fingerprint] });
    expect(await decrypt(await encryptedFor(two.publicKey, 'two'))).toBe('two');
    expect(await decrypt(await encryptedFor(other.publicKey, 'other'))).toBeNull();
    expect(await unlock('neither')).toEqual({ kind: 'wrong_passphrase' });
  });
});

describe('keeping keys', () => {
  const fingerprintOf = (number: number) => String(number).padStart(40, 'A');

  it('keeps each once, as many as the client has room for, and forgets none', async () => {
    for (let number = 0; number < 9; number += 1)
      expect(await kept.keepKey(fingerprintOf(number), `key ${number}`)).toBe(true);
    expect(await kept.keepKey(fingerprintOf(3), 'key 3 anew')).toBe(true);
    expect(await kept.keepKey(fingerprintOf(9), 'one too many')).toBe(false);
    expect(device.texts.size).toBe(10);
    expect(new Set(await kept.keptKeys()).size).toBe(9);
    expect(await kept.keptKey(fingerprintOf(3))).toBe('key 3 anew');
    expect(await kept.keptKey(fingerprintOf(0))).toBe('key 0');
  });

  it('says so where the client keeps nothing, or has no room', async () => {
    device.room = 0;
    expect(await kept.keepKey(fingerprintOf(1), 'key')).toBe(false);
    device.isThere = false;
    expect([kept.canKeepKeys(), await kept.keepKey(fingerprintOf(1), 'key'), await kept.keptKeys()]).toEqual([
      false,
      false,
      [],
    ]);
  });
});

it('a key without a passphrase opens as it is', async () => {
  const { privateKey } = await generateKey({ userIDs: [{ name: 'x' }], date: NOW, format: 'armored' });
  const { unlock } = await open();
  expect(await unlock('', privateKey)).toMatchObject({ kind: 'opened' });
});

describe('locking', () => {
  const MINUTE_MS = 60_000;
  const look = (isVisible: boolean) => {
    for (const listener of [...device.listeners]) listener(isVisible);
  };
  afterEach(() => {
    vi.useRealTimers();
  });

  /** The module with a key unlocked, and what was told of its changes. */
  async function unlocked() {
    const { privateKey, publicKey } = await makeKey({ passphrase: PASSPHRASE, now: NOW });
    const message = await encryptedFor(publicKey, 'secret');
    const app = await open();
    const told: number[] = [];
    app.onLockChange(() => told.push(app.unlockedVersion()));
    expect(app.unlockedVersion()).toBe(0);
    await app.unlock(PASSPHRASE, privateKey);
    expect(await app.decrypt(message)).toBe('secret');
    vi.useFakeTimers();
    return { ...app, message, told };
  }

  it('forgets the keys, and tells of every change', async () => {
    const { decrypt, lock, message, onLockChange, told, unlockedVersion } = await unlocked();
    const before = unlockedVersion();
    expect(before).toBeGreaterThan(0);
    const stop = onLockChange(() => told.push(-1));
    stop();
    lock();
    expect(unlockedVersion()).toBe(0);
    expect(told).toEqual([before, 0]);
    expect(await decrypt(message)).toBeNull();
    expect(device.listeners.size).toBe(0);
  });

  it('comes by itself after ten minutes away', async () => {
    const { unlockedVersion } = await unlocked();
    look(false);
    vi.advanceTimersByTime(10 * MINUTE_MS - 1);
    expect(unlockedVersion()).toBeGreaterThan(0);
    vi.advanceTimersByTime(1);
    expect(unlockedVersion()).toBe(0);
  });

  it('comes on return where the client stopped its timers meanwhile', async () => {
    const { unlockedVersion } = await unlocked();
    look(false);
    vi.setSystemTime(Date.now() + 10 * MINUTE_MS);
    expect(unlockedVersion()).toBeGreaterThan(0);
    look(true);
    expect(unlockedVersion()).toBe(0);
  });

  it('does not come while the app is looked at, or after a short look elsewhere', async () => {
    const { unlockedVersion } = await unlocked();
    vi.advanceTimersByTime(60 * MINUTE_MS);
    look(false);
    look(false);
    vi.advanceTimersByTime(9 * MINUTE_MS);
    look(true);
    vi.advanceTimersByTime(60 * MINUTE_MS);
    expect(unlockedVersion()).toBeGreaterThan(0);
  });
});

describe('the signature of a record', () => {
  const SERVER = publicKeysOf(TEST_SIGNER).armored;

  async function read(signer: Signer | null) {
    const { privateKey, publicKey } = await makeKey({ passphrase: PASSPHRASE, now: NOW });
    const keys = [await readKey({ armoredKey: publicKey })];
    const message =
      signer === null
        ? await encryptedFor(publicKey, 'told')
        : // Later than this device's clock says.
          await sealMessage('told', { keys, signer, date: new Date('2027-06-01T00:00:00.000Z') });
    const { decryptSigned, unlock } = await open();
    await unlock(PASSPHRASE, privateKey);
    return decryptSigned(message, SERVER);
  }

  it('counts when the server made it, also where the device’s clock is slow', async () => {
    expect(await read(TEST_SIGNER)).toEqual({ text: 'told', isSigned: true });
  });

  it('does not count when another key made it, or when there is none', async () => {
    expect(await read(await newSigner(NOW))).toEqual({ text: 'told', isSigned: false });
    expect(await read(null)).toEqual({ text: 'told', isSigned: false });
  });
});
