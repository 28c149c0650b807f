import {
  armor,
  enums,
  generateKey,
  type Key,
  PacketList,
  type PartialConfig,
  PublicKey,
  readKey,
  readMessage,
  revokeKey,
  UserAttributePacket,
} from 'openpgp';
import { describe, expect, it } from 'vitest';
import {
  checkKey,
  encryptText,
  fingerprintOf,
  KEY_FAULTS,
  type KeyFault,
  mergeKey,
  readUploadedKey,
} from './openpgp-check.ts';
import { capturedKey } from './testing/keys.ts';

const NOW = new Date('2026-11-20T10:00:00.000Z');
const LONG_AGO = new Date('2026-01-01T00:00:00.000Z');
const DAY_S = 86_400;

type Options = Partial<Parameters<typeof generateKey>[0]> & { config?: PartialConfig };

/** A key made here, as its owner would upload it. */
async function made(options: Options = {}): Promise<string> {
  const { publicKey } = await generateKey({
    userIDs: [{ name: 'made' }],
    date: LONG_AGO,
    ...options,
    format: 'armored',
  });
  return publicKey;
}

async function check(text: string, now = NOW) {
  const read = await readUploadedKey(text);
  return read.ok ? checkKey(read.key, now) : read;
}

async function faultOf(text: string, now = NOW): Promise<KeyFault | null> {
  const checked = await check(text, now);
  return checked.ok ? null : checked.fault;
}

async function accepted(text: string, now = NOW) {
  const checked = await check(text, now);
  if (!checked.ok) throw new Error(checked.fault);
  return checked.key;
}

/** A block whose content is somebody's bytes. */
const block = (bytes: Uint8Array, kind = enums.armor.publicKey) => armor(kind, bytes);
const withoutUserIds = async (text: string) => {
  const key = await readKey({ armoredKey: text });
  key.users = [];
  return key.armor();
};
const changed = (text: string, from: string | RegExp, to: string) => {
  const result = text.replace(from, to);
  if (result === text) throw new Error('nothing was changed');
  return result;
};

/** The same packet of a version 4 key with another version in it. */
async function ofVersion(version: number): Promise<string> {
  const key = await readKey({ armoredKey: capturedKey('curve') });
  const bytes = key.write();
  expect(bytes[2]).toBe(4);
  bytes[2] = version;
  return block(bytes);
}

describe('what people upload', () => {
  const faulty: Record<KeyFault, Array<[string, () => Promise<string> | string]>> = {
    too_large: [
      ['more than 64 KiB', () => `${capturedKey('curve')}${' '.repeat(65_536)}`],
      ['more than 64 KiB of Japanese', () => '鍵'.repeat(21_846)],
    ],
    private_block: [
      ['a private key of GnuPG', () => capturedKey('curve-private')],
      ['a private key behind a public one', () => capturedKey('rsa') + capturedKey('curve-private')],
      [
        'a private key that calls itself a public one',
        async () => block((await readKey({ armoredKey: capturedKey('curve-private') })).write()),
      ],
    ],
    no_block: [
      ['nothing', () => ''],
      ['a fingerprint', () => '9F61 6531 3267 A6C4 FDA1 ABCB 8EF1 70FF E351 27A1'],
      ['a message', () => block(new Uint8Array([1, 2, 3]), enums.armor.message)],
      ['a certificate of a website', () => '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
      ['dashes that an editor made prettier', () => capturedKey('curve').replaceAll('-----', '—–—')],
    ],
    multiple: [
      ['two blocks', () => capturedKey('curve') + capturedKey('rsa')],
      [
        'two keys in one block',
        async () => {
          const keys = await Promise.all(['curve', 'rsa'].map((name) => readKey({ armoredKey: capturedKey(name) })));
          return block(new Uint8Array(Buffer.concat(keys.map((key) => key.write()))));
        },
      ],
    ],
    unreadable: [
      ['only its first half', () => capturedKey('rsa').slice(0, 900)],
      ['lost line breaks', () => capturedKey('curve').replaceAll('\n', ' ')],
      ['a lost blank line', () => changed(capturedKey('curve'), '\n\n', '\n')],
      ['a revocation certificate', async () => block((await revocationOf('revoked')).write())],
    ],
    version: [
      ['version 3', () => ofVersion(3)],
      ['version 5, of GnuPG 2.4', () => ofVersion(5)],
    ],
    no_user_id: [['as a key server gives it', () => withoutUserIds(capturedKey('curve'))]],
    revoked: [
      ['revoked with GnuPG', () => capturedKey('revoked')],
      [
        'revoked here',
        async () => {
          const { publicKey, revocationCertificate } = await generateKey({
            userIDs: [{ name: 'made' }],
            date: LONG_AGO,
            format: 'object',
          });
          const revoked = await revokeKey({ key: publicKey, revocationCertificate, date: NOW });
          return revoked.publicKey;
        },
      ],
    ],
    expired: [['for 30 days only', () => capturedKey('expired')]],
    not_yet_valid: [['made in the future', () => made({ date: new Date('2026-11-20T10:20:00Z') })]],
    weak: [
      ['DSA and ElGamal', () => capturedKey('dsa')],
      ['RSA with 1024 bits', () => capturedKey('rsa1024')],
    ],
    algorithm: [
      ['brainpool', () => capturedKey('brainpool')],
      ['secp256k1', () => capturedKey('secp256k1')],
      ['Ed448', () => made({ type: 'curve448' })],
    ],
    sign_only: [
      ['of GnuPG', () => capturedKey('sign-only')],
      ['with a second part that signs', () => made({ subkeys: [{ sign: true }] })],
    ],
    encryption_expired: [
      ['the encryption part for 30 days only', () => capturedKey('subkey-expired')],
      ['the encryption part revoked', revokedSubkey],
    ],
    invalid: [['a changed bit in the signature of the encryption part', () => flipped()]],
  };

  it.each(KEY_FAULTS.flatMap((fault) => faulty[fault].map(([what, make]) => ({ fault, what, make }))))(
    'is refused as $fault: $what',
    async ({ fault, make }) => expect(await faultOf(await make())).toBe(fault),
  );

  it.each([
    ['curve', 'Curve25519', null],
    ['rsa', 'RSA 3072', '2030-12-31T00:00:00.000Z'],
    ['p256', 'NIST P-256', null],
    ['sequoia', 'Curve25519', null],
    // Its owner signed it as GnuPG 2.0 did: that is about who it belongs to, not about who can read.
    ['sha1', 'RSA 2048', null],
    ['expired-extended', 'Curve25519', '2031-01-31T00:00:00.000Z'],
  ])('is accepted: %s', async (name, algorithm, ends) => {
    const key = await accepted(capturedKey(name));
    const plain = name.split('-')[0];
    expect(key).toMatchObject({ algorithm, userIds: [`${plain} <${plain}@keys.test>`], endsSoon: false });
    expect(key.encryptionEnds?.toISOString() ?? null).toBe(ends);
    expect(key.fingerprint).toMatch(/^[0-9A-F]{40}$/);
  });

  it.each<[string, Options, string]>([
    ['version 4 with the algorithms of RFC 9580', { type: 'curve25519' }, 'X25519'],
    ['version 6', { type: 'curve25519', config: { v6Keys: true } }, 'X25519'],
    ['what the Mini App makes', { type: 'ecc', curve: 'curve25519Legacy' }, 'Curve25519'],
    ['P-521', { type: 'ecc', curve: 'nistP521' }, 'NIST P-521'],
  ])('is accepted: %s', async (_, options, algorithm) => {
    expect(await accepted(await made(options))).toMatchObject({ algorithm, userIds: ['made'], encryptionEnds: null });
  });

  it('may be wrapped in other text, with the line ends of Windows', async () => {
    const key = await accepted(`Here is my key:\r\n\r\n${capturedKey('curve').replaceAll('\n', '\r\n')}\r\nBye`);
    expect(key.fingerprint).toBe((await accepted(capturedKey('curve'))).fingerprint);
  });
});

async function revocationOf(name: string): Promise<PacketList<Key['revocationSignatures'][number]>> {
  const list = new PacketList<Key['revocationSignatures'][number]>();
  list.push(...(await readKey({ armoredKey: capturedKey(name) })).revocationSignatures);
  expect(list.length).toBe(1);
  return list;
}

async function revokedSubkey(): Promise<string> {
  const { privateKey } = await generateKey({ userIDs: [{ name: 'made' }], date: LONG_AGO, format: 'object' });
  const [part] = privateKey.subkeys;
  if (!part) throw new Error('no part');
  privateKey.subkeys[0] = await part.revoke(privateKey.keyPacket as never, undefined, LONG_AGO);
  return privateKey.toPublic().armor();
}

/** A bit of the last signature's value, which is that of the encryption part. */
async function flipped(): Promise<string> {
  const bytes = (await readKey({ armoredKey: capturedKey('curve') })).write();
  const last = bytes.length - 5;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return block(bytes);
}

describe('the end of a key', () => {
  const ending = (days: number) => made({ date: NOW, keyExpirationTime: days * DAY_S });

  it.each([
    [29, true],
    [30, true],
    [31, false],
  ])('in %i days is soon: %s', async (days, endsSoon) => {
    const key = await accepted(await ending(days));
    expect(key).toMatchObject({ endsSoon, encryptionEnds: new Date(NOW.getTime() + days * DAY_S * 1_000) });
  });

  it('is that of the encryption part when it comes before that of the key', async () => {
    const text = await made({
      date: NOW,
      keyExpirationTime: 900 * DAY_S,
      subkeys: [{ keyExpirationTime: 10 * DAY_S }],
    });
    expect((await accepted(text)).encryptionEnds).toEqual(new Date(NOW.getTime() + 10 * DAY_S * 1_000));
  });

  it('is that of the part that takes over', async () => {
    const { privateKey } = await generateKey({
      userIDs: [{ name: 'made' }],
      date: LONG_AGO,
      format: 'object',
      subkeys: [{ keyExpirationTime: 400 * DAY_S }],
    });
    const both = await privateKey.addSubkey({
      date: new Date(LONG_AGO.getTime() + 1_000),
      keyExpirationTime: 700 * DAY_S,
    });
    const key = await accepted(both.toPublic().armor());
    expect(key.encryptionEnds?.getTime()).toBe(LONG_AGO.getTime() + 1_000 + 700 * DAY_S * 1_000);
  });
});

describe('what is kept of a key', () => {
  it('is nothing that others certified', async () => {
    const before = await readKey({ armoredKey: capturedKey('certified') });
    expect(before.users.map((user) => user.otherCertifications.length)).toEqual([1, 1]);
    const { publicKey, userIds } = await accepted(capturedKey('certified'));
    const kept = await readKey({ binaryKey: publicKey });
    expect(kept.users.map((user) => user.otherCertifications.length)).toEqual([0, 0]);
    expect(userIds).toEqual(['certified <certified@keys.test>', 'Second <second@keys.test>']);
  });

  it('is no picture, and no name without a signature', async () => {
    const key = await readKey({ armoredKey: capturedKey('curve') });
    const packets = key.toPacketList();
    const picture = new UserAttributePacket();
    picture.read(new Uint8Array([3, 1, 1, 1]));
    const list = new PacketList();
    // Behind the signature of the first user id stand a picture with the same signature, and a name that has none.
    list.push(...packets.slice(0, 3), picture, ...packets.slice(2, 3), ...packets.slice(3));
    const withPicture = new PublicKey(list as never);
    expect(withPicture.users.filter(({ userAttribute }) => userAttribute)).toHaveLength(1);
    const { publicKey } = await accepted(withPicture.armor());
    expect((await readKey({ binaryKey: publicKey })).users.map(({ userID }) => userID?.userID)).toEqual([
      'curve <curve@keys.test>',
    ]);
  });
});

describe('a newer copy', () => {
  it('brings a later end', async () => {
    const known = (await readKey({ armoredKey: capturedKey('expired') })).write();
    const newer = await readUploadedKey(capturedKey('expired-extended'));
    if (!newer.ok) throw new Error(newer.fault);
    const merged = await checkKey(await mergeKey(known, newer.key, NOW), NOW);
    expect(merged).toMatchObject({ ok: true, key: { encryptionEnds: new Date('2031-01-31T00:00:00.000Z') } });
  });

  it('brings a revocation, which an older copy does not take back', async () => {
    const [before, after] = await Promise.all(
      ['revoked-before', 'revoked'].map((name) => readKey({ armoredKey: capturedKey(name) })),
    );
    if (!before || !after) throw new Error('no keys');
    for (const [known, newer] of [
      [before, after],
      [after, before],
    ] as const) {
      const merged = await mergeKey(known.write(), newer.toPublic(), NOW);
      expect(await checkKey(merged, NOW)).toEqual({ ok: false, fault: 'revoked' });
    }
  });

  it('is never another key', async () => {
    const known = (await readKey({ armoredKey: capturedKey('curve') })).write();
    const other = await readKey({ armoredKey: capturedKey('rsa') });
    await expect(mergeKey(known, other.toPublic(), NOW)).rejects.toThrow();
    expect(fingerprintOf(other.toPublic())).not.toBe(fingerprintOf(await readKey({ binaryKey: known })));
  });
});

it('encrypts in the form that every GnuPG reads, also to a key that asks for another', async () => {
  const key = await readKey({ armoredKey: await made({ config: { aeadProtect: true } }) });
  const message = await readMessage({ armoredMessage: await encryptText(key.toPublic(), 'K7QM2ZP4\n', NOW) });
  const versions = message.packets.map((packet) => (packet as { version?: number }).version);
  // A session key packet of version 3 and a data packet of version 1: RFC 4880.
  expect(versions).toEqual([3, 1]);
});
