import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createMessage,
  decrypt,
  generateKey,
  readKey,
  readKeys,
  readMessage,
  readPrivateKey,
  readSignature,
  verify,
} from 'openpgp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SANDBOX_VALUES } from './env-modes.ts';
import {
  armorMessage,
  findSigningKey,
  publicKeysOf,
  readEarlierKey,
  readPublicKey,
  readSigner,
  type Signer,
  sealMessage,
  signDetached,
} from './openpgp.ts';
import { capturedKey } from './testing/keys.ts';
import { newSigningKey } from './testing/vault.ts';

const TEXT = '{\n  "hoshi": 1,\n  "item": "パーソナルログ プロ",\n  "amount": "150"\n}\n';
const NOW = new Date('2026-11-27T12:00:00Z');

const has = (program: string) => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

let signer: Signer;
beforeAll(async () => {
  signer = await readSigner(SANDBOX_VALUES.signingKey);
});

describe('the key that signs', () => {
  it.each([
    ['no key', Buffer.from('not a key').toString('base64')],
    ['a public key', null],
  ])('is refused when it is %s', async (_name, given) => {
    const text = given ?? Buffer.from(signer.publicKeys[0].write()).toString('base64');
    await expect(readSigner(text)).rejects.toThrow();
  });

  it('is refused with a passphrase: no server could type it', async () => {
    const { privateKey } = await generateKey({ userIDs: [{ name: 'x' }], format: 'binary', passphrase: 'secret' });
    await expect(readSigner(Buffer.from(privateKey).toString('base64'))).rejects.toThrow();
  });

  it('signs so that anybody can check it, and a changed text is seen', async () => {
    const armored = await signDetached('hoshi audit 2026-11-27', signer, NOW);
    const check = async (text: string) => {
      const { signatures } = await verify({
        message: await createMessage({ text }),
        signature: await readSignature({ armoredSignature: armored }),
        verificationKeys: signer.publicKeys[0],
        date: NOW,
      });
      return signatures[0]?.verified;
    };
    expect(await check('hoshi audit 2026-11-27')).toBe(true);
    await expect(check('hoshi audit 2026-11-28')).rejects.toThrow();
  });
});

describe('keys that signed before', () => {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

  it('are kept as public keys, once each, whatever half is given', async () => {
    const [one, two] = [await newSigningKey(NOW), await newSigningKey(NOW)];
    const given = [one.publicKey, one.privateKey, two.privateKey, SANDBOX_VALUES.signingKey];
    const { publicKeys } = await readSigner(SANDBOX_VALUES.signingKey, await Promise.all(given.map(readEarlierKey)));
    expect(publicKeys.map((key) => base64(key.write()))).toEqual([
      base64(signer.publicKeys[0].write()),
      one.publicKey,
      two.publicKey,
    ]);
    expect(publicKeys.some((key) => key.isPrivate())).toBe(false);
  });

  it('are told apart by what they signed, and no other key counts', async () => {
    const keys = await Promise.all([newSigningKey(NOW), newSigningKey(NOW), newSigningKey(NOW)]);
    const [present, earlier, foreign] = await Promise.all(keys.map(({ privateKey }) => readSigner(privateKey)));
    if (!present || !earlier || !foreign) throw new Error('three keys were made');
    const known = await readSigner(keys[0]?.privateKey ?? '', earlier.publicKeys);
    const foundOf = async (by: Signer) => findSigningKey(known, 'text', await signDetached('text', by, NOW));
    expect(await foundOf(present)).toBe(publicKeysOf(present).fingerprint);
    expect(await foundOf(earlier)).toBe(publicKeysOf(earlier).fingerprint);
    expect(await foundOf(foreign)).toBeNull();
    expect(await findSigningKey(known, 'another', await signDetached('text', earlier, NOW))).toBeNull();
  });

  it('are published in one block, of which a program that reads one key takes the present one', async () => {
    const earlier = await readEarlierKey((await newSigningKey(NOW)).publicKey);
    const { armored, fingerprint } = publicKeysOf(await readSigner(SANDBOX_VALUES.signingKey, [earlier]));
    expect((await readKey({ armoredKey: armored })).getFingerprint().toUpperCase()).toBe(fingerprint);
    const all = await readKeys({ armoredKeys: armored });
    expect(all.map((key) => key.getFingerprint())).toEqual([fingerprint.toLowerCase(), earlier.getFingerprint()]);
  });

  it('may be over their time or have a passphrase', async () => {
    const made = await generateKey({
      userIDs: [{ name: 'x' }],
      format: 'binary',
      date: new Date('2020-01-01T00:00:00Z'),
      keyExpirationTime: 86_400,
      passphrase: 'secret',
    });
    expect((await readEarlierKey(base64(made.privateKey))).isPrivate()).toBe(false);
  });

  it('are refused when they are no key, two, cut off, or nothing can be checked with them', async () => {
    const one = Buffer.from((await newSigningKey(NOW)).publicKey, 'base64');
    const captured = async (name: string) => (await readKey({ armoredKey: capturedKey(name) })).write();
    for (const bytes of [
      Buffer.alloc(300, 9),
      one.subarray(0, -20),
      Buffer.concat([one, one]),
      await captured('revoked'),
      await captured('rsa1024'),
    ])
      await expect(readEarlierKey(base64(bytes))).rejects.toThrow();
  });
});

describe('a message', () => {
  const make = async () => {
    const made = await generateKey({ userIDs: [{ name: 'x' }], format: 'binary', date: new Date(0) });
    return { privateKey: await readPrivateKey({ binaryKey: made.privateKey }), publicKey: made.publicKey };
  };

  it('is read with each key it was made for, and with no other', async () => {
    const [first, second, stranger] = [await make(), await make(), await make()];
    const keys = [await readPublicKey(first.publicKey), await readPublicKey(second.publicKey)];
    const sealed = await sealMessage(TEXT, { keys, signer, date: NOW });
    const read = async (privateKey: typeof first.privateKey) => {
      const { data, signatures } = await decrypt({
        message: await readMessage({ armoredMessage: armorMessage(sealed) }),
        decryptionKeys: privateKey,
        verificationKeys: signer.publicKeys[0],
        date: NOW,
      });
      return [data, await signatures[0]?.verified];
    };
    expect(await read(first.privateKey)).toEqual([TEXT, true]);
    expect(await read(second.privateKey)).toEqual([TEXT, true]);
    await expect(read(stranger.privateKey)).rejects.toThrow();
  });

  it('is never made in part: one key that cannot be encrypted to and there is none', async () => {
    const good = await readPublicKey((await make()).publicKey);
    const expired = await generateKey({
      userIDs: [{ name: 'x' }],
      format: 'binary',
      date: new Date('2020-01-01'),
      keyExpirationTime: 60,
    });
    const keys = [good, await readPublicKey(expired.publicKey)];
    await expect(sealMessage(TEXT, { keys, signer, date: NOW })).rejects.toThrow('expired');
  });

  it('keeps parsed keys, and does not keep what cannot be read', async () => {
    const { publicKey } = await make();
    expect(await readPublicKey(publicKey)).toBe(await readPublicKey(publicKey.slice()));
    await expect(readPublicKey(new Uint8Array([1, 2, 3]))).rejects.toThrow();
  });
});

/** GnuPG in a folder of its own, without a network or an agent that outlives it. */
function openGnupg() {
  const home = mkdtempSync(join(tmpdir(), 'hoshi-gnupg-'));
  const run = (args: string[], input?: string | Uint8Array) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--yes', '--no-auto-key-locate', '--status-fd', '1', ...args], {
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  return {
    run,
    /** Text and status lines of a message that was encrypted to one of its keys. */
    decrypt(message: Uint8Array) {
      const file = join(home, 'message.asc');
      writeFileSync(file, armorMessage(message));
      return run(['--trust-model', 'always', '--decrypt', file]);
    },
    fingerprint: (of: string) => /^fpr:+(\w{40}):/m.exec(run(['--with-colons', '--list-keys', of]))?.[1] ?? '',
    publicKey: (of: string) =>
      execFileSync('gpg', ['--homedir', home, '--batch', '--export', of], { stdio: ['ignore', 'pipe', 'ignore'] }),
    close() {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'], { stdio: 'ignore' });
      rmSync(home, { recursive: true, force: true });
    },
  };
}

describe.runIf(has('gpg'))('GnuPG', () => {
  let gnupg: ReturnType<typeof openGnupg>;
  beforeAll(() => {
    gnupg = openGnupg();
    gnupg.run(['--import'], signer.publicKeys[0].write());
  });
  afterAll(() => gnupg.close());

  /** GnuPG has the text and says that it is from us. */
  const expectRead = (message: Uint8Array) => {
    const said = gnupg.decrypt(message);
    expect(said).toContain(TEXT);
    expect(said).toContain('[GNUPG:] DECRYPTION_OKAY');
    expect(said).toMatch(/\[GNUPG:\] GOODSIG \w+ Hoshi sandbox/);
  };

  it.each([
    ['ed25519 and cv25519', ['future-default']],
    ['two keys of RSA-3072', ['rsa3072', 'default']],
    ['one key of RSA-2048 for all', ['rsa2048', 'cert,sign,encr']],
  ])('reads what was encrypted to a key it made: %s', async (name, algorithm) => {
    const id = `${name.replaceAll(' ', '.')}@example.org`;
    gnupg.run(['--passphrase', '', '--quick-generate-key', id, ...algorithm]);
    if (name.startsWith('two'))
      gnupg.run(['--passphrase', '', '--quick-add-key', gnupg.fingerprint(id), 'rsa3072', 'encr']);
    const key = await readPublicKey(gnupg.publicKey(id));
    expectRead(await sealMessage(TEXT, { keys: [key], signer, date: new Date() }));
  });

  it('reads what was encrypted to a key that the Mini App made', async () => {
    const made = await generateKey({ userIDs: [{ name: 'Hoshi billing' }], format: 'armored' });
    gnupg.run(['--passphrase', '', '--import'], made.privateKey);
    const key = await readPublicKey((await readKey({ armoredKey: made.publicKey })).write());
    expectRead(await sealMessage(TEXT, { keys: [key], signer, date: new Date() }));
  });

  it.runIf(has('sq'))('reads what was encrypted to a key that Sequoia made, whatever that key prefers', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'hoshi-sq-')), 'key.pgp');
    execFileSync('sq', ['key', 'generate', '--userid', 'sq@example.org', '--export', file], { stdio: 'ignore' });
    gnupg.run(['--passphrase', '', '--import', file]);
    const key = await readPublicKey(gnupg.publicKey('sq@example.org'));
    expectRead(await sealMessage(TEXT, { keys: [key], signer, date: new Date() }));
  });

  it('checks a detached signature', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hoshi-signed-'));
    writeFileSync(join(home, 'text'), 'hoshi audit');
    writeFileSync(join(home, 'text.asc'), await signDetached('hoshi audit', signer, new Date()));
    const status = gnupg.run(['--verify', join(home, 'text.asc'), join(home, 'text')]);
    expect(status).toContain('[GNUPG:] GOODSIG');
    rmSync(home, { recursive: true });
  });
});
