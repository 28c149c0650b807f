import { decrypt, generateKey, type PrivateKey, readMessage } from 'openpgp';
import { START } from './world.ts';

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
