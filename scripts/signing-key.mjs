// npm run signing-key: prints a new SIGNING_KEY, with which a server signs billing records and the heads of its audit.
import { generateKey, readKey } from 'openpgp';

const { privateKey, publicKey } = await generateKey({
  userIDs: [{ name: 'Hoshi billing' }],
  format: 'binary',
  subkeys: [],
});
const key = await readKey({ binaryKey: publicKey });
console.log(`SIGNING_KEY=${Buffer.from(privateKey).toString('base64')}\n`);
console.log(
  `Fingerprint ${key.getFingerprint().toUpperCase()}. Keep it as secret as the other keys, and do not lose it:`,
);
console.log(`what it signed is checked with this public key.\n\n${key.armor()}`);
