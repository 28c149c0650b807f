import { decrypt, generateKey, type PrivateKey, readMessage, readPrivateKey } from 'openpgp';
import { newId } from '#domain/context/context.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { hmacSha256, sealBytes } from '#lib/crypto.ts';
import { TEST_SIGNER } from '#lib/testing/vault.ts';
import type { Buyer } from './world.ts';

/** A pair of OpenPGP keys as the Mini App makes them. */
export async function makeKeyPair(): Promise<{ privateKey: PrivateKey; publicKey: Uint8Array }> {
  const made = await generateKey({ userIDs: [{ name: 'Hoshi billing' }], format: 'binary', date: new Date(0) });
  return { privateKey: await readPrivateKey({ binaryKey: made.privateKey }), publicKey: made.publicKey };
}

/** Gives a buyer an active key, as proven. Returns what reads their records. */
export async function giveKey(buyer: Pick<Buyer, 'id' | 'ctx'>, expiresAt: Date | null = null): Promise<PrivateKey> {
  const { ctx, id: userId } = buyer;
  const { privateKey, publicKey } = await makeKeyPair();
  const dataKey = await dataKeyOf(ctx, userId);
  const fingerprint = privateKey.getFingerprint();
  const content = { publicKey: Buffer.from(publicKey).toString('base64'), fingerprint, userIds: [] };
  const now = ctx.clock.now();
  await ctx.db.billingKey.create({
    data: {
      id: newId(ctx, 'bky'),
      userId,
      status: 'active',
      sealed: new Uint8Array(sealBytes(dataKey, Buffer.from(JSON.stringify(content)))),
      mark: new Uint8Array(hmacSha256(dataKey, fingerprint)),
      expiresAt,
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
    verificationKeys: TEST_SIGNER.toPublic(),
    expectSigned: true,
    date: new Date('2100-01-01T00:00:00Z'),
  });
  await signatures[0]?.verified;
  return JSON.parse(data) as Record<string, unknown>;
}
