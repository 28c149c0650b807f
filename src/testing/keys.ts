import { decrypt, generateKey, type PrivateKey, readMessage } from 'openpgp';
import { markOf, sealKey } from '#domain/billing-key/records.ts';
import { newId } from '#domain/context/context.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { TEST_SIGNER } from '#lib/testing/vault.ts';
import { type Buyer, START } from './world.ts';

/** A key pair of somebody, as their program holds it. */
export type KeyPair = Readonly<{ privateKey: PrivateKey; publicKey: string }>;

/** A key pair made when every world begins. `endsInDays` 0: without an end. */
export async function newKeyPair({ date = START, endsInDays = 0 } = {}): Promise<KeyPair> {
  const { privateKey } = await generateKey({
    userIDs: [{ name: 'Mio', email: 'mio@keys.test' }],
    date,
    keyExpirationTime: endsInDays * 86_400,
    format: 'object',
  });
  return { privateKey, publicKey: privateKey.toPublic().armor() };
}

/** Reads an armoured message with a private key, as `gpg --decrypt` would. */
export async function readWith(privateKey: PrivateKey, armoredMessage: string): Promise<string> {
  const message = await readMessage({ armoredMessage });
  const { data } = await decrypt({ message, decryptionKeys: privateKey });
  return data;
}

/** Gives a person an active key, as proven. Returns what reads their records. */
export async function giveKey(person: Pick<Buyer, 'id' | 'ctx'>): Promise<PrivateKey> {
  const { ctx, id: userId } = person;
  const { privateKey } = await newKeyPair();
  const dataKey = await dataKeyOf(ctx, userId);
  const fingerprint = privateKey.getFingerprint().toUpperCase();
  const publicKey = Buffer.from(privateKey.toPublic().write()).toString('base64');
  const content = { publicKey, fingerprint, userIds: [], algorithm: 'Curve25519', message: null };
  const now = ctx.clock.now();
  await ctx.db.billingKey.create({
    data: {
      id: newId(ctx, 'bky'),
      userId,
      status: 'active',
      sealed: sealKey(content, dataKey),
      mark: markOf(fingerprint, dataKey),
      createdAt: now,
      provenAt: now,
    },
  });
  return privateKey;
}

/** What a record says, and that this server signed it. Throws when either is not so. */
export async function readRecord(ciphertext: Uint8Array, privateKey: PrivateKey): Promise<Record<string, unknown>> {
  const { data, signatures } = await decrypt({
    message: await readMessage({ binaryMessage: ciphertext }),
    decryptionKeys: privateKey,
    verificationKeys: [...TEST_SIGNER.publicKeys],
    expectSigned: true,
    date: new Date('2100-01-01T00:00:00Z'),
  });
  await signatures[0]?.verified;
  return JSON.parse(data) as Record<string, unknown>;
}
